"""From the state of a conversation to what an engine is asked. Pure; nothing is added unseen."""

from collections.abc import Mapping, Sequence

import numpy as np

from search.engines.base import Clause, Restriction, Scope, Vector
from search.understanding.state import QueryState
from search.understanding.years import years_of

# Words behind a filter, and the caption of an example image, hint at the order but no more.
HINT = 0.5


def clauses_of(state: QueryState, captions: Mapping[int, str]) -> list[Clause]:
    """What BM25 looks for. `captions` are those of the example images that are to count."""
    clauses = [
        Clause(p.text, p.weight)
        for p in state.phrases
        if not p.excluded and p.text and p.weight > 0
    ]
    clauses += [Clause(e.text, e.weight, together=True) for e in state.expansions if not e.excluded]
    clauses += [Clause(f.words, HINT) for f in state.filters if f.words and f.included]
    clauses += [
        Clause(captions[image.image_id], HINT)
        for image in state.images
        if image.with_caption
        and image.weight > 0
        and image.image_id
        and captions.get(image.image_id)
    ]
    return clauses


def wanted(state: QueryState) -> list[str]:
    """What is looked for, each phrase and the words of each filter, in the order said."""
    said = [(p.position, p.text) for p in state.phrases if not p.excluded and p.weight > 0]
    said += [(f.position, f.words) for f in state.filters if f.included]
    return list(dict.fromkeys(text for _, text in sorted(said) if text))


def mixed(parts: Sequence[tuple[float, Vector]]) -> Vector | None:
    """Σ weight · vector, of unit length; None where nothing counts or the parts cancel out."""
    counted = [weight * vector.astype(np.float64) for weight, vector in parts if weight]
    if not counted:
        return None
    total = np.sum(counted, axis=0)
    length = float(np.linalg.norm(total))
    return (total / length).astype(np.float32) if length > 1e-6 else None


def scope_of(state: QueryState) -> Scope:
    """What may be found: filters, phrases that must or must not stand there, examples left out."""
    fields = dict.fromkeys(f.field for f in state.filters)
    return Scope(
        restrictions=tuple(_restriction(state, field) for field in fields),
        phrases=tuple(p.text for p in state.phrases if p.quoted and not p.excluded),
        without=(
            *(p.text for p in state.phrases if p.excluded),
            *(e.text for e in state.expansions if e.excluded),
        ),
        without_ids=tuple(i.image_id for i in state.images if i.image_id and i.weight),
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
