from pathlib import Path

from PIL import Image, ImageOps


def open_image(image: Path | Image.Image) -> Image.Image:
    """
    Upright RGB, transparency on white; raises OSError with the file's name when it cannot be
    decoded.
    """
    if isinstance(image, Image.Image):
        return _upright_rgb(image)
    try:
        with Image.open(image) as opened:
            return _upright_rgb(opened)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise OSError(f"The image {image} cannot be read ({problem}).") from problem


def _upright_rgb(image: Image.Image) -> Image.Image:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I") or upright.mode == "F":
        return _scaled_to_8_bits(upright)
    if upright.has_transparency_data:
        coloured = upright.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", coloured.size, "white"), coloured).convert(
            "RGB"
        )
    return upright.convert("RGB")


def _scaled_to_8_bits(image: Image.Image) -> Image.Image:
    """Pillow would clip 12 and 16 bit grey at 255, which leaves a white square."""
    grey = image.convert("F")
    low, high = grey.getextrema()
    scale = 255 / max(float(high) - float(low), 1e-6)  # type: ignore[arg-type]
    return grey.point(lambda value: value * scale - float(low) * scale).convert("RGB")  # type: ignore[arg-type]
