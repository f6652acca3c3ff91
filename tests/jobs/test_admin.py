"""Starting, stopping and watching jobs in the admin: who may, and what is asked first."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from ingest.models import Import
from jobs.models import Job

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/clipsite_ingest/import/add/"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the jobs that went to the broker."""
    numbers: list[int] = []
    monkeypatch.setattr(Job, "send", lambda job: numbers.append(job.pk))
    return numbers


@pytest.fixture
def form(settings: Any, tmp_path: Path) -> dict[str, str]:
    settings.IMPORT_ROOTS = [tmp_path]
    (tmp_path / "mine").mkdir()
    return {"collection_name": "mine", "format": "folder", "path": "mine"}


def staff_with(django_user_model: Any, *permissions: str) -> Client:
    user = django_user_model.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


def test_a_start_is_confirmed_before_anything_is_queued(
    admin_client: Client, form: dict[str, str], sent: list[int]
) -> None:
    asked = admin_client.post(ADD, form)
    assert "This reads the source" in asked.content.decode()
    assert not Import.objects.exists()
    confirmed = admin_client.post(ADD, {**form, "_confirmed": "1"}, follow=True)
    job = Import.objects.get()
    assert (job.status, job.started_by.username, sent) == ("queued", "admin", [job.pk])
    assert "is queued" in confirmed.content.decode()


@pytest.mark.parametrize("path", ["", "..", "/etc", "mine/../../x", "nowhere"])
def test_an_import_reads_only_below_the_allowed_folders(
    admin_client: Client, form: dict[str, str], sent: list[int], path: str
) -> None:
    page = admin_client.post(ADD, {**form, "path": path, "_confirmed": "1"})
    assert "Name an existing folder or CSV file below" in page.content.decode()
    assert not Import.objects.exists()


def test_staff_without_the_permission_can_neither_start_nor_stop(
    django_user_model: Any, form: dict[str, str], sent: list[int]
) -> None:
    client = staff_with(django_user_model, "view_import")
    job = Import.objects.create(collection_name="c")
    assert client.post(ADD, form).status_code == 403
    assert client.post(ADD, {**form, "_confirmed": "1"}).status_code == 403
    for action in ("cancel", "again"):
        url = f"/admin/clipsite_ingest/import/{job.pk}/{action}/"
        assert client.post(url).status_code == 403
    assert client.get(f"/admin/clipsite_ingest/import/{job.pk}/progress/").status_code == 200
    assert sent == []


def test_progress_is_hidden_from_those_who_may_not_see_the_job(django_user_model: Any) -> None:
    client = staff_with(django_user_model)
    job = Import.objects.create(collection_name="c")
    assert client.get(f"/admin/clipsite_ingest/import/{job.pk}/progress/").status_code == 403


def test_stopping_and_starting_again_need_a_post(admin_client: Client) -> None:
    job = Import.objects.create(collection_name="c")
    for action in ("cancel", "again"):
        assert (
            admin_client.get(f"/admin/clipsite_ingest/import/{job.pk}/{action}/").status_code == 405
        )


def test_a_stopped_job_starts_again_from_its_page(admin_client: Client, sent: list[int]) -> None:
    job = Import.objects.create(collection_name="c")
    url = f"/admin/clipsite_ingest/import/{job.pk}/"
    admin_client.post(f"{url}cancel/")
    job.refresh_from_db()
    assert job.status == "cancelled"
    admin_client.post(f"{url}again/")
    job.refresh_from_db()
    assert (job.status, sent) == ("queued", [job.pk])


def test_rows_of_jobs_cannot_be_edited(admin_client: Client) -> None:
    job = Import.objects.create(collection_name="before")
    url = f"/admin/clipsite_ingest/import/{job.pk}/change/"
    assert admin_client.get(url).status_code == 200
    admin_client.post(url, {"collection_name": "after"})
    job.refresh_from_db()
    assert job.collection_name == "before"


@pytest.mark.parametrize(
    "model",
    [
        "clipsite_ingest/collection", "clipsite_ingest/image", "clipsite_ingest/import",
        "clipsite_training/trainingrun", "clipsite_training/checkpoint",
        "clipsite_training/evaluation", "clipsite_search/indexbuild", "clipsite_search/feedback",
    ],
)  # fmt: skip
def test_every_list_opens_on_an_empty_database(admin_client: Client, model: str) -> None:
    assert admin_client.get(f"/admin/{model}/").status_code == 200


def test_without_a_broker_a_start_is_kept_and_said(
    admin_client: Client, form: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from kombu.exceptions import OperationalError

    def refuse(*args: Any, **values: Any) -> None:
        raise OperationalError("no broker")

    monkeypatch.setattr("jobs.models.current_app.send_task", refuse)
    page = admin_client.post(ADD, {**form, "_confirmed": "1"}, follow=True)
    assert page.status_code == 200
    assert Import.objects.get().status == "queued"


def test_lists_of_jobs_take_the_same_queries_however_long(admin_client: Client) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from ingest.models import Collection
    from search.models import IndexBuild
    from training.models import Checkpoint, Evaluation, TrainingRun

    collection = Collection.objects.create(name="c")
    lists = [f"/admin/clipsite_{name}/" for name in
             ("training/trainingrun", "training/checkpoint", "training/evaluation",
              "search/indexbuild", "ingest/import")]  # fmt: skip
    counts = []
    for number in range(4):
        run = TrainingRun.objects.create(collection=collection)
        checkpoint = Checkpoint.objects.create(run=run, name=str(number), dimension=1)
        Evaluation.objects.create(checkpoint=checkpoint, collection=collection)
        IndexBuild.objects.create(checkpoint=checkpoint)
        Import.objects.create(collection_name="c")
        if number in (1, 3):
            with CaptureQueriesContext(connection) as queries:
                for url in lists:
                    assert admin_client.get(url).status_code == 200
            counts.append(len(queries))
    assert counts[0] == counts[1]
