"""A turn of a conversation: what somebody says next, and the search that comes of it.

Rules alone, in the order of `_MOVES`. An utterance is taken apart where one move ends and another
begins, and each part changes the state that the part before left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from search.understanding import parts
from search.understanding.noun_phrases import DEFAULT_PIPELINE, is_content
from search.understanding.pointing import LIKE_HIT, mode_of, ranks, references, says_more
from search.understanding.state import MAX_PARTS, Filter, ImageReference, QueryState
from search.understanding.talk import changes, clause_ends, commands, part_names, topics
from search.understanding.understand import NOTHING_SAID, normalised, understand
from search.understanding.wire import count_parts

Move = Literal[
    "new", "add", "narrow", "exclude", "replace", "image", "drop", "mode",
    "explain", "undo", "redo", "start_over", "save",
]  # fmt: skip

STARTED_NEW = "Started a new search."
NOT_THERE = "There is no hit number {rank} to compare with; the last search shows {count}."
WHICH_ONE = "Say which one, for example “why #3”."
NOTHING_TO_DROP = "Nothing here is about “{what}”, so it is left out of what is found."
KEPT_BY_HAND = "{field} stays as you set it; say “only {said}” to change it."
TOO_MANY = f"A search has at most {MAX_PARTS} parts; the newest were left out."

_PAIRS = ("modality", "anatomy")


@dataclass(frozen=True)
class Refined:
    """What an utterance did. `rank` is the hit to explain, `name` what to save under.

    `state` is what is searched next; for explain, undo, redo and save it is the one before.
    """

    state: QueryState
    moves: tuple[Move, ...]
    notices: tuple[str, ...] = ()
    rank: int = 0
    name: str = ""

    @property
    def is_new(self) -> bool:
        return "new" in self.moves


@dataclass
class _Turn:
    """The state as it changes from clause to clause."""

    state: QueryState
    shown: Sequence[int]
    pipeline: str
    moves: list[Move]
    notices: list[str]
    rank: int = 0
    name: str = ""

    def did(self, move: Move) -> bool:
        if not self.moves or self.moves[-1] != move:
            self.moves.append(move)
        return True


def refine(
    utterance: str,
    before: QueryState | None = None,
    shown: Sequence[int] = (),
    pipeline: str = DEFAULT_PIPELINE,
) -> Refined:
    """
    What `utterance` makes of the search `before` it. `shown` are the image ids of its hits, best
    first, which "the third one" counts through. Never raises.
    """
    text, notices = normalised(utterance)
    turn = _Turn(before or QueryState(), shown, pipeline, [], notices)
    whole = _bare(text)
    if changes.FINDING.match(whole) or not _is_command(turn, whole):
        _read(turn, text, whole)
    state = _within_limits(replace(turn.state, utterance=text), before, turn.notices)
    return Refined(
        state, tuple(turn.moves), tuple(dict.fromkeys(turn.notices)), turn.rank, turn.name
    )


def _read(turn: _Turn, text: str, whole: str) -> None:
    clauses = [whole] if _contrast(turn, whole) else _clauses(text, whole)
    if not clauses:
        turn.notices.append(NOTHING_SAID)
        turn.did("add")
        return
    if len(clauses) > 1 and commands.START_OVER.match(_bare(clauses[0])):
        turn.state = QueryState(mode=turn.state.mode, alpha=turn.state.alpha,
                                fusion=turn.state.fusion)  # fmt: skip
        turn.did("start_over")
        _begin(turn, " ".join(clauses[1:]))
    elif turn.state.is_empty and not any(_has_own_move(clause) for clause in clauses):
        _begin(turn, topics.TOPIC_HEADING.sub("", text) or text)
    elif not turn.state.is_empty and starts_anew(text):
        turn.notices.append(STARTED_NEW)
        _begin(turn, topics.NEW_TOPIC_WORDS.sub("", text) or text)
    else:
        for clause in clauses:
            _one_move(turn, clause)


def _begin(turn: _Turn, text: str) -> None:
    """A search of its own; how legs are blended stays as it was set."""
    found = understand(text, turn.pipeline)
    now = turn.state
    turn.state = replace(found.state, mode=now.mode, alpha=now.alpha, fusion=now.fusion)
    turn.notices += found.notices
    turn.did("new")


def starts_anew(text: str) -> bool:
    """Whether an utterance is a complete request, about something else than what is there."""
    bare = _bare(text)
    if topics.NEW_TOPIC.search(text):
        return True
    if topics.CONTINUES.match(bare) or _has_own_move(bare):
        return False
    # Whether anything is named is all that counts here, so phrases by rule will do.
    found = understand(changes.ADDING.sub(" ", bare), pipeline="").state
    fields = {row.field for row in found.filters if row.included}
    wanted = [p for p in found.phrases if not p.excluded and p.weight == 1]
    if topics.ANAPHORA.search(bare):
        return False
    if "modality" in fields and all(not row.inferred for row in found.filters):
        return False
    if "modality" in fields:
        return bool(wanted) or "anatomy" in fields
    return bool(topics.REQUESTS.search(bare)) and bool(wanted) and not changes.ADDING.search(bare)


def _clauses(text: str, whole: str) -> list[str]:
    quoted = [match.span() for match in re.finditer(r'"[^"]*"', whole)]
    cuts = [
        match for match in clause_ends.SPLIT.finditer(whole)
        if not any(start < match.start() < end for start, end in quoted)
    ]  # fmt: skip
    ends = [0, *(cut.end() for cut in cuts)]
    starts = [*(cut.start() for cut in cuts), len(whole)]
    found = [whole[a:b].strip() for a, b in zip(ends, starts, strict=True)]
    return [clause for clause in found if clause]


def _bare(text: str) -> str:
    """Without politeness at either end."""
    before = None
    while before != text:
        before, text = text, clause_ends.CLOSERS.sub("", clause_ends.OPENERS.sub("", text.strip()))
    return text


def _is_command(turn: _Turn, whole: str) -> bool:
    """Undo and the like, which search for nothing."""
    if commands.EXPLAIN.search(whole) and (named := ranks(whole)):
        turn.rank = named[0]
        return turn.did("explain")
    if re.fullmatch(r"(?:why|explain)(?: (?:is )?(?:this|that|it)(?: here)?)?", whole, re.I):
        turn.notices.append(WHICH_ONE)
        return turn.did("explain")
    if match := commands.CALL.search(whole) or commands.SAVE.match(whole):
        turn.name = (match["name"] or "").strip(" \"'.")
        return turn.did("save")
    if len(whole.split()) <= _LONGEST_COMMAND:
        if commands.REDO.search(whole):
            return turn.did("redo")
        if commands.UNDO.search(whole):
            return turn.did("undo")
        if commands.START_OVER.match(whole):
            turn.state = QueryState()
            return turn.did("start_over")
    return False


_LONGEST_COMMAND = 12


def _has_own_move(clause: str) -> bool:
    """Whether it speaks of modes, of hits or of parts, and so cannot be a search by itself."""
    bare = _bare(clause)
    return not changes.FINDING.match(bare) and bool(
        mode_of(bare)
        or references(bare)
        or any(p.match(bare) for p in changes.DROPPING)
        or any(p.match(bare) for p in changes.REPLACING)
    )


def _one_move(turn: _Turn, clause: str) -> None:
    bare = _bare(clause)
    for move in (_delta,) if changes.FINDING.match(bare) else _MOVES:
        if move(turn, bare):
            return


def _change_mode(turn: _Turn, clause: str) -> bool:
    settings = mode_of(clause)
    if settings:
        turn.state = replace(turn.state, **settings)  # type: ignore[arg-type]
        turn.did("mode")
    return bool(settings)


def _point_at_hits(turn: _Turn, clause: str) -> bool:
    pointed = references(clause)
    if not pointed:
        return False
    for rank, weight in pointed:
        if not 1 <= rank <= len(turn.shown):
            turn.notices.append(NOT_THERE.format(rank=rank, count=len(turn.shown)))
            continue
        image_id = turn.shown[rank - 1]
        others = tuple(image for image in turn.state.images if image.image_id != image_id)
        turn.state = replace(turn.state, images=(*others, ImageReference(image_id, weight)))
    turn.did("image")
    rest = _bare(LIKE_HIT.sub(" ", clause)).strip()
    # "the third one but with contrast": what follows is a change of its own.
    if says_more(clause) and any(is_content(word) for word in rest.split()):
        _one_move(turn, rest)
    return True


def _drop(turn: _Turn, clause: str) -> bool:
    match = next((m for pattern in changes.DROPPING if (m := pattern.match(clause))), None)
    if match is None:
        return False
    what = match["what"]
    left = parts.without(turn.state, what)
    if left == turn.state:
        turn.notices.append(NOTHING_TO_DROP.format(what=what))
        return _delta(turn, f"without {what}")
    turn.state = left
    return turn.did("drop")


def _replace(turn: _Turn, clause: str) -> bool:
    match = next((m for pattern in changes.REPLACING if (m := pattern.match(clause))), None)
    match = match or _contrast(turn, clause)
    if match is None:
        return False
    old, new = match.groupdict().get("old"), match["new"]
    before = turn.state
    # A side or a plane is exchanged within its phrase, which stays.
    if old and not parts.are_rivals(old, new):
        turn.state = parts.without(turn.state, old)
    _put_in_place(turn, new, instead=bool(old) and turn.state != before)
    return turn.did("replace")


def _contrast(turn: _Turn, clause: str) -> re.Match[str] | None:
    match = changes.CONTRAST.match(clause)
    return match if match and parts.without(turn.state, match["old"]) != turn.state else None


def _put_in_place(turn: _Turn, said: str, *, instead: bool) -> None:
    """`instead`: what it replaces is gone already, so nothing else is replaced."""
    if part_names.THE_OTHER.fullmatch(said):
        said = parts.other_side(turn.state)
    found = understand(parts.tidied(said), turn.pipeline).state
    for row in found.filters:
        turn.state = parts.with_filter(turn.state, row, alone=not instead)
    wanted = [p for p in found.phrases if not p.excluded]
    for phrase in wanted:
        turn.state = parts.with_rival(turn.state, phrase) or parts.with_phrase(
            turn.state if instead or found.filters else parts.without_the_only_finding(turn.state),
            phrase,
        )
    for phrase in (p for p in found.phrases if p.excluded):
        turn.state = parts.with_phrase(turn.state, phrase)


def _delta(turn: _Turn, clause: str) -> bool:
    """Words that narrow, add or exclude."""
    if denied := next((m for p in changes.DENIED_AFTER if (m := p.match(clause))), None):
        clause = f"without {denied['what']}"
    if not changes.FINDING.match(clause):
        clause = changes.TAKING_AWAY.sub("without ", clause)
    narrows = changes.NARROWING.search(clause)
    adds = changes.ADDING.search(clause)
    said = changes.NARROWING.sub(" ", clause) if narrows else changes.ADDING.sub(" ", clause)
    regions = frozenset() if narrows else parts.regions(turn.state)
    understood = understand(parts.tidied(said), turn.pipeline, regions)
    found = understood.state
    if found.is_empty:
        turn.notices += understood.notices or [NOTHING_SAID]
        return turn.did("add")
    turn.notices += understood.notices
    for row in found.filters:
        turn.state = _merged(turn, row, alone=bool(narrows), joined=bool(adds))
    for phrase in found.phrases:
        rival = parts.with_rival(turn.state, phrase) if narrows and not phrase.excluded else None
        turn.state = rival or parts.with_phrase(turn.state, phrase)
    return turn.did(_kind(found, clause, narrows=bool(narrows), adds=bool(adds)))


def _kind(found: QueryState, clause: str, *, narrows: bool, adds: bool) -> Move:
    wanted = any(not p.excluded for p in found.phrases) or any(r.included for r in found.filters)
    if not wanted:
        return "exclude"
    restricts = any(row.included and row.field not in _PAIRS for row in found.filters)
    ages = any(parts.rivals_of(p.text) == "age" for p in found.phrases)
    by_hand = any(not row.inferred for row in found.filters)
    bare_filter = bool(found.filters) and not adds
    if narrows or restricts or ages or by_hand or (bare_filter and not found.phrases):
        return "narrow"
    return "add"


def _merged(turn: _Turn, row: Filter, *, alone: bool, joined: bool) -> QueryState:
    """A filter that was only read in passing never undoes one that was set by hand."""
    by_hand = any(
        not r.inferred and r.included and r.field == row.field for r in turn.state.filters
    )
    values = {v for r in turn.state.filters if r.field == row.field for v in r.included}
    if by_hand and row.inferred and row.included and not (alone or joined):
        if not set(row.included) <= values:
            field, said = row.field.capitalize(), row.words or ", ".join(row.included)
            turn.notices.append(KEPT_BY_HAND.format(field=field, said=said))
        return turn.state
    return parts.with_filter(turn.state, row, alone=alone or not joined)


def _within_limits(state: QueryState, before: QueryState | None, notices: list[str]) -> QueryState:
    if count_parts(state) <= MAX_PARTS:
        return state
    notices.append(TOO_MANY)
    return replace(before or QueryState(), utterance=state.utterance)


_MOVES: tuple[Callable[[_Turn, str], bool], ...] = (
    _change_mode,
    _point_at_hits,
    _replace,
    _drop,
    _delta,
)
