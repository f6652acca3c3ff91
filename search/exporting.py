"""Images as a file, with where each is from: all that a search ranks, all that a tag holds."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from search.models import IndexBuild, Tag, Turn
from search.retrieval import POOL
from search.understanding.state import QueryState
from search.wire import Addresses, SearchResponse, answer, picture_json

# In addresses, and as their readers name them.
FORMS = (("csv", "CSV"), ("json", "JSON"))

# Each leg brings so many into the pool: no list is longer.
MOST_RANKED = 2 * POOL

COLUMNS = (
    "rank", "image_id", "external_id", "caption", "modality", "collection", "synthetic",
    "source", "credit", "licence", "similar", "link",
)  # fmt: skip

# What spreadsheets take for the beginning of a formula, also behind blanks.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def all_ranked(
    state: QueryState, build: IndexBuild | None, turn: Turn | None, owner: int | None
) -> SearchResponse:
    """A search with every image that it ranks, none left for a further page."""
    return async_to_sync(answer)(state, build, turn=turn, owner=owner, limit=MOST_RANKED)


def search_as_file(
    response: SearchResponse, form: str, name: str, absolute: Callable[[str], str]
) -> HttpResponse:
    """`form` is csv or json; `absolute` makes a path an address."""
    head = {key: response[key] for key in ("state", "total", "ranked", "notices")}
    return _file(response["hits"], head, form, name, absolute)


def tag_as_file(tag: Tag, form: str, absolute: Callable[[str], str]) -> HttpResponse:
    """As a search, ranked in the order in which the images were added."""
    addresses = Addresses()
    images = [
        {**picture_json(image, addresses), "rank": rank}
        for rank, image in enumerate(tag.in_order(), 1)
    ]
    return _file(images, {"tag": tag.name}, form, f"clipsite-tag-{tag.pk}", absolute)


def _file(
    images: Sequence[Mapping[str, Any]], head: Mapping[str, Any], form: str, name: str,
    absolute: Callable[[str], str],
) -> HttpResponse:  # fmt: skip
    rows = [_row(image, absolute) for image in images]
    file: HttpResponse
    if form == "csv":
        file = HttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    else:
        body = {"exported_at": timezone.now(), **head, "images": rows}
        file = JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 1})
    file["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    file["Cache-Control"] = "private, no-store"
    return file


def _row(image: Mapping[str, Any], absolute: Callable[[str], str]) -> dict[str, Any]:
    known = {"link": absolute(image["detail_url"]), "modality": image["modality_label"]}
    known["similar"] = " ".join(map(str, image.get("similar", ())))
    return {name: known.get(name, image.get(name)) for name in COLUMNS}


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    """With a mark of its encoding, without which Excel reads it as something else."""
    written = io.StringIO()
    writer = csv.DictWriter(written, COLUMNS)
    writer.writeheader()
    writer.writerows({name: _harmless(cell) for name, cell in row.items()} for row in rows)
    return written.getvalue().encode("utf-8-sig")


def _harmless(cell: Any) -> Any:
    """Text that a spreadsheet would run is marked as text by an apostrophe."""
    if isinstance(cell, str) and (cell.startswith(FORMULA) or cell.lstrip().startswith(FORMULA)):
        return f"'{cell}"
    return cell
