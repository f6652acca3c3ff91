"""Answers from only a part of the documents."""

from typing import Any

TIMED_OUT = 12


def spoilt(kind: str, answer: dict[str, Any]) -> None:
    """Take half of the hits, or all, away from a right answer, as an overloaded node does."""
    root = answer["root"]
    children = root.pop("children", [])
    hits = [child for child in children if not child["id"].startswith("group:")]
    kept = [] if kind == "zero_hits" else hits[: (len(hits) + 1) // 2]
    groups = [child for child in children if child["id"].startswith("group:")]
    if kept or groups:
        root["children"] = kept + groups
    root["coverage"] |= {
        "coverage": 0 if kind == "zero_hits" else 50,
        "documents": root["coverage"]["documents"] // 2,
        "full": False,
        "resultsFull": 0,
        "degraded": _degraded(),
    }
    if kind == "soft_timeout":
        root["errors"] = [_timed_out()]


def _degraded() -> dict[str, bool]:
    return {
        "match-phase": False,
        "timeout": True,
        "adaptive-timeout": False,
        "non-ideal-state": False,
        "anntimeout": False,
    }


def _timed_out() -> dict[str, Any]:
    message = "Backend communication timeout on all nodes in group"
    return {"code": TIMED_OUT, "summary": "Timed out", "source": "images", "message": message}
