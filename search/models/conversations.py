"""What people did with an index: conversations, turns, feedback, saved searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from ingest.models import Image
from search.models.builds import IndexBuild, LiveIndex
from search.understanding.state import QueryState
from search.understanding.wire import state_from_json

# Hits that can be pointed at by number in the next utterance.
MOST_SHOWN = 100
LONGEST_NAME = 120
LONGEST_NOTES = 2000


class Conversation(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="conversations"
    )
    title = models.CharField(max_length=LONGEST_NAME)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    pinned = models.BooleanField(
        default=False, help_text="First in the history, and kept when old ones are forgotten."
    )
    saved = models.ForeignKey(
        "SavedSearch", null=True, on_delete=models.SET_NULL, related_name="+",
        help_text="The saved search that it began with, or that it was last saved as.",
    )  # fmt: skip
    branched_from = models.ForeignKey(
        "Turn", null=True, on_delete=models.SET_NULL, related_name="branches",
        help_text="The turn of another conversation that this one begins with a copy of.",
    )  # fmt: skip

    class Meta:
        ordering = ["-pinned", "-updated_at"]

    def __str__(self) -> str:
        return self.title

    @classmethod
    def of(cls, user: Any, words: str = "") -> models.QuerySet[Conversation]:
        """A person's own, pinned ones first, of which the title or something said has the words."""
        mine = cls.objects.filter(user=user.pk)
        if not words:
            return mine
        said = Turn.objects.filter(conversation__user=user.pk, utterance__icontains=words)
        return mine.filter(Q(title__icontains=words) | Q(pk__in=said.values("conversation")))

    @classmethod
    def forget_old(cls, days: float) -> int:
        """Delete what nobody has gone on with for so long, but for what is pinned; how many."""
        if not days:
            return 0
        oldest = timezone.now() - timedelta(days=days)
        forgotten = cls.objects.filter(pinned=False, updated_at__lt=oldest)
        return forgotten.delete()[1].get(cls._meta.label, 0)

    def rename(self, title: str) -> None:
        """Its place in the history stays."""
        self.title = title
        # An update forgives a row that is gone by now; `save` would not.
        Conversation.objects.filter(pk=self.pk).update(title=title)

    def pin(self, pinned: bool) -> None:
        self.pinned = pinned
        Conversation.objects.filter(pk=self.pk).update(pinned=pinned)


class Turn(models.Model):
    """What was said, and the state it came to. Never changed: an edit makes a new turn."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    utterance = models.TextField(blank=True)
    state = models.JSONField()
    notices = models.JSONField(default=list)
    moves = models.JSONField(default=list, help_text="What the utterance did to the search.")
    parent = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+",
        help_text="The turn that this one changed, and that undo goes back to.",
    )  # fmt: skip
    undone = models.ForeignKey(
        "self", null=True, on_delete=models.SET_NULL, related_name="+",
        help_text="The turn that redo goes back to.",
    )  # fmt: skip
    shown = models.JSONField(
        default=list, help_text="Its first images, best first: “the third one” counts through them."
    )
    explained = models.PositiveBigIntegerField(null=True, help_text="The image asked “why” about.")
    build = models.ForeignKey(IndexBuild, null=True, on_delete=models.SET_NULL, related_name="+")
    total = models.PositiveIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"turn {self.pk}"

    @property
    def query_state(self) -> QueryState:
        return state_from_json(self.state)

    def answered(self, total: int, image_ids: Sequence[int]) -> None:
        """Keep what it found: how many images, and the first of them."""
        self.total, self.shown = total, list(image_ids[:MOST_SHOWN])
        Turn.objects.filter(pk=self.pk).update(total=self.total, shown=self.shown)

    def answering_build(self) -> IndexBuild | None:
        """The build that answered it first, or the live one if that is gone."""
        if self.build is not None and self.build.can_answer:
            return self.build
        return LiveIndex.current()


class Feedback(models.Model):
    """One person's thumb on one hit of one turn. Votes never change the ranking by themselves."""

    class Value(models.IntegerChoices):
        DOWN = -1
        UP = 1

    turn = models.ForeignKey(Turn, on_delete=models.CASCADE, related_name="feedback")
    image = models.ForeignKey(Image, on_delete=models.CASCADE, related_name="feedback")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    value = models.SmallIntegerField(choices=Value)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["turn", "image", "user"], name="one_vote_per_hit")
        ]

    def __str__(self) -> str:
        return f"{self.get_value_display()} on image {self.image_id} in turn {self.turn_id}"

    @classmethod
    def give(cls, user: Any, turn: Turn, image_id: int, value: int) -> int:
        """Store -1 or 1, or take the vote back with 0; returns what is stored now.

        Raises ValueError with a sentence for another value or an unknown image.
        """
        if value not in (-1, 0, 1):
            raise ValueError(_("A vote is 1, -1, or 0 to take it back."))
        if not Image.objects.filter(pk=image_id).exists():
            raise ValueError(_("There is no such image."))
        mine = cls.objects.filter(turn=turn, image_id=image_id, user=user)
        if value == 0:
            mine.delete()
        else:
            cls.objects.update_or_create(
                turn=turn, image_id=image_id, user=user, defaults={"value": value}
            )
        return value


class NameTaken(Exception):
    """Something else of this person's has the name; says so."""


class SavedSearch(models.Model):
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_searches"
    )
    name = models.CharField(max_length=LONGEST_NAME)
    state = models.JSONField()
    notes = models.TextField(blank=True, max_length=LONGEST_NOTES)
    count = models.PositiveIntegerField(default=0, help_text="Images it found when saved.")
    created_at = models.DateTimeField(auto_now_add=True)
    seen = models.JSONField(
        default=list, help_text="Images added since, that it found when it was last opened."
    )

    class Meta:
        ordering = ["name"]
        verbose_name_plural = "saved searches"
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="one_saved_search_per_name")
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def keep(
        cls, user: Any, name: str, turn: Turn, *, replace: bool = False
    ) -> tuple[SavedSearch, bool]:
        """
        Save what a turn asks under a name; returns the row and whether it is new. A name that is
        taken keeps what it holds, unless it is to be replaced; raises NameTaken.
        """
        what = {"state": turn.state, "count": turn.total or 0}
        keep = cls.objects.update_or_create if replace else cls.objects.get_or_create
        row, is_new = keep(user=user, name=name, defaults=what)
        if not (is_new or replace):
            raise _taken(name)
        turn.conversation.saved = row
        turn.conversation.save(update_fields=["saved"])
        return row, is_new

    def describe(self, name: str, notes: str) -> None:
        """Another name and other notes; raises NameTaken."""
        try:
            with transaction.atomic():
                SavedSearch.objects.filter(pk=self.pk).update(name=name, notes=notes)
        except IntegrityError:
            raise _taken(name) from None
        self.name, self.notes = name, notes

    def asks(self, state: Any) -> bool:
        """Whether it asks the same, in whatever words."""
        own, other = (replace(state_from_json(one), utterance="") for one in (self.state, state))
        return own == other

    @classmethod
    def keep_beside(cls, user: Any, name: str, turn: Turn) -> SavedSearch:
        """As `keep`; where the name is taken, the next of "name (2)", "name (3)" that is free."""
        free, number = name, 1
        while True:
            try:
                return cls.keep(user, free, turn)[0]
            except NameTaken:
                number += 1
                suffix = f" ({number})"
                free = f"{name[: LONGEST_NAME - len(suffix)]}{suffix}"


def _taken(name: str) -> NameTaken:
    return NameTaken(_("There is a saved search named “%(name)s” already.") % {"name": name})
