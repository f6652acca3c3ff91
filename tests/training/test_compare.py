"""Runs side by side: what differs, by how much, and who may look."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ingest.models import Collection
from training.comparing import differing_settings, final_metrics, judged_alike
from training.models import Checkpoint, EpochPoint, Evaluation, StepPoint, TrainingRun

pytestmark = pytest.mark.django_db

COMPARE = "/admin/clipsite_training/trainingrun/compare/"


@pytest.fixture
def make_ended(db: None) -> Callable[..., TrainingRun]:
    """A run with two steps, an epoch and a checkpoint, as rows only."""
    collection = Collection.objects.create(name="c")

    def make(mrr: float, **settings: str) -> TrainingRun:
        run = TrainingRun.objects.create(
            collection=collection, preset="tiny", base="scratch:tiny", settings=settings,
            status="succeeded",
        )  # fmt: skip
        for step in (1, 2):
            StepPoint.objects.create(
                run=run, step=step, epoch=1, loss=3 / step, learning_rate=1e-3,
                pairs_per_second=10, seconds=step,
            )  # fmt: skip
        EpochPoint.objects.create(
            run=run, step=2, epoch=1, train_loss=2.0, validation_loss=2.5,
            metrics={"mrr@10": mrr}, selected=True,
        )  # fmt: skip
        Checkpoint.objects.create(
            run=run, name=f"ck-{run.pk}", dimension=1, fingerprint=f"{run.pk:064}"
        )
        return run

    return make


def judge(run: TrainingRun, mrr: float, data: str = "d" * 64, **report: Any) -> Evaluation:
    score = {
        "protocol": "corpus-v1", "direction": "text→image", "relevance": "strict",
        "candidates": 100, "queries": 100, "metrics": {"mrr@10": mrr},
        "intervals": {"mrr@10": [mrr - 0.05, mrr + 0.05]},
    }  # fmt: skip
    return Evaluation.objects.create(
        checkpoint=run.checkpoint, collection=run.collection, status="succeeded",
        dataset_hash=data, scores=[score], report=report,
    )  # fmt: skip


def test_only_settings_that_differ_are_listed(make_ended: Callable[..., TrainingRun]) -> None:
    runs = [make_ended(0.5, seed="1"), make_ended(0.5, seed="2", epochs="12")]
    assert differing_settings(runs) == [("seed", ["1", "2"])]


def test_metrics_come_with_their_difference_to_the_first(
    make_ended: Callable[..., TrainingRun],
) -> None:
    runs = [make_ended(0.5), make_ended(0.75), make_ended(0.25)]
    rows = {row.name: row.cells for row in final_metrics(runs)}
    assert [cell.difference for cell in rows["mrr@10"]] == [None, 0.25, -0.25]
    assert [cell.shown_difference for cell in rows["mrr@10"]] == ["", "+0.250", "−0.250"]


def test_evaluations_are_compared_only_on_the_same_data(
    make_ended: Callable[..., TrainingRun],
) -> None:
    first, second = make_ended(0.5), make_ended(0.75)
    judge(first, 0.4)
    judge(second, 0.6, data="e" * 64)
    assert judged_alike([first, second]) == []
    judge(second, 0.7)
    (table,) = judged_alike([first, second])
    assert (table.protocol, table.direction, table.candidates) == ("corpus-v1", "text→image", 100)
    (row,) = table.rows
    assert row.cells[1].difference == pytest.approx(0.3)
    assert row.cells[1].interval == pytest.approx((0.65, 0.75))
    assert row.cells[1].paired is None


@pytest.mark.parametrize("against", ["first", "another"])
def test_a_paired_comparison_is_shown_where_the_first_was_the_baseline(
    make_ended: Callable[..., TrainingRun], against: str
) -> None:
    first, second = make_ended(0.5), make_ended(0.75)
    judge(first, 0.4)
    paired = {"direction": "text→image", "relevance": "strict", "metric": "mrr@10",
              "difference": 0.3, "low": 0.21, "high": 0.39, "p": 0.0}  # fmt: skip
    fingerprint = first.checkpoint.fingerprint if against == "first" else "x"
    judge(second, 0.7, comparison={"fingerprint": fingerprint, "rows": [paired]})
    (table,) = judged_alike([first, second])
    expected = (0.21, 0.39) if against == "first" else None
    assert table.rows[0].cells[1].paired == expected


def test_chosen_runs_are_compared_from_the_list(
    admin_client: Client, make_ended: Callable[..., TrainingRun]
) -> None:
    runs = [make_ended(0.5, seed="7"), make_ended(0.75, seed="8")]
    for run, mrr in zip(runs, (0.4, 0.7), strict=True):
        judge(run, mrr)
    chosen = {"action": "compare", "_selected_action": [run.pk for run in runs]}
    answer = admin_client.post("/admin/clipsite_training/trainingrun/", chosen)
    ids = f"{runs[0].pk},{runs[1].pk}"
    assert answer["Location"] == f"{COMPARE}?ids={ids}"
    page = admin_client.get(answer["Location"]).content.decode()
    assert page.count("<polyline") == 4
    assert "+0.250" in page
    assert "+0.300" in page
    assert "seed" in page
    assert "learning_rate" not in page


@pytest.mark.parametrize("ids", ["", "1", "0,999999"])
def test_fewer_than_two_runs_lead_back_with_a_sentence(admin_client: Client, ids: str) -> None:
    page = admin_client.get(COMPARE, {"ids": ids}, follow=True)
    assert "Choose two runs or more" in page.content.decode()


def test_ids_that_are_no_numbers_are_not_found(admin_client: Client) -> None:
    assert admin_client.get(COMPARE, {"ids": "1,x"}).status_code == 404
    assert admin_client.get(COMPARE, {"ids": "1," + "9" * 40}).status_code == 404


def test_only_those_who_may_see_runs_may_compare_them(
    django_user_model: Any, make_ended: Callable[..., TrainingRun]
) -> None:
    runs = [make_ended(0.5), make_ended(0.75)]
    url = f"{COMPARE}?ids={runs[0].pk},{runs[1].pk}"
    user = django_user_model.objects.create_user("staff", is_staff=True)
    client = Client()
    assert client.get(url).status_code == 302
    client.force_login(user)
    assert client.get(url).status_code == 403
    user.user_permissions.set(Permission.objects.filter(codename="view_trainingrun"))
    assert client.get(url).status_code == 200


def test_the_page_asks_the_database_no_more_for_more_runs(
    admin_client: Client, make_ended: Callable[..., TrainingRun], django_assert_max_num_queries: Any
) -> None:
    runs = [make_ended(0.1 * n) for n in range(8)]
    for run in runs:
        judge(run, 0.5)
    ids = [str(run.pk) for run in runs]
    with CaptureQueriesContext(connection) as two:
        assert admin_client.get(COMPARE, {"ids": ",".join(ids[:2])}).status_code == 200
    with django_assert_max_num_queries(len(two)):
        assert admin_client.get(COMPARE, {"ids": ",".join(ids)}).status_code == 200
