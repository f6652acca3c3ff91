"""Several runs as one: what is planned, what is refused, what one click starts."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command
from django.test import Client

from ingest.models import Collection, DatasetVersion, Image
from jobs.models import Job
from training.models import EpochPoint, Sweep, TrainingRun
from training.sweeps import SEED_PRESETS, parse_grid, plan, say_cost

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/clipsite_training/sweep/add/"


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of the jobs that went to the broker."""
    numbers: list[int] = []
    monkeypatch.setattr(Job, "send", lambda job: numbers.append(job.pk))
    return numbers


@pytest.fixture
def named(db: None, checkpoints: Any) -> Collection:
    """A collection whose pictures are only names: enough to plan on."""
    made = Collection.objects.create(name="named")
    for number in range(20):
        Image.objects.create(
            collection=made, external_id=str(number), sha256=f"{number:064}", width=1, height=1,
            file=f"{number}.png", thumbnail=f"{number}.webp", caption_clean=f"Caption {number}",
            group_key=str(number), split="train", perceptual_hash=f"{number ** 9:064x}"[:64],
        )  # fmt: skip
    return made


def form(collection: Collection, **over: Any) -> dict[str, Any]:
    return {
        "name": "The seed's five",
        "collection": collection.pk,
        "base": "scratch:tiny",
        "presets": SEED_PRESETS,
        "grid": "{}",
        **over,
    }


def test_every_preset_meets_every_choice_of_the_grid(named: Collection) -> None:
    grid = {"learning_rate": ["5e-5", "1e-4"], "batch_size": ["64"]}
    runs = plan(named, "scratch:tiny", ["tiny", "quick"], grid)
    assert [(run.preset, run.settings) for run in runs] == [
        (preset, {"learning_rate": rate, "batch_size": "64"})
        for preset in ("tiny", "quick")
        for rate in ("5e-5", "1e-4")
    ]


@pytest.mark.parametrize(
    ("grid", "told"),
    [
        ({"magic": ["1"]}, "no setting 'magic'"),
        ({"epochs": ["3", "0"]}, "epochs must be more than 0"),
        ({"epochs": []}, "needs a list of values for epochs"),
        ({"epochs": [["1"]]}, "needs a list of values for epochs"),
        ([1], "A grid is written as"),
        ({"seed": [str(n) for n in range(51)]}, "That makes 51 runs"),
    ],
)
def test_a_grid_that_cannot_be_run_is_refused(named: Collection, grid: Any, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        plan(named, "scratch:tiny", ["tiny"], parse_grid(grid))


def test_a_value_that_stands_twice_makes_one_run() -> None:
    assert parse_grid({"seed": ["1", "1", 2]}) == {"seed": ["1", "2"]}


def test_its_cost_counts_runs_and_pairs(named: Collection) -> None:
    runs = plan(named, "scratch:tiny", ["tiny"], {"epochs": ["2", "3"], "holdout_fraction": ["0"]})
    assert say_cost(runs) == (
        "2 runs, one after another, from scratch:tiny on the 20 training pairs of named: "
        "at most 100 pairs in all"
    )


def test_one_confirmed_click_queues_the_seeds_five(
    admin_client: Client, named: Collection, sent: list[int]
) -> None:
    page = admin_client.get(ADD).content.decode()
    assert page.count("checked") == 5
    asked = admin_client.post(ADD, form(named)).content.decode()
    assert "This queues 5 runs" in asked
    assert "at most 1,000,000 pairs in all" in asked
    assert "Leakage" in asked
    assert not Sweep.objects.exists()
    admin_client.post(ADD, form(named, _confirmed="1"), follow=True)
    sweep = Sweep.objects.get()
    assert sweep.started_by is not None
    runs = sweep.runs.order_by("pk")
    assert [run.preset for run in runs] == SEED_PRESETS
    assert {run.started_by for run in runs} == {sweep.started_by}
    assert sent == [run.pk for run in runs]


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ({"grid": '{"magic": ["1"]}'}, "There is no setting"),
        ({"grid": "nonsense"}, "Enter a valid JSON"),
        ({"presets": []}, "This field is required"),
        ({"presets": ["gone"]}, "Select a valid choice"),
    ],
)
def test_a_wrong_form_is_told_and_nothing_is_made(
    admin_client: Client, named: Collection, sent: list[int], over: dict[str, Any], told: str
) -> None:
    for confirmed in ({}, {"_confirmed": "1"}):
        page = admin_client.post(ADD, form(named, **over, **confirmed))
        assert told in page.content.decode()
    assert (Sweep.objects.count(), TrainingRun.objects.count(), sent) == (0, 0, [])


def test_a_sweep_needs_the_permission_to_start_one(
    django_user_model: Any, named: Collection, sent: list[int]
) -> None:
    user = django_user_model.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_sweep"))
    client = Client()
    client.force_login(user)
    assert client.post(ADD, form(named)).status_code == 403
    assert client.post(ADD, form(named, _confirmed="1")).status_code == 403
    assert not Sweep.objects.exists()


def test_its_page_lists_the_runs_marks_the_best_and_links_to_their_comparison(
    admin_client: Client, named: Collection
) -> None:
    sweep = Sweep.objects.create(name="three", collection=named, base="scratch:tiny")
    runs = plan(named, "scratch:tiny", ["tiny"], {"seed": ["1", "2", "3"]})
    for run, mrr in zip(runs, (0.25, 0.5, None), strict=True):
        run.sweep = sweep
        run.save()
        if mrr is not None:
            EpochPoint.objects.create(
                run=run, step=1, epoch=1, train_loss=1, metrics={"mrr@10": mrr}, selected=True
            )
    url = f"/admin/clipsite_training/sweep/{sweep.pk}/change/"
    page = admin_client.get(url).content.decode()
    ids = ",".join(str(run.pk) for run in runs)
    assert f"compare/?ids={ids}" in page
    assert page.count('class="chosen"') == 1
    assert page.index("0.250") < page.index('class="chosen"') < page.index("0.500")
    assert admin_client.post(url, {"name": "other"}).status_code == 403


def test_the_command_runs_them_one_after_another_and_names_those_that_failed(
    collection: Collection, checkpoints: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """Real training; the second diverges at once by its rate."""
    options = {"collection": collection.name, "base": "scratch:tiny", "presets": ["tiny"]}
    grid = ["learning_rate=1e-3,1e30", "epochs=3", "batch_size=8", "max_grad_norm=none"]
    with pytest.raises(CommandError, match="1 of 2 runs did not succeed"):
        call_command("sweep", **options, grid=grid)
    first, second = TrainingRun.objects.order_by("pk")
    assert (first.status, second.status) == ("succeeded", "failed")
    assert first.dataset == second.dataset
    assert DatasetVersion.objects.count() == 1
    assert f"run {first.pk}: tiny on {collection}: Best epoch" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"collection": "gone"}, "no collection 'gone'"),
        ({"grid": ["magic=1"]}, "no setting 'magic'"),
        ({"grid": ["epochs"]}, "--grid takes key=value,value"),
    ],
)
def test_the_command_refuses_what_cannot_be_run(
    named: Collection, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(CommandError, match=told):
        call_command("sweep", **{"collection": "named", "presets": ["tiny"], **options})
    assert not Sweep.objects.exists()
