import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from jobs.terminal import run_in_terminal
from search.models import IndexBuild
from training.models import Checkpoint


class Command(BaseCommand):
    help = "Encode every image with a checkpoint into a new generation of the index."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--checkpoint", required=True, help="name, number, or `latest`")
        parser.add_argument("--promote", action="store_true", help="answer searches from it")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            checkpoint = Checkpoint.named(options["checkpoint"])
        except Checkpoint.DoesNotExist as exc:
            raise CommandError(str(exc)) from exc
        build = IndexBuild.objects.create(
            checkpoint=checkpoint, promote_when_done=options["promote"]
        )
        run_in_terminal(build, _build_index)
        if options["json"]:
            report = {
                "build": build.pk,
                "generation": build.generation.number,
                "live": build.is_live,
            }
            counts = {"documents": build.documents, "seconds": round(build.seconds, 1)}
            self.stdout.write(
                json.dumps(
                    {**report, **counts, "live": build.is_live, "checkpoint": checkpoint.name}
                )
            )
        else:
            self.stdout.write(f"{build}: {build.message}")


def _build_index(build: IndexBuild) -> str:
    """torch is imported only once the command line was right."""
    from search.indexing import build_index

    return build_index(build)
