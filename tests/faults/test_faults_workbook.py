"""A workbook with mistakes, half saved, or gone: cells are named, and the last good version runs."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from faulty_org import INTAKE, PULL, FaultyOrg, company, meanwhile
from openpyxl import load_workbook
from workbooks import build

from allocator import bootstrap
from allocator.adapters.tables import WorkbookTables

MISTAKES: dict[str, tuple[str, object]] = {
    "Layers!D2": ("T104", "go on"),
    "Team!B3": ("T308", "first"),
    "Team!D2": ("T203", "Genmany"),
    "Team!E2": ("T306", "Enterprize"),
    "Teams!B2": ("T410", "Europe/Berlim"),
    "Salespeople!C2": ("T411", "ana at example.com"),
    "Salespeople!D3": ("T408", "0055g00000AaB"),
    "Salespeople!F4": ("R11", -1),
    "Absences!B2": ("R09", "03/04/2026"),
    "Settings!A2": ("T105", "Tyme zone"),
}
"""Ten different mistakes: the cell, what is typed there, and the code that names it."""


def spoil(org: FaultyOrg) -> None:
    book = load_workbook(org.book)
    book["Team"].append(["yes", 20, "T-2", "*", "Enterprise", None])
    book["Absences"].append(["Ben Bauer", None, None, "holiday"])
    for address, (_, value) in MISTAKES.items():
        sheet, _, cell = address.partition("!")
        book[sheet][cell] = value
    book.save(org.book)


def test_ten_mistakes_are_ten_named_cells_and_exit_3(org: FaultyOrg) -> None:
    spoil(org)
    code, found = org("tables", "check")
    assert (code, found["ok"]) == (3, False)
    errors = [p for p in found["problems"] if p["severity"] == "error"]
    named = {f"{p['sheet']}!{p['cell']}": p["code"] for p in errors}
    assert {cell: named.get(cell) for cell in MISTAKES} == {
        cell: code for cell, (code, _) in MISTAKES.items()
    }
    assert all(p["message"] and p["fix"] for p in errors)
    for cell, (_, value) in MISTAKES.items():
        (problem,) = (p for p in errors if f"{p['sheet']}!{p['cell']}" == cell)
        assert str(value) in str(problem["value"]) + problem["message"]


def test_a_run_goes_on_with_the_last_good_version_and_says_so(org: FaultyOrg) -> None:
    good = org.run(0, assigned=4)["tables_version"]
    spoil(org)
    org.put("Lead", {"Id": org.leads[0], "OwnerId": org.queue})
    made = org.run(0, redecided=1, assigned=1)
    assert made["tables_version"] == good
    assert any("is refused" in note and "tables check" in note for note in made["notes"])
    org.book.write_bytes(build(company()))
    assert not org.run(0)["notes"]


def test_without_a_last_good_version_a_run_is_exit_3_and_nothing_is_pulled(org: FaultyOrg) -> None:
    spoil(org)
    code, said = org("run")
    assert code == 3
    assert all(cell in said["error"]["message"] for cell in MISTAKES)
    assert org.asked(PULL) == []
    assert org.rows() == {}
    org.book.write_bytes(build(company()))
    org.heals(pulled=4, assigned=4)


BROKEN: dict[str, Callable[[Path, bytes], object]] = {
    "half saved": lambda path, whole: path.write_bytes(whole[: len(whole) // 2]),
    "empty": lambda path, whole: path.write_bytes(b""),
    "of another type": lambda path, whole: path.write_bytes(b"Team;Person\nEnterprise;Ana\n"),
    "gone": lambda path, whole: path.unlink(),
    "a folder": lambda path, whole: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_a_workbook_that_is_no_workbook_leaves_the_last_good_version_running(
    org: FaultyOrg, monkeypatch: pytest.MonkeyPatch, broken: Callable[[Path, bytes], object]
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(bootstrap, "WorkbookTables", partial(WorkbookTables, sleep=waits.append))
    good = org.run(0, assigned=4)["tables_version"]
    broken(org.book, org.book.read_bytes())
    made = org.run(0, pulled=0)
    assert made["tables_version"] == good
    assert len(made["notes"]) == 1
    assert waits in ([], [2.0, 2.0, 2.0])


@pytest.mark.parametrize("saved_at", [1, 2, 3])
def test_a_half_saved_workbook_is_read_again_until_it_is_whole(
    org: FaultyOrg, monkeypatch: pytest.MonkeyPatch, saved_at: int
) -> None:
    whole = org.book.read_bytes()
    org.book.write_bytes(whole[: len(whole) // 2])
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == saved_at:
            org.book.write_bytes(whole)

    monkeypatch.setattr(bootstrap, "WorkbookTables", partial(WorkbookTables, sleep=sleep))
    made = org.run(0, assigned=4)
    assert waits == [2.0] * saved_at
    assert made["notes"] == []


def test_a_workbook_changed_during_a_run_counts_from_the_next_run_on(org: FaultyOrg) -> None:
    sheets = company()
    sheets["Team"][1][4:] = [None, "nobody gets these"]
    changed = build(sheets)
    org.twist(PULL, meanwhile(lambda: org.book.write_bytes(changed)))
    first = org.run(0, assigned=4)["tables_version"]
    org.put("Lead", {"Id": org.leads[0], "OwnerId": org.queue})
    made = org.run(4, held=1)
    assert made["held_reasons"] == {"rule_hold": 1}
    assert made["tables_version"] != first
    assert org.asked(INTAKE)
