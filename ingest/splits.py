"""Which side of the split an image is on: whole groups, the same every time."""

import hashlib
from collections.abc import Iterable

from django.db.models import Count

from ingest.models import Collection, Image

# The shares of ImageCLEF 2017 as its 174,614 captioned figures were divided.
TRAIN = 148_153 / 174_614
VALIDATION = 16_461 / 174_614
# From the least to the most held out: a group named on two sides goes to the later one.
ORDER = [Image.Split.TRAIN, Image.Split.VALIDATION, Image.Split.TEST]


def split_of(group_key: str) -> Image.Split:
    """A pure function of the group alone, so a corpus that grows never moves an old image."""
    digest = hashlib.sha256(f"split:{group_key}".encode()).digest()
    share = int.from_bytes(digest[:8]) / 2**64
    if share < TRAIN:
        return Image.Split.TRAIN
    return Image.Split.VALIDATION if share < TRAIN + VALIDATION else Image.Split.TEST


def train_or_validation(group_key: str) -> Image.Split:
    """90:10, for a corpus that brings its own test part."""
    digest = hashlib.sha256(f"split:{group_key}".encode()).digest()
    share = int.from_bytes(digest[:8]) / 2**64
    return Image.Split.TRAIN if share < 0.9 else Image.Split.VALIDATION


def torn_groups(collection: Collection) -> Iterable[str]:
    """Groups that the source put on more than one side."""
    return (
        collection.images.exclude(split="")
        .values("group_key")
        .annotate(sides=Count("split", distinct=True))
        .filter(sides__gt=1)
        .values_list("group_key", flat=True)
    )


def assign_splits(collection: Collection) -> list[str]:
    """Give every image a side and mend torn groups; returns the keys of those that were torn."""
    torn = sorted(torn_groups(collection))
    for group in torn:
        images = collection.images.filter(group_key=group)
        sides = set(images.values_list("split", flat=True))
        images.update(split=next(side for side in reversed(ORDER) if side in sides))
    _follow_the_group(collection)
    choose = train_or_validation if _brings_its_own_test(collection) else split_of
    sides_of_groups: dict[str, list[str]] = {side: [] for side in ORDER}
    for group in collection.images.filter(split="").values_list("group_key", flat=True).distinct():
        sides_of_groups[choose(group)].append(group)
    for side, groups in sides_of_groups.items():
        for start in range(0, len(groups), 500):
            chunk = groups[start : start + 500]
            collection.images.filter(split="", group_key__in=chunk).update(split=side)
    return torn


def _follow_the_group(collection: Collection) -> None:
    """An image without a side joins the side its group already has."""
    lonely = collection.images.filter(split="").values_list("group_key", flat=True)
    settled = collection.images.filter(group_key__in=lonely).exclude(split="")
    for group, side in settled.values_list("group_key", "split").distinct():
        collection.images.filter(split="", group_key=group).update(split=side)


def _brings_its_own_test(collection: Collection) -> bool:
    """A test part but no other side: what is left is the train part, to be divided 90:10."""
    sides = set(collection.images.exclude(split="").values_list("split", flat=True))
    return sides == {Image.Split.TEST}
