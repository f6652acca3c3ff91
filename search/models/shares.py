"""Links that end: a search or a tag that a person shows to others for some days."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from search.links import without_own
from search.models.conversations import LONGEST_NAME
from search.models.tags import Tag
from search.understanding.state import InvalidState, QueryState
from search.understanding.wire import state_from_json

# What a person may choose from.
DAYS = (1, 7, 30)
# So long a link that has ended says who shared it; then it is as if it had never been.
DAYS_REMEMBERED = 30


class Ended(Exception):
    """A link that works no more; says who shared it and until when."""


def new_key() -> str:
    return secrets.token_urlsafe(16)


class Share(models.Model):
    """Whoever signs in and has the key sees what it shows, as far as they may see it at all."""

    key = models.CharField(max_length=22, unique=True, default=new_key, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shares"
    )
    name = models.CharField(max_length=LONGEST_NAME)
    state = models.JSONField(null=True, help_text="Of a search; nothing for a tag.")
    tag = models.ForeignKey(Tag, null=True, on_delete=models.CASCADE, related_name="shares")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(help_text="Ended early, it is when it was ended.")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__isnull=True) ^ Q(tag__isnull=True), name="a_search_or_a_tag"
            )
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(cls, user: Any) -> models.QuerySet[Share]:
        """A person's own that still work, the latest first."""
        return cls.objects.filter(made_by=user.pk, expires_at__gt=timezone.now())

    @classmethod
    def search(cls, user: Any, name: str, state: QueryState, days: int) -> Share:
        """A link to a search, good for so many days from now, without pictures of the user's own.

        Raises InvalidState, with a sentence, where nothing else was looked for.
        """
        kept = without_own(state)
        if kept.is_empty and not state.is_empty:
            raise InvalidState(
                _("Your own pictures are not shared, and nothing else is asked for.")
            )
        name = name[:LONGEST_NAME] or _("A search")
        return cls._make(user, name=name, state=kept.as_json(), days=days)

    @classmethod
    def images(cls, tag: Tag, days: int) -> Share:
        """A link to what a tag holds, now and then. Raises InvalidState where it is gone by now."""
        with transaction.atomic():
            # Whoever deletes it waits here, and takes the link along.
            if not Tag.objects.select_for_update().filter(pk=tag.pk):
                raise InvalidState(_("The tag “%(name)s” was deleted.") % {"name": tag.name})
            return cls._make(tag.owner, name=tag.name, tag=tag, days=days)

    @classmethod
    def _make(cls, user: Any, *, days: int, **what: Any) -> Share:
        expires_at = timezone.now() + timedelta(days=days)
        return cls.objects.create(made_by=user, expires_at=expires_at, **what)

    @classmethod
    def opened(cls, key: str) -> Share:
        """What a key opens; raises Share.DoesNotExist, and Ended with a sentence."""
        if not key.isprintable():  # no database would look for it
            raise cls.DoesNotExist
        share = cls.objects.select_related("made_by", "tag").get(key=key)
        if share.expires_at <= timezone.now():
            told = _("%(shared)s Ask for a new link.") % {"shared": share.told()}
            raise Ended(told)
        return share

    @classmethod
    def forget_ended(cls) -> None:
        """Delete those that ended long ago."""
        long_ago = timezone.now() - timedelta(days=DAYS_REMEMBERED)
        cls.objects.filter(expires_at__lt=long_ago).delete()

    @property
    def query_state(self) -> QueryState:
        return state_from_json(self.state)

    def end(self) -> None:
        """At once; one that has ended keeps its end."""
        Share.of(self.made_by).filter(pk=self.pk).update(expires_at=timezone.now())

    def told(self) -> str:
        """Who shared it and until when, in a sentence; a time at its end may have its own stop."""
        until = date_format(timezone.localtime(self.expires_at), "DATETIME_FORMAT")
        who = self.made_by.get_full_name() or self.made_by.get_username()
        return _("Shared until %(until)s by %(who)s.") % {"who": who, "until": until}
