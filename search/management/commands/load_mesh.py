import json
import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from search.understanding.mesh import BRANCH, BRANCHES, MeshError, Row, rows

RESTART = "Processes that run already know it after a restart."


class Command(BaseCommand):
    help = "Take other words for what is looked for from a file of MeSH descriptors (descYYYY.xml)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, help="descYYYY.xml, unpacked")
        parser.add_argument(
            "--branches", nargs="+", default=BRANCHES, metavar="NUMBER",
            help=f"parts of the tree, such as C or E01.370; default: {' '.join(BRANCHES)}",
        )  # fmt: skip
        parser.add_argument("--remove", action="store_true", help="forget the terms again")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        file, table = options["file"], settings.MESH_TABLE
        if options["remove"] == (file is not None):
            raise CommandError("Name a file of MeSH descriptors, or --remove, but not both.")
        if options["remove"]:
            self._remove(table)
            return
        for branch in options["branches"]:
            if not BRANCH.fullmatch(branch):
                raise CommandError(f"{branch} is no part of the MeSH tree; write C or E01.370.")
        try:
            counts = _load(file, table, options["branches"])
        except MeshError as exc:
            raise CommandError(f"{file} {exc}. Nothing was changed.") from exc
        if options["json"]:
            self.stdout.write(json.dumps({"file": str(table), **counts}))
        else:
            self.stdout.write(
                f"{counts['descriptors']} descriptors give {counts['forms']} forms, written to "
                f"{table}. {RESTART}"
            )

    def _remove(self, table: Path) -> None:
        try:
            table.unlink()
        except FileNotFoundError:
            raise CommandError("There are no MeSH terms to remove.") from None
        self.stdout.write(f"The MeSH terms are removed. {RESTART}")


def _load(file: Path, table: Path, branches: Sequence[str]) -> dict[str, int]:
    """Write the table whole or not at all; an older one stands until then."""
    descriptors, forms = set(), 0

    def lines() -> Iterator[str]:
        nonlocal forms
        yield f"# From {file.name}, branches {' '.join(branches)}: manage.py load_mesh\n"
        for row in _read(file, branches):
            descriptors.add(row.descriptor)
            forms += len(row.forms)
            yield f"{row}\n"
        if not forms:
            raise MeshError(f"has no other words below {', '.join(branches)}")

    _write(table, lines())
    return {"descriptors": len(descriptors), "forms": forms}


def _read(file: Path, branches: Sequence[str]) -> Iterator[Row]:
    try:
        with file.open("rb") as opened:
            size = file.stat().st_size
            bar = tqdm.wrapattr(opened, "read", total=size, file=sys.stderr, disable=None)
            with bar as watched:
                yield from rows(watched, branches)
    except OSError as exc:
        raise MeshError(f"cannot be read: {exc.strerror}") from exc


def _write(table: Path, lines: Iterator[str]) -> None:
    try:
        table.parent.mkdir(parents=True, exist_ok=True)
        handle, aside = mkstemp(prefix=f".{table.name}-", dir=table.parent)
    except OSError as exc:
        raise CommandError(f"{table.parent} cannot be written: {exc.strerror}.") from exc
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as written:
            written.writelines(lines)
            written.flush()
            os.fsync(handle)
        os.chmod(aside, 0o644)
        os.replace(aside, table)
    except OSError as exc:
        raise CommandError(f"{table} cannot be written: {exc.strerror}.") from exc
    finally:
        Path(aside).unlink(missing_ok=True)
