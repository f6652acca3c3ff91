"""Is the process alive, and is all that a search needs ready?"""

from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from search.encoding import EncoderUnavailable, encoder_of, load_language
from search.models import IndexBuild, LiveIndex


@require_safe
def alive(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """Loads what is not loaded yet, so the first call takes seconds. 503 names what is missing."""
    missing = _missing()
    status = 503 if missing else 200
    return JsonResponse(
        {"status": "not ready" if missing else "ok", "missing": missing}, status=status
    )


def _missing() -> list[str]:
    load_language()
    try:
        connection.ensure_connection()
        build: IndexBuild | None = LiveIndex.current()
    except DatabaseError:
        return ["database"]
    if build is None:
        return ["index"]
    try:
        encoder_of(build)
    except EncoderUnavailable:
        return ["encoder"]
    return []
