"""Image files: what is taken in, where it is kept, and what is shown of it."""

import hashlib
import io
import os
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from django.conf import settings
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from ingest.errors import BadPicture
from ingest.likeness import picture_hash

FORMATS = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "TIFF": "tif", "BMP": "bmp", "GIF": "gif"}
THUMBNAIL_SIDE = 480
METADATA = {"exif", "xmp", "photoshop", "comment", "XML:com.adobe.xmp", "Raw profile type exif"}


@dataclass(frozen=True)
class Picture:
    """A checked image: its hashes, the extension of its true format, its upright size."""

    data: bytes
    sha256: str
    extension: str
    width: int
    height: int
    thumbnail: bytes
    perceptual_hash: str


def read_picture(data: bytes) -> Picture:
    """Check and measure. Raises BadPicture for anything that is not a picture of sane size."""
    upright = _upright(data)
    thumbnail = upright.convert("RGB")
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Pillow.Resampling.LANCZOS)
    return Picture(
        data=data,
        sha256=hashlib.sha256(data).hexdigest(),
        extension=FORMATS[_open(data).format or ""],
        width=upright.width,
        height=upright.height,
        thumbnail=_encoded(thumbnail, "WEBP", quality=82, method=2),
        perceptual_hash=picture_hash(thumbnail),
    )


def store(picture: Picture) -> tuple[str, str]:
    """Write the file and its thumbnail once; returns both names under MEDIA_ROOT."""
    folder = f"images/{picture.sha256[:2]}"
    names = (
        f"{folder}/{picture.sha256}.{picture.extension}",
        f"{folder}/{picture.sha256}.thumb.webp",
    )
    for name, data in zip(names, (picture.data, picture.thumbnail), strict=True):
        _write_once(Path(settings.MEDIA_ROOT) / name, data)
    return names


def hash_of_thumbnail(name: str) -> str:
    """The perceptual hash of a picture that was stored before hashes were; "" if it is gone."""
    try:
        with Pillow.open(Path(settings.MEDIA_ROOT) / name) as thumbnail:
            return picture_hash(thumbnail)
    except (OSError, ValueError):
        return ""


def part_of(data: bytes, left: float, top: float, width: float, height: float) -> Pillow.Image:
    """
    What lies within shares, from 0 to 1, of an upright picture's width and height; at least a
    pixel. Raises BadPicture for what is no picture.
    """
    picture = _upright(data)
    w, h = picture.size
    x, y = min(int(left * w), w - 1), min(int(top * h), h - 1)
    right, bottom = min(round((left + width) * w), w), min(round((top + height) * h), h)
    return picture.crop((x, y, max(right, x + 1), max(bottom, y + 1)))


def part_of_thumbnail(data: bytes, left: float, top: float, width: float, height: float) -> bytes:
    """The same of a thumbnail, as WebP."""
    return _encoded(part_of(data, left, top, width, height), "WEBP", quality=82, method=2)


def without_metadata(path: Path) -> tuple[bytes, str]:
    """Bytes and media type fit for a browser; EXIF and the like never leave the server."""
    data = path.read_bytes()
    image = _open(data)
    if image.format in {"JPEG", "PNG", "WEBP"} and not METADATA & image.info.keys():
        return data, f"image/{image.format.lower()}"
    upright = _upright(data)
    if upright.mode in {"L", "RGB"} and image.format == "JPEG":
        return _encoded(upright, "JPEG", quality=95), "image/jpeg"
    return _encoded(upright.convert("RGB"), "PNG"), "image/png"


def _upright(data: bytes) -> Pillow.Image:
    image = _open(data)
    try:
        image.load()
        return ImageOps.exif_transpose(_eight_bit(image))
    except (OSError, ValueError, SyntaxError, MemoryError) as exc:
        raise BadPicture("the image is damaged or cut short") from exc


def _eight_bit(image: Pillow.Image) -> Pillow.Image:
    """16-bit and float greys are stretched to 8 bits; Pillow's own conversion would clip them."""
    if image.mode not in {"I", "F", "I;16", "I;16B", "I;16L"}:
        return image
    low, high = cast(tuple[float, float], image.convert("F").getextrema())
    scale = 255 / max(high - low, 1e-9)
    return image.convert("F").point(lambda value: value * scale - low * scale).convert("L")


def _open(data: bytes) -> Pillow.Image:
    if not data:
        raise BadPicture("the file is empty (0 bytes)")
    if len(data) > settings.MAX_IMAGE_BYTES:
        raise BadPicture(f"the file is larger than {settings.MAX_IMAGE_BYTES >> 20} MiB")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            image = Pillow.open(io.BytesIO(data), formats=list(FORMATS))
    except Pillow.DecompressionBombError as exc:
        raise BadPicture("the image has far too many pixels") from exc
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as exc:
        raise BadPicture(_what_it_is_instead(data)) from exc
    if image.width * image.height > settings.MAX_IMAGE_PIXELS:
        raise BadPicture(
            f"the image has {image.width} × {image.height} pixels, more than "
            f"{settings.MAX_IMAGE_PIXELS // 1_000_000} million"
        )
    return image


def _what_it_is_instead(data: bytes) -> str:
    head = data[:500].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in head:
        return "not a pixel image but SVG"
    if head.startswith((b"<!doctype html", b"<html")):
        return "not an image but an HTML page"
    return f"not an image of a known format ({', '.join(sorted(FORMATS))})"


def _encoded(image: Pillow.Image, format_name: str, **options: int) -> bytes:
    buffer = io.BytesIO()
    image.info.clear()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def _write_once(path: Path, data: bytes) -> None:
    """Write aside and rename, so that a killed worker never leaves half a file."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(aside, 0o644)
    os.replace(aside, path)
