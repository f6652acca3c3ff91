"""What is kept: past conversations and saved searches."""

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from search import watching
from search.models import Conversation, NameTaken, SavedSearch, Share
from search.models.conversations import LONGEST_NAME, LONGEST_NOTES

MOST_PAST = 50


@require_safe
@login_required
def history(request: HttpRequest) -> HttpResponse:
    """All conversations of one's own, searched by their titles and by what was said."""
    words = " ".join(request.GET.get("q", "").split())[:LONGEST_NAME]
    found = Conversation.of(request.user, words).annotate(size=Count("turns"))
    found = found.order_by("-pinned", "-updated_at")  # a count puts the model's own order aside
    page = Paginator(found, MOST_PAST).get_page(request.GET.get("page"))
    days = round(settings.CONVERSATION_DAYS)
    return render(request, "search/history.html", {"page": page, "q": words, "days": days})


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    mine = Conversation.objects.filter(user=request.user.pk)
    renamed = get_object_or_404(mine, pk=pk)
    context = {"conversation": renamed, "title": renamed.title}
    if request.method != "POST":
        return render(request, "search/rename.html", context)
    title = request.POST.get("title", "").strip()
    if not 0 < len(title) <= LONGEST_NAME:
        context |= {"title": title, "error": _("A name has 1 to 120 characters.")}
        return render(request, "search/rename.html", context, status=400)
    renamed.rename(title)
    return redirect("search:conversation", pk)


@require_POST
@login_required
def pin(request: HttpRequest, pk: int) -> HttpResponse:
    mine = get_object_or_404(Conversation.objects.filter(user=request.user.pk), pk=pk)
    mine.pin(request.POST.get("pinned") == "1")
    words = request.POST.get("q", "")
    return redirect(f"{reverse('search:history')}?{urlencode({'q': words})}")


@require_safe
@login_required
def saved(request: HttpRequest) -> HttpResponse:
    searches = list(SavedSearch.objects.filter(user=request.user.pk))
    new = watching.new_images(searches)
    rows = [(search, new.get(search.pk, 0)) for search in searches]
    own_links = [(share, _address(request, share)) for share in Share.of(request.user)]
    context = {"saved_searches": rows, "shares": own_links, "new": request.GET.get("new", "")}
    context["left_out"] = "left_out" in request.GET
    return render(request, "search/saved.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def describe(request: HttpRequest, pk: int) -> HttpResponse:
    """Name and notes of a saved search."""
    kept = get_object_or_404(SavedSearch.objects.filter(user=request.user.pk), pk=pk)
    context = {"saved": kept, "name": kept.name, "notes": kept.notes}
    if request.method != "POST":
        return render(request, "search/describe.html", context)
    name = " ".join(request.POST.get("name", "").split())
    notes = request.POST.get("notes", "").replace("\r\n", "\n").strip()
    context |= {"name": name, "notes": notes}
    try:
        if not 0 < len(name) <= LONGEST_NAME or len(notes) > LONGEST_NOTES:
            raise ValueError(_("A name has 1 to 120 characters, notes at most 2,000."))
        kept.describe(name, notes)
    except (NameTaken, ValueError) as exc:
        context["error"] = str(exc)
        return render(request, "search/describe.html", context, status=400)
    return redirect("search:saved")


def _address(request: HttpRequest, share: Share) -> str:
    return request.build_absolute_uri(reverse("search:shared", args=[share.key]))
