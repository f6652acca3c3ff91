"""From what somebody said to the state that is searched and shown as chips."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ingest.captions import clean_caption
from ingest.vocabulary import mentions
from search.understanding import words
from search.understanding.lifting import STEPS, Findings
from search.understanding.noun_phrases import DEFAULT_PIPELINE, Span, load_pipeline, noun_phrases
from search.understanding.state import MAX_PARTS, MAX_TEXT, Filter, Phrase, QueryState

_PLAIN_QUOTES = str.maketrans({**dict.fromkeys("“”„«»″", '"'), **dict.fromkeys("‘’ʼ", "'")})
_RAW_LIMIT = 4 * MAX_TEXT

TOO_LONG = f"Only the first {MAX_TEXT} characters were read."
TOO_MANY = f"Only the first {MAX_PARTS} parts of that are searched."
NOTHING_SAID = "That names nothing to look for: say what the image should show."


@dataclass(frozen=True)
class Understanding:
    state: QueryState
    notices: tuple[str, ...] = ()


def understand(
    utterance: str, pipeline: str = DEFAULT_PIPELINE, regions: frozenset[str] = frozenset()
) -> Understanding:
    """Read one utterance by itself. Never raises; about 4 ms once the pipeline is loaded.

    `pipeline` names the spaCy pipeline; "" or one that is absent means phrases by rule. `regions`
    are values of anatomy that the search names already: what only lies in one stays words.
    """
    text, notices = normalised(utterance)
    found = Findings(text, regions, notices=notices)
    for step in STEPS:
        step(found)
    said = found.phrases + _remaining_phrases(found.rest, text, pipeline)
    state = _within_limits(QueryState(text, _distinct(said), _settled(found.filters)), notices)
    if state.is_empty:
        notices.append(NOTHING_SAID)
    return Understanding(state, tuple(dict.fromkeys(notices)))


def normalised(utterance: str) -> tuple[str, list[str]]:
    """The text as it is read, with plain quotes, and what is to be said about its length."""
    text = clean_caption(utterance[:_RAW_LIMIT]).translate(_PLAIN_QUOTES)
    if len(text) <= MAX_TEXT and len(utterance) <= _RAW_LIMIT:
        return text, []
    return text[:MAX_TEXT].rstrip(), [TOO_LONG]


def _remaining_phrases(rest: str, text: str, pipeline: str) -> list[Phrase]:
    if not any(character.isalnum() for character in rest):
        return []
    spans = noun_phrases(rest, load_pipeline(pipeline), _set_phrases(rest))
    return [_phrase(text[span.start : span.end], span.start) for span in spans]


def _set_phrases(rest: str) -> list[Span]:
    """Forms of the vocabulary with small words inside, which a chunker would take apart."""
    known = [m for field in ("modality", "anatomy") for m in mentions(rest, field)]
    small = (" of ", " and ", " the ")
    spans = sorted(Span(m.start, m.end) for m in known if any(word in m.text for word in small))
    return [span for i, span in enumerate(spans) if i == 0 or span.start >= spans[i - 1].end]


def _phrase(text: str, position: int) -> Phrase:
    weight = words.LITTLE_WEIGHT if text.casefold() in words.SAYS_LITTLE else 1.0
    return Phrase(text, weight=weight, position=position)


def _distinct(phrases: list[Phrase]) -> tuple[Phrase, ...]:
    """The first of each text, in the order said; what is excluded is not also wanted."""
    excluded = {p.text.casefold() for p in phrases if p.excluded}
    kept: dict[tuple[str, bool], Phrase] = {}
    for phrase in sorted(phrases, key=lambda p: p.position):
        folded = phrase.text.casefold()
        if phrase.excluded or folded not in excluded:
            known = kept.setdefault((folded, phrase.excluded), phrase)
            if phrase.quoted and not known.quoted:
                kept[folded, phrase.excluded] = phrase
    return tuple(kept.values())


def _settled(filters: list[Filter]) -> tuple[Filter, ...]:
    """At most one including and one excluding row a field, so that rows never contradict."""
    settled: list[Filter] = []
    for name in dict.fromkeys(row.field for row in filters):
        rows = [row for row in filters if row.field == name]
        out = tuple(dict.fromkeys(value for row in rows for value in row.excluded))
        wanted = tuple(dict.fromkeys(v for row in rows for v in row.included if v not in out))
        settled += _joined([r for r in rows if r.included], wanted, ())
        settled += _joined([r for r in rows if r.excluded], (), out)
    return tuple(sorted(settled, key=lambda row: row.position))


def _joined(
    rows: list[Filter], included: tuple[str, ...], excluded: tuple[str, ...]
) -> list[Filter]:
    if not (included or excluded):
        return []
    return [
        replace(
            rows[0],
            included=included,
            excluded=excluded,
            words=" ".join(dict.fromkeys(row.words for row in rows if row.words)),
            inferred=all(row.inferred for row in rows),
            position=min(row.position for row in rows),
        )
    ]


def _within_limits(state: QueryState, notices: list[str]) -> QueryState:
    rows: list[Filter] = []
    room = MAX_PARTS
    for row in state.filters:
        kept = replace(row, included=row.included[:room], excluded=row.excluded[:room])
        rows += [kept] if kept.included or kept.excluded else []
        room -= len(kept.included) + len(kept.excluded)
    limited = replace(state, phrases=state.phrases[:room], filters=tuple(rows))
    if limited != state:
        notices.append(TOO_MANY)
    return limited
