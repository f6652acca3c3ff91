"""The processes of one run: each encodes a share of every batch, all see the loss of the whole."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import torch
from accelerate import PartialState
from accelerate.utils import broadcast, broadcast_object_list, gather, reduce
from torch import Tensor
from torch.nn import Parameter

# While the first process decodes pictures, the others wait.
LONGEST_WAIT = timedelta(hours=2)


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

    def align(self, parameters: Iterable[Parameter]) -> None:
        """All go on from what the first process has, to the last bit."""

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        """The first process ends the block before the others begin it."""
        yield


class Crew(Alone):
    """Needs the environment of torch.distributed (RANK, WORLD_SIZE, MASTER_ADDR, ...)."""

    def __init__(self) -> None:
        on_cpu = not torch.cuda.is_available()
        try:
            self._state = PartialState(cpu=on_cpu, timeout=LONGEST_WAIT)
        except BaseException:
            # It shares its state with those to come, even half made.
            PartialState._reset_state()
            raise
        self.rank, self.size = self._state.process_index, self._state.num_processes

    def share(self, total: int) -> slice:
        return self._shares(total)[self.rank]

    def gathered(self, vectors: Tensor, total: int) -> Tensor:
        shares = self._shares(total)
        each = shares[0].stop
        padded = vectors.new_zeros(each, *vectors.shape[1:])
        padded[: len(vectors)] = vectors.detach()
        joined: Tensor = gather(padded)
        parts = [
            joined[rank * each : rank * each + mine.stop - mine.start]
            for rank, mine in enumerate(shares)
        ]
        return torch.cat(parts)

    def _shares(self, total: int) -> list[slice]:
        """The first ones have one row more; none is empty if there are as many rows."""
        each, more = divmod(total, self.size)
        starts = [rank * each + min(rank, more) for rank in range(self.size + 1)]
        return [slice(start, end) for start, end in pairwise(starts)]

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

    def align(self, parameters: Iterable[Parameter]) -> None:
        for parameter in parameters:
            parameter.data.copy_(broadcast(parameter.data))

    @contextmanager
    def first_goes_ahead(self) -> Iterator[None]:
        with self._state.main_process_first():
            yield

    def leave(self) -> None:
        self._state.destroy_process_group()
        PartialState._reset_state()
