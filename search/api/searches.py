"""Searches that leave no trace, what goes on from typed words, and the schema of the frames."""

from pathlib import Path

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import wire
from search.api.asked import PageOfHits, as_export, user_of, valid
from search.completing import complete
from search.models import LiveIndex
from search.plain import asked_by

FRAMES = Path(__file__).parents[1] / "frames.schema.json"


class Search(APIView):
    def get(self, request: Request) -> Response:
        """A search that leaves no trace. Parameters as in docs/api.md."""
        page = valid(PageOfHits, request.query_params)
        user, build = user_of(request), LiveIndex.current()
        understood = asked_by(user, request.query_params)
        response = async_to_sync(wire.answer)(understood.state, build, owner=user.pk, **page)
        response["notices"] = [*understood.notices, *response["notices"]]
        return Response(response)


class Suggestions(APIView):
    def get(self, request: Request) -> Response:
        """What goes on from what was typed so far, from the captions and one's own history."""
        return Response(complete(user_of(request), request.query_params.get("q", "")))


class Frames(APIView):
    """What is said over the socket, as a JSON Schema."""

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(FRAMES.read_bytes(), content_type="application/schema+json")


class ExportedSearch(APIView):
    def get(self, request: Request, form: str) -> HttpResponse:
        """All that a plain search ranks, as a file."""
        understood = asked_by(user_of(request), request.query_params)
        return as_export(request, form, "search", understood.state, LiveIndex.current(), None)
