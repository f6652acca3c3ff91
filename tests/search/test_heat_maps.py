"""Where a picture is like a phrase: warm where it is less like it once a part is blurred away."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.test import Client
from PIL import Image as Pillow

from search import encoding, heat_maps
from search.asking import say
from search.heat_drawing import layer, scale
from search.heat_maps import GRIDS, NoHeatMap, boxes, heat_map, map_of, place_of, spread
from search.models import IndexBuild, Turn
from search.query import wanted
from search.understanding.state import Expansion, Filter, Phrase, QueryState
from search.wire import answer_turn

pytestmark = pytest.mark.django_db(transaction=True)

# Of the one grid of tests that look again and again.
WINDOWS = 3 * 3


@pytest.fixture(scope="session")
def kept_by_all(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("vectors") / "heat-maps"


@pytest.fixture(autouse=True)
def vectors_are_kept(settings: Any, kept_by_all: Path) -> None:
    """The picture that most tests ask about is looked at once."""
    settings.HEAT_MAP_DIR = kept_by_all


@pytest.fixture
def folder(
    settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vectors_are_kept: None
) -> Path:
    """Nothing is kept yet; one coarse grid is soon looked at."""
    monkeypatch.setattr(heat_maps, "GRIDS", (3,))
    settings.HEAT_MAP_DIR = tmp_path / "heat-maps"
    return tmp_path / "heat-maps"


class Looks:
    """How many pictures the encoder was shown."""

    count = 0


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch, tiny_encoder: Any, folder: Path) -> Looks:
    counted, encode = Looks(), type(tiny_encoder).encode_images

    def encode_and_count(self: Any, images: Any, **options: Any) -> Any:
        counted.count += len(images)
        return encode(self, images, **options)

    monkeypatch.setattr(type(tiny_encoder), "encode_images", encode_and_count)
    return counted


def cosines_without(place: tuple[float, float], loss: float = 0.2) -> Any:
    """Cosines of a picture that loses the phrase with every window over one point of it."""
    rows = [(0.5, 0.1)]
    for grid in GRIDS:
        for left, top, right, bottom in boxes(1000, 1000, grid):
            x, y = place[0] * 1000, place[1] * 1000
            hides = left <= x <= right and top <= y <= bottom
            rows.append((0.5 - loss * hides, 0.1))
    return np.array(rows, np.float32)


@pytest.mark.parametrize("grid", GRIDS)
def test_windows_cover_the_picture_and_overlap_by_half(grid: int) -> None:
    covered = np.zeros((90, 120), int)
    for left, top, right, bottom in boxes(120, 90, grid):
        assert 0 <= left < right <= 120
        assert 0 <= top < bottom <= 90
        covered[top:bottom, left:right] += 1
    assert covered.min() == 1
    assert covered.max() == 4
    assert len(boxes(120, 90, grid)) == grid * grid


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ((0.1, 0.1), "upper left"), ((0.5, 0.1), "top"), ((0.9, 0.1), "upper right"),
        ((0.1, 0.5), "left"), ((0.5, 0.5), "middle"), ((0.9, 0.5), "right"),
        ((0.1, 0.9), "lower left"), ((0.5, 0.9), "bottom"), ((0.9, 0.9), "lower right"),
    ],
)  # fmt: skip
def test_what_the_picture_cannot_do_without_is_the_warmest(
    place: tuple[float, float], words: str
) -> None:
    heat = map_of(cosines_without(place))
    assert heat.where == words
    assert heat.peak == pytest.approx(place, abs=0.15)
    assert place_of(heat.peak) == words
    assert heat.values.max() == pytest.approx(1)
    assert heat.values.min() == 0
    assert heat.cosines == pytest.approx((0.5, 0.3, 0.5))


def test_a_single_grid_gives_the_scores_of_its_own_windows() -> None:
    heat = map_of(cosines_without((0.9, 0.1)), grid=3)
    assert heat.values.shape == (3, 3)
    assert heat.values.argmax() == 2


def test_where_no_part_matters_the_map_is_even_and_pale() -> None:
    heat = map_of(cosines_without((0.9, 0.1), loss=0.0005))
    assert heat.where == "even"
    assert heat.values.max() < 0.6


def test_what_is_lost_for_all_texts_alike_says_nothing_about_the_phrase() -> None:
    cosines = cosines_without((0.9, 0.1))
    alike = np.column_stack([cosines[:, 0], cosines[:, 0] - 0.1])
    assert map_of(alike).where == "even"


def test_a_map_of_windows_is_level_where_they_are_and_smooth_between() -> None:
    assert spread(np.full((5, 5), 0.3, np.float32)) == pytest.approx(np.full((14, 14), 0.3))
    rising = spread(np.tile(np.arange(4, dtype=np.float32), (4, 1)))
    assert np.all(np.diff(rising, axis=1) >= 0)
    assert np.all(np.diff(rising, axis=0) == 0)


def test_warmer_is_lighter_and_denser_and_cool_lets_the_picture_through() -> None:
    def pixels(address: str) -> Any:
        import base64
        import io

        data = base64.b64decode(address.removeprefix("data:image/webp;base64,"))
        return np.asarray(Pillow.open(io.BytesIO(data)).convert("RGBA"), int)

    row = pixels(scale())[0]
    assert row[0, 3] == 0
    assert row[-1, 3] < 200
    assert np.all(np.diff(row[:, 3]) >= -2)
    warm = row[row[:, 3] > 40]
    lightness = warm[:, :3] @ (0.2126, 0.7152, 0.0722)
    assert lightness[-1] - lightness[0] > 60
    values = np.zeros((14, 14), np.float32)
    values[2, 11] = 1
    drawn = pixels(layer(values))[..., 3]
    assert np.unravel_index(drawn.argmax(), drawn.shape) == pytest.approx((20, 92), abs=8)


def test_the_next_phrase_about_a_picture_encodes_no_picture(
    build: IndexBuild, images: dict[str, Any], looks: Looks
) -> None:
    first = heat_map(build, images["knee"], "meniscus")
    assert looks.count == 1 + WINDOWS
    again = heat_map(build, images["knee"], "meniscus")
    other = heat_map(build, images["knee"], "effusion")
    assert looks.count == 1 + WINDOWS
    assert again.values == pytest.approx(first.values, abs=0.02)
    assert not np.allclose(first.values, other.values, atol=0.02)


def test_another_model_looks_for_itself(
    build: IndexBuild, images: dict[str, Any], looks: Looks, folder: Path
) -> None:
    heat_map(build, images["knee"], "meniscus")
    [kept] = folder.glob("*.npy")
    kept.rename(folder / f"{images['knee'].sha256}-{'0' * 16}.npy")
    heat_map(build, images["knee"], "meniscus")
    assert looks.count == 2 * (1 + WINDOWS)


def test_what_was_not_asked_about_longest_is_forgotten(
    build: IndexBuild, images: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heat_maps, "MOST_KEPT", 2)
    for seconds, name in enumerate(("knee", "brain")):
        heat_map(build, images[name], "meniscus")
        [path] = folder.glob(f"{images[name].sha256}*")
        os.utime(path, (seconds, seconds))
    heat_map(build, images["knee"], "meniscus")
    heat_map(build, images["colon"], "meniscus")
    left = {path.name.split("-")[0] for path in folder.glob("*.npy")}
    assert left == {images["knee"].sha256, images["colon"].sha256}


def test_one_picture_is_looked_at_at_a_time(
    build: IndexBuild, images: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heat_maps, "LONGEST_WAIT", 0.01)
    with heat_maps._looking, pytest.raises(NoHeatMap, match="busy"):
        heat_map(build, images["knee"], "meniscus")
    heat_map(build, images["knee"], "meniscus")


def test_a_file_that_is_gone_is_told_in_a_sentence(
    build: IndexBuild, images: dict[str, Any], folder: Path
) -> None:
    Path(images["knee"].file.path).unlink()
    with pytest.raises(NoHeatMap, match="cannot be read"):
        heat_map(build, images["knee"], "meniscus")
    heat_map(build, images["brain"], "meniscus")


def test_where_nothing_can_be_kept_the_map_is_there_all_the_same(
    build: IndexBuild, images: dict[str, Any], folder: Path, looks: Looks
) -> None:
    folder.write_text("in the way")
    for times in (1, 2):
        assert heat_map(build, images["knee"], "meniscus").values.max() <= 1
        assert looks.count == times * (1 + WINDOWS)


@pytest.mark.parametrize("left_by_a_crash", [b"", b"\x93NUMPY\x01\x00"])
def test_a_kept_file_that_cannot_be_read_is_made_again(
    build: IndexBuild, images: dict[str, Any], folder: Path, looks: Looks, left_by_a_crash: bytes
) -> None:
    first = heat_map(build, images["knee"], "meniscus")
    [kept] = folder.glob("*.npy")
    kept.write_bytes(left_by_a_crash)
    again = heat_map(build, images["knee"], "meniscus")
    assert np.array_equal(again.values, first.values)
    assert looks.count == 2 * (1 + WINDOWS)
    assert np.load(kept).shape[0] == 1 + WINDOWS


def test_a_search_looks_for_its_phrases_and_the_words_of_its_filters() -> None:
    state = QueryState(
        phrases=(
            Phrase("ground glass", position=10),
            Phrase("arrow", excluded=True, position=2),
            Phrase("tube", weight=-1.0, position=4),
        ),
        filters=(
            Filter("modality", ("ct",), words="CT", position=0),
            Filter("anatomy", (), ("knee",), words="not knee", position=5),
        ),
        expansions=(Expansion("GGO", "ground glass"),),
    )
    assert wanted(state) == ["CT", "ground glass"]


def test_the_api_gives_the_map_in_numbers(
    build: IndexBuild, images: dict[str, Any], browser: Client
) -> None:
    address = f"/api/v1/images/{images['knee'].pk}/heat-map"
    answer = browser.get(address, {"phrase": " torn  meniscus "}).json()
    assert answer["phrase"] == "torn meniscus"
    assert answer["grid"] == len(answer["values"]) == len(answer["values"][0]) == 14
    assert all(0 <= value <= 1 for row in answer["values"] for value in row)
    assert answer["cosine"]["lowest"] <= answer["cosine"]["highest"]
    assert isinstance(answer["where"], str)
    single = browser.get(address, {"phrase": "torn meniscus", "grid": "5"}).json()
    assert single["grid"] == len(single["values"]) == 5


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({}, "Say in phrase"), ({"phrase": "  "}, "Say in phrase"),
        ({"phrase": "a" * 501}, "at most 500 characters"),
        ({"phrase": "a", "grid": "8"}, "from 3 to 7"), ({"phrase": "a", "grid": "2"}, "from 3"),
        ({"phrase": "a", "grid": "four"}, "whole number"),
    ],
)  # fmt: skip
def test_a_bad_phrase_or_grid_is_told_in_a_sentence(
    build: IndexBuild, images: dict[str, Any], browser: Client,
    parameters: dict[str, str], sentence: str,
) -> None:  # fmt: skip
    response = browser.get(f"/api/v1/images/{images['brain'].pk}/heat-map", parameters)
    assert response.status_code == 400
    assert sentence in response.json()["detail"]


def test_without_a_model_there_is_one_clear_sentence(
    build: IndexBuild, images: dict[str, Any], browser: Client, folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def missing(_build: IndexBuild) -> None:
        raise encoding.EncoderUnavailable("/secret/folder is gone")

    monkeypatch.setattr(heat_maps, "encoder_of", missing)
    pk = images["knee"].pk
    told = browser.get(f"/api/v1/images/{pk}/heat-map", {"phrase": "meniscus"})
    page = browser.get(f"/images/{pk}/heat-map", {"phrase": "meniscus"})
    assert (told.status_code, page.status_code) == (503, 503)
    for text in (told.content.decode(), page.content.decode()):
        assert "No model can read pictures just now" in text
        assert "/secret" not in text


def test_before_anything_is_indexed_it_says_what_to_do(
    images: dict[str, Any], browser: Client
) -> None:
    pk = images["knee"].pk
    for address in (f"/api/v1/images/{pk}/heat-map", f"/images/{pk}/heat-map"):
        response = browser.get(address, {"phrase": "meniscus"})
        assert response.status_code == 503
        assert "index build" in response.content.decode()


def test_the_map_is_for_people_who_are_logged_in(
    build: IndexBuild, images: dict[str, Any], looks: Looks
) -> None:
    pk = images["knee"].pk
    assert Client().get(f"/api/v1/images/{pk}/heat-map", {"phrase": "a"}).status_code == 403
    assert Client().get(f"/images/{pk}/heat-map", {"phrase": "a"}).status_code == 302
    assert looks.count == 0


def test_the_page_shows_the_map_over_the_picture_and_says_it_in_words(
    build: IndexBuild, images: dict[str, Any], browser: Client
) -> None:
    pk = images["knee"].pk
    response = browser.get(f"/images/{pk}/heat-map", {"phrase": 'torn "meniscus"'})
    page = response.content.decode()
    assert f'src="/images/{pk}/file"' in page
    assert 'class="heat-layer" src="data:image/webp;base64,' in page
    assert "Heat map of “torn &quot;meniscus&quot;” over the picture." in page
    assert str(response.context["where"]) in page
    assert "A hint, not a measurement" in page
    part = browser.get(f"/images/{pk}/heat-map", {"phrase": "meniscus", "part": "1"})
    assert part.content.decode().startswith("<figure")
    assert browser.get(f"/images/{pk}/heat-map", {"phrase": ""}).status_code == 400
    assert browser.get("/images/999999/heat-map", {"phrase": "knee"}).status_code == 404


def ask(user: Any, utterance: str) -> Turn:
    turn = say(user, utterance, None, {})
    async_to_sync(answer_turn)(turn)
    return turn


def test_the_panel_offers_a_map_for_each_phrase_and_computes_none_by_itself(
    build: IndexBuild, images: dict[str, Any], editor: Any, browser: Client, looks: Looks
) -> None:
    turn = ask(editor, "chest x-ray with pleural effusion without arrows")
    address = f"/images/{images['effusion'].pk}/about"
    page = browser.get(address, {"turn": turn.pk}).content.decode()
    assert "heat-map?part=1&amp;phrase=pleural%20effusion" in page
    assert page.count("data-src") == len(wanted(turn.query_state)) > 1
    assert "arrows" not in page
    assert looks.count == 0
    assert "heat-fold" not in browser.get(address, {"turn": ""}).content.decode()


def test_the_page_of_an_image_leads_to_the_map_without_javascript(
    build: IndexBuild, images: dict[str, Any], editor: Any, browser: Client
) -> None:
    turn = ask(editor, "pleural effusion")
    pk = images["effusion"].pk
    page = browser.get(f"/images/{pk}/", {"turn": turn.pk}).content.decode()
    assert f'<noscript><a href="/images/{pk}/heat-map?phrase=pleural%20effusion">' in page
    assert f'<form class="heat-form" action="/images/{pk}/heat-map">' in page
    hits = browser.get(f"/c/{turn.conversation_id}/").content.decode()
    assert f'href="/images/{pk}/?turn={turn.pk}"' in hits


@pytest.mark.parametrize("page", ["", "about"])
def test_with_a_turn_that_is_not_ones_own_or_gone_the_image_is_there_without_its_words(
    build: IndexBuild, images: dict[str, Any], browser: Client, django_user_model: Any, page: str
) -> None:
    turn = ask(django_user_model.objects.create_user("stranger"), "pleural effusion")
    address = f"/images/{images['knee'].pk}/{page}"
    for named in (turn.pk, turn.pk + 1, "x", "9" * 30):
        answer = browser.get(address, {"turn": named})
        assert answer.status_code == 200
        assert "pleural" not in answer.content.decode()
        assert f"turn={named}" not in answer.content.decode()


def test_a_frame_reaches_the_map_and_its_addresses_stay_below_the_frame(
    build: IndexBuild, images: dict[str, Any], browser: Client
) -> None:
    pk = images["knee"].pk
    part = browser.get(f"/embed/own/images/{pk}/heat-map", {"phrase": "meniscus", "part": "1"})
    assert part.status_code == 200
    assert f'src="/embed/own/images/{pk}/file"' in part.content.decode()
    api = browser.get(f"/embed/own/api/v1/images/{pk}/heat-map", {"phrase": "meniscus"})
    assert api.status_code == 200
