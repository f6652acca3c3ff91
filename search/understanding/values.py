"""Values of filters: what was said as it is stored, and what is stored as it is shown."""

from __future__ import annotations

from ingest.vocabulary import canonical, label_of
from search.understanding.years import as_span, label_of_years

# What the index has where an image has no value: as one of its own it can be asked for and counted.
NOT_STATED = "not-stated"
_LABELS = {
    "modality": "technique not stated",
    "anatomy": "region not stated",
    "sex": "sex not stated",
    "age": "age not stated",
    "laterality": "side not stated",
    "year": "year not stated",
}
CAN_BE_UNSTATED = tuple(_LABELS)
# From the youngest; each up to, not including, so many years.
AGE_GROUPS = {
    "infant": 2.0, "child": 13.0, "adolescent": 19.0, "adult": 65.0, "older": float("inf"),
}  # fmt: skip
NOT_STATED_HERE = "not stated"


def value_of(field: str, said: str) -> str:
    """The stored value that was said, or "" where there is no such value."""
    if field in CAN_BE_UNSTATED and said.strip().casefold() == NOT_STATED:
        return NOT_STATED
    return as_span(said) if field == "year" else canonical(field, said)


def value_label(field: str, value: str) -> str:
    """As it stands alone; beside the name of its field, NOT_STATED_HERE says enough."""
    if value == NOT_STATED:
        return _LABELS.get(field, value)
    return label_of_years(value) if field == "year" and value else label_of(field, value)
