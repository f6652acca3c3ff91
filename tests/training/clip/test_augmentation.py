import numpy as np
import torch

from training.clip.augmentation import draw_variations, varied


def ramp() -> torch.Tensor:
    """Dark on the left, bright on the right, with a red that no other channel has."""
    row = torch.linspace(20, 200, 64)
    grey = row.expand(64, 64)
    return torch.stack([grey, 0.5 * grey, 0.5 * grey])[None].repeat(50, 1, 1, 1)


def test_left_stays_left() -> None:
    changed = varied(ramp(), draw_variations(50, np.random.default_rng(0)))
    assert (changed[..., 8:24].mean((1, 2, 3)) < changed[..., 40:56].mean((1, 2, 3))).all()


def test_pictures_change_mildly_and_each_in_its_own_way() -> None:
    changed = varied(ramp(), draw_variations(50, np.random.default_rng(0)))
    assert changed.shape == (50, 3, 64, 64)
    assert changed.min() >= 0
    assert changed.max() <= 255
    difference = (changed - ramp()).abs().mean((1, 2, 3))
    assert difference.min() > 1
    assert difference.max() < 60
    assert len({round(value, 3) for value in difference.tolist()}) == 50


def test_no_variation_is_the_picture_itself() -> None:
    still = torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0, 1.0, 1.0]]).repeat(50, 1)
    torch.testing.assert_close(varied(ramp(), still), ramp(), atol=0.01, rtol=0)


def test_hues_stay() -> None:
    changed = varied(ramp(), draw_variations(50, np.random.default_rng(1)))
    red, green, blue = changed.unbind(1)
    torch.testing.assert_close(green, blue)
    assert (red.mean((1, 2)) > green.mean((1, 2)) * 1.2).all()
