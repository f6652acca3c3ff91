"""Saved searches of one's own."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search.api.asked import my_turn, user_of, valid
from search.models import NameTaken, SavedSearch
from search.models.conversations import LONGEST_NAME, LONGEST_NOTES
from search.problems import problem


class NewSavedSearch(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME)
    turn = serializers.IntegerField()
    replace = serializers.BooleanField(default=False)


class Described(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    notes = serializers.CharField(max_length=LONGEST_NOTES, required=False, allow_blank=True)


class SavedSearches(APIView):
    def get(self, request: Request) -> Response:
        return Response([_saved(row) for row in _my_searches(request)])

    def post(self, request: Request) -> Response:
        """Save a turn's state under a name; one that is taken is replaced only if so asked."""
        asked = valid(NewSavedSearch, request.data)
        turn = my_turn(request, asked["turn"])
        try:
            row, is_new = SavedSearch.keep(
                user_of(request), asked["name"], turn, replace=asked["replace"]
            )
        except NameTaken as exc:
            sentence = _("%(taken)s Replace it, or choose another name.") % {"taken": exc}
            return problem(409, _("Name taken"), sentence)
        return Response(_saved(row), status=201 if is_new else 200)


class OneSavedSearch(APIView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(_saved(get_object_or_404(_my_searches(request), pk=pk)))

    def patch(self, request: Request, pk: int) -> Response:
        """Another name, other notes, or both."""
        asked = valid(Described, request.data)
        row = get_object_or_404(_my_searches(request), pk=pk)
        try:
            row.describe(asked.get("name", row.name), asked.get("notes", row.notes))
        except NameTaken as exc:
            sentence = _("%(taken)s Choose another name.") % {"taken": exc}
            return problem(409, _("Name taken"), sentence)
        return Response(_saved(row))

    def delete(self, request: Request, pk: int) -> Response:
        get_object_or_404(_my_searches(request), pk=pk).delete()
        return Response(status=204)


def _my_searches(request: Request) -> QuerySet[SavedSearch]:
    return SavedSearch.objects.filter(user=user_of(request))


def _saved(row: SavedSearch) -> dict[str, Any]:
    kept = {"id": row.pk, "name": row.name, "notes": row.notes}
    return {**kept, "count": row.count, "state": row.state}
