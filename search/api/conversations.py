"""Conversations of one's own."""

from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import asking
from search.api.asked import LONGEST_LIST, my_turn, user_of, valid
from search.models import Conversation
from search.models.conversations import LONGEST_NAME


class Branched(serializers.Serializer[Any]):
    turn = serializers.IntegerField()


class Changed(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=LONGEST_NAME, required=False)
    pinned = serializers.BooleanField(required=False)


class Words(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=LONGEST_NAME, default="", allow_blank=True)


class Conversations(APIView):
    def get(self, request: Request) -> Response:
        """One's own, pinned ones first, then the latest, that have the words `q`."""
        words = valid(Words, request.query_params)["q"]
        return Response(
            [_kept(row) for row in Conversation.of(user_of(request), words)[:LONGEST_LIST]]
        )

    def post(self, request: Request) -> Response:
        """A new conversation that begins with a copy of a turn."""
        origin = my_turn(request, valid(Branched, request.data)["turn"])
        turn = asking.branch(request.user, origin)
        made = {"id": turn.conversation_id, "title": turn.conversation.title, "turn": turn.pk}
        return Response({**made, "branched_from": origin.pk}, status=201)


class OneConversation(APIView):
    def patch(self, request: Request, pk: int) -> Response:
        """Rename it, pin it, or both."""
        asked = valid(Changed, request.data)
        changed = get_object_or_404(Conversation.of(user_of(request)), pk=pk)
        if "title" in asked:
            changed.rename(asked["title"])
        if "pinned" in asked:
            changed.pin(asked["pinned"])
        return Response(_kept(changed))

    def delete(self, request: Request, pk: int) -> Response:
        mine = Conversation.objects.filter(user=user_of(request))
        get_object_or_404(mine, pk=pk).delete()
        return Response(status=204)


def _kept(row: Conversation) -> dict[str, Any]:
    return {"id": row.pk, "title": row.title, "pinned": row.pinned, "updated_at": row.updated_at}
