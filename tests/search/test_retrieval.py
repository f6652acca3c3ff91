"""One search end to end over a real index; the model is untrained, so only its algebra counts."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync

from search import encoding, wire
from search.asking import with_examples
from search.engine import engine
from search.models import IndexBuild
from search.retrieval import Finished, LegHits, NothingIndexed, retrieve
from search.understanding.state import Filter, ImageReference, Phrase, QueryState

pytestmark = pytest.mark.django_db(transaction=True)

EFFUSION = QueryState(phrases=(Phrase("pleural effusion"),))


def events(state: QueryState, build: IndexBuild | None) -> list[Any]:
    async def collect() -> list[Any]:
        return [event async for event in retrieve(state, build)]

    return async_to_sync(collect)()


def found(state: QueryState, build: IndexBuild) -> list[int]:
    return [hit.image_id for hit in events(state, build)[-1].hits]


def names(state: QueryState, build: IndexBuild, images: dict[str, Any]) -> list[str]:
    by_id = {image.pk: name for name, image in images.items()}
    return [by_id[image_id] for image_id in found(state, build)]


def test_legs_arrive_in_order_and_the_summary_last(build: IndexBuild) -> None:
    got = events(EFFUSION, build)
    assert [e.leg for e in got if isinstance(e, LegHits)] == ["lexical", "semantic", "fused"]
    assert isinstance(got[-1], Finished)
    assert got[-1].total == 8


def test_alpha_zero_is_exactly_the_lexical_leg_and_one_the_semantic(build: IndexBuild) -> None:
    lexical, semantic = replace(EFFUSION, mode="lexical"), replace(EFFUSION, mode="semantic")
    assert found(replace(EFFUSION, alpha=0.0), build) == found(lexical, build)
    assert found(replace(EFFUSION, alpha=1.0), build) == found(semantic, build)


def test_the_hybrid_order_holds_both_legs(build: IndexBuild, images: dict[str, Any]) -> None:
    assert set(names(EFFUSION, build, images)) == set(images)
    assert names(replace(EFFUSION, mode="lexical"), build, images)[0] == "effusion"


def test_a_caption_that_denies_a_finding_ranks_below_those_that_assert_it(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    assert "without pleural effusion" in images["clear"].caption
    hits = events(replace(EFFUSION, mode="lexical"), build)[-1].hits
    assert [hit.image_id for hit in hits] == [images["effusion"].pk, images["clear"].pk]
    assert hits[1].bm25 < hits[0].bm25 / 5
    radiograph = QueryState(phrases=(Phrase("radiograph"),), mode="lexical")
    assert names(radiograph, build, images) == ["clear"]


def test_excluding_a_finding_keeps_the_captions_that_deny_it(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    state = QueryState(phrases=(Phrase("chest"), Phrase("pleural effusion", excluded=True)))
    got = names(state, build, images)
    assert "clear" in got
    assert "effusion" not in got


def test_every_candidate_has_its_true_cosine(build: IndexBuild, images: dict[str, Any]) -> None:
    encoder = encoding.encoder_of(build)
    query = encoder.encode_texts(["pleural effusion"])[0]
    vectors = async_to_sync(async_to_sync(engine().open)(build.generation).embeddings)(
        [image.pk for image in images.values()]
    )
    for hit in events(EFFUSION, build)[-1].hits:
        assert hit.cosine == pytest.approx(float(vectors[hit.image_id] @ query), abs=1e-4)
        assert hit.bm25_part + hit.cosine_part == pytest.approx(hit.score, abs=1e-6)


def test_filters_and_exclusions_hold_in_every_leg(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    state = replace(
        EFFUSION,
        filters=(Filter("modality", included=("ct",)),),
        phrases=(*EFFUSION.phrases, Phrase("stent", excluded=True)),
    )
    for event in events(state, build):
        if isinstance(event, LegHits):
            assert {hit.image_id for hit in event.hits} <= {images["stone"].pk}
    assert events(state, build)[-1].total == 1


def test_a_quoted_phrase_must_stand_in_the_caption(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    state = QueryState(phrases=(Phrase("renal calculus", quoted=True),))
    assert names(state, build, images) == ["stone"]


def test_an_image_alone_finds_its_neighbours_and_never_itself(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    state = QueryState(images=(ImageReference(images["knee"].pk),))
    got = names(state, build, images)
    assert "knee" not in got
    assert len(got) == 7
    index = async_to_sync(engine().open)(build.generation)
    vectors = async_to_sync(index.embeddings)([image.pk for image in images.values()])
    target = vectors[images["knee"].pk]
    expected = sorted(set(images) - {"knee"}, key=lambda n: -float(vectors[images[n].pk] @ target))
    assert got == expected


def test_an_image_with_its_caption_also_matches_words(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    alone = with_examples(QueryState(), [images["effusion"].pk], captions=False)
    both = with_examples(QueryState(), [images["effusion"].pk], captions=True)
    assert "lexical" not in {e.leg for e in events(alone, build) if isinstance(e, LegHits)}
    lexical = next(e for e in events(both, build) if isinstance(e, LegHits) and e.leg == "lexical")
    assert images["clear"].pk in {hit.image_id for hit in lexical.hits}


def test_a_disliked_image_pushes_its_like_down(build: IndexBuild, images: dict[str, Any]) -> None:
    liked = ImageReference(images["knee"].pk)
    first = found(QueryState(images=(liked,)), build)[0]
    pushed = QueryState(images=(liked, ImageReference(first, weight=-0.9)))
    assert first not in found(pushed, build)


def test_filters_alone_list_what_passes_them(build: IndexBuild, images: dict[str, Any]) -> None:
    state = QueryState(filters=(Filter("modality", included=("mri",)),))
    assert names(state, build, images) == ["knee", "brain"]


def test_the_union_of_pages_is_one_big_page(build: IndexBuild) -> None:
    whole = async_to_sync(wire.answer)(EFFUSION, build, limit=100)["hits"]
    pages = [
        async_to_sync(wire.answer)(EFFUSION, build, offset=o, limit=3)["hits"] for o in (0, 3, 6)
    ]
    assert [hit for page in pages for hit in page] == whole


def test_asking_again_on_the_same_generation_gives_the_same(build: IndexBuild) -> None:
    assert found(EFFUSION, build) == found(EFFUSION, build)


def test_without_a_live_index_it_says_what_to_do() -> None:
    with pytest.raises(NothingIndexed, match="index build"):
        events(EFFUSION, None)


def test_a_foreign_encoder_is_refused_and_the_words_still_answer(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    build.checkpoint.fingerprint = "0" * 64
    last = events(EFFUSION, build)[-1]
    assert last.hits[0].image_id == images["effusion"].pk
    assert "nonsense" in last.notices[0]


def test_an_encoder_that_does_not_load_leaves_the_words(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    encoding._load.cache_clear()
    build.checkpoint.folder = "/nowhere"
    last = events(EFFUSION, build)[-1]
    assert last.hits[0].semantic_rank is None
    assert last.notices[0].startswith("Searching captions only.")


def test_the_query_vector_is_pushed_away_from_what_is_excluded(build: IndexBuild) -> None:
    state = QueryState(phrases=(Phrase("knee"), Phrase("zebra", excluded=True)))
    encoder = encoding.encoder_of(build)
    knee, zebra = encoder.encode_texts(["knee", "zebra"])
    vector = knee - 0.3 * zebra
    vector /= np.linalg.norm(vector)
    index = async_to_sync(engine().open)(build.generation)
    for hit in events(state, build)[-1].hits:
        embedding = async_to_sync(index.embeddings)([hit.image_id])[hit.image_id]
        assert hit.cosine == pytest.approx(float(embedding @ vector), abs=1e-4)
