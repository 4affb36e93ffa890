"""`allocator links` on an org in which people convert, merge and delete."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from org import Org

from allocator.bootstrap import store_of
from allocator.config import load_settings
from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.sync.link_file import COLUMNS
from allocator.entrypoints import cli

NOW = "2026-11-02T09:00:00+00:00"
HEADER = ",".join(COLUMNS)


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    made = Org(tmp_path)
    monkeypatch.setenv("ALLOCATOR_NOW", NOW)
    try:
        made.init()
        yield made
    finally:
        made.close()


@pytest.fixture
def leads(org: Org) -> list[str]:
    return sorted(org.owners())[:6]


def row(n: int | str, crm_id: str, state: str = "live", *, since: str = NOW, **more: str) -> str:
    kind = "Contact" if crm_id.startswith("003") else "Lead"
    cells = {
        "source": "hubspot", "source_id": str(n), "crm": "salesforce", "object": kind, "crm_id": crm_id,
        "state": state, "since": since,
    }  # fmt: skip
    return ",".join((cells | more).values())


def table(org: Org, *rows: str, header: str = HEADER, name: str = "links.csv") -> str:
    file = org.folder / name
    file.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return str(file)


def imported(org: Org, *rows: str) -> dict[str, Any]:
    code, said = org("links", "import", table(org, *rows))
    assert code == 0, said
    return said


def links(org: Org, name: str) -> list[tuple[str, str, str]]:
    code, said = org("links", "show", name)
    assert code == 0, said
    return [(link["object"], link["crm_id"], link["state"]) for link in said["links"]]


def problems(org: Org, *rows: str, header: str = HEADER) -> list[tuple[int, str]]:
    """Row and column of each; nothing was changed."""
    before = everything(org)
    code, said = org("links", "import", table(org, *rows, header=header))
    assert (code, said["ok"], said["added"], everything(org)) == (2, False, 0, before)
    assert all(one["message"] and one["fix"] for one in said["problems"])
    return [(one["row"], one["column"]) for one in said["problems"]]


def everything(org: Org) -> list[dict[str, str]]:
    code, said = org("links", "search", "", "--limit", "1000")
    assert code == 0
    return list(said["links"])


# --- import, export, show -----------------------------------------------------------------------------------


def test_imported_links_are_shown_by_record_and_by_either_id_of_the_crm(org: Org, leads: list[str]) -> None:
    said = imported(org, row(1, leads[0][:15]), row(2, leads[1], "merged", since=""), "", row(2, leads[2]))
    assert (said["added"], said["changed"], said["same"], said["ok"]) == (3, 0, 0, True)
    for name in ("hubspot:1", "1", leads[0], leads[0][:15]):
        assert links(org, name) == [("Lead", leads[0], "live")]
    assert sorted(links(org, leads[1])) == sorted([("Lead", leads[1], "merged"), ("Lead", leads[2], "live")])
    assert org("links", "show", "hubspot:9")[0] == org("links", "show", leads[5])[0] == 2
    assert [one["crm_id"] for one in org("links", "search", "MERGED".lower())[1]["links"]] == [leads[1]]
    code, found = org("links", "search", "hubspot:2", "--limit", "1")
    assert (code, len(found["links"]), found["found"]) == (0, 1, 2)


def test_an_export_is_the_table_of_the_contract_and_can_be_imported_again(org: Org, leads: list[str]) -> None:
    assert org("run")[0] in (0, 4)
    evil = row("'=1+2", leads[4], source="drop")
    imported(org, row(1, leads[0]), row(2, leads[1], "deleted"), evil)
    file = org.folder / "out.csv"
    code, said = org("links", "export", str(file))
    cells = list(csv.reader(io.StringIO(file.read_text(encoding="utf-8"))))
    assert (code, said["links"], tuple(cells[0])) == (0, len(cells) - 1, COLUMNS)
    assert ["hubspot", "1", "salesforce", "Lead", leads[0], "live", NOW] in cells
    assert {line[0] for line in cells[1:]} == {"salesforce", "hubspot", "drop"}
    assert "'=1+2" in file.read_text(encoding="utf-8")
    assert links(org, "drop:=1+2") == [("Lead", leads[4], "live")]
    code, again = org("links", "import", str(file))
    assert (code, again["added"], again["changed"], again["same"]) == (0, 0, 0, len(cells) - 1)


def test_an_export_goes_to_standard_output_and_semicolons_are_read(
    org: Org, leads: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [one.replace(",", ";") for one in (row(1, leads[0]), row(2, leads[1]))]
    assert org("links", "import", table(org, *rows, header=HEADER.replace(",", ";")))[0] == 0
    capsys.readouterr()
    assert cli._run(["links", "export", "--config", str(org.config)]) == 0
    assert capsys.readouterr().out.splitlines() == [HEADER, row(1, leads[0]), row(2, leads[1])]


def test_every_wrong_row_is_named_and_nothing_is_imported(org: Org, leads: list[str]) -> None:
    lead = leads[0]
    swapped = lead[:15] + lead[15:].swapcase() if lead[15:].swapcase() != lead[15:] else lead[:17] + "9"
    found = problems(
        org,
        row(1, leads[1]),
        row("x7", lead), row("", lead), row(2, "00Q1"), row(2, swapped),
        row(2, "003" + lead[3:], object="Lead"),
        row(2, lead, "dead"), row(2, lead, object="Account"), row(2, lead, crm="dynamics"),
        row(2, lead, source="mailchimp"), row(2, lead, since="yesterday"), row(2, lead, since="2026-01-01"),
        row(2, lead) + ",more", row(leads[2], leads[3], source="salesforce"),
    )  # fmt: skip
    columns = [
        "source_id", "source_id", "crm_id", "crm_id", "crm_id", "state", "object", "crm", "source", "since",
        "since", "", "crm_id",
    ]  # fmt: skip
    assert found == list(enumerate(columns, start=3))


def test_a_table_that_contradicts_itself_is_refused(org: Org, leads: list[str]) -> None:
    rows = [row(1, leads[0]), row(1, leads[0], "merged"), row(1, leads[1]), row(2, leads[1])]
    assert problems(org, *rows) == [(3, "crm_id"), (4, "state"), (5, "crm_id")]
    assert problems(org, row(1, leads[0]), header="Record,Lead") == [(1, "")]
    assert problems(org, header="") == [(1, "")]


def test_a_live_link_that_is_there_gives_way_only_where_the_table_says_how_it_ended(
    org: Org, leads: list[str]
) -> None:
    imported(org, row(1, leads[0]), row(2, leads[1]))
    assert problems(org, row(1, leads[2])) == [(2, "source_id")]
    assert problems(org, row(3, leads[4]), row(4, leads[0])) == [(3, "crm_id")]
    said = imported(org, row(1, leads[0], "merged"), row(1, leads[2]), row(4, leads[0]), row(2, leads[1]))
    assert (said["added"], said["changed"], said["same"]) == (2, 1, 1)
    assert sorted(links(org, "hubspot:1")) == sorted(
        [("Lead", leads[0], "merged"), ("Lead", leads[2], "live")]
    )


def test_a_file_that_is_none_is_named(org: Org) -> None:
    assert org("links", "import", str(org.folder / "nothing.csv"))[0] == 7
    (org.folder / "bytes.csv").write_bytes(b"\xff\xfe\x00")
    assert org("links", "import", str(org.folder / "bytes.csv"))[0] == 2


def test_links_are_not_changed_while_a_run_is_at_work(org: Org, leads: list[str]) -> None:
    store = store_of(load_settings(org.config))
    lease = store.begin_run(slot="", by="cli", at=datetime.now(UTC), live=True, seconds=90)
    assert org("links", "import", table(org, row(1, leads[0])))[0] == 6
    assert org("links", "repair", "--apply")[0] == 6
    store.end_run(lease, at=datetime.now(UTC), state="done", summary={})
    store.close()
    assert everything(org) == []
    imported(org, row(1, leads[0]))
    (last,) = org("runs", "list", "--limit", "1")[1]["runs"]
    assert (last["by"], last["state"], last["links"]["added"]) == ("links import", "done", 1)


# --- repair -------------------------------------------------------------------------------------------------


def act(org: Org, what: str, record: str, **more: Any) -> dict[str, Any]:
    return dict(org.control("POST", what, {"record": record, **more}))


def belongs(org: Org, lead: str, n: int) -> None:
    org.put("Lead", {"Id": lead, "Marketing_Id__c": f"hubspot:{n}"})


def repaired(org: Org, code: int, *more: str) -> dict[str, tuple[str, bool]]:
    """Record -> what is wrong with it, and whether it was mended."""
    found, said = org("links", "repair", *more)
    assert found == code, said
    assert all(one["message"] and one["fix"] for one in said["problems"])
    return {one["record"]: (one["what"], one["mended"]) for one in said["problems"]}


def test_what_has_one_answer_is_mended_and_the_rest_is_named(org: Org, leads: list[str]) -> None:
    for n, lead in enumerate(leads, start=1):
        belongs(org, lead, n)
    gone = leads[0][:11] + "zzzz"
    imported(org, *(row(n, lead) for n, lead in enumerate(leads, start=1)), row(7, gone))
    assert repaired(org, 4) == {"hubspot:7": ("gone", False)}
    converted = act(org, "convert", leads[0])
    act(org, "delete", leads[1])
    winner = sorted(org.owners())[7]
    act(org, "merge", winner, others=[leads[2]])
    belongs(org, winner, 3)
    belongs(org, leads[3], 99)
    org.put("Lead", {"Id": leads[4], "Marketing_Id__c": None})
    wrong = {
        "hubspot:1": "converted", "hubspot:2": "deleted", "hubspot:3": "merged",
        "hubspot:4": "other_external_id", "hubspot:5": "no_external_id", "hubspot:7": "gone",
    }  # fmt: skip
    before = everything(org)
    assert repaired(org, 4) == {key: (what, False) for key, what in wrong.items()}
    assert everything(org) == before
    writes = [r for r in org.requests() if r["method"] in ("PATCH", "DELETE")]
    mended = {key: (what, what in ("converted", "deleted", "merged")) for key, what in wrong.items()}
    assert repaired(org, 4, "--apply") == mended
    contact = next(v for v in _texts(converted) if v.startswith("003"))
    assert sorted(links(org, "hubspot:1")) == [("Contact", contact, "live"), ("Lead", leads[0], "converted")]
    assert links(org, "hubspot:2") == [("Lead", leads[1], "deleted")]
    assert sorted(links(org, "hubspot:3")) == sorted([("Lead", leads[2], "merged"), ("Lead", winner, "live")])
    assert links(org, "hubspot:4") == [("Lead", leads[3], "live")]
    assert [r for r in org.requests() if r["method"] in ("PATCH", "DELETE")] == writes
    left = {key: (what, False) for key, what in wrong.items() if not mended[key][1]}
    assert repaired(org, 4) == left
    assert repaired(org, 0, "hubspot:6") == {}


def test_a_winner_of_somebody_else_is_left_to_a_person(org: Org, leads: list[str]) -> None:
    belongs(org, leads[1], 2)
    imported(org, row(1, leads[0]), row(2, leads[1]))
    act(org, "merge", leads[1], others=[leads[0]])
    assert repaired(org, 4, "--apply")["hubspot:1"] == ("merged", False)
    assert links(org, "hubspot:1") == [("Lead", leads[0], "live")]
    assert links(org, "hubspot:2") == [("Lead", leads[1], "live")]


def test_a_crm_that_does_not_answer_changes_no_link(org: Org, leads: list[str]) -> None:
    imported(org, row(1, leads[0]))
    before = everything(org)
    org.fault("status", on={"path": "query", "times": 50}, status=403)
    assert org("links", "repair", "--apply")[0] == 5
    assert everything(org) == before
    org.control("DELETE", "faults")
    assert org("runs", "list", "--limit", "1")[1]["runs"][0]["state"] == "failed"


def test_a_lead_of_the_crm_itself_is_shown_and_repair_leaves_it_alone(org: Org, leads: list[str]) -> None:
    store = store_of(load_settings(org.config))
    lease = store.begin_run(slot="", by="cli", at=datetime.now(UTC), live=True, seconds=90)
    own = LeadKey("salesforce", leads[0])
    store.save_links(lease, [Link(own, "salesforce", "Lead", leads[0], "live", datetime.now(UTC))])
    store.end_run(lease, at=datetime.now(UTC), state="done", summary={})
    store.close()
    assert links(org, leads[0]) == [("Lead", leads[0], "live")]
    assert repaired(org, 0) == {}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, str):
        yield value
