"""The search page inside a page of somebody else: who may frame it, and as whom it searches.

A frame's address is `embed/<key>/…`, and everything that its page asks for lies below. The key is
`own`, for whoever the session says, or a signed token, for frames that no cookie reaches.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import (
    get_script_prefix,
    get_urlconf,
    resolve,
    set_script_prefix,
    set_urlconf,
)
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

OWN = "own"
FRAMED = "search.framed_urls"
SALT = "clipsite.embed"


class Refused(Exception):
    """A frame that gets no search; the one sentence that its reader sees."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True)
class Embedding:
    """Who searches in a frame, and the origins of the pages that may show it."""

    user: Any
    origins: tuple[str, ...]


def token_for(user: Any, origin: str) -> str:
    """The key of a frame for one user on pages of one origin, for `EMBED_MINUTES`.

    Raises ValueError, with a sentence, for an origin that is not listed.
    """
    if origin not in settings.EMBED_ORIGINS:
        raise ValueError(_("This origin is not one of EMBED_ORIGINS."))
    return signing.dumps({"user": user.pk, "origin": origin}, salt=SALT)


def opened(key: str, session_user: Any) -> Embedding:
    """What a key opens; raises Refused."""
    if key != OWN:
        return _opened_by_token(key)
    if not session_user.is_authenticated:
        raise Refused(401, _("Log in to this site to search here, then load the page again."))
    return Embedding(session_user, tuple(settings.EMBED_ORIGINS))


def _opened_by_token(token: str) -> Embedding:
    try:
        bound = signing.loads(token, salt=SALT, max_age=timedelta(minutes=settings.EMBED_MINUTES))
    except signing.SignatureExpired:
        sentence = _("This search has expired. Load the page again to go on.")
        raise Refused(410, sentence) from None
    except signing.BadSignature:
        raise Refused(404, _("There is no search at this address.")) from None
    if bound["origin"] not in settings.EMBED_ORIGINS:
        raise Refused(403, _("This page is not allowed to show the search any more."))
    user = get_user_model().objects.filter(pk=bound["user"], is_active=True).first()
    if user is None:
        raise Refused(403, _("The account of this search is closed."))
    user.is_staff = user.is_superuser = False
    return Embedding(user, (bound["origin"],))


@contextmanager
def addresses_below(prefix: str) -> Iterator[None]:
    """Inside, `reverse` and `{% url %}` give the addresses of the frame at `prefix`."""
    # Django keeps STATIC_URL with the prefix of its first use, which must not be a frame's.
    settings.STATIC_URL  # noqa: B018
    before, urlconf = get_script_prefix(), get_urlconf()
    set_script_prefix(prefix)
    set_urlconf(FRAMED)
    try:
        yield
    finally:
        set_script_prefix(before)
        set_urlconf(urlconf)


@require_safe
def door(request: HttpRequest) -> HttpResponse:
    """What the element's `src` names, for pages without the element."""
    return redirect(f"{request.path}{OWN}/")


# Pages are safe methods; the API's authentication asks for the CSRF token wherever a cookie speaks.
@csrf_exempt
def framed(request: HttpRequest, key: str, rest: str = "") -> HttpResponseBase:
    """A page or call of a search, answered as usual; every address in it stays below the key."""
    origins: Iterable[str] = settings.EMBED_ORIGINS
    response: HttpResponseBase
    try:
        embedding = opened(key, request.user)
        origins = embedding.origins
        if key != OWN:
            request.user = embedding.user
            # No cookie speaks for the user here: another site's page cannot know the address.
            request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
        request.embedding = embedding  # type: ignore[attr-defined]
        response = _answered(request, rest)
    except Refused as refused:
        response = _refusal(request, rest, refused)
    response.xframe_options_exempt = True  # type: ignore[attr-defined]
    response["Content-Security-Policy"] = " ".join(["frame-ancestors 'self'", *origins])
    response["Referrer-Policy"] = "same-origin"
    return response


def _answered(request: HttpRequest, rest: str) -> HttpResponseBase:
    """What the view behind `rest` says, rendered while addresses are those of this frame."""
    try:
        with addresses_below(request.path.removesuffix(rest)):
            match = resolve(f"/{rest}", FRAMED)
            request.resolver_match = match
            response: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
            if hasattr(response, "render"):
                response.render()
            return response
    except Http404:  # also of an address that leads nowhere
        raise Refused(404, _("There is no such page in this search.")) from None


def _refusal(request: HttpRequest, rest: str, refused: Refused) -> HttpResponse:
    if rest.startswith("api/"):
        problem = {"title": _("Refused"), "detail": str(refused), "status": refused.status}
        kind = "application/problem+json"
        return JsonResponse(problem, status=refused.status, content_type=kind)
    context = {"sentence": str(refused), "framed": True}
    return render(request, "search/refused.html", context, status=refused.status)
