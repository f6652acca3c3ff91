import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from ingest.errors import BadPicture
from ingest.pictures import read_picture, store, without_metadata


def encoded(image: Pillow.Image, format_name: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def with_exif() -> bytes:
    image = Pillow.new("RGB", (40, 20), "teal")
    exif = Pillow.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010F] = "Camera of Mrs Example"
    return encoded(image, "JPEG", exif=exif)


def test_size_is_that_of_the_upright_image() -> None:
    picture = read_picture(with_exif())
    assert (picture.width, picture.height) == (20, 40)


def test_no_derivative_keeps_exif(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    file, thumbnail = store(read_picture(with_exif()))
    shown, media_type = without_metadata(tmp_path / file)
    assert media_type == "image/jpeg"
    assert b"Mrs Example" in (tmp_path / file).read_bytes()
    assert b"Mrs Example" not in shown
    assert b"Mrs Example" not in (tmp_path / thumbnail).read_bytes()
    assert Pillow.open(io.BytesIO(shown)).size == (20, 40)


def test_thumbnails_are_webp_within_480_pixels() -> None:
    data = encoded(Pillow.new("L", (2000, 1000)), "PNG")
    thumbnail = Pillow.open(io.BytesIO(read_picture(data).thumbnail))
    assert (thumbnail.format, thumbnail.size) == ("WEBP", (480, 240))


def test_sixteen_bit_greys_keep_their_contrast() -> None:
    ramp = np.linspace(1000, 5000, 64 * 64).reshape(64, 64).astype(np.uint16)
    thumbnail = Pillow.open(
        io.BytesIO(read_picture(encoded(Pillow.fromarray(ramp), "PNG")).thumbnail)
    )
    low, high = thumbnail.convert("L").getextrema()
    assert low < 10
    assert high > 245


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"])
def test_every_common_mode_gets_a_thumbnail(mode: str) -> None:
    format_name = "TIFF" if mode == "CMYK" else "PNG"
    assert read_picture(encoded(Pillow.new(mode, (8, 8)), format_name)).thumbnail


def test_a_file_is_written_once_and_under_its_hash(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path
    picture = read_picture(encoded(Pillow.new("L", (8, 8)), "PNG"))
    file, _ = store(picture)
    written = (tmp_path / file).stat().st_mtime_ns
    store(picture)
    assert picture.sha256 in file
    assert (tmp_path / file).stat().st_mtime_ns == written
    assert len(list(tmp_path.rglob("*.*"))) == 2


def test_a_file_over_the_limit_is_refused(settings: Any) -> None:
    settings.MAX_IMAGE_BYTES = 100
    with pytest.raises(BadPicture, match="larger than"):
        read_picture(encoded(Pillow.effect_noise((50, 50), 90), "PNG"))
