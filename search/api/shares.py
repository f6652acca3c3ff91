"""Links that end: made, listed and ended by whoever shares."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import plain
from search.api.asked import my_turn, user_of, valid
from search.exporting import tag_as_file
from search.models import Share, Tag
from search.models.conversations import LONGEST_NAME
from search.models.shares import DAYS
from search.understanding.state import InvalidState


class NewShare(serializers.Serializer[Any]):
    turn = serializers.IntegerField(required=False)
    tag = serializers.IntegerField(required=False)
    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    days = serializers.IntegerField()


class Shares(APIView):
    def get(self, request: Request) -> Response:
        """One's own that still work."""
        return Response([_share(request, row) for row in Share.of(user_of(request))])

    def post(self, request: Request) -> Response:
        """A link to what a turn asks, or to a tag."""
        asked = valid(NewShare, request.data)
        days = asked["days"]
        if days not in DAYS:
            raise InvalidState(_("A link works for 1, 7 or 30 days."))
        if ("turn" in asked) == ("tag" in asked):
            raise InvalidState(_("Name a turn or a tag."))
        if "tag" in asked:
            made = Share.images(
                get_object_or_404(Tag, owner=user_of(request), pk=asked["tag"]), days
            )
        else:
            turn = my_turn(request, asked["turn"])
            name = asked.get("name", turn.conversation.title)
            made = Share.search(user_of(request), name, turn.query_state, days)
        return Response(_share(request, made), status=201)


class OneShare(APIView):
    def delete(self, request: Request, key: str) -> Response:
        """It ends now; one that has ended stays so."""
        get_object_or_404(Share, made_by=user_of(request), key=key).end()
        return Response(status=204)


class ExportedShare(APIView):
    def get(self, request: Request, key: str, form: str) -> HttpResponse:
        """The images of a shared tag, for whoever has the key."""
        tag = plain.shared(key).tag
        if tag is None:
            raise InvalidState(_("This link is to a search: export it with shared=<key>."))
        return tag_as_file(tag, form, request.build_absolute_uri)


def _share(request: Request, share: Share) -> dict[str, Any]:
    path = reverse("search:shared", args=[share.key])
    return {
        "key": share.key,
        "name": share.name,
        "tag": share.tag_id,
        "address": request.build_absolute_uri(path),
        "created_at": share.created_at,
        "expires_at": share.expires_at,
    }
