"""What a conversation keeps between turns: undo and redo, naming, pointing at hits."""

from __future__ import annotations

from typing import Any

import pytest

from search import asking
from search.models import Conversation, SavedSearch, Turn
from search.understanding.refining import STARTED_NEW

pytestmark = pytest.mark.django_db


class Talk:
    """One conversation of one person."""

    def __init__(self, user: Any) -> None:
        self.user = user
        self.conversation: Conversation | None = None

    def say(self, utterance: str, after: Turn | None = None) -> Turn:
        turn = asking.say(self.user, utterance, self.conversation, {}, after)
        self.conversation = turn.conversation
        return Turn.objects.get(pk=turn.pk)


@pytest.fixture
def talk(editor: Any) -> Talk:
    return Talk(editor)


def wanted(turn: Turn) -> list[str]:
    state = turn.query_state
    values = [value for row in state.filters for value in row.included]
    return sorted(values + [p.text for p in state.phrases if not p.excluded])


def test_a_turn_changes_what_the_one_before_asked(talk: Talk) -> None:
    talk.say("knee MRI with an effusion")
    assert wanted(talk.say("only sagittal")) == ["effusion", "knee", "mri", "sagittal"]


def test_undo_goes_back_turn_by_turn_and_redo_forward_again(talk: Talk) -> None:
    talk.say("knee MRI")
    talk.say("with an effusion")
    talk.say("only sagittal")
    assert wanted(talk.say("undo")) == ["effusion", "knee", "mri"]
    assert wanted(talk.say("undo")) == ["knee", "mri"]
    assert talk.say("undo").notices == [asking.NOTHING_TO_UNDO]
    assert wanted(talk.say("redo")) == ["effusion", "knee", "mri"]
    assert wanted(talk.say("redo")) == ["effusion", "knee", "mri", "sagittal"]
    assert talk.say("redo").notices == [asking.NOTHING_TO_REDO]


def test_after_something_new_there_is_nothing_to_redo(talk: Talk) -> None:
    talk.say("knee MRI")
    talk.say("with an effusion")
    talk.say("undo")
    talk.say("in children")
    assert talk.say("redo").notices == [asking.NOTHING_TO_REDO]


def test_a_new_topic_can_be_taken_back(talk: Talk) -> None:
    talk.say("knee MRI")
    anew = talk.say("show me chest x-rays of pneumonia")
    assert anew.notices == [STARTED_NEW]
    assert wanted(talk.say("undo")) == ["knee", "mri"]


def test_speaking_after_an_older_turn_branches_there(talk: Talk) -> None:
    first = talk.say("knee MRI")
    talk.say("with an effusion")
    assert wanted(talk.say("in children", after=first)) == ["children", "knee", "mri"]


def test_the_third_one_is_the_third_that_the_turn_showed(talk: Talk) -> None:
    turn = talk.say("gallstones")
    turn.answered(3, [11, 22, 33])
    liked = talk.say("more like the third one").query_state
    assert [(image.image_id, image.weight) for image in liked.images] == [(33, 1.0)]


def test_why_names_the_image_and_changes_nothing(talk: Talk) -> None:
    talk.say("knee MRI")
    turn = talk.say("with an effusion")
    turn.answered(2, [11, 22])
    why = talk.say("why #2")
    assert (why.explained, why.state) == (22, {**turn.state})
    assert wanted(talk.say("undo")) == ["knee", "mri"]


def test_why_about_a_hit_that_is_not_there_is_told(talk: Talk) -> None:
    talk.say("gallstones").answered(1, [11])
    why = talk.say("why #5")
    assert why.explained is None
    assert why.notices == ["There is no hit number 5 to compare with; the last search shows 1."]


def test_saving_by_name_keeps_the_search_before(talk: Talk) -> None:
    turn = talk.say("gallstones")
    saved = talk.say("save this as ward round")
    assert saved.notices == ["Saved as “ward round”."]
    assert SavedSearch.objects.get(user=talk.user).state == turn.state


def test_saving_under_a_name_that_is_taken_keeps_both(talk: Talk) -> None:
    turn = talk.say("gallstones")
    talk.say("save this as ward round")
    talk.say("new topic: knee")
    assert talk.say("save this as ward round").notices == ["Saved as “ward round (2)”."]
    assert talk.say("save this as ward round").notices == ["Saved as “ward round (3)”."]
    assert SavedSearch.objects.get(name="ward round").state == turn.state
    long = talk.say(f"save this as {'a' * 120}"), talk.say(f"save this as {'a' * 120}")
    assert all(turn.moves == ["save"] for turn in long)
    assert SavedSearch.objects.filter(name=f"{'a' * 116} (2)").exists()


def test_there_is_nothing_to_save_before_a_search(talk: Talk) -> None:
    assert talk.say("save this as ward round").notices == [asking.NOTHING_TO_SAVE]
    assert not SavedSearch.objects.exists()


def test_starting_over_leaves_nothing_and_can_be_undone(talk: Talk) -> None:
    talk.say("gallstones")
    over = talk.say("start over")
    assert over.query_state.is_empty
    assert over.notices == [asking.STARTED_OVER]
    assert wanted(talk.say("undo")) == ["gallstones"]


def test_an_edit_of_chips_can_be_undone_too(talk: Talk) -> None:
    turn = talk.say("gallstones")
    asking.edit(talk.user, turn, [{"op": "filter", "field": "modality", "value": "ct"}])
    assert wanted(talk.say("undo")) == ["gallstones"]
