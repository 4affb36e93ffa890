"""A team that the workbook calls otherwise goes on with its ledger: shown, asked, moved."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from faulty_org import FaultyOrg, Make, company
from workbooks import build

_LATER = itertools.count(5_000)


@pytest.fixture(autouse=True)
def monday(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ALLOCATOR_NOW", "2026-11-02T09:00:00Z")
    yield


def come(org: FaultyOrg, number: int) -> None:
    names = [f"Lead {next(_LATER)}" for _ in range(number)]
    org.put("Lead", *({"LastName": n, "Company": n, "Country": "DE", "OwnerId": org.queue} for n in names))


def call_it(org: FaultyOrg, name: str) -> None:
    """Marketing saves the workbook with another name for team Enterprise."""
    sheets = {
        sheet: [[name if cell == "Enterprise" else cell for cell in row] for row in rows]
        for sheet, rows in company().items()
    }
    org.book.write_bytes(build(sheets))


def lane(org: FaultyOrg, team: str) -> dict[str, Any]:
    code, found = org("rotation", "show", team)
    assert code == 0, found
    first: dict[str, Any] = found["lanes"][0]
    return first


def rename(org: FaultyOrg, old: str, new: str, *, code: int = 0) -> dict[str, Any]:
    found, said = org("rotation", "rename", old, new, "--yes")
    assert found == code, said
    return dict(said)


@pytest.mark.parametrize("name", ["Key accounts", "ENTERPRISE"])
def test_a_renamed_team_goes_on_where_it_was(make: Make, name: str) -> None:
    org = make(4)
    org.run(assigned=4)
    before = lane(org, "Enterprise")
    call_it(org, name)
    moved = rename(org, "enterprise", name.lower())
    assert (moved["old"], moved["new"], moved["turns"]) == ("Enterprise", name, 4)
    assert moved["lanes"][0]["credits"] == before["credits"]
    come(org, 1)
    org.run(assigned=1)
    (new,) = org.rows().keys() - set(org.leads)
    assert org.rows()[new].person == before["next"][0]["id"]
    _, why = org("explain", new)
    assert (why["team"], why["turn"]["number"]) == (name, 5)
    _, why = org("explain", org.leads[0])
    assert (why["team"], why["turn"]["number"]) == (name, 1)
    after = lane(org, name)
    assert [one["id"] for one in after["next"][:8]] == [one["id"] for one in before["next"][1:9]]
    _, told = org("fairness")
    assert [team["team"] for team in told["teams"]] == [name]


def test_what_cannot_be_renamed_says_why_and_what_to_do(make: Make) -> None:
    org = make(4)
    org.run(assigned=4)
    said = rename(org, "Enterprise", "Enterprise", code=2)["error"]["message"]
    assert "Enterprise is a team of the tables" in said
    call_it(org, "Key accounts")
    assert "Did you mean Enterprise?" in rename(org, "Enterprize", "Key accounts", code=2)["error"]["message"]
    assert (
        "Did you mean Key accounts?" in rename(org, "Enterprise", "Key acounts", code=2)["error"]["message"]
    )
    code, said = org("rotation", "rename", "Enterprise", "Key accounts")
    assert (code, "say --yes" in str(said)) == (2, True)
    come(org, 1)
    org.run(assigned=1)
    said = rename(org, "Enterprise", "Key accounts", code=2)["error"]["message"]
    assert "turns of its own (1)" in said and "the ledger of Enterprise, call the team so again" in said


def test_while_a_run_is_at_work_nothing_is_renamed(make: Make) -> None:
    org = make(4)
    org.run(assigned=4)
    call_it(org, "Key accounts")
    with org.store() as store:
        lease = store.begin_run(
            slot="2026-11-02T09", by="cli", at=store.runs()[0].started, live=True, seconds=90
        )
        assert "run 2 is at work" in rename(org, "Enterprise", "Key accounts", code=6)["error"]["message"]
        store.end_run(lease, at=store.runs()[0].started, state="done", summary={})
    assert rename(org, "Enterprise", "Key accounts")["turns"] == 4


def test_the_check_warns_of_it_as_long_as_it_can_be_mended(make: Make) -> None:
    org = make(4)
    org.run(assigned=4)
    call_it(org, "Key accounts")
    _, found = org("tables", "check")
    (warned,) = (one for one in found["problems"] if one["code"] == "T507")
    assert 'allocator rotation rename "Enterprise" "Key accounts"' in warned["fix"] and found["ok"]
    rename(org, "Enterprise", "Key accounts")
    _, found = org("tables", "check")
    assert not any(one["code"] == "T507" for one in found["problems"])
