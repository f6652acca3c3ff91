"""Where the hits that match well end. Pure arithmetic over the ranked pool; measured in docs."""

import math
import re
from collections.abc import Sequence

from search.engines.base import Clause
from search.fusion import Ranked

# A caption matches well with this share of what all wanted words would give, and of the best hit's.
SHARE = 0.5

_WORD = re.compile(r"\w+")


def wanted_words(clauses: Sequence[Clause]) -> float:
    """How many words are looked for, each as often as it weighs; other words for them add none."""
    return sum(
        clause.weight * len(_WORD.findall(clause.text)) for clause in clauses if not clause.together
    )


def strong(hits: Sequence[Ranked], wanted: float, documents: int) -> int:
    """
    How many hits from the first on, up to the last one whose caption matches well; 0 if none does.

    `hits`: the whole ranked pool; `wanted`: see `wanted_words`; `documents`: of the whole index.

    All wanted words together would give wanted · ln(1 + documents / found) of BM25, if each were
    as rare as the captions that have any of them, of which the pool holds `found`. Only BM25 is
    asked: a cosine says which picture is nearer, not whether it is near.
    """
    found = sum(hit.bm25 > 0 for hit in hits)
    if not found:
        return 0
    whole = wanted * math.log1p(documents / found)
    least = SHARE * max(whole, *(hit.bm25 for hit in hits))
    return max((hit.rank for hit in hits if hit.bm25 >= least), default=0)
