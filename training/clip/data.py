"""Captioned images as a fine-tune sees them: pairs, their order, and what was cached of them."""

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.clip.config import Config


@dataclass(frozen=True)
class Pair:
    """`group`: the article a figure is from; a group is never parted. `key`: a stable name."""

    image: Path
    caption: str
    group: str
    key: str


def normalise_caption(caption: str) -> str:
    return " ".join(caption.casefold().split()).rstrip(" .")


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


def plan_epoch(pairs: int, config: Config, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """
    The rows of each batch. Each pair once: batches of nearly even size, for a last one of two
    pairs would teach little. With replacement: full batches and the rest.
    """
    if config.samples_per_epoch is None:
        return np.array_split(rng.permutation(pairs), batch_count(pairs, config))
    drawn = rng.integers(0, pairs, config.samples_per_epoch)
    return np.split(drawn, range(config.batch_size, len(drawn), config.batch_size))
