"""What a container says about itself."""

import json
import time

STATUS_PAGE = b"<html><head><title>OK</title></head><body>OK</body></html>"


def answer(path: str, generation: int) -> tuple[str, bytes] | None:
    """Content type and body, or None where the path is none of these."""
    if path == "/status.html":
        return "text/html", STATUS_PAGE
    if path == "/state/v1/health":
        return "application/json", json.dumps(_health()).encode()
    if path == "/ApplicationStatus":
        return "application/json", json.dumps(_application(generation)).encode()
    return ("application/json", b'{"handlers":[]}') if path == "/" else None


def _health() -> dict[str, object]:
    now = int(time.time() * 1000)
    snapshot = {"from": now / 1000 - 60, "to": now / 1000}
    values = [{"name": "requestsPerSecond", "values": {"count": 0, "rate": 0.0}}]
    return {
        "time": now,
        "status": {"code": "up"},
        "metrics": {"snapshot": snapshot, "values": values},
    }


def _application(generation: int) -> dict[str, object]:
    meta = {"name": "default", "user": "", "path": "", "generation": generation, "checksum": ""}
    return {
        "application": {"vespa": {"version": "8.999.1"}, "meta": meta, "user": {"version": ""}},
        "abstractComponents": [],
        "handlers": [],
        "clients": [],
        "servers": [],
        "httpRequestFilters": [],
        "httpResponseFilters": [],
        "processingChains": {},
    }
