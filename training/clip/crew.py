"""The processes of one run: each encodes a share of every batch, all see the loss of the whole."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, gather, reduce
from torch import Tensor
from torch.nn import Parameter


class Alone:
    """One process, which needs nobody."""

    rank, size = 0, 1

    def share(self, total: int) -> slice:
        """The rows of a batch of `total` that this process encodes."""
        return slice(0, total)

    def gathered(self, vectors: Tensor, total: int) -> Tensor:
        """The vectors of all processes, in the order of the batch, without a graph."""
        return vectors

    def add_up(self, parameters: Iterable[Parameter]) -> None:
        """Gradients become the sum over processes."""

    def agreed(self, wish: bool) -> bool:
        """What the first process wishes."""
        return wish

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """The first process ends the block before the others begin it."""
        yield


class Crew(Alone):
    """Needs the environment of torch.distributed (RANK, WORLD_SIZE, MASTER_ADDR, ...)."""

    def __init__(self) -> None:
        self._state = PartialState(cpu=not torch.cuda.is_available())
        self.rank, self.size = self._state.process_index, self._state.num_processes

    def share(self, total: int) -> slice:
        each = -(-total // self.size)
        return slice(min(self.rank * each, total), min((self.rank + 1) * each, total))

    def gathered(self, vectors: Tensor, total: int) -> Tensor:
        each = -(-total // self.size)
        padded = vectors.new_zeros(each, *vectors.shape[1:])
        padded[: len(vectors)] = vectors.detach()
        joined: Tensor = gather(padded)
        return joined[:total]

    def add_up(self, parameters: Iterable[Parameter]) -> None:
        tuned = list(parameters)
        for parameter in tuned:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        grads = [parameter.grad for parameter in tuned if parameter.grad is not None]
        flat = torch.cat([grad.flatten().float() for grad in grads])
        total: Tensor = reduce(flat, reduction="sum")
        parts = torch.split(total, [grad.numel() for grad in grads])
        for grad, summed in zip(grads, parts, strict=True):
            grad.copy_(summed.view_as(grad))

    def agreed(self, wish: bool) -> bool:
        wishes = [wish]
        broadcast_object_list(wishes)
        return wishes[0]

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        with self._state.main_process_first():
            yield

    def leave(self) -> None:
        self._state.destroy_process_group()
        PartialState._reset_state()
