import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from ingest.importing import import_corpus
from ingest.models import Import
from jobs.terminal import run_in_terminal


class Command(BaseCommand):
    help = "Take a folder or table of captioned images into a collection."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", nargs="?", default="", help="folder or CSV file")
        parser.add_argument("--format", choices=Import.Format.values, default="auto")
        parser.add_argument("--collection", help="default: the folder's name")
        parser.add_argument("--dry-run", action="store_true", help="only report what would change")
        parser.add_argument("--strict", action="store_true", help="fail if any line had an issue")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        path = Path(options["path"]).resolve()
        phantoms = options["format"] == "phantoms"
        if not options["path"] and not phantoms:
            raise CommandError("Say which folder or CSV file to read.")
        name = options["collection"] or ("phantoms" if phantoms else _name_of(path))
        job = Import.objects.create(
            collection_name=name[:100],
            path=str(path),
            format=options["format"],
            dry_run=options["dry_run"],
        )
        run_in_terminal(job, import_corpus)
        self._report(job, as_json=options["json"])
        count = job.issues.count()
        if options["strict"] and count:
            raise CommandError(f"{count} {'line' if count == 1 else 'lines'} had an issue.")

    def _report(self, job: Import, *, as_json: bool) -> None:
        issues = list(job.issues.values("line", "record", "reason", "refused"))
        if as_json:
            counts = {key: getattr(job, key) for key in ("created", "updated", "unchanged")}
            report = {"collection": job.collection_name, **counts, "refused": job.refused}
            self.stdout.write(json.dumps({**report, "issues": issues}, ensure_ascii=False))
            return
        for issue in issues:
            self.stderr.write(f"line {issue['line']} {issue['record']}: {issue['reason']}")
        self.stdout.write(job.message)


def _name_of(path: Path) -> str:
    return path.parent.name if path.is_file() else path.name
