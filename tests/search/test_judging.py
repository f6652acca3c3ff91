"""The search judged end to end over a real index; the model is untrained, so words decide."""

import json
from typing import Any

import numpy as np
import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client

from ingest.models import Collection, Image
from jobs.running import run
from search import wire
from search.admin import alpha_chart
from search.asking import read, with_settings
from search.encoding import EncoderUnavailable
from search.engines.base import EngineError
from search.indexing import build_index
from search.judging import ALPHAS, judge_search, metrics_of, pool_of, rank_of
from search.models import IndexBuild, LiveIndex, SearchEvaluation
from search.query_forms import FORMS, WRAPS, as_people_ask, first_sentence, noun_phrases_of
from training.models import Checkpoint

pytestmark = pytest.mark.django_db(transaction=True)

UTTERANCES = ["pleural effusion", "MRI of the knee", "show me gallstones, not CT", "x-ray"]


def judge(build: IndexBuild, **over: Any) -> SearchEvaluation:
    image = Image.objects.all()[0]
    Image.objects.update(split="test")
    job = SearchEvaluation.objects.create(collection=image.collection, **over)
    run(job, judge_search)
    job.refresh_from_db()
    return job


def metric(job: SearchEvaluation, form: str, mode: str, alpha: float | None = None) -> float:
    found = next(f for f in job.result["forms"] if f["form"] == form)
    chosen = next(m for m in found["modes"] if (m["mode"], m["alpha"]) == (mode, alpha))
    return float(chosen["metrics"]["mrr@10"])


def product_order(build: IndexBuild, utterance: str, **controls: Any) -> list[int]:
    state = with_settings(read(utterance).state, controls)
    hits = async_to_sync(wire.answer)(state, build, limit=100)["hits"]
    return [hit["image_id"] for hit in hits]


@pytest.mark.parametrize("utterance", UTTERANCES)
def test_one_pool_orders_as_the_product_does_in_every_mode(
    build: IndexBuild, utterance: str
) -> None:
    pool, _ = pool_of(read(utterance).state, build)
    orders = {("hybrid", alpha): {"alpha": alpha} for alpha in ALPHAS}
    orders |= {(mode, None): {"mode": mode} for mode in ("lexical", "semantic")}
    orders[("rrf", None)] = {"fusion": "rrf"}
    for (mode, alpha), controls in orders.items():
        ours = [hit.image_id for hit in pool.ranked(mode, alpha)]
        assert ours == product_order(build, utterance, **controls), (mode, alpha)


def test_the_scores_at_one_half_are_those_that_are_shown(build: IndexBuild) -> None:
    state = read("pleural effusion").state
    pool, _ = pool_of(state, build)
    shown = async_to_sync(wire.answer)(state, build, limit=100)["hits"]
    for ours, hit in zip(pool.ranked("hybrid", 0.5), shown, strict=True):
        assert (ours.image_id, ours.rank) == (hit["image_id"], hit["rank"])
        assert ours.score == pytest.approx(hit["score"], abs=1e-4)


