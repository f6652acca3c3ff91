"""What is said over the search socket, checked against the schema that the product serves."""

import json
from typing import Any, Literal

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

from search.api.searches import FRAMES

SCHEMA = json.loads(FRAMES.read_text(encoding="utf-8"))

Side = Literal["server", "client"]
_CHECKS = {
    side: Draft202012Validator({"$ref": f"#/$defs/{side}", "$defs": SCHEMA["$defs"]})
    for side in ("server", "client")
}


def fault(frame: Any, side: Side) -> str:
    """What is wrong with a frame that `side` sent, "" if nothing is. Text is read as JSON first."""
    if isinstance(frame, str | bytes | None):
        try:
            frame = json.loads(frame or "", parse_constant=_no_number)
        except (ValueError, RecursionError) as exc:
            return str(exc)
    error = best_match(_CHECKS[side].iter_errors(frame))
    return f"{error.json_path}: {error.message}" if error else ""


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
