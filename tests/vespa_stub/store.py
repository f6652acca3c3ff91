"""The documents of one application, in memory, each in a row that all fields share."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tests.vespa_stub.columns import Column, Embeddings, Mask, Words
from tests.vespa_stub.schema import Field, Schema

Fields = Mapping[str, Any]
_FIRST_CAPACITY = 1024


class Store:
    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.clear()

    def clear(self) -> None:
        self.rows: dict[str, int] = {}
        self.ids: list[str] = []
        self.documents: list[dict[str, Any]] = []
        self.alive: Mask = np.zeros(_FIRST_CAPACITY, np.bool_)
        self._free: list[int] = []
        self._hashes: list[str] = []
        self._order: list[tuple[str, str]] | None = None
        fields = self.schema.fields.values()
        self.columns = {f.name: Column(_FIRST_CAPACITY, f.is_number) for f in fields
                        if f.is_attribute}  # fmt: skip
        self.words = {f.name: Words(_FIRST_CAPACITY) for f in fields if f.is_text}
        self.embeddings = {f.name: Embeddings(_FIRST_CAPACITY, f.size) for f in fields if f.size}

    def __len__(self) -> int:
        return len(self.rows)

    def get(self, name: str) -> dict[str, Any] | None:
        row = self.rows.get(name)
        return None if row is None else self.documents[row]

    def put(self, name: str, fields: Fields) -> None:
        """The whole document; fields that are not named are empty afterwards."""
        row = self._row(name)
        before = self.documents[row]
        self._assign(row, {**dict.fromkeys(before), **fields})

    def update(self, name: str, fields: Fields, *, create: bool) -> None:
        """Only the named fields; None empties one. Nothing happens if the document is missing."""
        if create or name in self.rows:
            self._assign(self._row(name), fields)

    def remove(self, name: str) -> None:
        row = self.rows.get(name)
        if row is None:
            return
        self._assign(row, dict.fromkeys(self.documents[row]))
        del self.rows[name]
        self.alive[row] = False
        self._free.append(row)
        self._order = None

    def after(self, name: str) -> Iterator[str]:
        """Ids in the order of a visit (that of their hashes), behind the hash `name`."""
        if self._order is None:
            self._order = sorted((self._hashes[row], key) for key, row in self.rows.items())
        order = self._order
        for at in range(bisect_right(order, (name, "\U0010ffff")), len(order)):
            yield order[at][1]

    def hash_of(self, name: str) -> str:
        return self._hashes[self.rows[name]]

    def adopt(self, schema: Schema) -> None:
        """Take another schema; what stood in fields of another type is dropped."""
        old, self.schema = self.schema, schema
        if old.fields == schema.fields:
            return
        kept = {name for name, field in schema.fields.items()
                if (before := old.fields.get(name)) and before.type == field.type}  # fmt: skip
        documents = [(name, self.documents[row]) for name, row in self.rows.items()]
        self.clear()
        for name, fields in documents:
            self.put(name, {key: value for key, value in fields.items() if key in kept})

    def holds(self, field: Field) -> bool:
        """Whether any document has a value there."""
        return any(field.name in self.documents[row] for row in self.rows.values())

    def _row(self, name: str) -> int:
        row = self.rows.get(name)
        if row is None:
            row = self._free.pop() if self._free else self._new_row()
            self.rows[name] = row
            self.ids[row], self._hashes[row] = name, _hash(name)
            self.alive[row] = True
            self._order = None
        return row

    def _new_row(self) -> int:
        row = len(self.ids)
        self.ids.append("")
        self._hashes.append("")
        self.documents.append({})
        if row >= len(self.alive):
            self._grow(len(self.alive) * 2)
        return row

    def _grow(self, capacity: int) -> None:
        self.alive = np.concatenate([self.alive, np.zeros(capacity - len(self.alive), np.bool_)])
        for kept in (self.columns, self.words, self.embeddings):
            for one in kept.values():
                one.grow(capacity)

    def _assign(self, row: int, fields: Fields) -> None:
        document = self.documents[row]
        for name, value in fields.items():
            if value is None:
                document.pop(name, None)
            elif document.get(name) is not value:
                document[name] = value
            self._index(row, name, value)

    def _index(self, row: int, name: str, value: Any) -> None:
        for kept in (self.columns, self.words, self.embeddings):
            if name in kept:
                kept[name].set(row, value)


def _hash(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()[:24]
