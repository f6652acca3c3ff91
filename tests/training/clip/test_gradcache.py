"""A batch in parts teaches what the whole batch teaches."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from training.clip import gradcache
from training.clip.crew import Alone
from training.clip.data import Pair
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.loss import logits_per_image, symmetric_info_nce, unit


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    made = torch.Generator().manual_seed(3)
    return torch.randn(24, 10, generator=made), torch.randn(24, 6, generator=made)


def two_towers(dropout: float) -> tuple[torch.nn.Module, torch.nn.Module, torch.nn.Parameter]:
    torch.manual_seed(5)
    towers = [
        torch.nn.Sequential(
            torch.nn.Linear(width, 16), torch.nn.Dropout(dropout), torch.nn.Tanh(),
            torch.nn.Linear(16, 8),
        )
        for width in (10, 6)
    ]  # fmt: skip
    return towers[0], towers[1], torch.nn.Parameter(torch.tensor(2.0))


def gradients(batch: tuple[Tensor, Tensor], part: int, dropout: float = 0.0) -> Any:
    see, read, scale = two_towers(dropout)

    def loss_of(images: Tensor, texts: Tensor) -> Tensor:
        logits = logits_per_image(unit(images), unit(texts), scale)
        return symmetric_info_nce(logits, torch.eye(24, dtype=torch.bool))

    torch.manual_seed(9)
    tuned = [*see.parameters(), *read.parameters(), scale]
    loss = gradcache.backward(
        lambda rows: (see(batch[0][rows]), read(batch[1][rows])), loss_of, tuned, 24, part, Alone()
    )
    return loss, torch.cat([parameter.grad.flatten() for parameter in tuned])


@pytest.mark.parametrize("part", [1, 5, 8, 23])
def test_the_gradient_is_that_of_the_full_batch(batch: tuple[Tensor, Tensor], part: int) -> None:
    whole, parted = gradients(batch, 24), gradients(batch, part)
    assert parted[0] == pytest.approx(whole[0].item(), abs=1e-6)
    assert torch.allclose(parted[1], whole[1], atol=1e-6, rtol=0)


def test_dropout_leaves_out_the_same_in_both_passes(batch: tuple[Tensor, Tensor]) -> None:
    """Else the gradient would be of another loss than the one that was taken."""
    first, second = gradients(batch, 6, dropout=0.4), gradients(batch, 6, dropout=0.4)
    assert torch.equal(first[1], second[1])
    see, read, scale = two_towers(0.4)
    vectors = []
    torch.manual_seed(9)
    for at in range(0, 24, 6):
        vectors.append((see(batch[0][at : at + 6]), read(batch[1][at : at + 6])))
    images, texts = (torch.cat(side) for side in zip(*vectors, strict=True))
    loss = symmetric_info_nce(
        logits_per_image(unit(images), unit(texts), scale), torch.eye(24, dtype=torch.bool)
    )
    loss.backward()  # type: ignore[no-untyped-call]
    tuned = [*see.parameters(), *read.parameters(), scale]
    expected = torch.cat([p.grad.flatten() for p in tuned if p.grad is not None])
    assert torch.allclose(first[1], expected, atol=1e-6, rtol=0)


def test_a_run_in_parts_has_the_losses_of_one_in_whole_batches(
    make_tuner: Callable[[], Any], encoder: DualEncoder, pairs: list[Pair], tmp_path: Path
) -> None:
    whole, parted = make_tuner(), make_tuner()
    settings = {"epochs": 2, "batch_size": 16, "log_every": 1}
    whole.run(encoder, pairs, tmp_path / "whole", **settings)
    parted.run(encoder, pairs, tmp_path / "parted", micro_batch=5, **settings)
    assert [p.loss for p in parted.steps] == pytest.approx([p.loss for p in whole.steps], abs=2e-3)
    assert parted.steps[0].loss == pytest.approx(whole.steps[0].loss, abs=1e-6)


def test_memory_that_runs_out_makes_the_parts_smaller_and_says_so(
    make_tuner: Callable[[], Any],
    encoder: DualEncoder,
    pairs: list[Pair],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real, fits = gradcache.backward, 5

    def small_card(encode: Any, loss_of: Any, tuned: Any, size: int, part: int, crew: Any) -> Any:
        if min(part, size) > fits:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(encode, loss_of, tuned, size, part, crew)

    monkeypatch.setattr(gradcache, "backward", small_card)
    tuner = make_tuner()
    outcome = tuner.run(encoder, pairs, tmp_path / "tuned", epochs=1, batch_size=16)
    assert outcome.steps == 3
    assert [line.split(":")[1].split(",")[0] for line in tuner.notes] == [
        " going on in parts of 7 pairs", " going on in parts of 3 pairs",
    ]  # fmt: skip
    fits = 0
    with pytest.raises(TrainingError, match="does not suffice for a single pair"):
        make_tuner().run(encoder, pairs, tmp_path / "tuned", epochs=1, batch_size=16)
