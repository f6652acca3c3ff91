"""Keys of frames on other sites."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from search import embedding
from search.api.asked import user_of, valid
from search.problems import problem


class NewEmbedToken(serializers.Serializer[Any]):
    origin = serializers.CharField(max_length=300)


class EmbedTokens(APIView):
    def post(self, request: Request) -> Response:
        """A key of a frame, for oneself on pages of one origin, for some minutes."""
        asked = valid(NewEmbedToken, request.data)
        try:
            token = embedding.token_for(user_of(request), asked["origin"])
        except ValueError as exc:
            return problem(400, _("Not listed"), str(exc))
        expires_at = timezone.now() + timedelta(minutes=settings.EMBED_MINUTES)
        return Response({"token": token, "expires_at": expires_at}, status=201)
