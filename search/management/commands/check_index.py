import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.encoding import EncoderUnavailable
from search.engine import engine_name
from search.engines.base import EngineError, Rejected
from search.models import IndexBuild, LiveIndex
from search.reconciling import Difference, compare, repair

SHOWN = 10


class Command(BaseCommand):
    help = "List missing, extra and stale documents of an index; --repair puts them right."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--build", type=int, help="number of an index build; default: the live")
        parser.add_argument("--repair", action="store_true", help="remove, update and feed them")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        build = _chosen(options["build"])
        refused: list[Rejected] = []
        try:
            found = left = compare(build)
            if options["repair"] and found:
                refused = _repair(build, found)
                left = compare(build)
        except (EngineError, EncoderUnavailable) as exc:
            raise CommandError(str(exc)) from exc
        if options["json"]:
            report = {"found": asdict(found), "left": asdict(left)}
            self.stdout.write(json.dumps({"build": build.pk, "engine": build.engine, **report}))
        else:
            self._tell(build, found, left, refused)
        if left:
            sys.exit(1)

    def _tell(
        self, build: IndexBuild, found: Difference, left: Difference, refused: list[Rejected]
    ) -> None:
        if not found:
            self.stdout.write(f"{build} holds every image as it is in the database.")
        for name, ids in asdict(found).items():
            if ids:
                listed = ", ".join(str(image_id) for image_id in ids[:SHOWN])
                more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
                self.stdout.write(f"{len(ids)} {name.replace('_', ' ')}: image {listed}{more}")
        for one in refused:
            self.stdout.write(f"refused: image {one.image_id}: {one.reason}")
        if found and not left:
            self.stdout.write("All repaired.")
        elif refused:
            self.stdout.write(f"{len(left)} documents still differ, for the reasons above.")
        elif left:
            self.stdout.write(f"{len(left)} documents differ. Run it with --repair.")


def _chosen(number: int | None) -> IndexBuild:
    if number is None:
        build = LiveIndex.current()
        if build is None:
            raise CommandError("No index is live; start an index build first.")
        return build
    builds = IndexBuild.objects.select_related("checkpoint").filter(engine=engine_name())
    found = builds.filter(pk=number).first()
    if found is None:
        raise CommandError(f"There is no index build {number} of this engine.")
    return found


def _repair(build: IndexBuild, found: Difference) -> list[Rejected]:
    with tqdm(total=len(found), unit=" documents", file=sys.stderr, disable=None) as bar:

        def draw(done: int, total: int) -> None:
            bar.update(done - bar.n)

        return repair(build, found, draw)
