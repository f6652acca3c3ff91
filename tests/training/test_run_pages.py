"""The page of a run: figures, numbers, settings, what can be done next, and who may."""

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from ingest.datasets import freeze
from ingest.models import Collection, DatasetVersion, Image
from jobs.models import Job
from training.curves import Chart, Series
from training.models import EpochPoint, StepPoint, TrainingRun

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("checkpoints")]

RUNS = "/admin/clipsite_training/trainingrun/"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    numbers: list[int] = []
    monkeypatch.setattr(Job, "send", lambda job: numbers.append(job.pk))
    return numbers


@pytest.fixture
def ended(make_run: Callable[..., TrainingRun]) -> TrainingRun:
    """As a run leaves it, without the training."""
    run = make_run(status="succeeded", settings={"learning_rate": "0.002"})
    run.dataset = freeze(run.collection)
    run.manifest = {"seed": 0, "revision": "abc", "outcome": {"pairs_seen": 1234}}
    run.save()
    for step in range(1, 5):
        StepPoint.objects.create(
            run=run, step=step, epoch=1 + step // 3, loss=4 / step, learning_rate=1e-3 / step,
            pairs_per_second=50 + step, seconds=step,
        )  # fmt: skip
    for epoch in (1, 2):
        EpochPoint.objects.create(
            run=run, step=2 * epoch, epoch=epoch, train_loss=2 / epoch, validation_loss=3 / epoch,
            metrics={"mrr@10": 0.2 * epoch, "holdout_mrr@10": 0.3 * epoch}, selected=epoch == 2,
        )  # fmt: skip
    return run


def staff_with(users: Any, *permissions: str) -> Client:
    user = users.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_the_page_shows_figures_numbers_settings_dataset_and_manifest(
    admin_client: Client, ended: TrainingRun
) -> None:
    page = admin_client.get(f"{RUNS}{ended.pk}/change/").content.decode()
    for title in ("Loss", "MRR@10, text to image", "Learning rate", "Throughput"):
        assert f"<figcaption>{title}</figcaption>" in page
    assert page.count("<polyline") == 6
    assert "1,234" in page
    assert str(ended.dataset) in page
    assert "Nothing stands on more than one side" in page
    assert "&quot;revision&quot;: &quot;abc&quot;" in page
    marked = re.findall(r'<tr class="chosen"><th scope="row">(\w+)</th><td>([^<]+)', page)
    assert marked == [("learning_rate", "0.002")]


def test_what_changes_while_it_runs_is_fetched_as_one_piece(
    admin_client: Client, make_run: Callable[..., TrainingRun]
) -> None:
    run = make_run(status="running")
    url = f"{RUNS}{run.pk}/live/"
    assert (
        f'data-job-refresh="{url}"' in admin_client.get(f"{RUNS}{run.pk}/change/").content.decode()
    )
    assert "No points yet" in admin_client.get(url).content.decode()
    StepPoint.objects.create(
        run=run, step=30, epoch=1, loss=2, learning_rate=1e-3, pairs_per_second=50, seconds=3
    )
    run.dataset = freeze(run.collection)
    run.done, run.total, run.unit = 30, 60, "steps"
    run.save()
    live = admin_client.get(url).content.decode()
    assert "<html" not in live
    assert "1 of 2" in live
    assert "30 of 60" in live
    assert "about 27" in live


def test_the_live_part_is_for_those_who_may_see_the_run(
    django_user_model: Any, ended: TrainingRun
) -> None:
    url = f"{RUNS}{ended.pk}/live/"
    assert Client().get(url).status_code == 302
    assert staff_with(django_user_model, "view_import").get(url).status_code == 403


