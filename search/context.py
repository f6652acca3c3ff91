"""What the frame of every page shows of the corpus."""

from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from ingest.models import Collection
from search.models import LiveIndex


def corpus(request: HttpRequest) -> dict[str, Any]:
    """Asked for only where a template names it, and only for people who are logged in."""
    if not hasattr(request, "user") or not request.user.is_authenticated:
        return {}
    return {"corpus": SimpleLazyObject(_corpus)}


def _corpus() -> dict[str, Any]:
    collections = list(Collection.objects.annotate(size=Count("images")))
    return {
        "images": sum(c.size for c in collections),
        "collections": [
            {"name": c.name, "synthetic": c.synthetic, "images": c.size} for c in collections
        ],
        "live": LiveIndex.current() is not None,
        "synthetic": any(c.synthetic for c in collections),
    }
