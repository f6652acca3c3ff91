"""From the state of a conversation to what an engine is asked. Pure; nothing is added unseen."""

from collections.abc import Mapping

from search.engines.base import Clause, Restriction, Scope
from search.understanding.state import QueryState
from search.understanding.years import years_of

# Words behind a filter, and the caption of an example image, hint at the order but no more.
HINT = 0.5


def clauses_of(state: QueryState, captions: Mapping[int, str]) -> list[Clause]:
    """What BM25 looks for. `captions` are those of the example images that are to count."""
    clauses = [Clause(p.text, p.weight) for p in state.phrases if not p.excluded and p.text]
    clauses += [Clause(f.words, HINT) for f in state.filters if f.words and f.included]
    clauses += [
        Clause(captions[image.image_id], HINT)
        for image in state.images
        if image.with_caption and image.weight > 0 and captions.get(image.image_id)
    ]
    return clauses


def scope_of(state: QueryState) -> Scope:
    """What may be found: filters, phrases that must or must not stand there, examples left out."""
    fields = dict.fromkeys(f.field for f in state.filters)
    return Scope(
        restrictions=tuple(_restriction(state, field) for field in fields),
        phrases=tuple(p.text for p in state.phrases if p.quoted and not p.excluded),
        without=tuple(p.text for p in state.phrases if p.excluded),
        without_ids=tuple(image.image_id for image in state.images),
    )


def _restriction(state: QueryState, field: str) -> Restriction:
    filters = [f for f in state.filters if f.field == field]
    read = years_of if field == "year" else _itself
    return Restriction(
        field,
        any_of=tuple(
            dict.fromkeys(v for f in filters for value in f.included for v in read(value))
        ),
        none_of=tuple(
            dict.fromkeys(v for f in filters for value in f.excluded for v in read(value))
        ),
    )


def _itself(value: str) -> tuple[str, ...]:
    return (value,)
