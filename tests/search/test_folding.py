"""Images that look the same share one place: of a list of hashes, then of a whole search."""

import hashlib
import re
import time
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from ingest.likeness import BITS, COPY
from search import wire
from search.asking import read
from search.folding import Look, fold, groups
from search.fusion import Ranked
from search.judging import pool_of
from search.models import IndexBuild
from search.understanding.state import Phrase, QueryState

EFFUSION = QueryState(phrases=(Phrase("pleural effusion"),))
BYTES = BITS // 8


def random_hash(seed: int) -> str:
    return np.random.default_rng(seed).bytes(BYTES).hex()


def flipped(hexed: str, bits: int) -> str:
    """The same hash with its last `bits` bits turned over."""
    return f"{int(hexed, 16) ^ ((1 << bits) - 1):064x}"


def look(number: int, perceptual_hash: str | None = None) -> Look:
    own = random_hash(number) if perceptual_hash is None else perceptual_hash
    return Look(hashlib.sha256(bytes([number % 256, number // 256])).hexdigest(), own)


def test_a_copy_of_a_better_ranked_image_folds_under_it_and_one_bit_further_does_not() -> None:
    looks = {1: look(1), 2: look(2, flipped(random_hash(1), COPY))}
    looks[3] = look(3, flipped(random_hash(1), COPY + 1))
    assert groups([1, 2, 3], looks) == {1: (2,), 3: ()}


def test_the_better_ranked_one_keeps_the_place_whatever_its_number() -> None:
    looks = {1: look(1), 2: look(2), 9: look(9, flipped(random_hash(1), 3))}
    assert groups([9, 2, 1], looks) == {9: (1,), 2: ()}


def test_what_is_like_a_folded_image_only_keeps_its_place() -> None:
    first = random_hash(1)
    second, third = flipped(first, COPY), flipped(first, 2 * COPY)
    looks = {1: look(1, first), 2: look(2, second), 3: look(3, third)}
    assert groups([1, 2, 3], looks) == {1: (2,), 3: ()}
    assert groups([2, 1, 3], looks) == {2: (1, 3)}


def test_the_same_bytes_fold_also_where_one_or_both_were_never_hashed() -> None:
    one, two = look(1, ""), look(2)
    looks = {1: one, 2: Look(one.sha256, ""), 3: two, 4: Look(two.sha256, "")}
    assert groups([1, 2, 3, 4], looks) == {1: (2,), 3: (4,)}


def test_images_never_hashed_are_not_like_each_other() -> None:
    assert groups([1, 2], {1: look(1, ""), 2: look(2, "")}) == {1: (), 2: ()}


def test_an_image_that_is_gone_keeps_its_place_and_an_empty_list_is_empty() -> None:
    assert groups([7, 8], {8: look(8)}) == {7: (), 8: ()}
    assert groups([], {}) == {}


def test_a_thousand_blank_pictures_share_one_place() -> None:
    ids = list(range(1000))
    assert groups(ids, {i: look(i, "0" * 64) for i in ids}) == {0: tuple(ids[1:])}


def test_the_groups_are_those_that_comparing_one_by_one_gives() -> None:
    chance = np.random.default_rng(5)
    centres = [int(random_hash(n), 16) for n in range(40)]
    hashes = {}
    for n in range(400):
        turned = sum(1 << int(bit) for bit in chance.choice(BITS, chance.integers(0, COPY), False))
        hashes[n] = f"{centres[n % 40] ^ turned:064x}"
    ranked = [int(n) for n in chance.permutation(400)]
    expected: dict[int, list[int]] = {}
    for n in ranked:
        alike = (
            h for h in expected if (int(hashes[h], 16) ^ int(hashes[n], 16)).bit_count() <= COPY
        )
        head = next(alike, None)
        if head is None:
            expected[n] = []
        else:
            expected[head].append(n)
    got = groups(ranked, {n: look(n, hashes[n]) for n in ranked})
    assert list(got.items()) == [(head, tuple(under)) for head, under in expected.items()]
    assert 40 < len(got) < 400


def test_a_thousand_images_are_folded_before_anybody_waits() -> None:
    looks = {i: look(i) for i in range(1000)}
    times = []
    for _ in range(5):
        since = time.perf_counter()
        groups(list(looks), looks)
        times.append(time.perf_counter() - since)
    assert min(times) < 0.05


def test_places_are_numbered_without_gaps_and_scores_stay() -> None:
    pool = [Ranked(i, i, 1.0 / i, bm25_part=0.5 / i, cosine_part=0.5 / i) for i in (1, 2, 3)]
    hits = fold(pool, {1: look(1), 2: look(2, random_hash(1)), 3: look(3)})
    assert [(hit.rank, hit.image_id, hit.similar) for hit in hits] == [(1, 1, (2,)), (2, 3, ())]
    assert [hit.score for hit in hits] == [1.0, 1.0 / 3]


# --- In a search


def ids(response: Any) -> list[int]:
    return [hit["image_id"] for hit in response["hits"]]


def answer(build: IndexBuild, **page: int) -> Any:
    return async_to_sync(wire.answer)(EFFUSION, build, **page)


def make_alike(images: list[Any]) -> None:
    for distance, image in enumerate(images):
        image.perceptual_hash = flipped(random_hash(1), distance)
        image.save()


def check_copies_share_a_place(build: IndexBuild, images: dict[str, Any]) -> None:
    """Of the eight images, on whichever engine the build lives."""
    before = ids(answer(build))
    by_id = {image.pk: image for image in images.values()}
    make_alike([by_id[before[place]] for place in (6, 1, 4)])
    got = answer(build)
    assert ids(got) == [i for i in before if i not in (before[4], before[6])]
    assert [hit["rank"] for hit in got["hits"]] == [1, 2, 3, 4, 5, 6]
    similar = {hit["image_id"]: hit["similar"] for hit in got["hits"] if hit["similar"]}
    assert similar == {before[1]: [before[4], before[6]]}
    assert (got["total"], got["ranked"], got["folded"]) == (8, 6, 2)
    for hit in got["hits"]:
        assert hit["bm25_part"] + hit["cosine_part"] == pytest.approx(hit["score"], abs=1e-6)


@pytest.mark.django_db(transaction=True)
def test_copies_share_a_place_and_the_order_of_the_rest_stays(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    check_copies_share_a_place(build, images)


@pytest.fixture
def folded(build: IndexBuild, images: dict[str, Any]) -> list[int]:
    """The second and the third of "pleural effusion" look the same; the order before."""
    before = ids(answer(build))
    by_id = {image.pk: image for image in images.values()}
    make_alike([by_id[before[1]], by_id[before[2]]])
    return before


@pytest.mark.django_db(transaction=True)
def test_pages_have_neither_gaps_nor_doubles(build: IndexBuild, folded: list[int]) -> None:
    pages = [ids(answer(build, offset=offset, limit=2)) for offset in (0, 2, 4, 6)]
    assert [image_id for page in pages for image_id in page] == [folded[0], folded[1], *folded[3:]]


@pytest.mark.django_db(transaction=True)
def test_the_third_one_is_the_third_place(
    build: IndexBuild, folded: list[int], browser: Client
) -> None:
    post = {"path": "/api/v1/turns", "content_type": "application/json"}
    turn = browser.post(data={"utterance": "pleural effusion"}, **post).json()
    more = browser.post(
        data={"utterance": "more like the third one", "conversation": turn["conversation"]}, **post
    ).json()
    assert [image["image_id"] for image in more["state"]["images"]] == [turn["hits"][2]["image_id"]]
    assert turn["hits"][2]["image_id"] == ids(answer(build))[2] == folded[3]


@pytest.mark.django_db(transaction=True)
def test_judging_a_search_still_sees_every_image(build: IndexBuild, folded: list[int]) -> None:
    pool, _ = pool_of(read("pleural effusion").state, build)
    assert {one.image_id for one in pool.candidates} == set(folded)


@pytest.mark.django_db(transaction=True)
def test_an_export_names_what_shares_a_place(
    build: IndexBuild, folded: list[int], browser: Client
) -> None:
    rows = browser.get("/api/v1/search/export.json", {"q": "pleural effusion"}).json()["images"]
    assert [row["image_id"] for row in rows] == [folded[0], folded[1], *folded[3:]]
    assert [row["similar"] for row in rows] == ["", str(folded[2]), *[""] * 5]


@pytest.mark.django_db(transaction=True)
def test_without_javascript_a_link_leads_from_the_card_to_what_is_folded(
    build: IndexBuild, folded: list[int], browser: Client
) -> None:
    page = browser.get("/search", {"q": "pleural effusion"}).content.decode()
    assert "7 ranked of 8, 1 similar folded" in page
    shown = [
        link for link in re.findall(r'<a class="hit-similar".*?</a>', page) if "hidden" not in link
    ]
    assert len(shown) == 1
    address = re.search(r'href="([^"]+)"', shown[0])
    assert address
    response = browser.get(address[1])
    assert [image.pk for image in response.context["similar"]] == [folded[2]]
    assert f'data-figure="{folded[2]}"' in response.content.decode()
    assert f"/compare?ids={folded[1]},{folded[2]}" in response.content.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("named", ["", "x", "999999", "-1", "1e3", ",,", "0" * 50, "²"])
def test_an_address_that_names_no_similar_image_shows_the_image_alone(
    browser: Client, images: dict[str, Any], named: str
) -> None:
    response = browser.get(f"/images/{images['knee'].pk}/", {"similar": named})
    assert response.status_code == 200
    assert "They look the same" not in response.content.decode()
