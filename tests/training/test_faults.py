"""What goes wrong outside the model: each ends in one sentence and can be started again."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ingest.models import Image
from training.models import Checkpoint, TrainingRun, checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)

ROOT = Path(__file__).resolve().parents[2]
Make = Callable[..., TrainingRun]
Train = Callable[[TrainingRun], TrainingRun]


def leftovers(checkpoints: Path) -> list[str]:
    return [path.name for path in checkpoints.rglob("*")] if checkpoints.exists() else []


def start_again(job: TrainingRun, train: Train) -> None:
    job.enqueue()
    train(job)
    assert (job.status, job.error) == ("succeeded", "")
    assert job.checkpoint.encoder().dimension == job.checkpoint.dimension


def test_a_damaged_picture_is_named_and_once_mended_the_run_starts_again(
    make_run: Make, train: Train, media: Path, checkpoints: Path
) -> None:
    job = make_run(settings={"epochs": "1"})
    path = media / Image.objects.get(external_id="4").file.name
    content = path.read_bytes()
    path.write_bytes(content[:40])
    train(job)
    assert job.status == "failed"
    assert job.error.startswith("The image of 4 is gone or damaged")
    assert leftovers(checkpoints) == []
    assert not Checkpoint.objects.exists()
    path.write_bytes(content)
    start_again(job, train)


def test_a_base_whose_weights_are_cut_short_is_told(trained: TrainingRun, make_run: Make,
    train: Train, checkpoints: Path) -> None:  # fmt: skip
    weights = checkpoint_folder(trained) / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[: len(content) // 2])
    job = train(make_run(base=trained.checkpoint.name, settings={"epochs": "1"}))
    assert job.status == "failed"
    assert "cannot be loaded" in job.error
    assert str(weights.parent) in job.error
    assert not checkpoint_folder(job).exists()
    weights.write_bytes(content)
    start_again(job, train)


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("training.clip.checkpoints._sync", "The checkpoint cannot be saved in"),
        ("training.manifest.mkstemp", "The manifest cannot be written to"),
    ],
)
def test_a_full_disk_at_the_end_leaves_nothing_half_written(
    make_run: Make,
    train: Train,
    checkpoints: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    told: str,
) -> None:
    def full(*given: Any, **named: Any) -> None:
        raise OSError(28, "No space left on device")

    job = make_run(settings={"epochs": "1"})
    with monkeypatch.context() as patch:
        patch.setattr(place, full)
        train(job)
    assert job.status == "failed"
    assert job.error.startswith(told)
    assert "No space left on device" in job.error
    assert not Checkpoint.objects.exists()
    assert [name for name in leftovers(checkpoints) if name.startswith(".")] == []
    start_again(job, train)


def test_a_manifest_that_cannot_be_written_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training import manifest
    from training.clip.errors import TrainingError

    manifest.write(tmp_path, {"run": 1})

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("training.manifest.os.fsync", full)
    with pytest.raises(TrainingError, match=r"cannot be written to .*: No space left on device\."):
        manifest.write(tmp_path, {"run": 2})
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.json"]
    assert '"run": 1' in (tmp_path / "manifest.json").read_text()


class Installation:
    """A site of its own, driven by its commands."""

    def __init__(self, folder: Path) -> None:
        self.environment = {
            **os.environ,
            "CLIPSITE_VAR": str(folder / "var"),
            "SECRET_KEY": "only for tests",
            "DJANGO_SETTINGS_MODULE": "clipsite.settings",
            "DATABASE_URL": "",
            "REDIS_URL": "",
            "MODEL_THREADS": "1",
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True,
        )  # fmt: skip

    def run(self, *arguments: str) -> str:
        with self.start(*arguments) as process:
            out, error = process.communicate()
        assert process.returncode == 0, error[-2000:]
        return out


def test_a_run_killed_without_warning_is_lost_and_goes_on_when_started_again(
    corpus: Callable[..., Path], tmp_path: Path
) -> None:
    """Slow: three processes of the product, one of them killed while it trains."""
    site = Installation(tmp_path)
    rows = [(f"{n}.png", f"Picture number {n}", "train") for n in range(24)]
    folder = corpus(rows, "file,caption,split")
    first = f"""
from django.core.management import call_command
call_command("migrate", verbosity=0)
call_command("import_corpus", {str(folder)!r}, collection="few")
"""
    site.run("shell", "-v", "0", "-c", first)
    settings = ("--set", "epochs=12", "batch_size=8")
    command = ("finetune", "--collection", "few", "--base", "scratch:tiny", "--preset", "tiny")
    with site.start(*command, *settings) as process:
        state = tmp_path / "var" / "checkpoints" / "run-1.state"
        deadline = time.monotonic() + 90
        while not state.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    again = """
from datetime import timedelta
from django.utils import timezone
from jobs.running import run
from jobs.tasks import mark_lost_jobs
from training.finetuning import finetune
from training.models import TrainingRun
job = TrainingRun.objects.get()
before = job.status
TrainingRun.objects.update(heartbeat_at=timezone.now() - timedelta(hours=1))
mark_lost_jobs()
job.refresh_from_db()
lost = job.status
TrainingRun.objects.update(status="queued", lease="")
job.refresh_from_db()
run(job, finetune)
job.refresh_from_db()
print(before, lost, job.status, "Going on after step" in job.log, job.epoch_points.count())
"""
    assert site.run("shell", "-v", "0", "-c", again).split() == [
        "running", "lost", "succeeded", "True", "12",
    ]  # fmt: skip
