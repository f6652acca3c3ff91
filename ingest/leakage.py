"""What stands on more than one side of the split, so that a test would ask for what was taught."""

from collections.abc import Iterable, Mapping
from heapq import nsmallest
from typing import Any, TypedDict

import numpy as np

from ingest.captions import normalise_caption
from ingest.likeness import near_pairs, stacked
from ingest.splits import ORDER

MOST_EXAMPLES = 50
SIDES = [side.value for side in ORDER]
# What is counted, and how one and several of it are called.
KINDS = {
    "groups": ("group", "groups"),
    "equal_images": ("equal picture", "equal pictures"),
    "near_images": ("near-equal pair of pictures", "near-equal pairs of pictures"),
    "equal_captions": ("equal caption", "equal captions"),
}


class Example(TypedDict):
    """`what`: the shared group, hash, caption, or how many bits differ; `images`: [side, id]."""

    what: str
    images: list[list[str]]


class Finding(TypedDict):
    """`images`: those held out (not on the first side) that it concerns."""

    count: int
    images: int
    examples: list[Example]


class Leakage(TypedDict):
    """`unread`: images whose picture could not be hashed, so that near ones may be missing."""

    groups: Finding
    equal_images: Finding
    near_images: Finding
    equal_captions: Finding
    unread: int


def leakage_line(leakage: Mapping[str, Any]) -> str:
    """One sentence."""
    counts = {kind: leakage[kind]["count"] for kind in KINDS if leakage[kind]["count"]}
    if not counts:
        return "Nothing stands on more than one side of the split."
    told = [f"{count:,} {KINDS[kind][count > 1]}" for kind, count in counts.items()]
    listed = f"{', '.join(told[:-1])} and {told[-1]}" if told[1:] else told[0]
    verb = "stands" if sum(counts.values()) == 1 else "stand"
    return f"{listed} {verb} on more than one side of the split."


class Columns:
    """What is compared of each image, gathered row by row; captions by their hash only."""

    def __init__(self) -> None:
        self.keys: list[str] = []
        self.sides: list[int] = []
        self.groups: list[str] = []
        self.files: list[str] = []
        self.captions: list[str] = []
        self.hashes: list[str] = []

    def add(
        self, key: str, split: str, group: str, sha256: str, caption: str, perceptual_hash: str
    ) -> None:
        """An image on no side leaks into none."""
        if split not in SIDES:
            return
        self.keys.append(key)
        self.sides.append(SIDES.index(split))
        self.groups.append(group)
        self.files.append(sha256)
        self.captions.append(normalise_caption(caption))
        self.hashes.append(perceptual_hash)

    def leakage(self) -> Leakage:
        return Leakage(
            groups=self._shared(self.groups),
            equal_images=self._shared(self.files),
            near_images=self._near(),
            equal_captions=self._shared(self.captions),
            unread=self.hashes.count(""),
        )

    def _named(self, row: int) -> list[str]:
        return [SIDES[self.sides[row]], self.keys[row]]

    def _shared(self, values: list[str]) -> Finding:
        """Values that images on several sides have."""
        sides: dict[str, int] = {}
        for value, side in zip(values, self.sides, strict=True):
            sides[value] = sides.get(value, 0) | 1 << side
        torn = {value for value, mask in sides.items() if mask & (mask - 1)}
        rows: dict[str, list[int]] = {}
        for row, value in enumerate(values):
            if value in torn:
                rows.setdefault(value, []).append(row)
        examples = [
            Example(what=value, images=[self._named(row) for row in self._one_a_side(shared)])
            for value, shared in list(rows.items())[:MOST_EXAMPLES]
        ]
        held_out = sum(self.sides[row] > 0 for shared in rows.values() for row in shared)
        return Finding(count=len(torn), images=held_out, examples=examples)

    def _one_a_side(self, rows: Iterable[int]) -> list[int]:
        """The first of each side, in the order of the sides."""
        first: dict[int, int] = {}
        for row in rows:
            first.setdefault(self.sides[row], row)
        return [first[side] for side in sorted(first)]

    def _near(self) -> Finding:
        """Pairs of pictures that look alike but are not the same file."""
        readable = np.array([bool(text) for text in self.hashes], dtype=bool)
        rows = np.flatnonzero(readable)
        sides = np.array(self.sides, np.int8)[rows]
        count, held_out = 0, set[int]()
        nearest: list[tuple[int, int, int]] = []
        hashes = stacked([text for text in self.hashes if text])
        for later, earlier, distances in near_pairs(hashes, sides):
            pairs = [
                (int(distance), int(rows[a]), int(rows[b]))
                for a, b, distance in zip(later, earlier, distances, strict=True)
                if self.files[rows[a]] != self.files[rows[b]]
            ]
            count += len(pairs)
            held_out.update(row for _, row, _ in pairs)
            nearest = nsmallest(MOST_EXAMPLES, [*nearest, *pairs])
        examples = [
            Example(what=str(distance), images=[self._named(earlier), self._named(later)])
            for distance, later, earlier in nearest
        ]
        return Finding(count=count, images=len(held_out), examples=examples)
