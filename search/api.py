"""The API: thin views over the same functions as the socket and the page."""

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from django.conf import settings
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest.errors import BadPicture
from ingest.models import Image
from jobs.models import job_models
from search import asking, embedding, query_images, wire
from search.completing import complete
from search.encoding import EncoderUnavailable
from search.exporting import MOST_RANKED, as_file
from search.models import (
    Conversation,
    Feedback,
    IndexBuild,
    LiveIndex,
    NameTaken,
    SavedSearch,
    Turn,
)
from search.models.conversations import LONGEST_NAME, LONGEST_NOTES
from search.plain import asked_by
from search.problems import problem
from search.retrieval import NOTHING_INDEXED, NothingIndexed
from search.understanding.state import QueryState

logger = logging.getLogger(__name__)

LONGEST_LIST = 100
FRAMES = Path(__file__).with_name("frames.schema.json")
# What the form around a picture may take.
FORM_BYTES = 16 * 1024
NO_MODEL = gettext_lazy(
    "No model can read pictures just now. Search by words, or tell an administrator."
)


class PageOfHits(serializers.Serializer[Any]):
    offset = serializers.IntegerField(min_value=0, default=0)
    limit = serializers.IntegerField(min_value=1, max_value=LONGEST_LIST, default=wire.PAGE)


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


class Branched(serializers.Serializer[Any]):
    turn = serializers.IntegerField()


class NewEmbedToken(serializers.Serializer[Any]):
    origin = serializers.CharField(max_length=300)


class Changed(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=LONGEST_NAME, required=False)
    pinned = serializers.BooleanField(required=False)


class Words(serializers.Serializer[Any]):
    q = serializers.CharField(max_length=LONGEST_NAME, default="", allow_blank=True)


class Described(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME, required=False)
    notes = serializers.CharField(max_length=LONGEST_NOTES, required=False, allow_blank=True)


class NewSavedSearch(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST_NAME)
    turn = serializers.IntegerField()
    replace = serializers.BooleanField(default=False)


class Search(APIView):
    def get(self, request: Request) -> Response:
        """A search that leaves no trace. Parameters as in docs/api.md."""
        page = _valid(PageOfHits, request.query_params)
        understood = asked_by(_user(request), request.query_params)
        build = LiveIndex.current()
        response = async_to_sync(wire.answer)(understood.state, build, **page)
        response["notices"] = [*understood.notices, *response["notices"]]
        return Response(response)


class Suggestions(APIView):
    def get(self, request: Request) -> Response:
        """What goes on from what was typed so far, from the captions and one's own history."""
        return Response(complete(_user(request), request.query_params.get("q", "")))


class Frames(APIView):
    """What is said over the socket, as a JSON Schema."""

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(FRAMES.read_bytes(), content_type="application/schema+json")


class ExportedSearch(APIView):
    def get(self, request: Request, form: str) -> HttpResponse:
        """All that a plain search ranks, as a file."""
        understood = asked_by(_user(request), request.query_params)
        return _file(request, form, "search", understood.state, LiveIndex.current(), None)


class ExportedTurn(APIView):
    def get(self, request: Request, pk: int, form: str) -> HttpResponse:
        turn = _my_turn(request, pk)
        build = turn.answering_build()
        return _file(request, form, f"turn-{pk}", turn.query_state, build, turn)


class Turns(APIView):
    def post(self, request: Request) -> Response:
        """A new turn from an utterance, or from edits of an earlier turn."""
        asked = _valid(NewTurn, request.data)
        if "turn" in asked:
            turn = asking.edit(
                request.user, _my_turn(request, asked["turn"]), asked.get("edits", [])
            )
        else:
            conversation = None
            if asked.get("conversation") is not None:
                mine = Conversation.objects.filter(user=_user(request))
                conversation = get_object_or_404(mine, pk=asked["conversation"])
            after = asked.get("after")
            turn = asking.say(
                request.user,
                asked.get("utterance", ""),
                conversation,
                asked["settings"],
                _my_turn(request, after) if after is not None else None,
                asked.get("pictures", ()),
            )
        return Response(_answered(turn, {}), status=201)


class OneTurn(APIView):
    def get(self, request: Request, pk: int) -> Response:
        return Response(_answered(_my_turn(request, pk), _valid(PageOfHits, request.query_params)))


class TurnFeedback(APIView):
    def put(self, request: Request, pk: int) -> Response:
        vote = _valid(Vote, request.data)
        turn = _my_turn(request, pk)
        try:
            stored = Feedback.give(request.user, turn, vote["image_id"], vote["value"])
        except ValueError as exc:
            return problem(404, _("Not found"), str(exc))
        return Response({"turn": turn.pk, "image_id": vote["image_id"], "value": stored})


class _InMemory(MemoryFileUploadHandler):
    """A picture somebody brings is never written to a temporary file, however large."""

    def handle_raw_input(self, *args: Any, **kwargs: Any) -> None:
        self.activated = True


class TooLarge(APIException):
    status_code = 413
    default_detail = gettext_lazy("Too large")


