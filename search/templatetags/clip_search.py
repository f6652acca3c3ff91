"""`{% load clip_search %}{% clip_search %}`: the search, in a page of a host project."""

from django import template
from django.templatetags.static import static
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def clip_search() -> SafeString:
    return format_html(
        '<script type="module" src="{}"></script><clip-search src="{}"></clip-search>',
        static("clipsite_search/embed/clip-search.js"),
        reverse("search:embed"),
    )
