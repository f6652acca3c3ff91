"""Bad settings, told at start in one sentence each with an id and a hint."""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from django.apps.config import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.exceptions import ImproperlyConfigured


@register()
def secret_key_is_set(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    with suppress(ImproperlyConfigured):
        if settings.SECRET_KEY:
            return []
    return [
        Error(
            "SECRET_KEY is not set.",
            hint="`make run` writes one to .env; elsewhere put a long random string there.",
            id="clipsite.E001",
        )
    ]


@register()
def redis_url_is_a_redis_url(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    url = settings.REDIS_URL
    if not url or url.startswith(("redis://", "rediss://")):
        return []
    return [
        Error(
            "REDIS_URL does not begin with redis:// or rediss://.",
            hint="Leave it empty for the embedded Valkey, or write redis://host:6379/0.",
            id="clipsite.E002",
        )
    ]


@register()
def socket_path_is_short_enough(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """The kernel takes at most 107 bytes for a unix socket's path."""
    if settings.REDIS_URL or len(str(settings.VALKEY_SOCKET).encode()) <= 107:
        return []
    return [
        Error(
            f"The path of the embedded broker's socket is too long: {settings.VALKEY_SOCKET}.",
            hint="Set CLIPSITE_VAR to a shorter folder, or REDIS_URL to an external server.",
            id="clipsite.E003",
        )
    ]


@register()
def heartbeat_timeout_leaves_room(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Jobs beat every 3 s; less than twice that would call healthy jobs lost."""
    if settings.JOB_HEARTBEAT_TIMEOUT >= 6:
        return []
    return [
        Error(
            "JOB_HEARTBEAT_TIMEOUT is below 6 seconds.",
            hint="Running jobs beat every 3 seconds; 30 is a good value.",
            id="clipsite.E004",
        )
    ]


@register()
def vespa_urls_are_http_urls(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    return [
        Error(
            f"{name} does not begin with http:// or https://.",
            hint="Leave it empty for the embedded engine, or write http://vespa:8080.",
            id="clipsite.E005",
        )
        for name in ("VESPA_URL", "VESPA_CONFIG_URL")
        if (url := getattr(settings, name)) and not url.startswith(("http://", "https://"))
    ]


@register()
def vespa_timeout_is_positive(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    if settings.VESPA_TIMEOUT > 0:
        return []
    return [
        Error(
            "VESPA_TIMEOUT is not a positive number of seconds.",
            hint="2.0 is a good value.",
            id="clipsite.E006",
        )
    ]


@register()
def embed_origins_are_origins(
    app_configs: Sequence[AppConfig] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """They stand in a header and are compared letter by letter."""
    return [
        Error(
            f"EMBED_ORIGINS names {origin!r}, which is not an origin.",
            hint="Write scheme, host and, if it has one, port: https://desk.example.org",
            id="clipsite.E007",
        )
        for origin in settings.EMBED_ORIGINS
        if not re.fullmatch(r"https?://[a-z0-9.-]+(:\d+)?", origin)
    ]
