"""From what a person said or changed to a stored turn."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import transaction

from search.models import Conversation, LiveIndex, Turn
from search.understanding import edits
from search.understanding.state import QueryState
from search.understanding.understand import Understanding, understand
from search.understanding.wire import state_from_json

LONGEST_TITLE = 80


def say(
    user: Any, utterance: str, conversation: Conversation | None, controls: Mapping[str, Any]
) -> Turn:
    """A new turn from words. Raises InvalidState for settings that do not exist."""
    understood = read(utterance)
    state = with_settings(understood.state, controls)
    return _store(user, conversation, utterance, state, understood.notices)


def read(utterance: str) -> Understanding:
    """Understand one utterance with the pipeline that the settings name."""
    return understand(utterance, settings.SPACY_PIPELINE)


def edit(user: Any, turn: Turn, changes: Sequence[Mapping[str, Any]]) -> Turn:
    """A new turn from the chips and buttons of an earlier one."""
    state = turn.query_state
    said = []
    for change in changes:
        said.append(edits.describe(state, change))
        state = edits.apply(state, change)
    return _store(user, turn.conversation, ", ".join(said), state, ())


def with_settings(state: QueryState, controls: Mapping[str, Any]) -> QueryState:
    """Mode, α and fusion as the controls of the page stand, checked like any foreign state."""
    known = {key: controls[key] for key in ("mode", "alpha", "fusion") if key in controls}
    return state_from_json({**state.as_json(), **known}) if known else state


def with_examples(state: QueryState, image_ids: Sequence[int], *, captions: bool) -> QueryState:
    for image_id in image_ids:
        state = edits.apply(state, {"op": "like", "image_id": image_id})
    images = tuple(replace(image, with_caption=captions) for image in state.images)
    return replace(state, images=images)


def _store(
    user: Any,
    conversation: Conversation | None,
    utterance: str,
    state: QueryState,
    notices: Sequence[str],
) -> Turn:
    with transaction.atomic():
        if conversation is None:
            title = " ".join(utterance.split())[:LONGEST_TITLE] or "New conversation"
            conversation = Conversation.objects.create(user=user, title=title)
        else:
            conversation.save(update_fields=["updated_at"])
        return Turn.objects.create(
            conversation=conversation,
            utterance=utterance,
            state=state.as_json(),
            notices=list(notices),
            build=LiveIndex.current(),
        )
