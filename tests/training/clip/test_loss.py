import math

import pytest
import torch

from training.clip.config import configure
from training.clip.encoder import DualEncoder
from training.clip.errors import TrainingError
from training.clip.loss import (
    logits_per_image,
    positive_pairs,
    sigmoid_loss,
    symmetric_info_nce,
    unit,
    uses_sigmoid,
)


def test_the_loss_equals_a_hand_computation() -> None:
    logits = torch.tensor([[2.0, 0.0], [1.0, 3.0]])
    rows = [-math.log(math.exp(2) / (math.exp(2) + 1)), -math.log(math.e**3 / (math.e + math.e**3))]
    columns = [
        -math.log(math.e**2 / (math.e**2 + math.e)),
        -math.log(math.e**3 / (1 + math.e**3)),
    ]
    expected = (sum(rows) / 2 + sum(columns) / 2) / 2
    assert symmetric_info_nce(logits, torch.eye(2, dtype=torch.bool)).item() == pytest.approx(
        expected
    )


def test_pairs_with_an_equal_caption_are_not_pushed_apart() -> None:
    positives = positive_pairs(torch.tensor([7, 7, 3]))
    assert positives.tolist() == [[True, True, False], [True, True, False], [False, False, True]]
    logits = torch.tensor([[9.0, 9.0, 0.0], [9.0, 9.0, 0.0], [0.0, 0.0, 9.0]])
    alike = symmetric_info_nce(logits, positives)
    apart = symmetric_info_nce(logits, torch.eye(3, dtype=torch.bool))
    assert alike.item() == pytest.approx((2 * math.log(2) + 0) / 3, abs=1e-3)
    assert apart.item() == pytest.approx(alike.item(), abs=1e-3)
    parted = logits - torch.tensor([[0.0, 6.0, 0.0], [6.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    assert symmetric_info_nce(parted, positives) > alike
    assert symmetric_info_nce(parted, torch.eye(3, dtype=torch.bool)) < apart


def test_rows_are_unit_in_fp32_whatever_comes_in() -> None:
    rows = unit(torch.randn(5, 64, dtype=torch.bfloat16))
    assert rows.dtype == torch.float32
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(5), atol=1e-6, rtol=0)


def test_the_logit_scale_is_clamped_at_100() -> None:
    one = torch.eye(2)
    assert logits_per_image(one, one, torch.tensor(9.0))[0, 0].item() == pytest.approx(100)
    assert logits_per_image(one, one, torch.tensor(1.0))[0, 0].item() == pytest.approx(math.e)


def test_the_sigmoid_loss_equals_a_hand_computation() -> None:
    logits = torch.tensor([[2.0, -1.0], [0.5, 3.0]])
    terms = [math.log1p(math.exp(x)) for x in (-2.0, -1.0, 0.5, -3.0)]
    loss = sigmoid_loss(logits, torch.eye(2, dtype=torch.bool))
    assert loss.item() == pytest.approx(sum(terms) / 2)


def test_the_sigmoid_objective_is_refused_without_its_bias(encoder: DualEncoder) -> None:
    with pytest.raises(TrainingError, match="needs a base with a logit_bias, such as SigLIP"):
        uses_sigmoid(encoder.model, configure("tiny", {"objective": "sigmoid"}))
    assert not uses_sigmoid(encoder.model, configure("tiny", {}))
