"""What a clause says besides words to look for: settings of the ranking, and hits by their rank."""

from __future__ import annotations

import re
from collections.abc import Callable

from search.understanding.edits import LIKE_WEIGHT, UNLIKE_WEIGHT
from search.understanding.noun_phrases import is_content
from search.understanding.talk import commands, hits
from search.understanding.wire import read_alpha, read_fusion, read_mode

LIKE_HIT = re.compile(
    rf"\b(?:(?P<unlike>{hits.UNLIKE})|(?P<like>{hits.LIKE}))\s+{hits.REFERENCE}"
    r"(?P<more>(?:\s*(?:,|and|&|or)\s*(?:the\s+)?(?:#|number\s+)?\d{1,3}\b(?!\s*(?:cm|mm|%)))*)"
    r"(?:\s+(?:more\s+)?closely)?",
    re.IGNORECASE,
)
_HIT = re.compile(hits.REFERENCE, re.IGNORECASE)


def mode_of(clause: str) -> dict[str, object]:
    """Settings that the clause asks for and nothing else, or none."""
    rest, changes = clause, {}
    for pattern, change in commands.MODES:
        if match := pattern.search(rest):
            changes.update(change)
            if "alpha" in match.groupdict():
                changes["alpha"] = _share(match["alpha"])
            rest = f"{rest[: match.start()]} {rest[match.end() :]}"
    left = [word.strip(".,!?").casefold() for word in rest.split()]
    if any(is_content(word) and word not in commands.AROUND_A_MODE for word in left):
        return {}
    return _checked(changes)


def _share(said: str) -> float:
    return float(said.rstrip("% ")) / 100 if said.endswith("%") else float(said)


def _checked(changes: dict[str, object]) -> dict[str, object]:
    read: dict[str, Callable[[object], object]] = {
        "mode": read_mode, "fusion": read_fusion, "alpha": read_alpha,
    }  # fmt: skip
    try:
        return {name: read[name](value) for name, value in changes.items()}
    except ValueError:
        return {}


def references(clause: str) -> list[tuple[int, float]]:
    """Ranks that the clause points at, with their weights."""
    found: list[tuple[int, float]] = []
    if example := hits.AS_EXAMPLE.match(clause):
        which = example["which"] or example["moved"]
        weight = LIKE_WEIGHT if example["which"] or example["up"] else UNLIKE_WEIGHT
        return [(rank, weight) for rank in ranks(which)]
    if verdict := hits.VERDICT.match(clause):
        good = bool(verdict["good"]) and not verdict["denied"]
        return [(rank, LIKE_WEIGHT if good else UNLIKE_WEIGHT) for rank in ranks(verdict["which"])]
    for match in LIKE_HIT.finditer(clause):
        weight = UNLIKE_WEIGHT if match["unlike"] else LIKE_WEIGHT
        found.append((_rank(match), weight))
        found += [(int(rank), weight) for rank in re.findall(r"\d+", match["more"] or "")]
    if not found and hits.ALIKE_AFTER.search(clause):
        found = [(rank, LIKE_WEIGHT) for rank in ranks(clause)[:1]]
    return found


def says_more(clause: str) -> bool:
    """Whether a clause that points at hits has something else to say, which `LIKE_HIT` left."""
    all_of_it = hits.VERDICT.match(clause) or hits.AS_EXAMPLE.match(clause)
    return not (all_of_it or hits.ALIKE_AFTER.search(clause))


def ranks(text: str) -> list[int]:
    return [_rank(match) for match in _HIT.finditer(text)]


def _rank(match: re.Match[str]) -> int:
    return int(match["digits"]) if match["digits"] else hits.ORDINALS[match["ordinal"].lower()]
