import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from search.engine import engine, engine_name
from search.engines.base import EngineError
from search.engines.vespa import VespaEngine
from search.engines.vespa_package import (
    DEFAULT_SIZE,
    SLOTS,
    ConfigServer,
    allow_new_sizes,
    render,
)
from search.models import IndexBuild
from training.models import Checkpoint


class Command(BaseCommand):
    help = "Send the application package in vespa/ to Vespa, sized for the models in use."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--checkpoint", help="make room for a build of this one")
        parser.add_argument("--overlay", type=Path, help="folder whose files replace the package's")
        parser.add_argument("--dry-run", action="store_true", help="only say what would change")
        parser.add_argument("--yes", action="store_true", help="delete vectors without asking")
        parser.add_argument("--wait", type=float, default=300.0, help="seconds to wait for Vespa")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.VESPA_CONFIG_URL or not settings.VESPA_URL:
            raise CommandError(
                "VESPA_URL (queries and documents) and VESPA_CONFIG_URL (the config server) must "
                "both be set."
            )
        if options["overlay"] and not options["overlay"].is_dir():
            raise CommandError(f"{options['overlay']} is not a folder.")
        try:
            self._deploy(options)
        except (EngineError, ValueError) as exc:
            raise CommandError(str(exc)) from exc

    def _deploy(self, options: dict[str, Any]) -> None:
        server = ConfigServer(settings.VESPA_CONFIG_URL)
        deployed = server.deployed_sizes()
        wanted = _wanted_sizes(deployed, options["checkpoint"])
        changed = [slot for slot in SLOTS if deployed and deployed.get(slot) != wanted[slot]]
        for line in _in_words(deployed, wanted, changed):
            self.stdout.write(line)
        if options["dry_run"]:
            return
        files = render(settings.VESPA_PACKAGE, wanted, options["overlay"])
        if changed:
            self._make_sure(changed, options["yes"])
            allow_new_sizes(files)
            for slot in changed:
                _empty(slot)
        for warning in server.deploy(files):
            self.stdout.write(f"Vespa warns: {warning}")
        server.wait_until_converged(options["wait"])
        _wait_until_up(options["wait"])
        self.stdout.write("Deployed.")

    def _make_sure(self, changed: list[str], yes: bool) -> None:
        for slot in changed:
            for build in IndexBuild.objects.in_slot(slot):
                if build.is_live or not build.has_ended:
                    raise CommandError(
                        f"Slot {slot} is in use by {build}. Make a build in the other slot live, "
                        "and wait until all have ended; then this one can change."
                    )
        if not yes and not _agreed():
            raise CommandError("Nothing was changed.")


def _wanted_sizes(deployed: dict[str, int], checkpoint: str | None) -> dict[str, int]:
    """The model in each slot decides; a model that is to be built next gets the idle one."""
    newest = Checkpoint.objects.order_by("-pk").first()
    empty = newest.dimension if newest else DEFAULT_SIZE
    sizes = {slot: deployed.get(slot, empty) for slot in SLOTS}
    for build in IndexBuild.objects.filter(engine=engine_name(), slot__in=SLOTS):
        sizes[build.slot] = build.checkpoint.dimension
    if checkpoint:
        try:
            chosen = Checkpoint.named(checkpoint)
        except Checkpoint.DoesNotExist as exc:
            raise CommandError(str(exc)) from exc
        idle = IndexBuild.objects.idle_slots(SLOTS)
        if not idle:
            raise CommandError("Both slots are in use; wait until the running build has ended.")
        sizes[idle[0]] = chosen.dimension
    return sizes


def _in_words(deployed: dict[str, int], wanted: dict[str, int], changed: list[str]) -> list[str]:
    if not deployed:
        sizes = " and ".join(f"{slot} of {wanted[slot]} numbers" for slot in SLOTS)
        return [f"First deployment, with two slots for vectors: {sizes}."]
    lines = [_change(slot, deployed.get(slot, 0), wanted[slot]) for slot in changed]
    return lines or ["No vector changes its size: all documents stay as they are."]


def _change(slot: str, before: int, after: int) -> str:
    standing = " and ".join(str(build) for build in IndexBuild.objects.in_slot(slot))
    lost = f"The vectors of {standing} in it are deleted." if standing else "No build stands in it."
    return f"Slot {slot} changes from {before} to {after} numbers. {lost}"


def _agreed() -> bool:
    try:
        return input("Go on? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _empty(slot: str) -> None:
    """Before its type changes, so that no document holds a vector of the old one."""
    IndexBuild.objects.in_slot(slot).update(slot="", verified_at=None)
    vespa = engine()
    if isinstance(vespa, VespaEngine):
        async_to_sync(vespa.empty)(slot)


def _wait_until_up(timeout: float) -> None:
    until = time.monotonic() + timeout
    while True:
        try:
            async_to_sync(engine().health)()
        except EngineError:
            if time.monotonic() > until:
                raise
            time.sleep(1.0)
        else:
            return
