"""Where an image is from, how to cite it, and what else belongs to it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import QuerySet
from django.template.defaultfilters import capfirst, floatformat
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from ingest.models import Image
from ingest.negation import split_mentions

MOST_FIGURES = 48

_CREATIVE_COMMONS = re.compile(r"CC[ -](BY(?:-(?:NC|SA|ND))*)[ -](\d\.\d)", re.IGNORECASE)
_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Fact:
    """`address` is where the value itself leads; values may hold addresses too."""

    label: str
    value: str
    address: str = ""


@dataclass(frozen=True)
class Figures:
    """At most MOST_FIGURES of `total`, around the one they were asked for."""

    shown: list[Image]
    total: int


@dataclass(frozen=True)
class Column:
    """One image beside others; `others`: their numbers by comma where at least two are left."""

    image: Image
    facts: list[Fact]
    attribution: str
    others: str


def columns(images: Sequence[Image]) -> list[Column]:
    """Facts that are known of none are left out, so that rows of all columns stand level."""
    rows = [row for row in zip(*map(facts, images), strict=True) if any(f.value for f in row)]
    numbers = [str(image.pk) for image in images]
    return [
        Column(
            image,
            facts=[row[at] for row in rows],
            attribution=attribution(image),
            others=",".join(numbers[:at] + numbers[at + 1 :]) if len(images) > 2 else "",
        )
        for at, image in enumerate(images)
    ]


def facts(image: Image) -> list[Fact]:
    """All there is to know of an image, unknown values included."""
    article = "" if image.group_key == image.sha256 else image.group_key
    return [
        Fact(_("Source"), image.source),
        Fact(_("Article or case"), article),
        Fact(_("Licence"), image.licence or _("Not stated"), licence_address(image.licence)),
        Fact(_("Credit"), image.credit),
        Fact(_("Name"), image.external_id),
        Fact(_("Collection"), image.collection.name),
        Fact(_("Split"), capfirst(image.split)),
        Fact(_("Imported"), date_format(image.created_at)),
        Fact(_("Size"), f"{image.width} × {image.height}"),
        Fact(_("Sex"), capfirst(image.sex)),
        Fact(_("Age"), "" if image.age is None else floatformat(image.age)),
        Fact(_("Side"), capfirst(image.laterality)),
        Fact(_("Year"), str(image.year or "")),
    ]


def attribution(image: Image) -> str:
    """Title, author, source and licence in one line."""
    address = licence_address(image.licence)
    licence = " ".join(filter(None, [image.licence or _("Licence not stated"), address]))
    parts = [image.external_id, image.credit, image.source, licence]
    return ". ".join(part.strip(" .") for part in parts if part.strip(" ."))


def licence_address(licence: str) -> str:
    """Of a Creative Commons licence with its version; else nothing."""
    found = _CREATIVE_COMMONS.fullmatch(licence.strip())
    if not found:
        return ""
    return f"https://creativecommons.org/licenses/{found[1].lower()}/{found[2]}/"


def denied(image: Image) -> list[str]:
    """What its caption says is not there, as the index holds it."""
    return [span for span in split_mentions(image.caption_clean).negated.split("; ") if span]


def figures(image: Image, visible: QuerySet[Image]) -> Figures:
    """Of the same article or case, itself too, by name; numbers in names count as numbers."""
    group = visible.filter(collection=image.collection_id, group_key=image.group_key)
    ids = _in_order(group.values_list("external_id", "pk"))
    start = max(0, min(ids.index(image.pk) - MOST_FIGURES // 2, len(ids) - MOST_FIGURES))
    near = ids[start : start + MOST_FIGURES]
    rows = visible.in_bulk(near)
    return Figures([rows[pk] for pk in near], len(ids))


def _in_order(names: Iterable[tuple[str, int]]) -> list[int]:
    def place(named: tuple[str, int]) -> list[int | str]:
        pieces = _NUMBER.split(named[0])
        return [int(piece) if at % 2 else piece for at, piece in enumerate(pieces)]

    return [pk for _name, pk in sorted(names, key=place)]
