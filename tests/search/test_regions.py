"""A part of an image as an example: what counts is what lies within it, and nothing else."""

import gc
import io
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image as Pillow

from ingest.pictures import part_of
from search import encoding, query_images, wire
from search.models import IndexBuild
from search.regions import parameters_of, region_in
from search.understanding.state import ImageReference, InvalidState, QueryState
from search.understanding.wire import read_region, state_from_json

pytestmark = pytest.mark.django_db(transaction=True)

UPPER_RIGHT = (0.5, 0.0, 0.5, 0.25)


def png(picture: Pillow.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def quartered(size: tuple[int, int] = (200, 100)) -> Pillow.Image:
    """Black, with its upper right quarter white."""
    picture = Pillow.new("L", size)
    picture.paste(255, (size[0] // 2, 0, size[0], size[1] // 2))
    return picture


def test_a_part_is_cut_by_shares_of_the_upright_picture() -> None:
    picture = quartered()
    assert np.asarray(part_of(png(picture), 0.5, 0.0, 0.5, 0.5)).min() == 255
    assert np.asarray(part_of(png(picture), 0.0, 0.0, 0.5, 1.0)).max() == 0
    assert part_of(png(picture), 0.999, 0.999, 0.05, 0.05).size == (1, 1)
    turned = Pillow.new("RGB", (100, 200))
    exif = turned.getexif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    turned.save(buffer, "JPEG", exif=exif)
    assert part_of(buffer.getvalue(), 0.0, 0.0, 1.0, 0.5).size == (200, 50)


@pytest.mark.parametrize("region", [UPPER_RIGHT, (0.0, 0.0, 1.0, 1.0), (0.3333, 0.1, 0.05, 0.9)])
def test_an_address_gives_back_the_part_it_was_made_of(region: Any) -> None:
    from django.http import QueryDict

    assert region_in(QueryDict(parameters_of(region)).dict()) == region


@pytest.mark.parametrize(
    "parameters",
    [
        {"left": "10"},
        {"left": "x", "top": "0", "width": "10", "height": "10"},
        {"left": "nan", "top": "0", "width": "10", "height": "10"},
        {"left": "60", "top": "0", "width": "50", "height": "10"},
        {"left": "0", "top": "0", "width": "1", "height": "10"},
    ],
)
def test_what_is_no_part_is_refused_in_a_sentence(
    parameters: dict[str, str], browser: Client, images: dict[str, Any]
) -> None:
    with pytest.raises(InvalidState):
        region_in(parameters)
    pk = images["knee"].pk
    assert browser.get("/api/v1/search", {"like": pk, **parameters}).status_code == 400
    assert browser.get(f"/images/{pk}/thumbnail", parameters).status_code == 400


def test_a_part_beyond_the_picture_is_told_in_no_other_unit_than_it_was_typed_in() -> None:
    beyond = {"left": "60", "top": "0", "width": "50", "height": "10"}
    with pytest.raises(InvalidState, match=r"picture, with its width and height\.$"):
        region_in(beyond)


@pytest.mark.parametrize("left", [0.9504, 0.95, 0.9508787, 0.5004])
def test_what_lies_a_hair_beyond_the_edge_is_read_alike_from_then_on(left: float) -> None:
    state = QueryState(images=(ImageReference(7, region=read_region([left, 0, 0.05, 1.0])),))
    assert state_from_json(state.as_json()) == state
    [image] = state.images
    assert image.region is not None
    assert image.region[0] + image.region[2] <= 1.0


def test_the_search_goes_by_the_vector_of_the_part_alone(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    knee = images["knee"]
    state = QueryState(images=(ImageReference(knee.pk, region=UPPER_RIGHT),))
    answer = async_to_sync(wire.answer)(state, build)
    cut = part_of(Path(knee.file.path).read_bytes(), *UPPER_RIGHT)
    vector = encoding.picture_vector(build, cut)
    whole = encoding.picture_vector(build, Pillow.open(knee.file.path))
    assert not np.allclose(vector, whole, atol=1e-3)
    for hit in answer["hits"]:
        other = next(image for image in images.values() if image.pk == hit["image_id"])
        its = encoding.picture_vector(build, Pillow.open(other.file.path))
        assert hit["cosine"] == pytest.approx(float(its @ vector), abs=1e-4)
    assert knee.pk not in [hit["image_id"] for hit in answer["hits"]]
    [chip] = answer["chips"]
    assert (chip["label"], chip["region"]) == (f"Like part of image {knee.pk}", UPPER_RIGHT)


def test_an_encoder_that_made_way_for_others_is_not_kept_for_the_parts_it_read(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    encoding.region_vector(build, images["knee"].file.name, UPPER_RIGHT)
    before = weakref.ref(encoding.encoder_of(build))
    encoding._load.cache_clear()
    assert encoding.encoder_of(build) is not before()
    gc.collect()
    assert before() is None


def test_a_file_that_is_gone_leaves_the_example_out_and_says_so(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    Path(images["knee"].file.path).unlink()
    state = QueryState(images=(ImageReference(images["knee"].pk, region=UPPER_RIGHT),))
    answer = async_to_sync(wire.answer)(state, build)
    assert any("could not be read" in notice for notice in answer["notices"])


def test_the_label_shows_the_part(build: IndexBuild, browser: Client, images: Any) -> None:
    pk = images["knee"].pk
    query = {"like": pk, "left": "50", "top": "0", "width": "50", "height": "25"}
    body = browser.get("/api/v1/search", query).json()
    assert body["state"]["images"][0]["region"] == list(UPPER_RIGHT)
    shown = browser.get(body["chips"][0]["thumbnail_url"])
    whole = Pillow.open(io.BytesIO(browser.get(f"/images/{pk}/thumbnail").content))
    part = Pillow.open(io.BytesIO(shown.content))
    assert part.size == (round(whole.width / 2), round(whole.height / 4))
    page = browser.get("/search", query).content.decode()
    assert f"Like part of image {pk}" in page
    opened = browser.get(body["link"]["path"]).content.decode()
    assert f"Like part of image {pk}" in opened


def test_the_page_of_an_image_asks_for_a_part_of_it_without_a_script(
    browser: Client, images: dict[str, Any]
) -> None:
    page = browser.get(f"/images/{images['knee'].pk}/").content.decode()
    assert f'name="like" value="{images["knee"].pk}"' in page
    for side in ("left", "top", "width", "height"):
        assert f'type="number" name="{side}"' in page


def test_a_part_of_a_picture_of_ones_own_is_cut_when_it_is_added(
    build: IndexBuild, browser: Client, editor: Any, settings: Any, tmp_path: Path
) -> None:
    settings.QUERY_IMAGE_DIR = tmp_path / "query-images"
    picture = quartered()
    image = SimpleUploadedFile("mine.png", png(picture))
    sides = {"left": 50, "top": 0, "width": 50, "height": 50}
    added = browser.post("/api/v1/query-images", {"image": image, **sides})
    assert added.status_code == 201, added.content
    kept = query_images.find(editor.pk, added.json()["upload"])
    assert kept is not None
    cut = picture.crop((100, 0, 200, 50))
    assert np.allclose(kept.vector, encoding.picture_vector(build, cut), atol=1e-5)
    preview = Pillow.open(io.BytesIO(kept.preview)).convert("L")
    assert np.asarray(preview).min() > 250
    image.seek(0)
    refused = browser.post("/api/v1/query-images", {"image": image, **sides, "left": "x"})
    assert (refused.status_code, "left" in refused.json()["detail"]) == (400, True)
