"""Faults and counters over HTTP, for a stub in a process of its own."""

import json
from typing import Any

from tests.vespa_stub.app import Application, Reply, Request


class ControlledApplication(Application):
    """POST /stub/faults with a rule or {"clear": true}, POST /stub/reset, GET /stub/counters."""

    def reply(self, request: Request) -> Reply:
        if not request.path.startswith("/stub/"):
            return super().reply(request)
        match request.method, request.path:
            case "POST", "/stub/faults":
                return self._fault(request)
            case "POST", "/stub/reset":
                self.reset()
                return _ok({})
            case "GET", "/stub/counters":
                return _ok(self._counters())
        return Reply(404)

    def _fault(self, request: Request) -> Reply:
        try:
            rule = json.loads(request.body)
            if rule == {"clear": True}:
                self.faults.clear()
            else:
                self.faults.add(**rule)
        except (TypeError, ValueError) as exc:
            return Reply(400, json.dumps({"message": str(exc)}).encode())
        return _ok({})

    def _counters(self) -> dict[str, Any]:
        requests, store = self.requests, self.config.store
        return {
            "areas": requests.areas,
            "paths": requests.paths,
            "statuses": requests.statuses,
            "protocols": requests.protocols,
            "most_in_flight": requests.most_in_flight,
            "struck": self.faults.struck,
            "documents": 0 if store is None else len(store),
        }


def _ok(answer: dict[str, Any]) -> Reply:
    return Reply(200, json.dumps(answer).encode())
