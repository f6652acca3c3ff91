"""Other words as this site knows them: the packaged table, and the terms that `load_mesh` wrote."""

from django.conf import settings

from search.understanding import synonyms
from search.understanding.state import QueryState


def table() -> synonyms.Thesaurus:
    """Read when it is first asked for, then kept until the process ends."""
    return synonyms.thesaurus(settings.MESH_TABLE)


def expanded(state: QueryState, before: QueryState | None = None) -> QueryState:
    return synonyms.expanded(state, before, table())
