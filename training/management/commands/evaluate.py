import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest.models import Collection, Image
from jobs.terminal import run_in_terminal
from training.models import Checkpoint, Evaluation


class Command(BaseCommand):
    help = "Judge a checkpoint on a split of a collection."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("checkpoint", help="its name, its number, or `latest`")
        parser.add_argument("--collection", required=True)
        parser.add_argument("--split", choices=Image.Split.values, default=Image.Split.TEST)
        parser.add_argument("--protocol", choices=Evaluation.Protocol.values, default="")
        parser.add_argument(
            "--against", default="", help="a checkpoint to compare with; left out: the live one"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            checkpoint = Checkpoint.named(options["checkpoint"])
            against = options["against"]
            baseline = Checkpoint.named(against) if against else None
        except Checkpoint.DoesNotExist as exc:
            raise CommandError(str(exc)) from exc
        if baseline == checkpoint:
            raise CommandError("A checkpoint does not differ from itself; name another --against.")
        collection = Collection.objects.filter(name=options["collection"]).first()
        if collection is None:
            raise CommandError(f"There is no collection {options['collection']!r}.")
        job = Evaluation.objects.create(
            checkpoint=checkpoint,
            collection=collection,
            split=options["split"],
            protocol=options["protocol"],
            baseline=baseline,
        )
        run_in_terminal(job, _evaluate)
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(job), ensure_ascii=False))
            return
        self.stdout.write(f"{checkpoint} on {job.collection} {job.split}, data {job.dataset_hash}")
        for score in job.scores:
            self.stdout.write(_line(score))
        if comparison := job.report.get("comparison"):
            self.stdout.write(f"against {comparison['baseline']}:")
            for row in comparison["rows"]:
                self.stdout.write(_compared(row))


def _as_json(job: Evaluation) -> dict[str, Any]:
    return {
        "checkpoint": job.checkpoint.name,
        "dataset_hash": job.dataset_hash,
        "scores": job.scores,
        "comparison": job.report.get("comparison"),
    }


def _line(score: dict[str, Any]) -> str:
    head = f"{score['protocol']} {score['direction']} {score['relevance']}"
    numbers = "  ".join(f"{name} {value:.3f}" for name, value in score["metrics"].items())
    return f"{head}, {score['candidates']} candidates: {numbers}"


def _compared(row: dict[str, Any]) -> str:
    return (
        f"  {row['direction']} {row['relevance']} {row['metric']} {row['difference']:+.3f} "
        f"({row['low']:+.3f} to {row['high']:+.3f}, p {row['p']:.3f})"
    )


def _evaluate(job: Evaluation) -> str:
    """torch is imported only once the command line was right."""
    from training.evaluation import evaluate

    return evaluate(job)
