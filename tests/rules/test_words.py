"""Every word that the description of the workbook uses is understood, or refused by its cell."""

from __future__ import annotations

from datetime import date

import pytest
from workbooks import Sheets, build, small

from rules.errors import Problem
from rules.layers import decide
from rules.model import RoutingTables
from rules.workbook import load_bytes
from rules.workbook.check import check

MONDAY = date(2026, 11, 16)


def with_teams(*rows: list[object]) -> Sheets:
    """The small workbook with a second team, Partner, and these columns beside the teams' names."""
    sheets = small()
    names = ("Team", "Enterprise", "Partner")
    sheets["Teams"] = [[name, *row] for name, row in zip(names, rows, strict=True)]
    person = list(sheets["Salespeople"][1])
    person[4] = "Partner"
    sheets["Salespeople"].append(person)
    return sheets


def told(sheets: Sheets) -> list[Problem]:
    return list(check(build(sheets)).problems)


def fallback(tables: RoutingTables) -> tuple[str, str | None]:
    team = tables.team_by_name["Partner"]
    return team.if_nobody, team.fallback_team


@pytest.mark.parametrize(
    "typed",
    ["Fallback team: Enterprise", "fallback team enterprise", "FALLBACK TEAM = Enterprise", "enterprise"],
)
def test_the_fallback_team_may_be_named_in_one_cell(typed: str) -> None:
    tables = load_bytes(build(with_teams(["If nobody can"], [None], [typed])))
    assert fallback(tables) == ("team", "Enterprise")


@pytest.mark.parametrize("word", ["fallback team", "Fallback Team", None])
def test_the_fallback_team_may_have_a_column(word: str | None) -> None:
    sheets = with_teams(["If nobody can", "Fallback team"], ["hold", None], [word, "Enterprise"])
    assert fallback(load_bytes(build(sheets))) == ("team", "Enterprise")


def test_a_team_whose_name_begins_with_fallback_team_is_that_team() -> None:
    sheets = with_teams(["If nobody can"], [None], ["hold"])
    sheets["Teams"].append(["Fallback team B", None])
    sheets["Teams"][2][1] = "Fallback team B"
    person = list(sheets["Salespeople"][2])
    person[4] = "Fallback team B"
    sheets["Salespeople"].append(person)
    assert fallback(load_bytes(build(sheets))) == ("team", "Fallback team B")


@pytest.mark.parametrize(
    ("code", "cell", "word", "beside"),
    [
        ("T407", "C3", "fallback team", None),
        ("T104", "C3", "hold", "Enterprise"),
        ("T104", "C3", "queue", "Enterprise"),
        ("T402", "C3", "fallback team", "Enterprice"),
        ("T402", "B3", "Fallback team: Enterprice", None),
        ("T406", "C3", "fallback team", "Partner"),
    ],
)
def test_a_fallback_team_that_cannot_be_is_named(code: str, cell: str, word: str, beside: str | None) -> None:
    sheets = with_teams(["If nobody can", "Fallback team"], ["hold", None], [word, beside])
    assert (code, cell) in [(p.code, p.cell) for p in told(sheets)]


def test_a_circle_of_fallback_teams_names_the_cell_that_closes_it() -> None:
    sheets = with_teams(
        ["If nobody can", "Fallback team"], ["Fallback team: Partner", None], ["fallback team", "Enterprise"]
    )
    assert [(p.code, p.cell) for p in told(sheets)] == [("T406", "C3")]


def test_the_contact_may_be_called_contact_for_errors() -> None:
    sheets = small()
    sheets["Settings"].append(["Contact for errors", "mia@example.com"])
    assert load_bytes(build(sheets)).settings["contact"] == "mia@example.com"


@pytest.mark.parametrize("setting", ["De-duplication window", "deduplication window"])
def test_a_setting_of_later_releases_is_said_to_have_no_effect(setting: str) -> None:
    sheets = small()
    sheets["Settings"].append([setting, "something"])
    assert [(p.code, p.cell, p.severity) for p in told(sheets)] == [("T113", "B3", "warning")]
    sheets["Settings"][-1][1] = None
    assert told(sheets) == []


def test_the_sheet_facts_may_list_the_known_values() -> None:
    sheets = small()
    sheets["Facts"] = [
        ["Fact", "Type", "Known values"],
        ["tier", "closed list", 'gold, "silver, old"; bronze'],
    ]
    sheets["Values"].append(["tier", "Gold", "Golden", None])
    sheets["Country"][0][4] = "If tier"
    sheets["Country"][1][4] = '"silver, old", golden'
    tables = load_bytes(build(sheets))

    def first(tier: str) -> tuple[str, ...]:
        steps = decide(tables, {"country": "DE", "tier": tier}, on=MONDAY).steps
        return tuple(step.rule_id for step in steps)

    assert first("Silver, old")[0] == first("golden")[0] == first("GOLD")[0] == "K-1"
    assert first("bronze")[0] != "K-1"
    sheets["Country"][1][4] = "platinum"
    assert [(p.code, p.cell) for p in told(sheets)] == [("T203", "E2")]


def test_two_letters_are_near_to_no_country() -> None:
    sheets = small()
    sheets["Country"][1][3] = "EU"
    assert [(p.code, p.suggestion) for p in told(sheets)] == [("T203", "")]
