"""What the views ask of a request: who asks, for which page, of which turn."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request

from search import wire
from search.exporting import all_ranked, search_as_file
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
    response = all_ranked(state, build, turn, user_of(request).pk)
    return search_as_file(response, form, f"clipsite-{name}", request.build_absolute_uri)
