"""What decisions share is stored once and comes back as it was; older rows can still be read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa
from store_cases import NOW, begin, commit, end, lead, planned, pulled

from allocator.adapters.store import tables
from allocator.domain.lead import LeadKey
from allocator.domain.plan import Plan

STEP = {
    "layer": "Team",
    "sheet": "Team",
    "row": 3,
    "rule_id": "T-2",
    "cell": "Team!E3",
    "sets": {"team": "A"},
}
NEEDS = {"language": "de", "tags": ["a"]}


def told(number: int) -> dict[str, Any]:
    """What only this lead says, and what all say."""
    facts = {"country": "DE", "company": f"Company {number} ✓"}
    considered = [{"what": "override", "key": f"k{number}"}] if number == 1 else []
    trace = {"facts": facts, "steps": [STEP], "needs": NEEDS, "considered": considered}
    fields = {"Country": "Deutschland", "Company": f"Company {number} ✓", "NumberOfEmployees": number}
    return {"trace": trace, "seen": {"created": 5, "stamp": 7_000_000, "fields": fields}}


def decided(store: Any, count: int) -> Plan:
    lease = begin(store)
    plan = planned(store, [record.key for record in pulled(store, lease, count)])
    more = [replace(one, **told(number)) for number, one in enumerate(plan.decided)]
    seen = {"now": NOW.isoformat(), "asked": True, "unusable": None, "intake": []}
    commit(store, lease, made := replace(plan, decided=tuple(more), seen=seen))
    end(store, lease)
    return made


def rows_of(store: Any, table: sa.Table) -> list[Any]:
    return store.database.read(lambda c: list(c.execute(sa.select(table))))  # type: ignore[no-any-return]


def as_told(store: Any, keys: list[LeadKey]) -> list[Any]:
    past = store.past(NOW, most=100)
    shown = [store.decisions(key)[0] for key in keys]
    return [(one["trace"], one["turn"], list(one["trace"])) for one in shown] + [
        dict(one.seen) for one in sorted(past.runs[0].decisions, key=lambda d: d.key)
    ]


@pytest.fixture
def stored(sql_backend: Any) -> Any:
    return sql_backend.open()


def test_decisions_come_back_as_they_were_and_share_their_shape(stored: Any) -> None:
    plan = decided(stored, 4)
    for number, one in enumerate(plan.decided):
        (found,) = stored.decisions(one.key)
        assert (found["trace"], found["turn"].turn) == (told(number)["trace"], one.turn.turn)
        assert list(found["trace"]) == ["facts", "steps", "needs", "considered"]
    seen = {d.key: d.seen for d in stored.past(NOW, most=100).runs[0].decisions}
    assert seen == {one.key: told(n)["seen"] for n, one in enumerate(plan.decided)}
    assert len(rows_of(stored, tables.shapes)) == 1
    assert "Team!E3" not in str([row.trace for row in rows_of(stored, tables.decisions)])


def test_a_later_run_stores_only_shapes_that_are_new(stored: Any) -> None:
    plan = decided(stored, 2)
    lease = begin(stored)
    fresh = lead(9)
    stored.add_pulled(lease, "salesforce", [fresh], None)
    (one,) = planned(stored, [fresh.key]).decided
    other = told(2)
    other["trace"]["facts"]["city"] = "Bonn"
    third = replace(one, key=fresh.key, turn=None, **other)
    commit(stored, lease, Plan((third,), {}))
    assert stored.decisions(fresh.key)[0]["trace"] == other["trace"]
    assert stored.decisions(plan.decided[0].key)[0]["trace"] == told(0)["trace"]
    assert len(rows_of(stored, tables.shapes)) == 2


def test_rows_of_earlier_versions_can_be_read(stored: Any) -> None:
    plan = decided(stored, 5)
    keys = [one.key for one in plan.decided]
    expected = as_told(stored, keys)

    def make_older(connection: sa.Connection) -> None:
        d, t = tables.decisions, tables.turns
        for number, one in enumerate(plan.decided):
            mine, whose = d.c.source_id == one.key.source_id, t.c.source_id == one.key.source_id
            connection.execute(sa.update(d).where(mine).values(shape=None, **told(number)))
            taken = one.turn.turn  # type: ignore[union-attr]
            names = ("before", "team_before", "last_before")
            before = {name: dict(getattr(taken, name)) for name in names}
            connection.execute(sa.update(t).where(whose).values(before))

    stored.database.write(make_older)
    assert as_told(stored, keys) == expected


def test_credits_that_nothing_divides_come_back_to_the_unit(stored: Any) -> None:
    plan = decided(stored, 3)
    turns = [replace(one.turn.turn, before=dict(zip(one.turn.turn.before, (7, -3, 10**15 + 1), strict=False)))
             for one in plan.decided]  # fmt: skip
    lease = begin(stored)
    records = [lead(n) for n in range(10, 13)]
    stored.add_pulled(lease, "salesforce", records, None)
    again = planned(stored, [r.key for r in records])
    odd = [
        replace(one, turn=replace(one.turn, turn=replace(one.turn.turn, before=dict(turn.before))))
        for one, turn in zip(again.decided, turns, strict=True)
    ]
    commit(stored, lease, replace(again, decided=tuple(odd)))
    for one in odd:
        assert stored.decisions(one.key)[0]["turn"].turn == one.turn.turn
