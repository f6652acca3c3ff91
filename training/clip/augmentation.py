"""Mild changes to pictures in training, drawn by lot and applied to whole batches."""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

SMALLEST_SIDE = 0.8
LARGEST_TURN = np.radians(8.0)
LIGHT = 0.25


def draw_variations(count: int, rng: np.random.Generator) -> Tensor:
    """(count, 7): width, height, two shifts and turn of what is cut out, brightness, contrast."""
    width, height = rng.uniform(SMALLEST_SIDE, 1, (2, count))
    right, down = rng.uniform(-1, 1, (2, count)) * (1 - np.stack([width, height]))
    turn = rng.uniform(-LARGEST_TURN, LARGEST_TURN, count)
    brightness, contrast = rng.uniform(1 - LIGHT, 1 + LIGHT, (2, count))
    drawn = np.stack([width, height, right, down, turn, brightness, contrast], axis=1)
    return torch.from_numpy(drawn.astype(np.float32))


def varied(pixels: Tensor, variations: Tensor) -> Tensor:
    """
    A mild crop, turn and change of light; (n, 3, h, w) of 0 to 255, float in and out. Never
    mirrored, for left and right are findings, and never recoloured, for stains are too. In fp32
    always: places in bf16 are off by half a pixel.
    """
    with torch.autocast(pixels.device.type, enabled=False):
        return _varied(pixels, *variations.to(pixels.device).T)


def _varied(
    pixels: Tensor,
    width: Tensor,
    height: Tensor,
    right: Tensor,
    down: Tensor,
    turn: Tensor,
    brightness: Tensor,
    contrast: Tensor,
) -> Tensor:
    cosine, sine = turn.cos(), turn.sin()
    cut = torch.stack(
        [
            torch.stack([width * cosine, -height * sine, right], dim=1),
            torch.stack([width * sine, height * cosine, down], dim=1),
        ],
        dim=1,
    )
    grid = functional.affine_grid(cut, list(pixels.shape), align_corners=False)
    moved = functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)
    lit = moved * brightness[:, None, None, None]
    middle = lit.mean(dim=(1, 2, 3), keepdim=True)
    shown: Tensor = (lit - middle) * contrast[:, None, None, None] + middle
    return shown.clamp(0, 255)
