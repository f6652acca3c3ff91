"""Errors as application/problem+json (RFC 9457), one sentence each."""

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.response import Response
from rest_framework.views import exception_handler

from search.engines.base import BadQuery, EngineError
from search.models import Ended
from search.retrieval import NothingIndexed
from search.understanding.state import InvalidState

ENGINE_DOWN = gettext_lazy("The search engine does not answer. Try again in a minute.")


def problem(status: int, title: str, detail: str) -> Response:
    body = {"title": title, "detail": detail, "status": status}
    return Response(body, status=status, content_type="application/problem+json")


def problem_response(exc: Exception, context: dict[str, Any]) -> Response | None:
    if isinstance(exc, InvalidState | BadQuery):
        return problem(400, _("Bad query"), str(exc))
    if isinstance(exc, Ended):
        return problem(410, _("Ended"), str(exc))
    if isinstance(exc, NothingIndexed):
        return problem(503, _("Nothing indexed"), str(exc))
    if isinstance(exc, EngineError):
        return problem(503, _("Search engine unavailable"), str(ENGINE_DOWN))
    response = exception_handler(exc, context)
    if response is not None:
        detail = _sentence(response.data)
        title = getattr(exc, "default_detail", _("Error"))
        response.data = {"title": str(title), "detail": detail, "status": response.status_code}
        response.content_type = "application/problem+json"
    return response


def _sentence(data: Any) -> str:
    if isinstance(data, dict):
        if "detail" in data:
            return str(data["detail"])
        return " ".join(f"{key}: {_sentence(value)}" for key, value in data.items())
    if isinstance(data, list):
        return " ".join(_sentence(value) for value in data)
    return str(data)
