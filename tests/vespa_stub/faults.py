"""Faults on demand, and what was seen of the clients."""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

KINDS = (
    "400", "404", "429", "500", "503", "504", "507",
    "degraded", "soft_timeout", "slow", "reset", "html", "truncated", "zero_hits",
)  # fmt: skip
LOG_LENGTH = 200


@dataclass
class Fault:
    """`where` is search, document or config, or the beginning of a path.

    It strikes `times` times (until cleared if None), after the first `after` requests were spared,
    and only requests whose body has `within` in it.
    """

    where: str
    kind: str
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 0.5
    after: int = 0
    within: str = ""


@dataclass
class Faults:
    rules: list[Fault] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    _dice: random.Random = field(default_factory=lambda: random.Random(7))

    def add(self, where: str, kind: str, **how: Any) -> Fault:
        if kind not in KINDS:
            raise ValueError(f"There is no fault '{kind}'.")
        fault = Fault(where, kind, **how)
        self.rules.append(fault)
        return fault

    def clear(self) -> None:
        self.rules.clear()
        self.struck.clear()

    def take(self, area: str, path: str, body: bytes = b"") -> Fault | None:
        """The fault that this request meets."""
        for fault in self.rules:
            if self._concerns(fault, area, path, body):
                self.struck[fault.kind] += 1
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None

    def _concerns(self, fault: Fault, area: str, path: str, body: bytes) -> bool:
        there = fault.where == area or (fault.where[:1] == "/" and path.startswith(fault.where))
        if not there or fault.times == 0 or fault.within.encode() not in body:
            return False
        if fault.after:
            fault.after -= 1
            return False
        return fault.probability >= 1.0 or self._dice.random() < fault.probability


@dataclass
class Requests:
    """What came in. `searches` holds the parameters of the last ones, flattened."""

    areas: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    protocols: Counter[str] = field(default_factory=Counter)
    searches: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=LOG_LENGTH))
    in_flight: Counter[str] = field(default_factory=Counter)
    most_in_flight: Counter[str] = field(default_factory=Counter)

    def began(self, area: str, method: str, path: str, protocol: str) -> None:
        self.areas[area] += 1
        self.protocols[protocol] += 1
        if area != "document":
            self.paths[f"{method} {path}"] += 1
        self.in_flight[area] += 1
        self.most_in_flight[area] = max(self.most_in_flight[area], self.in_flight[area])

    def ended(self, area: str, status: int) -> None:
        self.in_flight[area] -= 1
        self.statuses[status] += 1

    def clear(self) -> None:
        for counter in (self.areas, self.paths, self.statuses, self.protocols, self.most_in_flight):
            counter.clear()
        self.searches.clear()
