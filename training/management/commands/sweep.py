from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from ingest.models import Collection
from jobs.terminal import run_in_terminal
from training.clip.config import PRESETS
from training.comparing import best_epoch
from training.figures import VALIDATION
from training.models import Sweep, TrainingRun
from training.sweeps import SEED_PRESETS, parse_grid, plan, save, say_cost


class Command(BaseCommand):
    help = "Fine-tune with several presets and settings, one run after another, on the same pairs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--collection", required=True)
        parser.add_argument("--base", default=settings.DEFAULT_BASE)
        parser.add_argument("--presets", nargs="+", choices=PRESETS, default=SEED_PRESETS)
        parser.add_argument(
            "--grid", nargs="+", default=[], metavar="KEY=VALUE,VALUE", action="extend",
            help="e.g. learning_rate=5e-5,1e-4",
        )  # fmt: skip
        parser.add_argument("--name", default="", help="default: the presets and the collection")

    def handle(self, *args: Any, **options: Any) -> None:
        collection = Collection.objects.filter(name=options["collection"]).first()
        if collection is None:
            raise CommandError(f"There is no collection {options['collection']!r}.")
        try:
            grid = parse_grid(_grid(options["grid"]))
            runs = plan(collection, options["base"], options["presets"], grid)
        except ValueError as exc:
            raise CommandError(str(exc)) from exc
        name = options["name"] or f"{', '.join(options['presets'])} on {collection}"
        sweep = Sweep(name=name[:100], collection=collection, base=options["base"])
        save(sweep, runs)
        self.stdout.write(f"Sweep {sweep.pk}: {say_cost(runs)}.")
        try:
            failed = [run for run in runs if not self._runs_well(run)]
        except KeyboardInterrupt:
            for run in runs:
                run.request_cancel()
            raise CommandError("Stopped; the runs that had not begun are cancelled.") from None
        if failed:
            numbers = ", ".join(str(run.pk) for run in failed)
            raise CommandError(f"{len(failed)} of {len(runs)} runs did not succeed: {numbers}.")

    def _runs_well(self, run: TrainingRun) -> bool:
        """One that fails, say because it diverged, does not keep the others from running."""
        try:
            run_in_terminal(run, _finetune)
        except CommandError as exc:
            if isinstance(exc.__context__, KeyboardInterrupt):
                raise KeyboardInterrupt from None
            self.stderr.write(f"{run}: {exc}")
            return False
        point = best_epoch(run)
        metric = point.metrics.get(VALIDATION) if point else None
        best = "" if metric is None else f", validation {VALIDATION} {metric:.3f}"
        self.stdout.write(f"{run}: {run.message}{best}")
        return True


def _grid(words: list[str]) -> dict[str, list[str]]:
    grid = {}
    for word in words:
        name, equals, values = word.partition("=")
        if not equals or not values:
            raise CommandError(f"--grid takes key=value,value, not {word!r}.")
        grid[name] = values.split(",")
    return grid


def _finetune(run: TrainingRun) -> str:
    """torch is imported only once the command line was right."""
    from training.finetuning import finetune

    return finetune(run)
