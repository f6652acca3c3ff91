"""Evaluations as jobs and pages: real encoding by small untrained models of a few pictures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client

from ingest.models import Collection, Image, Import
from jobs.running import run
from tests.conftest import Prepared
from training import charts
from training.clip.bases import load_base
from training.clip.encoder import DualEncoder
from training.clip.errors import CheckpointError, TrainingError
from training.evaluation import evaluate
from training.models import Checkpoint, Evaluation
from training.report import Heatmap, place_of

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = ["chest x-ray", "knee MRI", "abdomen CT", "head CT"]
CAPTIONS = [f"{KINDS[n % 4]} with finding {n % 9}" for n in range(24)]
COUNT = len(CAPTIONS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two untrained models whose weights differ."""
    import torch

    folders = {}
    for seed, name in enumerate(("first", "second")):
        torch.manual_seed(seed)
        folders[name] = tmp_path_factory.mktemp("models") / name
        load_base("scratch:tiny", captions=CAPTIONS).save(folders[name], {})
    return folders


@pytest.fixture
def make_checkpoint(db: None, models: dict[str, Path]) -> Callable[..., Checkpoint]:
    def make(name: str, **over: Any) -> Checkpoint:
        encoder = DualEncoder.load(models[name])
        values = {"folder": str(models[name]), "base": "scratch:tiny", **over}
        return Checkpoint.objects.create(
            name=name, dimension=encoder.dimension, fingerprint=encoder.fingerprint, **values
        )

    return make


@pytest.fixture
def collection(
    corpus: Callable[..., Path],
    run_import: Callable[..., Any],
    media: Path,
    prepared: Callable[[str], Prepared],
) -> Collection:
    captioned = prepared("captioned")
    if captioned.is_kept:
        captioned.lay_out(media)
    else:
        rows = [(f"{n}.png", caption, "test", f"key {n}") for n, caption in enumerate(CAPTIONS)]
        run_import(corpus(rows, "file,caption,split,id"))
        captioned.keep(media, Collection, Import, Image)
    return Collection.objects.get()


def judge(checkpoint: Checkpoint, collection: Collection, **over: Any) -> Evaluation:
    job = Evaluation.objects.create(checkpoint=checkpoint, collection=collection, **over)
    run(job, evaluate)
    job.refresh_from_db()
    return job


def page_of(client: Client, job: Evaluation) -> str:
    page = client.get(f"/admin/clipsite_training/evaluation/{job.pk}/change/")
    assert page.status_code == 200
    return str(page.content.decode())


