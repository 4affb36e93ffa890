"""What many leads' decisions share is stored once: the rows that held, the names of facts and of fields.

A decision then keeps the values in the order of the names. One that was stored before has no shape and keeps
everything itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.leads import chunks
from allocator.adapters.store.tables import shapes
from allocator.adapters.store.turn_rows import short_hash

_PARTS = ("facts", "steps", "needs")
Shape = Mapping[str, Any]


class Packer:
    """Takes the shapes out of the decisions of one plan. Its traces share the steps as objects."""

    def __init__(self) -> None:
        self.found: dict[str, Shape] = {}
        self._known: dict[object, str] = {}

    def pack(self, trace: Mapping[str, Any], seen: Mapping[str, Any] | None) -> dict[str, Any]:
        """The columns shape, trace and seen."""
        if any(part not in trace for part in _PARTS):
            return {"shape": None, "trace": trace, "seen": seen}
        paths = list(seen["fields"]) if seen else []
        rest = {name: told for name, told in trace.items() if name not in _PARTS and told}
        return {
            "shape": self._shape(trace, paths),
            "trace": {"facts": list(trace["facts"].values()), **rest},
            "seen": seen and {**seen, "fields": list(seen["fields"].values())},
        }

    def _shape(self, trace: Mapping[str, Any], paths: Sequence[str]) -> str:
        facts, steps, needs = (trace[part] for part in _PARTS)
        same = (tuple(facts), tuple(map(id, steps)), repr(needs), tuple(paths))
        known = self._known.get(same)
        if known is None:
            shape = {"facts": list(facts), "steps": steps, "needs": needs, "fields": paths}
            known = self._known[same] = short_hash(shape)
            self.found[known] = shape
        return known


def save(connection: Connection, found: Mapping[str, Shape]) -> None:
    """Those that are new."""
    known = stored(connection, found)
    new = [{"sha256": sha, "content": shape} for sha, shape in found.items() if sha not in known]
    insert_rows(connection, shapes, new)


def stored(connection: Connection, hashes: Iterable[str | None]) -> dict[str | None, Shape]:
    """The shapes of decisions; those without one have None."""
    found: dict[str | None, Shape] = {}
    for part in chunks({sha for sha in hashes if sha}):
        query = sa.select(shapes).where(shapes.c.sha256.in_(part))
        found.update((row.sha256, row.content) for row in connection.execute(query))
    return found


def trace_of(stored: Mapping[str, Any], shape: Shape | None) -> Mapping[str, Any]:
    """The trace as it was given."""
    if shape is None:
        return stored
    facts = dict(zip(shape["facts"], stored["facts"], strict=True))
    whole = {"facts": facts, "steps": shape["steps"], "needs": shape["needs"], "considered": []}
    return whole | {name: told for name, told in stored.items() if name not in _PARTS}


def seen_of(stored: dict[str, Any], shape: Shape | None) -> dict[str, Any]:
    """What the decision saw, as it was given."""
    if shape is not None:
        stored["fields"] = dict(zip(shape["fields"], stored["fields"], strict=True))
    return stored
