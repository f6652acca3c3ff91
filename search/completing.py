"""What a person may be about to type: phrases of the corpus, and what they asked before."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, TypedDict

from django.db.models import Q

from ingest.models import Image
from search.caption_words import frequent_phrases
from search.models import LiveIndex, Turn
from search.query import scope_of
from search.understanding.understand import understand

MOST = 8
MOST_OF_HISTORY = 3
SHORTEST = 2
LONGEST = 200

# Filters are read by rule whatever the pipeline, and in a tenth of the time without one.
RULES_ALONE = ""


class Suggestion(TypedDict):
    """`kind` is phrase or history."""

    text: str
    kind: str


def complete(user: Any, text: str) -> list[Suggestion]:
    """At most MOST texts that go on from what was typed, each of which finds something."""
    typed = " ".join(text.casefold().split())
    build = LiveIndex.current()
    if build is None or not SHORTEST <= len(typed) <= LONGEST:
        return []
    size = Image.objects.count()
    asked = Turn.objects.filter(
        conversation__user=user.pk, moves=["new"], build=build, total__gt=0,
        utterance__istartswith=text.strip(),
    ).order_by("-pk")  # fmt: skip
    before = dict.fromkeys(asked.values_list("utterance", flat=True)[: 4 * MOST_OF_HISTORY])
    history = [words for words in before if len(words) <= LONGEST and _finds(words, size, True)]
    found = {words.casefold(): Suggestion(text=words, kind="history") for words in history}
    found = dict(list(found.items())[:MOST_OF_HISTORY])
    for words in _going_on(typed, frequent_phrases(build.pk, size)):
        if len(found) == MOST:
            break
        if words.casefold() not in found and _finds(words, size, False):
            found[words.casefold()] = Suggestion(text=words, kind="phrase")
    found.pop(typed, None)
    return list(found.values())


def _going_on(typed: str, phrases: Iterable[str]) -> Iterator[str]:
    """
    Phrases that begin with what was typed, then those that have it at a later word, then the same
    for its last words, what stands before them being kept.
    """
    words = typed.split(" ")
    for start in range(len(words)):
        head, tail = " ".join(words[:start]), " ".join(words[start:])
        if len(tail) < SHORTEST:
            return
        later = f" {tail}"
        begin = [phrase for phrase in phrases if phrase.casefold().startswith(tail)]
        inside = [phrase for phrase in phrases if later in phrase.casefold()] if not head else []
        for phrase in (*begin, *inside):
            yield f"{head} {phrase}".strip()


@lru_cache(maxsize=4096)
def _finds(text: str, images: int, was_asked: bool) -> bool:
    """
    Whether some image passes the filters that are read from the text; what passes is ranked.
    Exclusions and quoted words are trusted only of what was asked before and found something.
    """
    scope = scope_of(understand(text, RULES_ALONE).state)
    if (scope.without or scope.phrases) and not was_asked:
        return False
    passing = Q()
    for row in scope.restrictions:
        if row.field == "collection":
            continue
        if row.any_of:
            passing &= Q(**{f"{row.field}__in": row.any_of})
        if row.none_of:
            passing &= ~Q(**{f"{row.field}__in": row.none_of})
    return Image.objects.filter(passing).exists()
