"""What a run was made of, and making it again: real training of a tiny model."""

import dataclasses
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ingest.models import Collection, Image
from training import manifest
from training.clip.bases import load_base
from training.clip.config import PRESETS
from training.models import Checkpoint, TrainingRun, checkpoint_folder

pytestmark = pytest.mark.django_db(transaction=True)

Make = Callable[..., TrainingRun]
Train = Callable[[TrainingRun], TrainingRun]


def losses(run: TrainingRun) -> list[float]:
    return list(run.step_points.values_list("loss", flat=True))


def change_a_caption() -> None:
    Image.objects.filter(external_id="3").update(caption_clean="Something else entirely")


def test_a_manifest_says_what_the_run_was_made_of(trained: TrainingRun) -> None:
    facts = trained.manifest
    assert facts["config"]["epochs"] == 2
    assert facts["seed"] == facts["config"]["seed"]
    assert facts["dataset"]["sha256"] == trained.dataset.sha256  # type: ignore[union-attr]
    assert facts["dataset"]["counts"] == {"train": 30, "validation": 5, "test": 5}
    assert facts["base"]["spec"] == "scratch:tiny"
    assert len(facts["base"]["fingerprint"]) == 64
    assert {"torch", "transformers", "numpy", "django"} <= set(facts["packages"])
    assert facts["hardware"]["cores"] >= 1
    assert facts["outcome"]["pairs_seen"] > 0
    assert {"python", "platform", "command", "revision"} <= set(facts)


def test_it_stands_beside_the_weights_and_leaves_their_fingerprint_alone(
    trained: TrainingRun,
) -> None:
    folder = checkpoint_folder(trained)
    assert json.loads((folder / "manifest.json").read_text()) == trained.manifest
    meta = json.loads((folder / "meta.json").read_text())
    assert meta["fingerprint"] == trained.checkpoint.encoder().fingerprint
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_repeated_run_has_the_same_losses_although_the_collection_changed(
    trained: TrainingRun, make_run: Make, train: Train
) -> None:
    change_a_caption()
    call_command("finetune", again=trained.pk)
    again = TrainingRun.objects.get(again_of=trained)
    assert again.dataset == trained.dataset
    assert losses(again) == pytest.approx(losses(trained), abs=1e-6)
    fresh = train(make_run())
    assert fresh.dataset != trained.dataset


def test_a_run_that_is_started_again_keeps_its_pairs(trained: TrainingRun, train: Train) -> None:
    dataset, before = trained.dataset, losses(trained)
    change_a_caption()
    TrainingRun.objects.filter(pk=trained.pk).update(status="lost")
    trained.enqueue()
    train(trained)
    assert trained.dataset == dataset
    assert losses(trained) == pytest.approx(before, abs=1e-6)


def test_a_repeated_run_keeps_the_settings_its_preset_had_then(
    trained: TrainingRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = dataclasses.replace(PRESETS["tiny"], learning_rate=0.5, betas=(0.1, 0.2))
    monkeypatch.setitem(PRESETS, "tiny", changed)
    again = trained.repeat()
    then = trained.manifest["config"]
    assert again.config().learning_rate == then["learning_rate"]
    assert list(again.config().betas) == then["betas"]
    assert again.settings["epochs"] == "2"


def test_a_run_that_never_froze_its_pairs_cannot_be_repeated(make_run: Make) -> None:
    job = make_run()
    with pytest.raises(CommandError, match=f"Run {job.pk} never came to freeze its pairs"):
        call_command("finetune", again=job.pk)
    with pytest.raises(CommandError, match="There is no run 9999"):
        call_command("finetune", again=9999)
    assert TrainingRun.objects.count() == 1


def test_a_base_that_is_another_now_is_refused_by_name(
    trained: TrainingRun, make_run: Make, train: Train, tmp_path: Path
) -> None:
    base = trained.checkpoint
    first = train(make_run(base=base.name, settings={"epochs": "1"}))
    other = load_base("scratch:tiny", captions=["entirely other words"])
    other.save(tmp_path / "other", {})
    Checkpoint.objects.filter(pk=base.pk).update(
        folder=str(tmp_path / "other"), fingerprint=other.fingerprint
    )
    again = first.repeat()
    again.save()
    train(again)
    assert again.status == "failed"
    expected = f"The base {base.name} is no longer the one that run {first.pk} began with"
    assert again.error.startswith(expected)
    assert not again.step_points.exists()


def test_a_picture_that_is_gone_is_named_before_training(
    trained: TrainingRun, train: Train, media: Path
) -> None:
    image = Image.objects.get(external_id="7")
    (media / image.file.name).unlink()
    again = trained.repeat()
    again.save()
    train(again)
    assert again.status == "failed"
    assert again.error.startswith(f"The picture of 7 in dataset {trained.dataset} is gone")
    assert image.file.name in again.error


def test_the_command_needs_a_collection_or_a_run(db: None) -> None:
    with pytest.raises(CommandError, match="Say which --collection to train on"):
        call_command("finetune")
    with pytest.raises(CommandError, match="--again takes all from the run it repeats"):
        call_command("finetune", again=1, set=["epochs=2"])


def test_the_revision_is_that_of_the_checkout(settings: Any, tmp_path: Path) -> None:
    settings.BASE_DIR, settings.REVISION = tmp_path, ""
    assert manifest.revision() is None

    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b.c"]
        done = subprocess.run(
            ["git", "-C", str(tmp_path), *who, *arguments],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    git("init", "-q")
    assert manifest.revision() is None
    (tmp_path / "file").write_text("a")
    git("add", "file")
    git("commit", "-q", "-m", "first")
    assert manifest.revision() == git("rev-parse", "HEAD")
    (tmp_path / "file").write_text("b")
    assert manifest.revision() == git("rev-parse", "HEAD") + "+changes"
    settings.REVISION = "v1"
    assert manifest.revision() == "v1"


def test_a_sweeps_runs_share_the_pairs_of_the_first(
    collection: Collection, make_run: Make, train: Train
) -> None:
    from training.models import Sweep

    sweep = Sweep.objects.create(name="s", collection=collection, base="scratch:tiny")
    first, second = (make_run(sweep=sweep, settings={"epochs": "1"}) for _ in range(2))
    train(first)
    change_a_caption()
    train(second)
    assert second.status == "succeeded"
    assert second.dataset == first.dataset
