"""A heat map as a layer to lay over its picture, and the scale beside it."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

# Even steps of lightness from violet to yellow ("plasma" of Matplotlib, CC0): told apart by
# lightness alone, whatever colours an eye sees.
COLOURS = np.array(
    [
        (13, 8, 135), (84, 2, 163), (139, 10, 165), (185, 50, 137),
        (219, 92, 104), (244, 136, 73), (254, 188, 43), (240, 249, 33),
    ],
    np.float32,
)  # fmt: skip
# The picture stays visible beneath: nothing is laid over what is cooler than CLEAR.
CLEAR, DENSEST = 0.45, 0.7
# The layer is this many pixels wide and high; the browser stretches it over the picture.
LAYER = 112


def layer(values: NDArray[np.float32]) -> str:
    """Values of 0 to 1, (rows, columns), as the address (data:) of a WebP with transparency."""
    fine = Pillow.fromarray(values.astype(np.float32)).resize(
        (LAYER, LAYER), Pillow.Resampling.BICUBIC
    )
    return _address(np.clip(np.asarray(fine), 0, 1))


def scale() -> str:
    """All colours from cool to warm, as such an address."""
    return _address(np.linspace(0, 1, LAYER, dtype=np.float32)[None, :])


def _address(values: NDArray[np.float32]) -> str:
    stops = np.linspace(0, 1, len(COLOURS))
    colours = [np.interp(values, stops, COLOURS[:, channel]) for channel in range(3)]
    opacity = np.clip((values - CLEAR) / (1 - CLEAR), 0, 1) * DENSEST * 255
    pixels = np.stack([*colours, opacity], axis=2).round().astype(np.uint8)
    buffer = io.BytesIO()
    Pillow.fromarray(pixels).save(buffer, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(buffer.getvalue()).decode()}"
