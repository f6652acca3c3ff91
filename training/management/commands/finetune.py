import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from ingest.datasets import version_to_show
from ingest.errors import IngestError
from ingest.leakage import leakage_line
from ingest.models import Collection
from jobs.terminal import run_in_terminal
from training.clip.config import PRESETS
from training.models import TrainingRun


class Command(BaseCommand):
    help = "Fine-tune a base on the train split of a collection; makes a checkpoint."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--collection", help="whose train split; needed unless --again")
        parser.add_argument(
            "--again", type=int, metavar="RUN", help="repeat a run by its number, on its own pairs"
        )
        parser.add_argument("--preset", choices=PRESETS, help="default: recommended")
        parser.add_argument("--base", help=f"default: {settings.DEFAULT_BASE}")
        parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", action="extend")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        again = options["again"]
        own = ("collection", "preset", "base", "set")
        if again is not None and any(options[name] for name in own):
            raise CommandError(
                "--again takes all from the run it repeats: "
                "no --collection, --preset, --base, --set."
            )
        run = _new_run(options) if again is None else _repeated(again)
        try:
            run.clean()
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        self._say_leakage(run)
        run.save()
        run_in_terminal(run, _finetune)
        checkpoint = run.checkpoint
        if options["json"]:
            epochs = list(run.epoch_points.values("epoch", "train_loss", "metrics", "selected"))
            report = {"run": run.pk, "checkpoint": checkpoint.name, "folder": checkpoint.folder}
            self.stdout.write(json.dumps({**report, "epochs": epochs, "seconds": run.seconds}))
        else:
            self.stdout.write(f"{run.message}. Checkpoint: {checkpoint.name}")

    def _say_leakage(self, run: TrainingRun) -> None:
        """Before any training; a large collection that changed is measured when the run begins."""
        captioned = run.collection.images.exclude(caption_clean="").exists()
        try:
            version = run.dataset or (version_to_show(run.collection) if captioned else None)
        except IngestError as exc:
            raise CommandError(str(exc)) from exc
        if version is not None:
            self.stderr.write(f"{version}: {leakage_line(version.leakage)}")


def _new_run(options: dict[str, Any]) -> TrainingRun:
    if not options["collection"]:
        raise CommandError("Say which --collection to train on, or which run to repeat --again.")
    collection = Collection.objects.filter(name=options["collection"]).first()
    if collection is None:
        raise CommandError(f"There is no collection {options['collection']!r}.")
    return TrainingRun(
        collection=collection,
        base=options["base"] or settings.DEFAULT_BASE,
        preset=options["preset"] or "recommended",
        settings=_settings(options["set"]),
    )


def _repeated(number: int) -> TrainingRun:
    run = TrainingRun.objects.filter(pk=number).first()
    if run is None:
        raise CommandError(f"There is no run {number}.")
    try:
        return run.repeat()
    except ValueError as exc:
        raise CommandError(str(exc)) from exc


def _settings(words: list[str]) -> dict[str, str]:
    pairs = [word.partition("=") for word in words]
    for name, equals, _ in pairs:
        if not equals:
            raise CommandError(f"--set takes key=value, not {name!r}.")
    return {name: value for name, _, value in pairs}


def _finetune(run: TrainingRun) -> str:
    """torch is imported only once the command line was right."""
    from training.finetuning import finetune

    return finetune(run)
