"""Is the process alive, and is all that a search needs ready?"""

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from search import caption_words, other_words
from search.encoding import EncoderUnavailable, text_vectors
from search.engine import engine
from search.engines.base import Clause, EngineError, Scope
from search.models import IndexBuild, LiveIndex
from search.understanding import languages


@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """503 names what is missing. The first call loads everything, so it takes seconds."""
    missing = what_is_missing()
    status = 503 if missing else 200
    return JsonResponse(
        {"status": "not ready" if missing else "ok", "missing": missing}, status=status
    )


def warm_up() -> None:
    """Load all that a search needs while a person is still typing. From a thread of its own."""
    what_is_missing()
    caption_words.warm_up()
    languages.warm_up()
    connection.close()


def what_is_missing() -> list[str]:
    """Tries each part once, in the order in which a search needs them."""
    from search.understanding.noun_phrases import load_pipeline

    load_pipeline(settings.SPACY_PIPELINE)
    other_words.table()
    try:
        build = LiveIndex.current()
    except DatabaseError:
        return ["database"]
    if build is None:
        return ["index"]
    missing = []
    try:
        async_to_sync(_ask_for_anything)(build)
    except EngineError:
        missing.append("engine")
    try:
        text_vectors(build, ["anything"])
    except EncoderUnavailable:
        missing.append("encoder")
    return missing


async def _ask_for_anything(build: IndexBuild) -> None:
    index = await engine().open(build.generation)
    await index.lexical([Clause("anything")], Scope(), 1)
