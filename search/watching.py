"""What a saved search finds now that was not there when it was last opened."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from asgiref.sync import async_to_sync

from ingest.models import Image
from search.engine import engine
from search.engines.base import EngineError
from search.models import IndexBuild, LiveIndex, SavedSearch
from search.query import clauses_of, scope_of
from search.understanding.state import QueryState
from search.understanding.wire import state_from_json

# Of the matches of one search; more than Vespa gives at once would be an error there.
MOST_COMPARED = 1000


def new_images(searches: Iterable[SavedSearch]) -> dict[int, int]:
    """
    How many images, by search: they match, were added after it was saved, and were not among its
    matches when it was last opened. A search without new ones, and one that no engine can answer
    just now, is left out.
    """
    build, found = LiveIndex.current(), {}
    for search in searches:
        recent = _added_after(search.created_at)
        if build is None or not recent:
            continue
        try:
            matching = _matching(state_from_json(search.state), build)
        except EngineError:
            continue
        if new := recent.intersection(matching).difference(search.seen):
            found[search.pk] = len(new)
    return found


def look(search: SavedSearch) -> None:
    """From now on, what it finds is not new."""
    build = LiveIndex.current()
    if build is not None and (recent := _added_after(search.created_at)):
        with suppress(EngineError):
            matching = _matching(state_from_json(search.state), build)
            search.seen = sorted(recent.intersection(matching))
            search.save(update_fields=["seen"])


def _added_after(moment: datetime) -> set[int]:
    return set(Image.objects.filter(created_at__gt=moment).values_list("pk", flat=True))


@async_to_sync
async def _matching(state: QueryState, build: IndexBuild) -> list[int]:
    """By its words where it has any, not by how pictures look: everything looks like something."""
    index = await engine().open(build.generation)
    words = clauses_of(replace(state, filters=()), {})
    if words:
        matches = await index.lexical(words, scope_of(state), MOST_COMPARED)
        return [match.image_id for match in matches]
    return await index.browse(scope_of(state), MOST_COMPARED)
