"""What the check says about rules together: messages, places, counts; and the command that lists overlaps."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook
from rule_tables import MONDAY, rule, rules, tables_of
from workbooks import build, edited, small

from allocator.entrypoints.cli import main
from rules.errors import Problem
from rules.facts import default_facts
from rules.layers import compiled
from rules.model import Row
from rules.proof import possible
from rules.proof.cover import Budget
from rules.proof.possible import sources
from rules.proof.regions import space_of
from rules.proof.unreachable import reach
from rules.workbook import catalogue
from rules.workbook.check import check
from rules.workbook.reach import note_unproven, report_proofs
from rules.workbook.report import Report

SHIPPED = Path(__file__).parents[2] / "routing_tables.xlsx"


def said(*sheets: Sequence[Row], on: date | None = None) -> list[Problem]:
    report = Report()
    report_proofs(tables_of(*sheets), report, on=on)
    return list(report.sorted([]))


def test_the_rules_that_take_a_rule_s_leads_are_named_with_their_rows() -> None:
    (one,) = said(rules({"country": "@DACH"}, {"country": "DE"}))
    assert (one.code, one.severity, one.cell, one.rule_id) == ("T310", "warning", "B3", "T-1")
    assert one.message == "rule T-1 can never match: T-0 (row 2) above catches the same leads."
    (two,) = said(rules({"country": "DE, AT"}, {"country": "CH"}, {"country": "@DACH"}))
    assert "T-0 (row 2) and T-1 (row 3) above together catch" in two.message and not two.suggestion


def test_at_most_six_rules_are_named_then_a_count() -> None:
    cells = [{"campaign": f"c{n}"} for n in range(9)]
    (found,) = said(rules(*cells, {"campaign": ", ".join(f"c{n}" for n in range(9))}))
    assert "T-5 (row 7) and 3 more above together" in found.message and "T-6" not in found.message


def test_a_rule_for_what_nothing_sets_says_so() -> None:
    area = [rule(0, {}, "Area", sets=(("region", "EMEA"),))]
    (found,) = said(area, rules({"region": "Mars"}))
    assert found.code == "T310" and "no lead can have what it asks of region" in found.message


def test_what_is_not_proven_is_one_note_that_names_five_rules() -> None:
    parts = [{"campaign": c, "size": s} for c in ("ab", "b") for s in ("S", "M", "L")]
    covered = [
        {"campaign": "ab, b", "size": "S, M, L", "country": c}
        for c in ("DE", "AT", "CH", "FR", "IT", "ES", "PL")
    ]
    tables = tables_of(rules(*parts, *covered))
    space = space_of(compiled(tables)[0], sources(tables)[0], MONDAY)
    report = Report()
    note_unproven(space, reach(space, Budget(every=5)), report)
    (note,) = report.sorted([])
    assert (note.code, note.severity) == ("T323", "note") and not report.refused
    assert note.message.startswith("not proven for rows T-6, T-7, T-8, T-9, T-10 and 2 more")


def test_a_pair_whose_order_decides_is_shown_at_the_lower_rule_with_a_lead() -> None:
    (found,) = said(rules({"country": "DE, AT", "size": "S"}, {"country": "AT, CH", "size": "S, M"}))
    assert (found.code, found.cell) == ("T320", "B3")
    assert "accept a lead with country AT, size S, and do different things; T-0 comes first" in found.message


def test_twenty_pairs_are_shown_and_the_rest_counted() -> None:
    found = said(rules(*({"employees": f"{n}..{n + 100}"} for n in range(10))))
    assert sum(p.severity == "warning" for p in found) == 20
    (note,) = [p for p in found if p.severity == "note"]
    assert note.message == "25 more pairs of rules on employees may overlap."


def test_a_gap_is_one_line_with_the_values_it_is_about() -> None:
    found = said(rules({"campaign": "ab*"}, {"product": "CRM, ERP"}, {"campaign": "b"}), on=MONDAY)
    assert [p.code for p in found] == ["T321"]
    assert "leads with campaign any of ba, q; product BI, whatever else they say" in found[0].message


def test_a_gap_that_depends_names_a_lead_that_stays_open() -> None:
    found = said(rules({"campaign": "not q"}, {"product": "CRM, ERP"}, {"size": "S, M"}), on=MONDAY)
    assert [p.code for p in found] == ["T322"] and "some leads with campaign q; product BI" in found[
        0
    ].message


def test_when_most_is_open_one_line_says_so_and_gaps_need_a_day() -> None:
    (found,) = said(rules({"product": "CRM"}), on=MONDAY)
    assert found.code == "T321" and "2 of 3 known combinations of product" in found.message
    assert said(rules({"product": "CRM"})) == []


def test_the_shipped_workbook_leaves_nothing_to_say() -> None:
    tables = check(SHIPPED, on=MONDAY).tables
    assert tables is not None
    report = Report()
    report_proofs(tables, report, on=MONDAY)
    assert report.sorted([]) == ()


def test_facts_that_only_rules_set_are_those_of_the_reader() -> None:
    assert possible.SET_BY_ROWS == catalogue.SET_BY_ROWS
    assert {fact.name for fact in default_facts()} >= possible.SET_BY_ROWS


def _territory(book: Workbook) -> None:
    book["Country"]["F1"], book["Team"]["D1"] = "Then Territory", "If territory"
    book["Country"]["F2"] = "North"
    book["Team"]["D2"] = "North"
    book["Team"].append(["yes", 15, "T-9", "not (none)", "*", "Enterprise", None, None])
    book["Team"]["E2"] = "*"


def test_a_column_of_the_marketer_s_own_is_closed_by_what_sets_it() -> None:
    problems = check(edited(_territory)).problems
    assert [(p.code, p.rule_id) for p in problems if p.code == "T310"] == [("T310", "T-9")]


# -- allocator tables overlaps ---


def crossing(folder: Path) -> str:
    sheets = small()
    sheets["Team"][1:1] = [
        ["yes", 1, "X-1", "*", "WEB-1, WEB-2", "Enterprise", None, None],
        ["yes", 2, "X-2", "*", "WEB-2, WEB-3", None, "Ana Alvarez", None],
    ]
    path = folder / "crossing.xlsx"
    path.write_bytes(build(sheets))
    return str(path)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["tables", "overlaps", *words])
    return int(ended.value.code or 0)


def test_the_overlaps_of_a_rule_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("x-2", crossing(tmp_path), "--json") == 0
    (found,) = json.loads(capsys.readouterr().out)["overlaps"]
    assert (found["upper"], found["lower"]["rule_id"]) == ({"rule_id": "X-1", "row": 2}, "X-2")
    assert found["lead"]["campaign"].upper() == "WEB-2"

    assert run("X-1", crossing(tmp_path)) == 0
    assert "Team: X-1 (row 2) comes before X-2 (row 3)" in capsys.readouterr().out


def test_a_rule_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("X-9", crossing(tmp_path)) == 2
    assert "No active rule is called X-9" in capsys.readouterr().err
