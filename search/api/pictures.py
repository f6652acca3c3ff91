"""Pictures that people bring to search by, and the images of the corpus."""

import logging
from typing import Any

from django.conf import settings
from django.core.files.uploadhandler import MemoryFileUploadHandler
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import APIException
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ingest.errors import BadPicture
from ingest.models import Image
from search import query_images, wire
from search.api.asked import user_of
from search.encoding import EncoderUnavailable
from search.models import LiveIndex
from search.problems import problem
from search.regions import region_in
from search.retrieval import NOTHING_INDEXED, NothingIndexed

logger = logging.getLogger(__name__)

# What the form around a picture may take.
FORM_BYTES = 16 * 1024
NO_MODEL = gettext_lazy(
    "No model can read pictures just now. Search by words, or tell an administrator."
)


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
        """Take a picture to search by, or a part of it; what a search needs is kept for a while."""
        files = request.FILES.getlist("image")
        if len(files) != 1:
            return problem(400, _("No picture"), _("Send one picture, as the part named image."))
        build = LiveIndex.current()
        if build is None:
            raise NothingIndexed(NOTHING_INDEXED)
        try:
            kept = query_images.keep(
                user_of(request).pk, files[0].read(), build, region_in(request.POST)
            )
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
        query_images.forget(user_of(request).pk, upload)
        return Response(status=204)


class OneImage(APIView):
    def get(self, request: Request, pk: int) -> Response:
        image = get_object_or_404(Image.objects.select_related("collection"), pk=pk)
        return Response(wire.picture_json(image))
