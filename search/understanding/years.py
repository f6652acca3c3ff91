"""Spans of years: "2014", "2016-" (or later), "-2009" (or earlier), "2010-2015"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

EARLIEST, LATEST = 1850, 2100

_SPAN = re.compile(r"(?P<first>\d{4})?(?P<dash>-)?(?P<last>\d{4})?")
_YEAR = r"(?:(?:1[89]|20)\d\d)"
_PUBLISHED = r"(?:(?:published|dated|made|taken|printed)\s+)?"
# The first that matches a place wins, so what says more stands first.
_SAID = tuple(
    (re.compile(rf"(?<![\w-]){_PUBLISHED}{pattern}(?![\w-])", re.IGNORECASE), before, after)
    for pattern, before, after in (
        (rf"(?:between|from|(?:the\s+)?years)\s+(?P<first>{_YEAR})\s*(?:and|to|till|until|-|–)\s*(?P<last>{_YEAR})", 0, 0),
        (rf"(?:nothing|none|not|no)\s+{_PUBLISHED}(?:older\s+than|earlier\s+than|before|prior\s+to)\s+(?P<first>{_YEAR})", 0, 0),
        (rf"(?:nothing|none|not|no)\s+{_PUBLISHED}(?:newer\s+than|later\s+than|after)\s+(?P<last>{_YEAR})", 0, 0),
        (rf"(?:after|later\s+than|newer\s+than)\s+(?P<first>{_YEAR})", 1, 0),
        (rf"since\s+(?P<first>{_YEAR})", 0, 0),
        (rf"(?:from\s+)?(?P<first>{_YEAR})\s+(?:on|onwards?|and\s+later|or\s+later|or\s+newer)", 0, 0),
        (rf"(?:before|earlier\s+than|older\s+than|prior\s+to)\s+(?P<last>{_YEAR})", 0, -1),
        (rf"(?:until|till|up\s+to)\s+(?P<last>{_YEAR})", 0, 0),
        (rf"(?P<last>{_YEAR})\s+(?:and|or)\s+(?:earlier|older|before)", 0, 0),
        (rf"(?:in|from|of)\s+(?P<first>{_YEAR})(?P<only>)", 0, 0),
    )
)  # fmt: skip


def said_years(text: str) -> Iterator[tuple[int, int, str]]:
    """Where a text speaks of years, and the span: (start, end, span), each place once."""
    taken: list[tuple[int, int]] = []
    for pattern, more, less in _SAID:
        for match in pattern.finditer(text):
            start, end = match.span()
            if all(end <= a or b <= start for a, b in taken):
                taken.append((start, end))
                yield start, end, _span(match.groupdict(), more, less)


def _span(said: dict[str, str | None], more: int, less: int) -> str:
    first, last = said.get("first"), said.get("last")
    if said.get("only") is not None:
        return str(first)
    begin = str(int(first) + more) if first else ""
    end = str(int(last) + less) if last else ""
    return f"{begin}-{end}" if not (begin and end) or begin <= end else f"{end}-{begin}"


def one_span(spans: Sequence[str]) -> tuple[str, ...]:
    """A begin and an end that were said apart make one span; others stay alternatives."""
    begins = [span for span in spans if span.endswith("-")]
    ends = [span for span in spans if span.startswith("-")]
    if len(spans) == 2 and begins and ends and begins[0][:-1] <= ends[0][1:]:
        return (begins[0] + ends[0][1:],)
    return tuple(spans)


def as_span(text: str) -> str:
    """The span that a text names, or "" where it names none."""
    text = text.replace("–", "-").replace(" ", "")
    match = _SPAN.fullmatch(text)
    if match is None or not (match["first"] or match["last"]):
        return ""
    if match["first"] and match["last"] and (not match["dash"] or match["first"] > match["last"]):
        return ""
    return text


def years_of(span: str) -> tuple[str, ...]:
    """Every year of a span, as documents have them; a text that is no span stays as it is."""
    match = _SPAN.fullmatch(span)
    if match is None or not match["dash"] or not (match["first"] or match["last"]):
        return (span,)
    first, last = int(match["first"] or EARLIEST), int(match["last"] or LATEST)
    return tuple(str(year) for year in range(max(first, EARLIEST), min(last, LATEST) + 1))


def label_of_years(span: str) -> str:
    first, dash, last = span.partition("-")
    if not dash:
        return span
    if first and last:
        return f"{first}–{last}"
    return f"{first} or later" if first else f"{last} or earlier"
