"""From what a person said or changed to a stored turn."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import get_language_info, gettext_lazy
from django.utils.translation import gettext as _

from search.caption_words import LEAST_CAPTIONS, word_counts
from search.models import Conversation, LiveIndex, SavedSearch, Turn
from search.models.conversations import LONGEST_NAME
from search.other_words import expanded
from search.query_images import is_kept
from search.understanding import edits
from search.understanding.languages import foreign
from search.understanding.refining import NOT_THERE, STARTED_NEW, Refined, refine
from search.understanding.state import InvalidState, QueryState
from search.understanding.talk import topics
from search.understanding.understand import Understanding, understand
from search.understanding.wire import check_characters, state_from_json

LONGEST_TITLE = 80

NOTHING_TO_UNDO = gettext_lazy("There is nothing to undo.")
NOTHING_TO_REDO = gettext_lazy("There is nothing to redo.")
NOTHING_TO_SAVE = gettext_lazy("There is no search to save yet.")
NOT_KEPT = gettext_lazy("That picture is not one of yours, or it has expired: add it again.")
STARTED_OVER = gettext_lazy("Started over. Everything is shown; say what you look for.")
LOOKS_FOREIGN = gettext_lazy(
    "This reads English; these words look %(language)s and may find little."
)


def say(
    user: Any,
    utterance: str,
    conversation: Conversation | None,
    controls: Mapping[str, Any],
    after: Turn | None = None,
    pictures: Sequence[Mapping[str, Any]] = (),
) -> Turn:
    """
    A new turn from words and the user's own `pictures` ({"upload", "weight"?} each), which change
    what the turn `after` asked; by default the last of the conversation. Raises InvalidState for
    settings that do not exist, for pictures that are not the user's or have expired, and for words
    that no database keeps.
    """
    check_characters(utterance, "The utterance")
    if after is not None:
        conversation = after.conversation
    before = after or (conversation.turns.last() if conversation is not None else None)
    asked = with_settings(before.query_state if before else QueryState(), controls)
    if any("op" in picture for picture in pictures):
        raise InvalidState(_("A picture has its upload and a weight, nothing else."))
    added = [{"op": "picture", **picture} for picture in pictures]
    asked = _edited(user, asked, added)
    said = _understood(utterance, asked, before.shown if before else ())
    if said.is_new and controls.get("denied"):
        # A new search forgets it, but not what was set beside its words.
        said = replace(said, state=replace(said.state, denied=True))
    said = replace(said, state=expanded(said.state, None if said.is_new else asked))
    # What a search is saved as may be in any language.
    notices = [] if "save" in said.moves else _language_notices(utterance)
    turn = Turn(
        utterance=utterance or ", ".join({edits.describe(asked, change) for change in added}),
        state=said.state.as_json(), notices=[*notices, *said.notices],
        moves=list(said.moves), parent=before,
    )  # fmt: skip
    for move in said.moves:
        if move in _COMMANDS:
            _COMMANDS[move](user, turn, before, said)
    return _store(user, conversation, turn)


def read(utterance: str) -> Understanding:
    """Understand one utterance with the pipeline that the settings name."""
    found = understand(utterance, settings.SPACY_PIPELINE)
    notices = (*_language_notices(utterance), *found.notices)
    return replace(found, state=expanded(found.state), notices=notices)


def _language_notices(utterance: str) -> list[str]:
    """One sentence where the words are of a language that neither captions nor model speak."""
    code, words = foreign(utterance)
    build = LiveIndex.current() if words else None
    counts = word_counts(build.pk, build.documents) if build else {}
    # What captions use is never foreign.
    if all(counts.get(word, 0) >= LEAST_CAPTIONS for word in words):
        return []
    # There is no Chinese as such among Django's languages.
    name = _("Chinese") if code == "zh" else get_language_info(code)["name_translated"]
    return [str(LOOKS_FOREIGN) % {"language": name}]


def edit(user: Any, turn: Turn, changes: Sequence[Mapping[str, Any]]) -> Turn:
    """A new turn from the chips and buttons of an earlier one."""
    state = turn.query_state
    said = []
    for change in changes:
        changed_state = _edited(user, state, [change])
        said.append(edits.describe(state, change))
        state = changed_state
    if edits.is_exchange(turn.query_state, changes):
        said = [edits.EXCHANGED]
    changed = Turn(utterance=", ".join(said), state=state.as_json(), parent=turn)
    return _store(user, turn.conversation, changed)


def branch(user: Any, turn: Turn) -> Turn:
    """The first turn of a new conversation: it asks what `turn` asked, and found the same."""
    copy = Turn(
        utterance=turn.utterance, state=turn.state, build=turn.build, shown=turn.shown,
        total=turn.total,
    )  # fmt: skip
    return _store(user, None, copy, branched_from=turn)


def open_state(user: Any, state: QueryState, title: str) -> Turn:
    """The first turn of a new conversation from a state that came by a link."""
    return _store(user, None, Turn(utterance=title, state=state.as_json()))


def open_saved(user: Any, saved: SavedSearch) -> Turn:
    """The first turn of a new conversation, which knows that it is saved."""
    turn = open_state(user, state_from_json(saved.state), saved.name)
    turn.conversation.saved = saved
    turn.conversation.save(update_fields=["saved"])
    return turn


def _edited(user: Any, state: QueryState, changes: Sequence[Mapping[str, Any]]) -> QueryState:
    for change in changes:
        state = expanded(edits.apply(state, change), state)
        if change["op"] == "picture" and not is_kept(user.pk, str(change["upload"])):
            raise InvalidState(NOT_KEPT)
    return state


def _understood(utterance: str, asked: QueryState, shown: Sequence[int]) -> Refined:
    """Words beside images: "similar to this" names no other image, and no new search begins."""
    words = _LIKE_THIS.sub("", utterance) if asked.images else utterance
    if asked.images and not words.strip():
        return Refined(replace(asked, utterance=utterance), ("image",))
    said = refine(words, asked, shown, settings.SPACY_PIPELINE)
    images_alone = asked.images and not (asked.phrases or asked.filters)
    if images_alone and said.moves == ("new",) and not topics.NEW_TOPIC.search(words):
        notices = tuple(notice for notice in said.notices if notice != STARTED_NEW)
        return Refined(replace(said.state, images=asked.images), ("add",), notices)
    return said


_LIKE_THIS = re.compile(
    r"^\W*(?:(?:please|(?:can|could) you|find|show|search|give|get|me|for|some|more|other|images?|"
    r"pictures?|scans?|ones?|those|something|anything|that (?:are|is|looks?))\s+)*"
    r"(?:similar to|like|resembling|close to)\s+(?:this|that|it|my)\b"
    r"(?:\s+(?:one|picture|image|photo|scan|upload)\b)?\W*(?:(?:but|and)\b\s*)?",
    re.IGNORECASE,
)


def _undo(user: Any, turn: Turn, before: Turn | None, said: Refined) -> None:
    if before is None or before.parent is None:
        _stay(turn, before, str(NOTHING_TO_UNDO))
    else:
        turn.state, turn.parent, turn.undone = before.parent.state, before.parent.parent, before


def _redo(user: Any, turn: Turn, before: Turn | None, said: Refined) -> None:
    if before is None or before.undone is None:
        _stay(turn, before, str(NOTHING_TO_REDO))
    else:
        again = before.undone
        turn.state, turn.parent, turn.undone = again.state, again.parent, again.undone


def _explain(user: Any, turn: Turn, before: Turn | None, said: Refined) -> None:
    _stay(turn, before)
    shown = before.shown if before else []
    if 1 <= said.rank <= len(shown):
        turn.explained = shown[said.rank - 1]
    elif said.rank:
        turn.notices.append(NOT_THERE.format(rank=said.rank, count=len(shown)))


def _save(user: Any, turn: Turn, before: Turn | None, said: Refined) -> None:
    _stay(turn, before)
    if before is None or before.query_state.is_empty:
        turn.notices.append(str(NOTHING_TO_SAVE))
        return
    name = (said.name or before.utterance)[:LONGEST_NAME]
    row = SavedSearch.keep_beside(user, name, before)
    turn.notices.append(_("Saved as “%(name)s”.") % {"name": row.name})


def _start_over(user: Any, turn: Turn, before: Turn | None, said: Refined) -> None:
    if said.state.is_empty:
        turn.notices = [str(STARTED_OVER)]


def _stay(turn: Turn, before: Turn | None, *notices: str) -> None:
    """It asks what was asked before, and undo passes over it."""
    turn.notices.extend(notices)
    if before is not None:
        turn.state, turn.parent, turn.undone = before.state, before.parent, before.undone


_COMMANDS: dict[str, Callable[[Any, Turn, Turn | None, Refined], None]] = {
    "undo": _undo,
    "redo": _redo,
    "explain": _explain,
    "save": _save,
    "start_over": _start_over,
}


def with_settings(state: QueryState, controls: Mapping[str, Any]) -> QueryState:
    """Settings as the controls of the page stand, checked like any foreign state."""
    if not controls.keys() <= edits.SETTINGS:
        names = ", ".join(sorted(edits.SETTINGS))
        raise InvalidState(_("Settings are %(names)s.") % {"names": names})
    return state_from_json({**state.as_json(), **controls}) if controls else state


def with_examples(
    state: QueryState,
    image_ids: Sequence[int],
    *,
    captions: bool,
    region: Sequence[float] | None = None,
) -> QueryState:
    """`region`: the part of each that counts, shares of its width and height."""
    for image_id in image_ids:
        state = edits.apply(state, {"op": "like", "image_id": image_id, "region": region})
    images = tuple(replace(image, with_caption=captions) for image in state.images)
    return replace(state, images=images)


def _store(
    user: Any,
    conversation: Conversation | None,
    turn: Turn,
    branched_from: Turn | None = None,
) -> Turn:
    with transaction.atomic():
        if conversation is None:
            title = " ".join(turn.utterance.split())[:LONGEST_TITLE] or _("New conversation")
            conversation = Conversation.objects.create(
                user=user, title=title, branched_from=branched_from
            )
        else:
            conversation.save(update_fields=["updated_at"])
        turn.conversation, turn.build = conversation, turn.build or LiveIndex.current()
        turn.save()
    return turn
