"""Which engine this process searches with, and the one connection it holds."""

import atexit
from functools import cache

from django.conf import settings

from search.engines.base import Engine


def engine_name() -> str:
    """As builds remember it; known without loading the engine."""
    return "vespa" if settings.VESPA_URL else "lancedb"


@cache
def engine() -> Engine:
    """Imported late, as it is heavy; its connections are closed when the process ends."""
    made: Engine
    if engine_name() == "vespa":
        from search.engines.vespa import VespaEngine

        made = VespaEngine(settings.VESPA_URL, settings.VESPA_TIMEOUT)
    else:
        from search.engines.lance import LanceEngine

        made = LanceEngine(settings.INDEX_DIR)
    atexit.register(made.close)
    return made
