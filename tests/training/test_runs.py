"""Training runs, evaluations and their commands: real training of a tiny model on phantoms."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ingest.models import Collection, Image
from jobs.running import run
from training.figures import figures_of
from training.finetuning import finetune
from training.models import Checkpoint, Evaluation, TrainingRun

pytestmark = pytest.mark.django_db(transaction=True)


def make_run(collection: Collection, **over: Any) -> TrainingRun:
    values = {"base": "scratch:tiny", "preset": "tiny", "settings": {"epochs": "2"}, **over}
    return TrainingRun.objects.create(collection=collection, **values)


def test_a_run_leaves_points_epochs_and_a_checkpoint_that_encodes(trained: TrainingRun) -> None:
    assert trained.status == "succeeded"
    assert trained.step_points.count() >= 2
    assert [point.epoch for point in trained.epoch_points.all()] == [1, 2]
    assert trained.epoch_points.filter(selected=True).count() == 1
    encoder = trained.checkpoint.encoder()
    assert encoder.encode_texts(["chest x-ray"]).shape == (1, trained.checkpoint.dimension)


def test_its_curves_are_drawn_from_its_points(trained: TrainingRun) -> None:
    lines = {figure.title: figure.svg().count("<polyline") for figure in figures_of(trained)}
    assert lines == {"Loss": 2, "MRR@10, text to image": 2, "Learning rate": 1, "Throughput": 1}


def test_a_new_checkpoint_can_be_the_base_of_the_next_run(
    trained: TrainingRun, collection: Collection
) -> None:
    second = make_run(collection, base=trained.checkpoint.name, settings={"epochs": "1"})
    run(second, finetune)
    second.refresh_from_db()
    assert second.status == "succeeded"
    assert second.checkpoint.fingerprint != trained.checkpoint.fingerprint


def test_cancelling_stops_within_a_few_steps_and_keeps_a_checkpoint(
    collection: Collection, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.finetuning.ASK_EVERY", 0.0)
    monkeypatch.setattr("jobs.models.WRITE_EVERY", 0.0)
    job = make_run(collection, settings={"epochs": "500", "log_every": "1"})
    real = TrainingRun.advance

    def cancel_at_third_step(self: TrainingRun, done: int, *args: Any, **values: Any) -> None:
        if done == 3:
            TrainingRun.objects.get(pk=self.pk).request_cancel()
        real(self, done, *args, **values)

    monkeypatch.setattr(TrainingRun, "advance", cancel_at_third_step)
    run(job, finetune)
    job.refresh_from_db()
    assert job.status == "cancelled"
    assert job.step_points.count() <= 6
    assert job.checkpoint.encoder().dimension == job.checkpoint.dimension


def test_a_cancelled_run_goes_on_to_the_losses_of_one_that_was_not(
    collection: Collection, checkpoints: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"epochs": "3", "log_every": "1", "batch_size": "8"}
    whole, cut = (make_run(collection, settings=settings) for _ in range(2))
    run(whole, finetune)
    monkeypatch.setattr("training.finetuning.ASK_EVERY", 0.0)
    monkeypatch.setattr("jobs.models.WRITE_EVERY", 0.0)
    real = TrainingRun.advance
    with monkeypatch.context() as patch:

        def cancel_at_third_step(self: TrainingRun, done: int, *args: Any, **values: Any) -> None:
            if done == 3:
                TrainingRun.objects.get(pk=self.pk).request_cancel()
            real(self, done, *args, **values)

        patch.setattr(TrainingRun, "advance", cancel_at_third_step)
        run(cut, finetune)
    cut.refresh_from_db()
    assert cut.status == "cancelled"
    cut.enqueue()
    run(cut, finetune)
    cut.refresh_from_db()
    assert cut.status == "succeeded"
    assert "Going on after step" in cut.log

    def curve(job: TrainingRun) -> list[Any]:
        return list(job.step_points.values_list("step", "epoch", "loss", "learning_rate"))

    assert curve(cut) == curve(whole)
    assert [p.metrics for p in cut.epoch_points.all()] == [
        p.metrics for p in whole.epoch_points.all()
    ]
    assert cut.checkpoint.fingerprint == whole.checkpoint.fingerprint
    assert not list(checkpoints.rglob("*.state"))


def test_starting_a_lost_run_again_leaves_one_checkpoint_and_no_old_points(
    trained: TrainingRun,
) -> None:
    points = trained.step_points.count()
    TrainingRun.objects.filter(pk=trained.pk).update(status="lost")
    trained.enqueue()
    run(trained, finetune)
    assert Checkpoint.objects.count() == 1
    assert trained.step_points.count() == points


def test_an_empty_train_split_fails_with_a_sentence(checkpoints: Path) -> None:
    job = make_run(Collection.objects.create(name="empty"))
    with pytest.raises(Exception, match="empty has no captioned image in its train split"):
        run(job, finetune)


def test_a_setting_that_does_not_exist_is_refused_before_anything_runs(
    collection: Collection,
) -> None:
    with pytest.raises(CommandError, match="magic"):
        call_command("finetune", collection=collection.name, set=["magic=1"])
    assert not TrainingRun.objects.exists()


def test_checkpoint_files_that_were_swapped_are_refused(trained: TrainingRun) -> None:
    from training.clip.errors import CheckpointError

    Checkpoint.objects.update(fingerprint="0" * 64)
    with pytest.raises(CheckpointError, match="not the ones it made"):
        Checkpoint.objects.get().encoder()


def test_an_evaluation_names_protocol_direction_candidates_and_data(
    trained: TrainingRun, collection: Collection, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("evaluate", "latest", collection=collection.name, json=True)
    report = json.loads(capsys.readouterr().out)
    kinds = {(s["protocol"], s["direction"], s["relevance"]) for s in report["scores"]}
    assert kinds == {
        ("seed-inbatch-v1", "image→text", "strict"),
        *(("corpus-v1", d, r) for d in ("text→image", "image→text") for r in ("strict", "lenient")),
    }
    assert {score["candidates"] for score in report["scores"]} == {5}
    assert len(report["dataset_hash"]) == 64
    assert 0 < report["scores"][0]["metrics"]["mrr@10"] <= 1
    assert Evaluation.objects.get().score("text→image") is not None


def test_the_dataset_hash_changes_with_a_caption(
    trained: TrainingRun, collection: Collection
) -> None:
    hashes = []
    for caption in ("first", "second"):
        Image.objects.filter(split="test", external_id="36").update(caption_clean=caption)
        call_command("evaluate", "latest", collection=collection.name, protocol="corpus-v1")
        hashes.append(Evaluation.objects.first().dataset_hash)  # type: ignore[union-attr]
    assert hashes[0] != hashes[1]


def test_a_split_without_images_is_told_by_name(
    trained: TrainingRun, collection: Collection
) -> None:
    Image.objects.filter(split="test").delete()
    with pytest.raises(CommandError, match="no captioned image in its test split"):
        call_command("evaluate", "latest", collection=collection.name)


def test_an_unknown_checkpoint_is_told_with_those_there_are(collection: Collection) -> None:
    with pytest.raises(CommandError, match=r"no checkpoint 'gone'\. There are: none yet"):
        call_command("evaluate", "gone", collection=collection.name)
