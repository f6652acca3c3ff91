import random

from PIL import Image, ImageEnhance

SMALLEST_SIDE = 0.8
LARGEST_TURN = 8.0
LIGHT = 0.25


def varied(image: Image.Image, rng: random.Random) -> Image.Image:
    """
    A mild crop, turn and change of light of an RGB image. Never mirrored, for left and right
    are findings, and never recoloured, for stains are too.
    """
    turned = _cropped(image, rng).rotate(
        rng.uniform(-LARGEST_TURN, LARGEST_TURN), Image.Resampling.BILINEAR
    )
    lit = ImageEnhance.Brightness(turned).enhance(rng.uniform(1 - LIGHT, 1 + LIGHT))
    return ImageEnhance.Contrast(lit).enhance(rng.uniform(1 - LIGHT, 1 + LIGHT))


def _cropped(image: Image.Image, rng: random.Random) -> Image.Image:
    width, height = (max(1, round(side * rng.uniform(SMALLEST_SIDE, 1))) for side in image.size)
    left = rng.randint(0, image.width - width)
    top = rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))
