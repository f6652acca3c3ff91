"""What the views ask of a request: who asks, for which page, of which turn."""

from typing import Any

from asgiref.sync import async_to_sync
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request

from search import wire
from search.exporting import MOST_RANKED, as_file
from search.models import IndexBuild, Turn
from search.understanding.state import QueryState

LONGEST_LIST = 100


class PageOfHits(serializers.Serializer[Any]):
    offset = serializers.IntegerField(min_value=0, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=LONGEST_LIST, default=wire.PAGE)


def valid(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def user_of(request: Request) -> Any:
    return request.user


def my_turn(request: Request, pk: int) -> Turn:
    turns = Turn.objects.filter(conversation__user=user_of(request))
    return get_object_or_404(
        turns.select_related("conversation__saved", "build__checkpoint"), pk=pk
    )


def as_export(
    request: Request, form: str, name: str, state: QueryState, build: IndexBuild | None,
    turn: Turn | None,
) -> HttpResponse:  # fmt: skip
    response = async_to_sync(wire.answer)(
        state, build, turn=turn, owner=user_of(request).pk, limit=MOST_RANKED
    )
    return as_file(response, form, f"clipsite-{name}", request.build_absolute_uri)