def test_a_row_names_protocol_direction_candidates_and_data(
    make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    job = judge(make_checkpoint("first"), collection)
    assert len(job.dataset_hash) == 64
    for score in job.scores:
        assert score["protocol"] in Evaluation.Protocol.values
        assert score["direction"] in ("text→image", "image→text")
        assert score["candidates"] == score["queries"] == COUNT
    seed = next(s for s in job.scores if s["protocol"] == "seed-inbatch-v1")
    mean, deviation = seed["shuffled"]["mrr@10"]
    # 24 pairs are one batch, whose order changes nothing.
    assert mean == pytest.approx(seed["metrics"]["mrr@10"])
    assert deviation == pytest.approx(0, abs=1e-6)


def test_the_report_tells_of_slices_worst_queries_and_a_batch(
    make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    report = judge(make_checkpoint("first"), collection).report
    by = {table["by"]: table["rows"] for table in report["slices"]["tables"]}
    assert set(by) == {"modality", "caption length", "source"}
    for rows in by.values():
        assert sum(row["queries"] for row in rows) == COUNT
    assert {row["name"] for row in by["modality"]} == {"X-ray", "MRI", "CT"}
    keys = dict(Image.objects.values_list("pk", "external_id"))
    for miss in report["worst"]:
        assert keys[miss["image"]] == miss["key"]
        assert len(miss["found"]) == 5
        assert miss["key"] not in {found["key"] for found in miss["found"]}
    assert np.array(report["heatmap"]["cosines"]).shape == (COUNT, COUNT)
    assert "comparison" not in report


def test_it_is_compared_with_the_live_checkpoint_unless_it_is_that(
    make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    first, second = make_checkpoint("first"), make_checkpoint("second", is_live=True)
    compared = judge(first, collection)
    assert compared.baseline == second
    assert compared.report["comparison"]["baseline"] == "second"
    assert judge(second, collection).baseline is None


def test_differences_are_between_the_scores_of_the_two(
    make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    first, second = make_checkpoint("first"), make_checkpoint("second")
    job = judge(first, collection, baseline=second)
    ours, theirs = job.score("text→image"), judge(second, collection).score("text→image")
    assert ours is not None
    assert theirs is not None
    compared = job.compared_metrics("text→image", "strict")
    assert set(compared) == set(ours["metrics"])
    for name, row in compared.items():
        assert row["difference"] == pytest.approx(ours["metrics"][name] - theirs["metrics"][name])
        assert row["low"] <= row["high"]
        assert 0 < row["p"] <= 1


def test_each_checkpoint_encodes_each_caption_once(
    make_checkpoint: Callable[..., Checkpoint],
    collection: Collection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[str, str]] = []
    real = DualEncoder.encode_texts

    def count(self: DualEncoder, texts: Any, **values: Any) -> Any:
        seen.extend((self.fingerprint, text) for text in texts if text in CAPTIONS)
        return real(self, texts, **values)

    first, second = make_checkpoint("first"), make_checkpoint("second")
    monkeypatch.setattr(DualEncoder, "encode_texts", count)
    judge(first, collection, baseline=second)
    assert len(seen) == 2 * COUNT
    assert {fingerprint for fingerprint, _ in seen} == {first.fingerprint, second.fingerprint}


def test_a_live_checkpoint_that_does_not_load_costs_the_comparison_only(
    make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    make_checkpoint("second", is_live=True, folder="/nowhere")
    job = judge(make_checkpoint("first"), collection)
    assert job.status == "succeeded"
    assert job.baseline is None
    assert "Not compared with second" in job.log


def test_a_chosen_baseline_that_does_not_load_is_told(
    make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    broken = make_checkpoint("second", folder="/nowhere")
    with pytest.raises(CheckpointError):
        judge(make_checkpoint("first"), collection, baseline=broken)


def test_a_model_that_diverged_is_refused_with_a_sentence(
    make_checkpoint: Callable[..., Checkpoint],
    collection: Collection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: DualEncoder, texts: Any) -> Any:
        return np.full((len(texts), 4), np.nan, np.float32)

    checkpoint = make_checkpoint("first")
    monkeypatch.setattr(DualEncoder, "encode_texts", broken)
    monkeypatch.setattr(Checkpoint, "encoder", lambda self: DualEncoder.load(Path(self.folder)))
    with pytest.raises(TrainingError, match="first are not numbers: its training diverged"):
        judge(checkpoint, collection)


def test_the_command_compares_with_the_one_that_is_named(
    make_checkpoint: Callable[..., Checkpoint],
    collection: Collection,
    capsys: pytest.CaptureFixture[str],
) -> None:
    make_checkpoint("first")
    make_checkpoint("second")
    arguments = {"collection": collection.name, "against": "second"}
    call_command("evaluate", "first", **arguments, json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["comparison"]["baseline"] == "second"
    call_command("evaluate", "first", **arguments)
    assert "against second:" in capsys.readouterr().out
    with pytest.raises(CommandError, match="does not differ from itself"):
        call_command("evaluate", "second", **arguments)


def test_the_page_shows_all_of_it(
    admin_client: Client, make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    second = make_checkpoint("second")
    job = judge(make_checkpoint("first"), collection, baseline=second)
    page = page_of(admin_client, job)
    assert "less those of second on the same queries" in page
    assert f"{COUNT} candidates" in page
    assert "By caption length" in page
    assert "Cosines of 24 images and their captions" in page
    miss = job.report["worst"][0]
    assert f"/images/{miss['image']}/thumbnail" in page
    assert f"/images/{miss['found'][4]['image']}/thumbnail" in page


def test_an_image_that_was_deleted_is_named_by_its_key(
    admin_client: Client, make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    job = judge(make_checkpoint("first"), collection)
    gone = job.report["worst"][0]
    Image.objects.filter(pk=gone["image"]).delete()
    page = page_of(admin_client, job)
    assert f"/images/{gone['image']}/thumbnail" not in page
    assert f'<span class="no-picture">{gone["key"]}</span>' in page


@pytest.mark.parametrize(
    ("metric", "difference", "low", "high", "verdict"),
    [
        ("mrr@10", 0.1, 0.05, 0.15, "better"),
        ("mrr@10", -0.1, -0.15, -0.05, "worse"),
        ("mrr@10", 0.1, -0.05, 0.25, ""),
        ("median_rank", -3.0, -5.0, -1.0, "better"),
        ("median_rank", 3.0, 1.0, 5.0, "worse"),
    ],
)
def test_a_difference_is_coloured_only_where_its_interval_leaves_out_nothing(
    admin_client: Client,
    make_checkpoint: Callable[..., Checkpoint],
    collection: Collection,
    metric: str,
    difference: float,
    low: float,
    high: float,
    verdict: str,
) -> None:
    row = {
        "direction": "text→image", "relevance": "strict", "metric": metric, "ours": 0.5,
        "theirs": 0.4, "difference": difference, "low": low, "high": high, "p": 0.03,
    }  # fmt: skip
    score = {
        "protocol": "corpus-v1", "direction": "text→image", "relevance": "strict",
        "candidates": 9, "queries": 9, "metrics": {metric: 0.5}, "intervals": {metric: [0.4, 0.6]},
    }  # fmt: skip
    job = Evaluation.objects.create(
        checkpoint=make_checkpoint("first"),
        collection=collection,
        scores=[score],
        report={"comparison": {"baseline": "second", "fingerprint": "", "rows": [row]}},
    )
    page = page_of(admin_client, job)
    shown = {kind for kind in ("better", "worse") if f'class="number {kind}"' in page}
    assert shown == ({verdict} if verdict else set())


def test_an_evaluation_from_before_reports_still_opens(
    admin_client: Client, make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    score = {
        "protocol": "seed-inbatch-v1", "direction": "image→text", "relevance": "strict",
        "candidates": 64, "queries": 70, "metrics": {"mrr@1": 0.4257}, "intervals": {},
    }  # fmt: skip
    job = Evaluation.objects.create(
        checkpoint=make_checkpoint("first"), collection=collection, scores=[score]
    )
    assert "0.426" in page_of(admin_client, job)


def test_staff_without_the_permission_do_not_see_it(
    django_user_model: Any, make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    job = Evaluation.objects.create(checkpoint=make_checkpoint("first"), collection=collection)
    user = django_user_model.objects.create_user("staff", is_staff=True)
    client = Client()
    client.force_login(user)
    url = f"/admin/clipsite_training/evaluation/{job.pk}/change/"
    assert client.get(url).status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename="view_evaluation"))
    assert client.get(url).status_code == 200


def test_the_form_offers_the_live_checkpoint_as_baseline_and_says_so(
    admin_client: Client, make_checkpoint: Callable[..., Checkpoint], collection: Collection
) -> None:
    first, live = make_checkpoint("first"), make_checkpoint("second", is_live=True)
    url = "/admin/clipsite_training/evaluation/add/"
    form = admin_client.get(url).context["adminform"].form
    assert form.initial["baseline"] == live.pk
    values = {"checkpoint": first.pk, "collection": collection.pk, "split": "test"}
    asked = admin_client.post(url, {**values, "baseline": live.pk}).content.decode()
    assert "captions with first and with second, and ranks them" in asked


def test_the_heatmap_draws_every_cell_but_the_lowest() -> None:
    drawn = charts.heatmap(Heatmap(keys=["a", "b"], cosines=[[900, -100], [-100, 900]]))
    assert drawn.count("h1v1h-1z") == 2
    level = charts.heatmap(Heatmap(keys=["a"], cosines=[[500]]))
    assert "<path" not in level


def test_a_bar_stays_within_its_frame() -> None:
    bar = charts.interval_bar(0.5, (-0.2, 1.4), 1.0)
    assert 'cx="80.0"' in bar
    assert "M4.0 8H156.0" in bar
    assert charts.interval_bar(0.0, (0.0, 0.0), 0.0)


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("https://www.ncbi.nlm.nih.gov/pmc/articles/PMC1/", "www.ncbi.nlm.nih.gov"),
        ("OpenStax Microbiology, module 58782", "OpenStax Microbiology"),
        ("", ""),
    ],
)
def test_a_source_is_where_a_figure_comes_from(source: str, place: str) -> None:
    assert place_of(source) == place
