"""docs/reference/store.md names every table, and its query gives the ledger."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from allocator.adapters.store import tables
from allocator.adapters.store.sql import open_store
from allocator.domain.lead import LeadKey, Record, State
from allocator.domain.plan import Assigned, Plan, TurnRow
from allocator.domain.records import Settlement
from rules.rotation import Rotation

PAGE = (Path(__file__).parents[2] / "docs/reference/store.md").read_text(encoding="utf-8")
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_the_reference_names_every_table_and_no_other() -> None:
    assert re.findall(r"^\| `(\w+)` \|", PAGE, re.M) == list(tables.metadata.tables)


def test_every_column_that_the_reference_names_exists() -> None:
    for name, told in re.findall(r"^\| `(\w+)` \|(.*)\|$", PAGE, re.M):
        columns = set(tables.metadata.tables[name].columns.keys())
        assert set(re.findall(r"`(\w+)`", told)) <= columns, name


def test_the_query_in_the_reference_gives_the_ledger(tmp_path: Path) -> None:
    store = open_store("sqlite:///allocator.db", base=tmp_path)
    lease = store.begin_run(slot="2026-01-05T09", by="cli", at=NOW, live=True, seconds=90)
    keys = [LeadKey("salesforce", f"00Q{n:015d}") for n in range(7)]
    store.add_pulled(lease, "salesforce", [Record(key, NOW, NOW, "00G") for key in keys], NOW)
    rotation = Rotation()
    decided = []
    for key in keys:
        turn = rotation.take("", {"ana": 1, "ben": 2, "chi": 1})
        row = TurnRow("Enterprise", "", turn, key, 1)
        place = ("turn", "Enterprise", "", turn.owner, f"005{turn.owner}", row)
        decided.append(Assigned(key, 1, State.DECIDED, None, "", *place, "", {}))
    plan = Plan(tuple(decided), {("Enterprise", ""): rotation.ledger("")})
    store.commit_plan(lease, plan, at=NOW, tables_version="v1")
    store.settle(lease, [Settlement(keys[2], 1, State.TAKEN, give_back=True)], at=NOW)
    (query,) = re.findall(r"```sql\n(.*?);\n```", PAGE, re.S)
    with store.database.connect(writing=False) as connection:
        found = {row.person: row.credit for row in connection.execute(sa.text(query))}
    assert found == store.ledgers()["Enterprise", ""].credits
    store.close()
