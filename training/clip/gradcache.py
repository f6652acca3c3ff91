"""Any batch on small memory: the gradient of the whole batch, the towers run in parts.

Gao, Zhang, Han and Callan, "Scaling Deep Contrastive Learning Batch Size under Memory Limited
Setup", RepL4NLP 2021. The vectors of all parts are made without a graph, the loss is taken over
all of them, and its gradient by the vectors is carried into the towers part by part. Costs a
second forward pass.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from training.clip.crew import Alone

Rows = slice
# Image and text vectors of a part of the batch, not yet unit.
Encode = Callable[[Rows], tuple[Tensor, Tensor]]
# Both vectors of the whole batch to its loss.
Loss = Callable[[Tensor, Tensor], Tensor]
# States of the random number generators: of the processor, and of each card.
Lots = tuple[Tensor, list[Tensor]]


def backward(
    encode: Encode,
    loss_of: Loss,
    parameters: Sequence[Parameter],
    size: int,
    part: int,
    crew: Alone,
) -> Tensor:
    """
    Leave the gradient of a batch of `size` on the parameters; returns its loss, detached. Of
    several processes each encodes its share, and all leave the same gradient.
    """
    if crew.size == 1 and part >= size:
        loss = loss_of(*encode(slice(0, size)))
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()
    mine = crew.share(size)
    parts = [slice(at, min(at + part, mine.stop)) for at in range(mine.start, mine.stop, part)]
    states, vectors = _without_graph(encode, parts)
    images, texts = (
        crew.gathered(torch.cat(side), size).requires_grad_() for side in zip(*vectors, strict=True)
    )
    loss = loss_of(images, texts)
    loss.backward()  # type: ignore[no-untyped-call]
    # What the loss alone reaches (the scale) has its whole gradient in every process.
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad /= crew.size
    wanted = (images.grad, texts.grad)
    for rows, state in zip(parts, states, strict=True):
        # The same lots as before, so that dropout leaves out the same.
        with torch.random.fork_rng():
            _set_lots(state)
            made = encode(rows)
        learned = [
            (vector, gradient[rows])
            for vector, gradient in zip(made, wanted, strict=True)
            if vector.requires_grad and gradient is not None
        ]
        if learned:
            vectors_of_part, gradients = zip(*learned, strict=True)
            torch.autograd.backward(vectors_of_part, gradients)
    crew.add_up(parameters)
    return loss.detach()


def _without_graph(
    encode: Encode, parts: Sequence[Rows]
) -> tuple[list[Lots], list[tuple[Tensor, Tensor]]]:
    states, vectors = [], []
    with torch.no_grad():
        for rows in parts:
            states.append(_lots())
            vectors.append(encode(rows))
    return states, vectors


def _lots() -> Lots:
    on_cards = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return torch.get_rng_state(), on_cards


def _set_lots(state: Lots) -> None:
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])
