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


def looks_renamed(org: FaultyOrg) -> list[str]:
    """What the check says to do about it."""
    code, found = org("tables", "check")
    assert code == 0
    return [one["fix"] for one in found["problems"] if one["code"] == "T507"]


def test_it_is_done_between_runs_and_the_check_says_so_as_long_as_it_is_not(make: Make) -> None:
    org = make(4)
    org.run(assigned=4)
    call_it(org, "Key accounts")
    with org.store() as store:
        at = store.runs()[0].started
        lease = store.begin_run(slot="2026-11-02T09", by="cli", at=at, live=True, seconds=90)
        assert "run 2 is at work" in rename(org, "Enterprise", "Key accounts", code=6)["error"]["message"]
        store.end_run(lease, at=at, state="done", summary={})
    (fix,) = looks_renamed(org)
    assert 'allocator rotation rename "Enterprise" "Key accounts"' in fix
    assert rename(org, "Enterprise", "Key accounts")["turns"] == 4
    assert not looks_renamed(org)
