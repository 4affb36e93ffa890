"""A team that has gone while one with its people is new may have been renamed: the check says so."""

from __future__ import annotations

import pytest
from domain_company import carried_on, company, inputs, lead, person, plan, team

from allocator.domain.renamed import Ledgers, renaming
from allocator.domain.tables import perhaps_renamed
from allocator.errors import UnknownName

ANA, BEN, CHI = person("ana"), person("ben"), person("chi")


def ledgers(*, turns: int = 1) -> Ledgers:
    """Those of team Enterprise after so many turns."""
    given = inputs(company(team("Enterprise", ANA, BEN, CHI)), [lead(n) for n in range(turns)])
    return carried_on(given, plan(given), []).ledgers


def test_a_new_team_with_the_people_of_one_that_has_gone_is_a_warning_that_names_the_command() -> None:
    tables = company(team("Small business", person("dev")), team("Key accounts", ANA, BEN), team("Desk", ANA))
    (problem,) = perhaps_renamed(tables, ledgers())
    assert (problem.code, problem.severity, problem.sheet) == ("T507", "warning", "Teams")
    assert (problem.value, problem.column) == ("Key accounts", "Team")
    assert 'allocator rotation rename "Enterprise" "Key accounts"' in problem.fix


def test_another_case_of_the_name_is_another_name() -> None:
    (problem,) = perhaps_renamed(company(team("ENTERPRISE", ANA), team("Desk", ANA)), ledgers())
    assert problem.value == "ENTERPRISE"


@pytest.mark.parametrize(
    ("names", "turns"),
    [(("Enterprise", "Key accounts"), 1), (("Key accounts",), 3), (("Key accounts",), 0)],
    ids=["still there", "all even", "never a turn"],
)
def test_a_team_that_is_still_there_or_owes_nobody_is_no_warning(names: tuple[str, ...], turns: int) -> None:
    tables = company(*(team(name, ANA, BEN, CHI) for name in names))
    assert perhaps_renamed(tables, ledgers(turns=turns)) == ()


def test_a_new_team_of_other_people_is_no_warning() -> None:
    assert perhaps_renamed(company(team("Key accounts", person("dev"))), ledgers()) == ()


def test_of_two_gone_spellings_one_must_be_written_exactly() -> None:
    both = {**ledgers(), **{("ENTERPRISE", lane): book for (_, lane), book in ledgers().items()}}
    tables = company(team("Key accounts", ANA))
    with pytest.raises(UnknownName, match="ENTERPRISE, Enterprise: write it exactly so"):
        renaming(both, tables, "enterprise", "Key accounts")
    assert renaming(both, tables, "ENTERPRISE", "Key accounts").turns == 1
