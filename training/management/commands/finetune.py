import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from ingest.models import Collection
from jobs.terminal import run_in_terminal
from training.clip.config import PRESETS
from training.models import TrainingRun


class Command(BaseCommand):
    help = "Fine-tune a base on the train split of a collection; makes a checkpoint."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--collection", required=True)
        parser.add_argument("--preset", choices=PRESETS, default="recommended")
        parser.add_argument("--base", default=settings.DEFAULT_BASE)
        parser.add_argument("--set", nargs="+", default=[], metavar="KEY=VALUE", action="extend")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        collection = Collection.objects.filter(name=options["collection"]).first()
        if collection is None:
            raise CommandError(f"There is no collection {options['collection']!r}.")
        run = TrainingRun(
            collection=collection,
            base=options["base"],
            preset=options["preset"],
            settings=_settings(options["set"]),
        )
        try:
            run.clean()
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        run.save()
        run_in_terminal(run, _finetune)
        checkpoint = run.checkpoint
        if options["json"]:
            epochs = list(run.epoch_points.values("epoch", "train_loss", "metrics", "selected"))
            report = {"run": run.pk, "checkpoint": checkpoint.name, "folder": checkpoint.folder}
            self.stdout.write(json.dumps({**report, "epochs": epochs, "seconds": run.seconds}))
        else:
            self.stdout.write(f"{run.message}. Checkpoint: {checkpoint.name}")


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
