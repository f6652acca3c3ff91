import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest.models import Collection, Image
from jobs.terminal import run_in_terminal
from search.models import SearchEvaluation


class Command(BaseCommand):
    help = "Judge the live search end to end with the captions of a split as queries (search-v1)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--collection", required=True)
        parser.add_argument("--split", choices=Image.Split.values, default=Image.Split.TEST)
        parser.add_argument("--queries", type=int, default=200, help="captions at most")
        parser.add_argument(
            "--unmasked", action="store_true", help="let a caption be found by its own words"
        )
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        collection = Collection.objects.filter(name=options["collection"]).first()
        if collection is None:
            raise CommandError(f"There is no collection {options['collection']!r}.")
        if options["queries"] < 1:
            raise CommandError("--queries must be at least 1.")
        job = SearchEvaluation.objects.create(
            collection=collection,
            split=options["split"],
            most_queries=options["queries"],
            masked=not options["unmasked"],
        )
        run_in_terminal(job, _judge)
        if options["json"]:
            told = {"build": str(job.build), "dataset_hash": job.dataset_hash, **job.result}
            self.stdout.write(json.dumps(told, ensure_ascii=False))
            return
        self.stdout.write(_head(job))
        for form in job.result["forms"]:
            self.stdout.write(_about(form))
            for mode in form["modes"]:
                self.stdout.write(_line(mode))


def _head(job: SearchEvaluation) -> str:
    result = job.result
    masked = "masked" if result["masked"] else "unmasked"
    return (
        f"{result['protocol']} {result['direction']}, {masked}, {result['queries']} captions, "
        f"{result['candidates']} candidates, {job.build}, data {job.dataset_hash}"
    )


def _about(form: dict[str, Any]) -> str:
    latency = form["latency"]
    return f"{form['form']}: p50 {latency['p50']} ms, p95 {latency['p95']} ms"


def _line(mode: dict[str, Any]) -> str:
    name = mode["mode"] if mode["alpha"] is None else f"{mode['mode']} {mode['alpha']:.1f}"
    numbers = "  ".join(
        "{} {:.3f} ({:.3f}-{:.3f})".format(
            metric, mode["metrics"][metric], *mode["intervals"][metric]
        )
        for metric in SearchEvaluation.METRICS
    )
    return f"  {name:<11} {numbers}"


def _judge(job: SearchEvaluation) -> str:
    """The encoder is imported only once the command line was right."""
    from search.judging import judge_search

    return judge_search(job)
