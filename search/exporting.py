"""The whole ranked list of a search as a file, with where each image is from."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

from django.http import HttpResponse, JsonResponse
from django.utils import timezone

from search.retrieval import POOL
from search.wire import HitJson, SearchResponse

# Each leg brings so many into the pool: no list is longer.
MOST_RANKED = 2 * POOL

COLUMNS = (
    "rank", "image_id", "external_id", "caption", "modality", "collection", "synthetic",
    "source", "credit", "licence", "similar", "link",
)  # fmt: skip

# What spreadsheets take for the beginning of a formula, also behind blanks.
FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")


def as_file(
    response: SearchResponse, form: str, name: str, absolute: Callable[[str], str]
) -> HttpResponse:
    """`form` is csv or json; `absolute` makes a path an address."""
    rows = [_row(hit, absolute) for hit in response["hits"]]
    file: HttpResponse
    if form == "csv":
        file = HttpResponse(_csv(rows), content_type="text/csv; charset=utf-8")
    else:
        head = {key: response[key] for key in ("state", "total", "ranked", "notices")}
        body = {"exported_at": timezone.now(), **head, "images": rows}
        file = JsonResponse(body, json_dumps_params={"ensure_ascii": False, "indent": 1})
    file["Content-Disposition"] = f'attachment; filename="{name}.{form}"'
    file["Cache-Control"] = "private, no-store"
    return file


def _row(hit: HitJson, absolute: Callable[[str], str]) -> dict[str, Any]:
    link = absolute(hit["detail_url"])
    known = {"link": link, "modality": hit["modality_label"]}
    known["similar"] = " ".join(map(str, hit["similar"]))
    return {name: known.get(name, hit.get(name)) for name in COLUMNS}


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
