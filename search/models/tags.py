"""Images that a person keeps together under a name."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import Count
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ingest.models import Image
from search.models.conversations import LONGEST_NAME, NameTaken
from search.understanding.state import InvalidState
from search.understanding.wire import check_characters

MOST_TAGGED = 10_000


class NotTagged(Exception):
    """More images than a tag holds, or it is gone; says which."""


class Tag(models.Model):
    """A named set of images of one person, in the order in which they were added."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="tags"
    )
    name = models.CharField(max_length=LONGEST_NAME)
    # Lower() of a database knows ASCII only, or the alphabets of its own locale.
    folded = models.TextField(editable=False, help_text="The name as names are compared.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    images = models.ManyToManyField(Image, through="TaggedImage", related_name="tags")

    class Meta:
        ordering = ["folded"]
        constraints = [models.UniqueConstraint(fields=["owner", "folded"], name="one_tag_per_name")]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def of(cls, owner: Any) -> models.QuerySet[Tag]:
        """A person's own, by name, each with its `size`: how many images it has."""
        return cls.objects.filter(owner=owner.pk).annotate(size=Count("images"))

    @classmethod
    def named(cls, owner: Any, name: str) -> tuple[Tag, bool]:
        """The person's tag of that name, in whatever case, and whether it is new.

        Raises InvalidState, with a sentence, for what is no name.
        """
        name = name_of(name)
        return cls.objects.get_or_create(owner=owner, folded=_folded(name), defaults={"name": name})

    def rename(self, name: str) -> None:
        """Raises NameTaken, and InvalidState for what is no name."""
        name = name_of(name)
        changed = {"name": name, "folded": _folded(name), "updated_at": timezone.now()}
        try:
            with transaction.atomic():
                Tag.objects.filter(pk=self.pk).update(**changed)
        except IntegrityError:
            taken = _("There is a tag named “%(name)s” already.") % {"name": name}
            raise NameTaken(taken) from None
        self.name = name

    def add(self, image_ids: Iterable[int]) -> int:
        """Add images behind those it has; how many are new to it. Unknown numbers are passed over.

        Raises NotTagged, and adds none, where not all fit or the tag is gone by now.
        """
        with transaction.atomic():
            # Whoever adds at the same time waits here, and counts what was added.
            if not Tag.objects.select_for_update().filter(pk=self.pk):
                raise NotTagged(_("The tag “%(name)s” was deleted.") % {"name": self.name})
            asked = list(dict.fromkeys(image_ids))
            kept = set(self.rows.filter(image__in=asked).values_list("image", flat=True))
            there = Image.objects.select_for_update(no_key=True).in_bulk(asked)
            new = [pk for pk in asked if pk in there and pk not in kept]
            if self.rows.count() + len(new) > MOST_TAGGED:
                raise NotTagged(self._full(len(new)))
            TaggedImage.objects.bulk_create(TaggedImage(tag=self, image_id=pk) for pk in new)
            self._touch()
        return len(new)

    def remove(self, image_id: int) -> None:
        # By way of the image: what no key can be is then none, and no fault of the database.
        if self.rows.filter(image__in=Image.objects.filter(pk=image_id)).delete()[0]:
            self._touch()

    def told(self) -> str:
        """How many images have it, in a sentence."""
        size = self.rows.count()
        sentence = ngettext(
            "{count} image has the tag “{name}”.", "{count} images have the tag “{name}”.", size
        )
        return sentence.format(count=_number(size), name=self.name)

    def in_order(self) -> models.QuerySet[Image]:
        """Its images, the first added first, with their collections."""
        return self.images.select_related("collection").order_by("taggedimage__pk")

    def _touch(self) -> None:
        Tag.objects.filter(pk=self.pk).update(updated_at=timezone.now())

    def _full(self, new: int) -> str:
        sentence = _(
            "A tag holds at most {most} images. “{name}” has {kept}, so {new} more do not fit."
        )
        kept = _number(self.rows.count())
        return sentence.format(
            most=_number(MOST_TAGGED), name=self.name, kept=kept, new=_number(new)
        )


class TaggedImage(models.Model):
    """One image of a tag; its key tells the order."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="rows")
    image = models.ForeignKey(Image, on_delete=models.CASCADE)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["tag", "image"], name="once_in_a_tag")]

    def __str__(self) -> str:
        return f"image {self.image_id} in tag {self.tag_id}"


def name_of(text: str) -> str:
    """A name without blanks around it or doubled in it; raises InvalidState with a sentence."""
    check_characters(text, _("The name"))
    name = " ".join(text.split())
    if not 0 < len(name) <= LONGEST_NAME:
        raise InvalidState(_("A name has 1 to 120 characters."))
    return name


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _number(count: int) -> str:
    return number_format(count, use_l10n=True, force_grouping=True)