def test_without_its_words_an_image_is_found_by_its_picture_alone(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    own = images["effusion"].pk
    pool, _ = pool_of(read(images["effusion"].caption_clean).state, build)
    masked = pool.without_words_of(own)
    assert pool.ranked("lexical")[0].image_id == own
    assert own not in {hit.image_id for hit in masked.ranked("lexical")}
    assert masked.ranked("semantic") == pool.ranked("semantic")
    assert {c.bm25 for c in masked.candidates if c.image_id == own} == {0.0}
    others = {c.image_id: c for c in pool.candidates if c.image_id != own}
    assert {c.image_id: c for c in masked.candidates if c.image_id != own} == others
    assert rank_of(own, masked.ranked("hybrid", 0.3)) > rank_of(own, pool.ranked("hybrid", 0.3))


def test_an_image_that_only_its_words_brought_leaves_the_pool(
    build: IndexBuild, images: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("search.retrieval.POOL", 1)
    for name in images:
        own = images[name].pk
        pool, _ = pool_of(read(images[name].caption_clean).state, build)
        by_picture = {match.image_id for match in pool.semantic}
        masked = pool.without_words_of(own)
        assert {c.image_id for c in masked.candidates} == {
            c.image_id for c in pool.candidates if c.image_id != own or own in by_picture
        }


def test_masked_is_the_default_and_takes_the_words_away(build: IndexBuild) -> None:
    masked, plain = judge(build), judge(build, masked=False)
    assert metric(masked, "full caption", "lexical") == 0
    assert metric(plain, "full caption", "lexical") == 1
    for form in FORMS:
        assert metric(masked, form, "semantic") == metric(plain, form, "semantic")


def test_a_row_names_protocol_candidates_data_and_build(build: IndexBuild) -> None:
    job = judge(build)
    assert job.status == "succeeded"
    assert (job.build, len(job.dataset_hash)) == (build, 64)
    told = job.result
    assert (told["protocol"], told["direction"]) == ("search-v1", "query→image")
    assert (told["candidates"], told["queries"], told["masked"]) == (8, 8, True)
    assert [form["form"] for form in told["forms"]] == list(FORMS)
    for form in told["forms"]:
        assert len(form["modes"]) == 14
        assert 0 < form["latency"]["p50"] <= form["latency"]["p95"]
        for mode in form["modes"]:
            for name, (low, high) in mode["intervals"].items():
                assert low <= mode["metrics"][name] <= high


def test_the_ends_of_alpha_are_the_legs(build: IndexBuild) -> None:
    job = judge(build, masked=False)
    for form in FORMS:
        assert metric(job, form, "hybrid", 0.0) == metric(job, form, "lexical")
        assert metric(job, form, "hybrid", 1.0) == metric(job, form, "semantic")


def test_no_more_captions_are_asked_than_wanted_and_always_the_same(build: IndexBuild) -> None:
    first, second = judge(build, most_queries=3), judge(build, most_queries=3)
    assert first.result["queries"] == 3
    assert first.dataset_hash == second.dataset_hash
    assert first.dataset_hash != judge(build, most_queries=4).dataset_hash


def test_images_that_came_after_the_build_are_not_asked_for(
    build: IndexBuild, images: dict[str, Any]
) -> None:
    late = Image.objects.get(pk=images["knee"].pk)
    late.pk, late.external_id = None, "late"
    late.save()
    assert judge(build).result["queries"] == 8


def test_without_a_live_index_or_images_in_it_a_sentence_says_so(
    build: IndexBuild,
) -> None:
    with pytest.raises(EngineError, match="no captioned image of the train split"):
        judge(build, split="train")
    LiveIndex.objects.all().delete()
    with pytest.raises(EngineError, match="Nothing is indexed yet"):
        judge(build)


def test_numbers_of_half_a_search_are_not_kept(
    build: IndexBuild, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*args: Any, **values: Any) -> None:
        raise EngineError("down")

    monkeypatch.setattr("search.engines.lance.LanceIndex.lexical", refuse)
    with pytest.raises(EngineError, match="The search by words is not available just now"):
        judge(build)
    assert SearchEvaluation.objects.get().result == {}


def test_a_foreign_encoder_is_told_before_anything_is_asked(build: IndexBuild) -> None:
    IndexBuild.objects.update(fingerprint="0" * 64)
    with pytest.raises(EncoderUnavailable, match="would give nonsense"):
        judge(build)


def test_metrics_of_one_right_answer() -> None:
    table = metrics_of(np.array([1.0, 4.0, 10.0, 11.0, np.inf]))
    assert table["mrr@10"].tolist() == [1, 1 / 4, 1 / 10, 0, 0]
    assert table["recall@10"].tolist() == [1, 1, 1, 0, 0]
    assert table["ndcg@10"] == pytest.approx([1, 1 / np.log2(5), 1 / np.log2(11), 0, 0])


def test_forms_of_a_caption() -> None:
    caption = "Fig. 2. Axial CT of the abdomen. A stone (arrow) is seen."
    assert first_sentence(caption) == "Fig. 2. Axial CT of the abdomen."
    assert first_sentence("No full stop") == "No full stop"
    assert noun_phrases_of("Renal calculus in the left kidney").split(", ")[0] == "Renal calculus"
    assert noun_phrases_of("of the") == "of the"
    assert as_people_ask("Axial CT of the head.", 0) == "show me axial CT of the head"
    assert as_people_ask("CT of the head.", 0) == "show me CT of the head"
    assert len({as_people_ask("Knee.", place) for place in range(9)}) == len(WRAPS)


def test_the_live_checkpoint_is_the_one_of_the_live_build(
    build: IndexBuild, checkpoint: Checkpoint
) -> None:
    def live() -> list[str]:
        return list(Checkpoint.objects.filter(is_live=True).values_list("name", flat=True))

    assert live() == ["tiny"]
    other = Checkpoint.objects.create(
        name="other", folder=checkpoint.folder, base="", dimension=checkpoint.dimension,
        fingerprint=checkpoint.fingerprint,
    )  # fmt: skip
    second = IndexBuild.objects.create(checkpoint=other, promote_when_done=False)
    run(second, build_index)
    assert live() == ["tiny"]
    second.refresh_from_db()
    second.promote()
    assert live() == ["other"]
    build.promote()
    assert live() == ["tiny"]


def test_a_promotion_that_fails_leaves_the_live_checkpoint(
    build: IndexBuild, checkpoint: Checkpoint
) -> None:
    other = Checkpoint.objects.create(name="other", folder="", base="", dimension=1)
    with pytest.raises(ValueError, match="verified"):
        IndexBuild.objects.create(checkpoint=other).promote()
    assert list(Checkpoint.objects.filter(is_live=True)) == [checkpoint]


def test_the_command_prints_a_table_or_json(
    build: IndexBuild, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.objects.update(split="test")
    name = Collection.objects.get().name
    call_command("evaluate_search", collection=name, queries=2, unmasked=True)
    table = capsys.readouterr().out
    assert "search-v1 query→image, unmasked, 2 captions, 8 candidates" in table
    assert "hybrid 0.5" in table
    call_command("evaluate_search", collection=name, queries=2, json=True)
    told = json.loads(capsys.readouterr().out)
    assert (told["masked"], told["queries"]) == (True, 2)
    with pytest.raises(CommandError, match="no collection 'gone'"):
        call_command("evaluate_search", collection="gone")
    with pytest.raises(CommandError, match="at least 1"):
        call_command("evaluate_search", collection=name, queries=0)


def test_the_page_shows_the_table_and_the_curve(admin_client: Client, build: IndexBuild) -> None:
    job = judge(build, most_queries=2)
    page = admin_client.get(f"/admin/clipsite_search/searchevaluation/{job.pk}/change/")
    text = page.content.decode()
    assert text.count("<polyline") == len(FORMS)
    assert "hybrid, α = 0.5" in text
    assert "2 captions in 4 forms" in text
    assert admin_client.get("/admin/clipsite_search/searchevaluation/").status_code == 200


def test_a_start_says_what_it_asks_and_needs_the_permission(
    admin_client: Client, django_user_model: Any, build: IndexBuild
) -> None:
    Image.objects.update(split="test")
    url = "/admin/clipsite_search/searchevaluation/add/"
    form = {"collection": Collection.objects.get().pk, "split": "test", "most_queries": 5}
    asked = admin_client.post(url, form).content.decode()
    assert "asks the live index 20 questions, 5 captions of the test split" in asked
    user = django_user_model.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_searchevaluation"))
    client = Client()
    client.force_login(user)
    assert client.post(url, form).status_code == 403
    assert not SearchEvaluation.objects.exists()


def test_the_curve_rises_with_its_values() -> None:
    modes = [{"alpha": alpha, "metrics": {"mrr@10": alpha / 2}} for alpha in (0.0, 1.0)]
    by_rank = {"alpha": None, "metrics": {"mrr@10": 0.9}}
    drawn = alpha_chart([{"form": "full caption", "modes": [*modes, by_rank]}]).svg()
    points = drawn.split('points="')[1].split('"')[0].split()
    (left, bottom), (right, top) = (map(float, point.split(",")) for point in points)
    assert left < right
    assert top < bottom


def test_the_migration_marks_the_checkpoint_that_answers(
    build: IndexBuild, checkpoint: Checkpoint
) -> None:
    from importlib import import_module

    from django.apps import apps

    Checkpoint.objects.update(is_live=False)
    migration = import_module("search.migrations.0003_search_evaluations")
    migration.mark_the_checkpoint_that_is_live(apps, None)
    assert Checkpoint.objects.get(pk=checkpoint.pk).is_live
