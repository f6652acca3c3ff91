"""Captioned images as a fine-tune sees them: pairs, their order, and what was cached of them."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ingest.captions import normalise_caption
from training.clip.config import Config


@dataclass(frozen=True)
class Pair:
    """`group`: the article a figure is from; a group is never parted. `key`: a stable name."""

    image: Path
    caption: str
    group: str
    key: str


def caption_ids(captions: Sequence[str]) -> NDArray[np.int64]:
    """Integers that are equal where normalised captions are."""
    known: dict[str, int] = {}
    ids = [known.setdefault(normalise_caption(caption), len(known)) for caption in captions]
    return np.array(ids, dtype=np.int64)


def data_hash(pairs: Sequence[Pair]) -> str:
    """sha256 over keys, captions and image names, whatever the order of the pairs."""
    digest = hashlib.sha256()
    for facts in sorted((pair.key, pair.caption, pair.image.name) for pair in pairs):
        digest.update("\x1f".join(facts).encode() + b"\x1e")
    return digest.hexdigest()


def split_holdout(
    pairs: Sequence[Pair], fraction: float, seed: int
) -> tuple[list[Pair], list[Pair]]:
    """Pairs to learn from and pairs held out, whole groups each; no holdout from one group."""
    groups = sorted({pair.group for pair in pairs})
    random.Random(seed).shuffle(groups)  # noqa: S311
    held: set[str] = set()
    wanted, taken = round(fraction * len(pairs)), 0
    sizes: dict[str, int] = {}
    for pair in pairs:
        sizes[pair.group] = sizes.get(pair.group, 0) + 1
    for group in groups[:-1]:
        if taken >= wanted:
            break
        held.add(group)
        taken += sizes[group]
    return (
        [pair for pair in pairs if pair.group not in held],
        [pair for pair in pairs if pair.group in held],
    )


def batch_count(pairs: int, config: Config) -> int:
    samples = config.samples_per_epoch or pairs
    return max(1, -(-samples // config.batch_size))


def plan_epoch(
    captions: NDArray[np.int64], config: Config, rng: np.random.Generator
) -> list[NDArray[np.int64]]:
    """
    The rows of each batch, from integers that are equal where captions are. Each pair once:
    batches of nearly even size, for a last one of two pairs would teach little. With
    replacement: full batches and the rest.
    """
    pairs = len(captions)
    if config.samples_per_epoch is None:
        plan = np.array_split(rng.permutation(pairs), batch_count(pairs, config))
    else:
        drawn = rng.integers(0, pairs, config.samples_per_epoch)
        plan = np.split(drawn, range(config.batch_size, len(drawn), config.batch_size))
    if config.equal_captions == "apart":
        keep_apart(plan, captions, rng)
    return plan


def keep_apart(
    plan: list[NDArray[np.int64]], captions: NDArray[np.int64], rng: np.random.Generator
) -> None:
    """
    Swap rows between batches, in place, until no caption stands twice in one; as far as twenty
    tries for each that does go. A caption in more pairs than there are batches cannot be parted.
    """
    within = [set(captions[rows].tolist()) for rows in plan]
    for batch, rows in enumerate(plan):
        _, firsts = np.unique(captions[rows], return_index=True)
        for place in np.setdiff1d(np.arange(len(rows)), firsts):
            for other in rng.integers(0, len(plan), 20):
                there = rng.integers(0, len(plan[other]))
                mine, theirs = captions[rows[place]], captions[plan[other][there]]
                if mine in within[other] or theirs in within[batch]:
                    continue
                rows[place], plan[other][there] = plan[other][there], rows[place]
                within[batch].add(theirs)
                # Another of the same caption may be left in either batch.
                within[other] = set(captions[plan[other]].tolist())
                break