class QueryImages(APIView):
    parser_classes = [MultiPartParser]

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        request.upload_handlers = [_InMemory(request)]
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refused by its length, before anything is taken apart."""
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) > settings.QUERY_IMAGE_BYTES + FORM_BYTES:
            limit = settings.QUERY_IMAGE_BYTES >> 20
            sentence = _("A picture has at most %(limit)s MiB. Make it smaller and try again.")
            raise TooLarge(sentence % {"limit": limit})
        super().initial(request, *args, **kwargs)

    def post(self, request: Request) -> Response:
        """Take a picture to search by; its vector and a preview are kept for a while."""
        files = request.FILES.getlist("image")
        if len(files) != 1:
            return problem(400, _("No picture"), _("Send one picture, as the part named image."))
        build = LiveIndex.current()
        if build is None:
            raise NothingIndexed(NOTHING_INDEXED)
        try:
            kept = query_images.keep(_user(request).pk, files[0].read(), build)
        except BadPicture as exc:
            sentence = _("This picture was not taken: %(reason)s.")
            return problem(400, _("Not a picture"), sentence % {"reason": exc})
        except query_images.Busy:
            return problem(503, _("Busy"), _("The model is busy just now. Try again in a moment."))
        except EncoderUnavailable:
            logger.exception("a query image could not be encoded")
            return problem(503, _("No model"), str(NO_MODEL))
        preview = reverse("search:query-image", args=[kept.upload])
        body = {"upload": kept.upload, "thumbnail_url": preview, "expires_at": kept.expires_at}
        return Response(body, status=201)


class OneQueryImage(APIView):
    def delete(self, request: Request, upload: str) -> Response:
        query_images.forget(_user(request).pk, upload)
        return Response(status=204)


class SavedSearches(APIView):
    def get(self, request: Request) -> Response:
        return Response([_saved(row) for row in _my_searches(request)])

    def post(self, request: Request) -> Response:
        """Save a turn's state under a name; one that is taken is replaced only if so asked."""
        asked = _valid(NewSavedSearch, request.data)
        turn = _my_turn(request, asked["turn"])
        try:
            row, is_new = SavedSearch.keep(
                _user(request), asked["name"], turn, replace=asked["replace"]
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
        asked = _valid(Described, request.data)
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


class EmbedTokens(APIView):
    def post(self, request: Request) -> Response:
        """A key of a frame, for oneself on pages of one origin, for some minutes."""
        asked = _valid(NewEmbedToken, request.data)
        try:
            token = embedding.token_for(_user(request), asked["origin"])
        except ValueError as exc:
            return problem(400, _("Not listed"), str(exc))
        expires_at = timezone.now() + timedelta(minutes=settings.EMBED_MINUTES)
        return Response({"token": token, "expires_at": expires_at}, status=201)


class Conversations(APIView):
    def get(self, request: Request) -> Response:
        """One's own, pinned ones first, then the latest, that have the words `q`."""
        words = _valid(Words, request.query_params)["q"]
        return Response(
            [_kept(row) for row in Conversation.of(_user(request), words)[:LONGEST_LIST]]
        )

    def post(self, request: Request) -> Response:
        """A new conversation that begins with a copy of a turn."""
        origin = _my_turn(request, _valid(Branched, request.data)["turn"])
        turn = asking.branch(request.user, origin)
        made = {"id": turn.conversation_id, "title": turn.conversation.title, "turn": turn.pk}
        return Response({**made, "branched_from": origin.pk}, status=201)


class OneConversation(APIView):
    def patch(self, request: Request, pk: int) -> Response:
        """Rename it, pin it, or both."""
        asked = _valid(Changed, request.data)
        changed = get_object_or_404(Conversation.of(_user(request)), pk=pk)
        if "title" in asked:
            changed.rename(asked["title"])
        if "pinned" in asked:
            changed.pin(asked["pinned"])
        return Response(_kept(changed))

    def delete(self, request: Request, pk: int) -> Response:
        mine = Conversation.objects.filter(user=_user(request))
        get_object_or_404(mine, pk=pk).delete()
        return Response(status=204)


class OneImage(APIView):
    def get(self, request: Request, pk: int) -> Response:
        image = get_object_or_404(Image.objects.select_related("collection"), pk=pk)
        return Response(wire.picture_json(image))


class OneJob(APIView):
    """Progress of a job, for pages whose socket does not open."""

    def get(self, request: Request, kind: str, pk: int) -> Response:
        for model in job_models():
            if model._meta.model_name == kind:
                if not request.user.has_perm(f"{model._meta.app_label}.view_{kind}"):
                    break
                return Response(get_object_or_404(model, pk=pk).snapshot())
        return problem(404, _("Not found"), _("There is no such job."))


def _file(
    request: Request, form: str, name: str, state: QueryState, build: IndexBuild | None,
    turn: Turn | None,
) -> HttpResponse:  # fmt: skip
    response = async_to_sync(wire.answer)(
        state, build, turn=turn, owner=_user(request).pk, limit=MOST_RANKED
    )
    return as_file(response, form, f"clipsite-{name}", request.build_absolute_uri)


def _answered(turn: Turn, page: dict[str, int]) -> dict[str, Any]:
    response = async_to_sync(wire.answer_turn)(turn, **page)
    response["notices"] = [*turn.notices, *response["notices"]]
    head = {"conversation": turn.conversation_id, "turn": turn.pk, **wire.turn_json(turn)}
    return {**head, "title": turn.conversation.title, "utterance": turn.utterance, **response}


def _valid(serializer: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    checked = serializer(data=data)
    checked.is_valid(raise_exception=True)
    return dict(checked.validated_data)


def _user(request: Request) -> Any:
    return request.user


def _my_turn(request: Request, pk: int) -> Turn:
    turns = Turn.objects.filter(conversation__user=_user(request))
    return get_object_or_404(
        turns.select_related("conversation__saved", "build__checkpoint"), pk=pk
    )


def _my_searches(request: Request) -> QuerySet[SavedSearch]:
    return SavedSearch.objects.filter(user=_user(request))


def _kept(row: Conversation) -> dict[str, Any]:
    return {"id": row.pk, "title": row.title, "pinned": row.pinned, "updated_at": row.updated_at}


def _saved(row: SavedSearch) -> dict[str, Any]:
    kept = {"id": row.pk, "name": row.name, "notes": row.notes}
    return {**kept, "count": row.count, "state": row.state}