def test_an_ended_run_is_repeated_from_its_page(
    admin_client: Client, ended: TrainingRun, sent: list[int]
) -> None:
    Image.objects.filter(external_id="1").update(caption_clean="Changed since")
    url = f"{RUNS}{ended.pk}/repeat/"
    assert url in admin_client.get(f"{RUNS}{ended.pk}/change/").content.decode()
    assert admin_client.get(url).status_code == 405
    page = admin_client.post(url, follow=True)
    again = TrainingRun.objects.get(again_of=ended)
    assert f"is queued, with the settings and pairs of run {ended.pk}" in page.content.decode()
    assert (again.preset, again.base, again.settings) == (ended.preset, ended.base, ended.settings)
    assert (again.dataset, again.status, sent) == (ended.dataset, "queued", [again.pk])
    assert again.started_by is not None


def test_repeating_needs_permission_and_a_token(
    django_user_model: Any, ended: TrainingRun, sent: list[int]
) -> None:
    url = f"{RUNS}{ended.pk}/repeat/"
    viewer = staff_with(django_user_model, "view_trainingrun")
    assert viewer.post(url).status_code == 403
    assert url not in viewer.get(f"{RUNS}{ended.pk}/change/").content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(django_user_model.objects.create_superuser("root"))
    assert strict.post(url).status_code == 403
    assert (TrainingRun.objects.count(), sent) == (1, [])


def test_a_run_without_frozen_pairs_is_not_repeated_and_says_why(
    admin_client: Client, make_run: Callable[..., TrainingRun], sent: list[int]
) -> None:
    run = make_run(status="failed")
    page = admin_client.post(f"{RUNS}{run.pk}/repeat/", follow=True)
    assert "never came to freeze its pairs" in page.content.decode()
    assert (TrainingRun.objects.count(), sent) == (1, [])


def test_leaks_are_shown_before_a_run_is_confirmed(
    admin_client: Client, collection: Collection, sent: list[int]
) -> None:
    Image.objects.filter(external_id__in=["0", "39"]).update(group_key="torn")
    values = {
        "collection": collection.pk,
        "base": "scratch:tiny",
        "preset": "tiny",
        "settings": "{}",
    }
    page = admin_client.post(f"{RUNS}add/", values).content.decode()
    assert "1 group stands on more than one side of the split." in page
    assert f"/images/{Image.objects.get(external_id='39').pk}/thumbnail" in page
    assert not TrainingRun.objects.exists()


def test_a_large_collection_is_confirmed_without_waiting_for_the_comparison(
    admin_client: Client, collection: Collection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.datasets.SMALL", 5)
    values = {
        "collection": collection.pk,
        "base": "scratch:tiny",
        "preset": "tiny",
        "settings": "{}",
    }
    page = admin_client.post(f"{RUNS}add/", values).content.decode()
    assert "They are compared when the run begins" in page
    assert not DatasetVersion.objects.exists()


@pytest.mark.parametrize(
    "points",
    [
        [(1.0, 0.5)],
        [(1.0, 5e-5), (2.0, 1e-5)],
        [(0.0, 0.0), (0.0, 0.0)],
        [(1.0, -3.0), (100_000.0, 2000.0)],
        [(float(n), float(n % 7)) for n in range(10_000)],
    ],
)
def test_a_curve_stays_inside_its_axes_and_says_what_it_shows(
    points: list[tuple[float, float]],
) -> None:
    svg = Chart("A <title>", "step", "loss", (Series("one & two", points, 9),)).svg()
    root = ElementTree.fromstring(svg)
    space = "{http://www.w3.org/2000/svg}"
    assert root.find(f"{space}title").text == "A <title>"  # type: ignore[union-attr]
    assert "one & two" in root.get("aria-label", "")
    drawn = re.findall(r"[\d.-]+,[\d.-]+", svg[svg.index("<polyline") :])
    assert 1 <= len(drawn) <= 700
    for pair in drawn:
        x, y = map(float, pair.split(","))
        assert 57 <= x <= 447
        assert 13 <= y <= 209


def test_no_page_of_a_run_holds_a_script_of_its_own(
    admin_client: Client, ended: TrainingRun
) -> None:
    page = admin_client.get(f"{RUNS}{ended.pk}/change/").content.decode()
    assert "data-job-refresh" in page
    templates = Path(__file__).resolve().parents[2] / "jobs/templates/admin/jobs"
    for template in templates.glob("*.html"):
        text = template.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=", text), template.name
