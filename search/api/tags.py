"""Tags of one's own, and the images that have them."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search.api.asked import PageOfHits, my_turn, user_of, valid
from search.exporting import all_ranked, tag_as_file
from search.models import NameTaken, NotTagged, Tag
from search.models.conversations import LONGEST_NAME
from search.problems import problem
from search.understanding.state import InvalidState
from search.wire import picture_json

MOST_AT_ONCE = 1000
LARGEST_KEY = 2**63 - 1


class Named(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME)


class Added(serializers.Serializer[Any]):
    """Images by their numbers, or all that a turn ranks."""

    turn = serializers.IntegerField(required=False)
    images = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=LARGEST_KEY),
        required=False,
        max_length=MOST_AT_ONCE,
    )


class NewTag(Added, Named):
    """A tag, and what it begins with."""


class Tags(APIView):
    def get(self, request: Request) -> Response:
        return Response([_tag(tag) for tag in _mine(request)])

    def post(self, request: Request) -> Response:
        """The tag of that name, made if there is none, with the images added to it."""
        asked = valid(NewTag, request.data)
        ids = _asked_for(request, asked)
        tag, is_new = Tag.named(user_of(request), asked["name"])
        return _added(request, tag, ids, status=201 if is_new else 200)


class OneTag(APIView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(_tag(get_object_or_404(_mine(request), pk=pk)))

    def patch(self, request: Request, pk: int) -> Response:
        """Another name."""
        name = valid(Named, request.data)["name"]
        try:
            get_object_or_404(_mine(request), pk=pk).rename(name)
        except NameTaken as exc:
            sentence = _("%(taken)s Choose another name.") % {"taken": exc}
            return problem(409, _("Name taken"), sentence)
        return Response(_tag(get_object_or_404(_mine(request), pk=pk)))

    def delete(self, request: Request, pk: int) -> Response:
        get_object_or_404(_mine(request), pk=pk).delete()
        return Response(status=204)


class TagImages(APIView):
    def get(self, request: Request, pk: int) -> Response:
        """A page of its images, the first added first."""
        page = valid(PageOfHits, request.query_params)
        start, end = page["offset"], page["offset"] + page["limit"]
        tag = get_object_or_404(_mine(request), pk=pk)
        images = [picture_json(image) for image in tag.in_order()[start:end]]
        return Response({"total": tag.size, "images": images, **page})

    def post(self, request: Request, pk: int) -> Response:
        """Add images; those it has already stay where they are."""
        tag = get_object_or_404(_mine(request), pk=pk)
        return _added(request, tag, _asked_for(request, valid(Added, request.data)))


class OneTagImage(APIView):
    def delete(self, request: Request, pk: int, image: int) -> Response:
        """Take the tag from an image, which may not have it."""
        get_object_or_404(_mine(request), pk=pk).remove(image)
        return Response(status=204)


class ExportedTag(APIView):
    def get(self, request: Request, pk: int, form: str) -> HttpResponse:
        exported = get_object_or_404(_mine(request), pk=pk)
        return tag_as_file(exported, form, request.build_absolute_uri)


def _asked_for(request: Request, asked: dict[str, Any]) -> list[int]:
    if "turn" in asked and "images" in asked:
        raise InvalidState(_("Name a turn or images, not both."))
    if "turn" not in asked:
        return list(asked.get("images", ()))
    turn = my_turn(request, asked["turn"])
    build, state = turn.answering_build(), turn.query_state
    found = all_ranked(state, build, turn, user_of(request).pk)
    return [hit["image_id"] for hit in found["hits"]]


def _added(request: Request, tag: Tag, ids: list[int], status: int = 200) -> Response:
    try:
        new = tag.add(ids)
    except NotTagged as exc:
        return problem(409, _("Not tagged"), str(exc))
    answer = {**_tag(get_object_or_404(_mine(request), pk=tag.pk)), "added": new}
    return Response(answer, status=status)


def _mine(request: Request) -> QuerySet[Any]:
    return Tag.of(user_of(request))


def _tag(tag: Any) -> dict[str, Any]:
    return {
        "id": tag.pk,
        "name": tag.name,
        "size": tag.size,
        "created_at": tag.created_at,
        "updated_at": tag.updated_at,
    }
