"""What a person changes on the chips, the facets and the hits: one edit, one new state."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from search.understanding.chips import (
    DENIED,
    can_weigh,
    chips,
    expansion_id,
    image_chip_id,
    phrase_id,
    value_id,
)
from search.understanding.filters import without_values
from search.understanding.state import (
    MAX_PARTS,
    Filter,
    ImageReference,
    InvalidState,
    Phrase,
    QueryState,
)
from search.understanding.synonyms import pruned
from search.understanding.values import value_label, value_of
from search.understanding.wire import (
    count_parts,
    read_alpha,
    read_field,
    read_flag,
    read_fusion,
    read_image_id,
    read_mode,
    read_region,
    read_sort,
    read_text,
    read_upload,
    read_weight,
)

LIKE_WEIGHT = 1.0
UNLIKE_WEIGHT = -0.5

Edit = Mapping[str, object]

# How the parts of a search are ranked and ordered: all but `denied` stay over a new search.
SETTINGS = frozenset({"mode", "alpha", "fusion", "sort", "denied"})

EXCHANGED = "Like a part of my picture"
_SAID = {
    "like": "More like this image",
    "unlike": "Less like this image",
    "picture": "Like my picture",
    "hybrid": "By words and pictures",
    "lexical": "By words only",
    "semantic": "By pictures only",
    "linear": "Fused by score",
    "rrf": "Fused by rank",
    "relevance": "Best match first",
    "newest": "Newest first",
    "oldest": "Oldest first",
    "source": "Sorted by source",
}


def apply(state: QueryState, edit: Edit) -> QueryState:
    """The state after one edit. Raises InvalidState, in one sentence, for a bad edit."""
    if not isinstance(edit, Mapping):
        raise InvalidState("An edit must be an object.")
    name = edit.get("op")
    operation = _OPERATIONS.get(name) if isinstance(name, str) else None
    if operation is None:
        raise InvalidState(f"An edit's op must be one of {', '.join(_OPERATIONS)}.")
    change, keys = operation
    _check_keys(edit, keys)
    edited = pruned(change(state, edit))
    if count_parts(edited) > max(MAX_PARTS, count_parts(state)):
        raise InvalidState(f"A search has at most {MAX_PARTS} parts.")
    return edited


def describe(state: QueryState, edit: Edit) -> str:
    """The edit in a few words, as its turn is shown: what was done, not what it led to."""
    chip = next((c for c in chips(state) if c.id == edit.get("chip")), None)
    if chip is not None:
        if edit["op"] == "weigh":
            what = chip.label
            for verb in ("Like ", "Unlike ", "away from "):
                what = what.removeprefix(verb)
            weight = str(edit.get("weight")).replace("-", "−")
            return f"{what[:1].upper()}{what[1:]} counts {weight}"
        return (
            f"Without the label {chip.label}" if edit["op"] == "remove" else str(edit.get("text"))
        )
    field, value = edit.get("field"), edit.get("value")
    if isinstance(field, str) and isinstance(value, str):
        verb = "With" if edit["op"] == "filter" else "No longer only"
        return f"{verb} {value_label(field, value)}"
    if edit.get("op") == "require":
        return f"Only with “{edit.get('text')}”"
    if edit.get("region"):
        return f"{'More' if edit['op'] == 'like' else 'Less'} like a part of this image"
    return _SAID.get(str(edit.get("op")), "") or _said_of_settings(edit)


def is_exchange(state: QueryState, changes: Sequence[Edit]) -> bool:
    """Whether a picture of one's own, as a rule a part of it, takes the place of another one."""
    if [change.get("op") for change in changes] != ["remove", "picture"]:
        return False
    own = {image_chip_id(image) for image in state.images if image.upload}
    return changes[0].get("chip") in own


def _said_of_settings(edit: Edit) -> str:
    if "alpha" in edit:
        return f"Pictures count {edit['alpha']}"
    if "denied" in edit:
        counts = "in full" if edit["denied"] else "a tenth"
        return f"What captions deny counts {counts}"
    named = edit.get("mode") or edit.get("fusion") or edit.get("sort")
    return _SAID.get(str(named), "Changed labels")


def _check_keys(edit: Edit, keys: frozenset[str]) -> None:
    unknown = [str(key) for key in edit if key not in keys and key != "op"]
    if unknown:
        raise InvalidState(f"The edit {edit['op']!r} has an unknown key {unknown[0][:40]!r}.")


def _remove(state: QueryState, edit: Edit) -> QueryState:
    chip_id = _known_chip(state, edit)
    return replace(
        state,
        phrases=tuple(p for p in state.phrases if phrase_id(p) != chip_id),
        filters=_filters_without(state, chip_id),
        images=tuple(i for i in state.images if image_chip_id(i) != chip_id),
        expansions=tuple(e for e in state.expansions if expansion_id(e) != chip_id),
        denied=state.denied and chip_id != DENIED,
    )


def _known_chip(state: QueryState, edit: Edit) -> str:
    chip_id = edit.get("chip")
    if not isinstance(chip_id, str) or all(chip.id != chip_id for chip in chips(state)):
        raise InvalidState(f"This search has no chip {str(chip_id)[:80]!r}.")
    return chip_id


def _filters_without(state: QueryState, chip_id: str) -> tuple[Filter, ...]:
    return without_values(
        state.filters,
        lambda row, value, excluded: value_id(row.field, value, excluded=excluded) == chip_id,
    )


