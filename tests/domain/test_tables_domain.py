"""What only configuration and CRM can show about a workbook."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from domain_company import INTAKE, TO_ENTERPRISE, company, person, rule, team, user_id

from allocator.domain.lead import CrmUser
from allocator.domain.tables import CODES, Owners, doubts_about, problems_with
from rules.errors import Problem
from rules.model import Layer, RoutingTables, Row
from rules.workbook.codes import CODES as WORKBOOK_CODES


def layer(name: str, order: int, *rows: Row) -> Layer:
    return Layer(
        name, name, Decimal(order), "continue", tuple(replace(r, layer=name, sheet=name) for r in rows)
    )


def problems(tables: RoutingTables, *facts: str, intake: str = INTAKE) -> tuple[Problem, ...]:
    return problems_with(tables, fact_names=facts, intake={intake})


def test_a_workbook_that_reads_mapped_facts_has_no_problem() -> None:
    tables = company(rules=(rule("T-1", {"country": "DE"}, team="Enterprise"), TO_ENTERPRISE))
    assert problems(tables, "country") == ()


def test_a_fact_that_no_field_gives_is_named_once_with_its_first_cell() -> None:
    rules = (
        rule("T-1", {"country": "DE"}, team="Enterprise"),
        rule("T-2", {"industry": "Retail"}, team="Enterprise"),
        rule("T-3", {"industry": "Banking"}, team="Enterprise"),
    )
    (problem,) = problems(company(rules=rules), "country")
    assert (problem.code, problem.severity) == ("T501", "error")
    assert (problem.sheet, problem.cell, problem.row, problem.rule_id) == ("Team", "E2", 2, "T-2")
    assert (problem.column, problem.value) == ("If industry", "industry")
    assert 'industry = ["Field__c"]' in problem.fix


def test_a_facts_name_is_the_same_with_a_blank_or_an_underscore() -> None:
    tables = company(rules=(rule("T-1", {"email_domain": "acme.com"}, team="Enterprise"),))
    assert problems(tables, "Email Domain") == ()


def test_a_fact_that_an_earlier_layer_sets_needs_no_field() -> None:
    sets = layer("Country", 1, rule("T-1", sets={"region": "EMEA"}))
    reads = layer("Team", 2, rule("T-2", {"region": "EMEA"}, team="Enterprise"))
    for layers in ((sets, reads), (reads, sets)):
        assert problems(replace(company(), layers=layers)) == (), "by Order, in whatever sequence they stand"


def test_a_fact_that_only_a_later_layer_sets_does() -> None:
    reads = layer("Team", 1, rule("T-2", {"region": "EMEA"}, team="Enterprise"))
    sets = layer("Country", 2, rule("T-1", sets={"region": "EMEA"}))
    assert [p.value for p in problems(replace(company(), layers=(reads, sets)))] == ["region"]


def test_a_queue_where_new_leads_wait_is_no_fallback() -> None:
    (problem,) = problems(company(team(if_nobody="queue", queue_id=INTAKE)))
    assert (problem.code, problem.sheet, problem.value) == ("T502", "Teams", INTAKE)


def test_a_salesperson_with_whom_new_leads_wait_is_refused_once() -> None:
    tables = company(team(), team("Desk", person("ana")))
    (problem,) = problems(tables, intake=user_id("ana"))
    assert (problem.code, problem.sheet, problem.value) == ("T503", "Salespeople", user_id("ana"))
    assert "Ana" in problem.message


def test_a_code_means_one_thing_everywhere() -> None:
    assert not CODES.keys() & WORKBOOK_CODES.keys()


# -- what the CRM knows ---


def owners(
    tables: RoutingTables, *, inactive: str = "", unknown: str = "", queues: frozenset[str] = frozenset()
) -> Owners:
    users = {one: CrmUser(one, "", one != inactive) for one in tables.person_by_crm_user if one != unknown}
    return Owners(users, queues, frozenset())


def test_users_that_are_active_and_queues_that_exist_raise_no_doubt() -> None:
    tables = company(team("Enterprise", person("ana"), if_nobody="queue", queue_id=INTAKE))
    assert doubts_about(tables, owners(tables, queues=frozenset({INTAKE}))) == ()


def test_a_user_that_is_inactive_or_unknown_is_a_warning_at_the_cell() -> None:
    ana = replace(person("ana"), cell="D2")
    tables = company(team("Enterprise", ana, person("ben")))
    for code, known in (
        ("T505", owners(tables, inactive=user_id("ana"))),
        ("T504", owners(tables, unknown=user_id("ana"))),
    ):
        (problem,) = doubts_about(tables, known)
        assert (problem.code, problem.severity, problem.sheet) == (code, "warning", "Salespeople")
        assert (problem.cell, problem.row, problem.value) == ("D2", 2, user_id("ana"))


def test_who_is_not_active_here_may_be_inactive_there() -> None:
    tables = company(team("Enterprise", replace(person("ana"), active=False), person("ben")))
    assert doubts_about(tables, owners(tables, inactive=user_id("ana"))) == ()


def test_somebody_in_two_teams_is_named_once() -> None:
    tables = company(team("Enterprise", person("ana")), team("Partner desk", person("ana")))
    assert len(doubts_about(tables, owners(tables, unknown=user_id("ana")))) == 1


def test_a_queue_that_the_crm_does_not_have_is_a_warning_at_the_cell() -> None:
    served = replace(team("Enterprise", person("ana"), if_nobody="queue", queue_id=INTAKE), cell="D2")
    tables = company(served)
    (problem,) = doubts_about(tables, owners(tables))
    assert (problem.code, problem.severity, problem.sheet) == ("T506", "warning", "Teams")
    assert (problem.cell, problem.row, problem.value) == ("D2", 2, INTAKE)
