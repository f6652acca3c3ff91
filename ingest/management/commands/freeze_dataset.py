import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from ingest.datasets import freeze, manifest_file
from ingest.errors import IngestError
from ingest.leakage import KINDS, leakage_line
from ingest.models import Collection, DatasetVersion


class Command(BaseCommand):
    help = "Write down what a collection holds as a dataset version, and what leaks in it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("collection")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        collection = Collection.objects.filter(name=options["collection"]).first()
        if collection is None:
            raise CommandError(f"There is no collection {options['collection']!r}.")
        version = _freeze(collection)
        if options["json"]:
            self.stdout.write(json.dumps(_report(version), ensure_ascii=False))
            return
        sides = ", ".join(f"{count} {side or 'no side'}" for side, count in version.counts.items())
        self.stdout.write(f"{version}: {sides}\n{leakage_line(version.leakage)}")
        for kind in KINDS:
            for example in version.leakage[kind]["examples"]:
                named = " and ".join(f"{side} {key}" for side, key in example["images"])
                self.stdout.write(f"  {KINDS[kind][0]} {example['what'][:60]}: {named}")


def _freeze(collection: Collection) -> DatasetVersion:
    with tqdm(file=sys.stderr, dynamic_ncols=True, leave=False, disable=None) as bar:

        def tell(done: int, total: int, what: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description_str(what)

        try:
            return freeze(collection, tell)
        except IngestError as exc:
            raise CommandError(str(exc)) from exc


def _report(version: DatasetVersion) -> dict[str, Any]:
    return {
        "collection": version.collection.name,
        "sha256": version.sha256,
        "file": str(manifest_file(version.sha256)),
        "counts": version.counts,
        "leakage": version.leakage,
    }
