"""What the search templates need beyond Django's own filters."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html_join, json_script
from django.utils.safestring import SafeString

from search.sentences import SENTENCES

register = template.Library()

_MODULES = Path(__file__).resolve().parents[1] / "static" / "clipsite_search" / "js"
# Of other pages: a script of all, and the modules that two of them begin with.
_ELSEWHERE = {"theme.js", "image.js", "saved.js"}
PAGE_MODULES = sorted({module.name for module in _MODULES.glob("*.js")} - _ELSEWHERE)


@register.filter
def segments(hit: Mapping[str, Any] | str) -> Iterator[tuple[str, bool]]:
    """The caption cut at its highlights: pieces in order, each with whether it is marked.

    Ranges may overlap or reach past the end. An absent hit has no pieces.
    """
    if not isinstance(hit, Mapping):
        return
    caption = hit["caption"]
    position = 0
    for start, end in sorted(hit.get("highlights", ())):
        start, end = max(start, position), min(end, len(caption))
        if start >= end:
            continue
        if position < start:
            yield caption[position:start], False
        yield caption[start:end], True
        position = end
    if position < len(caption):
        yield caption[position:], False


@register.filter
def synonyms(chips: Sequence[Mapping[str, Any]] | str) -> list[Mapping[str, Any]]:
    """The labels that stand for other words of another label, looked for or left out."""
    ids = ("synonym:", "exclude:synonym:")
    return [c for c in chips or () if isinstance(c, Mapping) and c["id"].startswith(ids)]


@register.simple_tag
def preloaded_modules() -> SafeString:
    """All modules of the search page at once; found by their imports they come one by one."""
    links = ((static(f"clipsite_search/js/{name}"),) for name in PAGE_MODULES)
    return format_html_join("\n", '<link rel="modulepreload" href="{}">', links)


@register.simple_tag
def sentences() -> SafeString:
    """What the page's modules say, for them to read."""
    return json_script(SENTENCES, "sentences")


@register.simple_tag(takes_context=True)
def facet_url(context: template.Context, field: str, value: Any) -> str:
    """The current search with one value of a facet turned on, or off if it is on; from page one."""
    query = context["request"].GET.copy()
    query.pop("offset", None)
    values = query.getlist(field)
    value = str(value)
    query.setlist(field, [v for v in values if v != value] if value in values else [*values, value])
    return f"{reverse('search:results')}?{query.urlencode()}"
