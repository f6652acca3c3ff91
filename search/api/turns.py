"""Turns of a conversation: asked, read again, voted on, exported."""

from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import asking, wire
from search.api.asked import PageOfHits, as_export, my_turn, user_of, valid
from search.models import Conversation, Feedback, Turn
from search.problems import problem


class NewTurn(serializers.Serializer[Any]):
    conversation = serializers.IntegerField(required=False, allow_null=True)
    utterance = serializers.CharField(required=False, allow_blank=True, max_length=20_000)
    settings = serializers.DictField(required=False, default=dict)
    turn = serializers.IntegerField(required=False)
    after = serializers.IntegerField(required=False, allow_null=True)
    edits = serializers.ListField(child=serializers.DictField(), required=False)
    pictures = serializers.ListField(child=serializers.DictField(), required=False)


class Vote(serializers.Serializer[Any]):
    image_id = serializers.IntegerField(min_value=1)
    value = serializers.IntegerField(min_value=-1, max_value=1)


class Turns(APIView):
    def post(self, request: Request) -> Response:
        """A new turn from an utterance, or from edits of an earlier turn."""
        asked = valid(NewTurn, request.data)
        if "turn" in asked:
            turn = asking.edit(
                request.user, my_turn(request, asked["turn"]), asked.get("edits", [])
            )
        else:
            conversation = None
            if asked.get("conversation") is not None:
                mine = Conversation.objects.filter(user=user_of(request))
                conversation = get_object_or_404(mine, pk=asked["conversation"])
            after = asked.get("after")
            turn = asking.say(
                request.user,
                asked.get("utterance", ""),
                conversation,
                asked["settings"],
                my_turn(request, after) if after is not None else None,
                asked.get("pictures", ()),
            )
        return Response(_answered(turn, {}), status=201)


class OneTurn(APIView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(_answered(my_turn(request, pk), valid(PageOfHits, request.query_params)))


class TurnFeedback(APIView):
    def put(self, request: Request, pk: int) -> Response:
        vote = valid(Vote, request.data)
        turn = my_turn(request, pk)
        try:
            stored = Feedback.give(request.user, turn, vote["image_id"], vote["value"])
        except ValueError as exc:
            return problem(404, _("Not found"), str(exc))
        return Response({"turn": turn.pk, "image_id": vote["image_id"], "value": stored})


class ExportedTurn(APIView):
    def get(self, request: Request, pk: int, form: str) -> HttpResponse:
        turn = my_turn(request, pk)
        build = turn.answering_build()
        return as_export(request, form, f"turn-{pk}", turn.query_state, build, turn)


def _answered(turn: Turn, page: dict[str, int]) -> dict[str, Any]:
    response = async_to_sync(wire.answer_turn)(turn, **page)
    response["notices"] = [*turn.notices, *response["notices"]]
    head = {"conversation": turn.conversation_id, "turn": turn.pk, **wire.turn_json(turn)}
    return {**head, "title": turn.conversation.title, "utterance": turn.utterance, **response}
