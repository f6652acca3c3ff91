"""Images: their pages, the panel, their files, and where they are like a phrase."""

from pathlib import Path
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from ingest.models import Image
from ingest.pictures import part_of_thumbnail, without_metadata
from search import provenance, query_images, wire
from search.exporting import MOST_RANKED
from search.heat_drawing import layer, scale
from search.heat_maps import NoHeatMap, Place, read_phrase
from search.heat_maps import heat_map as heat_map_of
from search.models import LiveIndex, Turn
from search.plain import row_number
from search.query import wanted
from search.regions import region_in
from search.retrieval import NOTHING_INDEXED
from search.tag_pages import tags_of
from search.understanding.state import InvalidState

MOST_COMPARED = 4
WARMEST: dict[Place, Any] = {
    "even": gettext_lazy("Even: no part stands out."),
    "upper left": gettext_lazy("Warmest at the upper left of the picture."),
    "top": gettext_lazy("Warmest at the top of the picture."),
    "upper right": gettext_lazy("Warmest at the upper right of the picture."),
    "left": gettext_lazy("Warmest on the left of the picture."),
    "middle": gettext_lazy("Warmest in the middle of the picture."),
    "right": gettext_lazy("Warmest on the right of the picture."),
    "lower left": gettext_lazy("Warmest at the lower left of the picture."),
    "bottom": gettext_lazy("Warmest at the bottom of the picture."),
    "lower right": gettext_lazy("Warmest at the lower right of the picture."),
}


@require_safe
@login_required
def image(request: HttpRequest, pk: int) -> HttpResponse:
    shown = get_object_or_404(_visible_images(), pk=pk)
    context = {"picture": wire.picture_json(shown), **_about(request, shown)}
    return render(request, "search/image.html", context)


@require_safe
@login_required
def about(request: HttpRequest, pk: int) -> HttpResponse:
    """What the panel of a hit shows beyond the hit."""
    shown = get_object_or_404(_visible_images(), pk=pk)
    return render(request, "search/_about.html", _about(request, shown))


@require_safe
@login_required
def heat_map(request: HttpRequest, pk: int) -> HttpResponse:
    """Where the image is like a phrase: a page, or with `part` what the panel unfolds."""
    shown = get_object_or_404(_visible_images(), pk=pk)
    template = "search/_heat_map.html" if "part" in request.GET else "search/heat_map.html"
    context: dict[str, Any] = {"image": shown, "phrase": request.GET.get("phrase", "")}
    try:
        context["phrase"] = phrase = read_phrase(context["phrase"])
        build = LiveIndex.current()
        if build is None:
            raise NoHeatMap(NOTHING_INDEXED)
        heat = heat_map_of(build, shown, phrase)
    except (InvalidState, NoHeatMap) as exc:
        status = 400 if isinstance(exc, InvalidState) else 503
        return render(request, template, {**context, "error": str(exc)}, status=status)
    drawn = {"layer": layer(heat.values), "scale": scale(), "where": WARMEST[heat.where]}
    return render(request, template, {**context, "heat": heat, **drawn})


@require_safe
@login_required
def compare(request: HttpRequest) -> HttpResponse:
    """Two to four images in columns, in the order of the address."""
    try:
        shown = _named(request.GET.get("ids", ""))
    except InvalidState as exc:
        return render(request, "search/compare.html", {"error": str(exc)}, status=400)
    context = {"columns": provenance.columns(shown)}
    return render(request, "search/compare.html", context)


@require_safe
@login_required
@cache_control(private=True, max_age=86_400)
def file(request: HttpRequest, pk: int) -> HttpResponse:
    data, media_type = without_metadata(Path(get_object_or_404(Image, pk=pk).file.path))
    return HttpResponse(data, content_type=media_type)


@require_safe
@login_required
@cache_control(private=True, max_age=86_400, immutable=True)
def thumbnail(request: HttpRequest, pk: int) -> HttpResponse:
    """A page asks for dozens at once: a few kilobytes are read whole rather than streamed."""
    row = get_object_or_404(Image.objects.only("thumbnail"), pk=pk)
    data = Path(row.thumbnail.path).read_bytes()
    try:
        region = region_in(request.GET)
    except InvalidState as exc:
        return HttpResponse(str(exc), status=400, content_type="text/plain; charset=utf-8")
    shown = part_of_thumbnail(data, *region) if region else data
    return HttpResponse(shown, content_type="image/webp")


@require_safe
@login_required
@cache_control(private=True, no_store=True)
def query_image(request: HttpRequest, upload: str) -> HttpResponse:
    """The small preview of a picture of one's own."""
    picture = query_images.find(request.user.pk, upload)
    if picture is None:
        raise Http404
    return HttpResponse(picture.preview, content_type="image/webp")


def _visible_images() -> QuerySet[Image]:
    """Whoever has logged in may see every image."""
    return Image.objects.select_related("collection")


def _named(ids: str) -> list[Image]:
    named = list(dict.fromkeys(map(row_number, ids.split(","))))
    numbers = [number for number in named if number is not None]
    if numbers != named or not 2 <= len(numbers) <= MOST_COMPARED:
        raise InvalidState(_("Name two to four images by their numbers: /compare?ids=12,34."))
    found = _visible_images().in_bulk(numbers)
    missing = [number for number in numbers if number not in found]
    if missing:
        raise InvalidState(_("There is no image %s. Take it out of ids.") % missing[0])
    return [found[number] for number in numbers]


def _similar(request: HttpRequest) -> list[Image]:
    """Those that a search folded under the image, as the address names them."""
    names = request.GET.get("similar", "").split(",")[:MOST_RANKED]
    ids = [number for name in dict.fromkeys(names) if (number := row_number(name)) is not None]
    found = _visible_images().in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _asked_of(request: HttpRequest) -> dict[str, Any]:
    """The turn of one's own that the address names, and what it looks for.

    An address outlives its conversation, and is passed on: the image is there for others too.
    """
    mine = Turn.objects.filter(conversation__user=request.user.pk)
    number = row_number(request.GET.get("turn", ""))
    turns = mine.select_related("build__checkpoint")
    turn = turns.filter(pk=number).first() if number else None
    if turn is None:
        return {"turn": "", "phrases": [], "denied_in_full": False, "build": None}
    state, build = turn.query_state, turn.answering_build()
    return {
        "turn": turn.pk,
        "phrases": wanted(state),
        "denied_in_full": state.denied,
        "build": build,
    }


def _about(request: HttpRequest, shown: Image) -> dict[str, Any]:
    similar = _similar(request)
    figures = provenance.figures(shown, _visible_images())
    ids = ",".join(str(figure.pk) for figure in figures.shown)
    alike = ",".join(str(one.pk) for one in [shown, *similar])
    return {
        **_asked_of(request),
        "similar": similar,
        "similar_compared": alike if 1 <= len(similar) < MOST_COMPARED else "",
        **tags_of(request.user, shown),
        "facts": provenance.facts(shown),
        "attribution": provenance.attribution(shown),
        "denied": provenance.denied(shown),
        "figures": figures,
        "compared": ids if 2 <= figures.total <= MOST_COMPARED else "",
    }