def _rewrite(state: QueryState, edit: Edit) -> QueryState:
    chip_id = _known_chip(state, edit)
    text = " ".join(read_text(edit.get("text"), "text").split())
    if not any(character.isalnum() for character in text):
        raise InvalidState("The new text of a chip must not be blank.")
    if all(phrase_id(phrase) != chip_id for phrase in state.phrases):
        raise InvalidState("Only a chip of words can be rewritten.")
    changed: dict[str, Phrase] = {}
    for phrase in state.phrases:
        if phrase_id(phrase) == chip_id:
            phrase = replace(phrase, text=text, weight=1.0, inferred=False)
        changed.setdefault(phrase_id(phrase), phrase)
    return replace(state, phrases=tuple(changed.values()))


def _require(state: QueryState, edit: Edit) -> QueryState:
    """Words that must stand in the caption, and so are no longer excluded."""
    text = " ".join(read_text(edit.get("text"), "text").replace('"', " ").split())
    if not any(character.isalnum() for character in text):
        raise InvalidState("What must stand in the caption must not be blank.")
    wanted = Phrase(text, quoted=True, inferred=False)
    others = tuple(
        phrase
        for phrase in state.phrases
        if phrase_id(phrase) != phrase_id(wanted)
        and not (phrase.excluded and phrase.text.casefold() == text.casefold())
    )
    return replace(state, phrases=(*others, wanted))


def _filter(state: QueryState, edit: Edit) -> QueryState:
    """Adds to the values already asked of the field: several values of one field are "any of"."""
    field, value = _field_and_value(edit)
    rows = _filters_without(state, value_id(field, value, excluded=True))
    for i, row in enumerate(rows):
        if row.field == field and row.included:
            included = tuple(dict.fromkeys((*row.included, value)))
            widened = replace(row, included=included, inferred=False)
            return replace(state, filters=(*rows[:i], widened, *rows[i + 1 :]))
    return replace(state, filters=(*rows, Filter(field, included=(value,), inferred=False)))


def _unfilter(state: QueryState, edit: Edit) -> QueryState:
    field, value = _field_and_value(edit)
    if not any(row.field == field and value in row.included for row in state.filters):
        raise InvalidState(f"This search does not filter by {value_label(field, value)!r}.")
    return replace(state, filters=_filters_without(state, value_id(field, value)))


def _field_and_value(edit: Edit) -> tuple[str, str]:
    field = read_field(edit.get("field"))
    said = read_text(edit.get("value"), "value")
    value = value_of(field, said)
    if not value:
        raise InvalidState(f"{said[:80]!r} is not a known {field}.")
    return field, value


def _weigh(state: QueryState, edit: Edit) -> QueryState:
    chip_id, weight = _known_chip(state, edit), read_weight(edit.get("weight"))
    words = [p for p in state.phrases if phrase_id(p) == chip_id and can_weigh(p)]
    pictures = [i for i in state.images if image_chip_id(i) == chip_id]
    if not (words or pictures):
        raise InvalidState("Only words and images can count more or less.")
    return replace(
        state,
        phrases=tuple(
            replace(p, weight=weight, inferred=False) if p in words else p for p in state.phrases
        ),
        images=tuple(replace(i, weight=weight) if i in pictures else i for i in state.images),
    )


def _picture(state: QueryState, edit: Edit) -> QueryState:
    upload, weight = read_upload(edit.get("upload")), read_weight(edit.get("weight", LIKE_WEIGHT))
    others = tuple(image for image in state.images if image.upload != upload)
    return replace(state, images=(*others, ImageReference(upload=upload, weight=weight)))


def _like(state: QueryState, edit: Edit) -> QueryState:
    return _with_image(state, edit, LIKE_WEIGHT)


def _unlike(state: QueryState, edit: Edit) -> QueryState:
    return _with_image(state, edit, UNLIKE_WEIGHT)


def _with_image(state: QueryState, edit: Edit, weight: float) -> QueryState:
    """An image counts once: as a whole, or a part of it."""
    image_id, region = read_image_id(edit.get("image_id")), read_region(edit.get("region"))
    others = tuple(image for image in state.images if image.image_id != image_id)
    return replace(state, images=(*others, ImageReference(image_id, weight, region=region)))


def _set(state: QueryState, edit: Edit) -> QueryState:
    if not edit.keys() & SETTINGS:
        raise InvalidState(f"A set edit names one of {', '.join(sorted(SETTINGS))}.")
    return replace(
        state,
        mode=read_mode(edit.get("mode", state.mode)),
        alpha=read_alpha(edit.get("alpha", state.alpha)),
        fusion=read_fusion(edit.get("fusion", state.fusion)),
        sort=read_sort(edit.get("sort", state.sort)),
        denied=read_flag(edit.get("denied", state.denied), "denied"),
    )


_OPERATIONS: dict[str, tuple[Callable[[QueryState, Edit], QueryState], frozenset[str]]] = {
    "remove": (_remove, frozenset({"chip"})),
    "rewrite": (_rewrite, frozenset({"chip", "text"})),
    "require": (_require, frozenset({"text"})),
    "filter": (_filter, frozenset({"field", "value"})),
    "unfilter": (_unfilter, frozenset({"field", "value"})),
    "like": (_like, frozenset({"image_id", "region"})),
    "unlike": (_unlike, frozenset({"image_id", "region"})),
    "picture": (_picture, frozenset({"upload", "weight"})),
    "weigh": (_weigh, frozenset({"chip", "weight"})),
    "set": (_set, SETTINGS),
}
