"""Caps, fallbacks, and what a hold depends on; F12 of the turns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from domain_company import (
    MONDAY,
    TO_ENTERPRISE,
    company,
    decided,
    everybody,
    inputs,
    lead,
    leads,
    only,
    person,
    rule,
    team,
    user_id,
)

from allocator.domain.lead import State
from allocator.domain.plan import (
    Lookups,
    basis_of,
    counts_under_caps,
    week_start,
)
from rules.model import OwnerOverride, RoutingTables
from rules.rotation import Taken

ANA = user_id("ana")
QUEUE = "00G00000000QUEUE00"


# --- caps -------------------------------------------------------------------------------------------------


def test_a_capped_person_gets_no_more_and_earns_nothing() -> None:
    tables = company(team("Enterprise", person("ana", daily_cap=1), person("ben")))
    made = decided(inputs(tables, leads(4)))
    assert [d.person for d in made] == ["ana", "ben", "ben", "ben"]
    assert all(d.turn is not None and "ana" not in d.turn.turn.shares for d in made[1:])


def test_overrides_and_rule_owners_count_towards_caps_but_are_not_stopped_by_them() -> None:
    tables = company(
        team("Enterprise", person("ana", daily_cap=2), person("ben")),
        rules=(rule("T-1", {"source": "Partner"}, owner="ana"), TO_ENTERPRISE),
        overrides=[OwnerOverride("acme.com", "ana")],
    )
    work = [
        lead(1, LeadSource="Partner"),
        lead(2, Email="a@acme.com"),
        lead(3),
        lead(4, Email="b@acme.com"),
        lead(5, LeadSource="Partner"),
    ]
    made = decided(inputs(tables, work))
    assert [(d.by, d.person) for d in made] == [
        ("rule_owner", "ana"),
        ("override", "ana"),
        ("turn", "ben"),
        ("override", "ana"),
        ("rule_owner", "ana"),
    ]


@pytest.mark.parametrize(
    ("zone", "counts"),
    [("Asia/Singapore", {"ana": Taken(0, 0)}), ("America/Chicago", {"ana": Taken(1, 1)})],
)
def test_caps_count_in_the_teams_own_day_and_week(zone: str, counts: dict[str, Taken]) -> None:
    # Sunday 23:30 UTC: Monday morning in Singapore, still Sunday afternoon in Chicago.
    now = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
    sales = team("Enterprise", person("ana", daily_cap=1), person("ben"), time_zone=zone)
    given = [("Enterprise", "ana", datetime(2026, 11, 1, 15, 30, tzinfo=UTC))]
    found = counts_under_caps(sales, given, now)
    assert found == {k: v for k, v in counts.items() if v.week}
    one = only(inputs(company(sales), [lead(1)], now=now, given=given))
    assert one.person == ("ben" if counts["ana"].day else "ana")


def test_a_day_of_the_week_counts_for_the_week_only() -> None:
    sales = team(time_zone="America/Chicago")
    wednesday = datetime(2026, 11, 4, 23, 30, tzinfo=UTC)
    given = [
        ("Enterprise", "ana", datetime(2026, 11, 2, 5, 59, tzinfo=UTC)),  # Sunday 23:59 there
        ("Enterprise", "ana", datetime(2026, 11, 2, 6, 0, tzinfo=UTC)),  # Monday 00:00
        ("Enterprise", "ana", datetime(2026, 11, 4, 6, 0, tzinfo=UTC)),  # Wednesday 00:00
        ("Small business", "ana", datetime(2026, 11, 4, 6, 0, tzinfo=UTC)),
    ]
    assert counts_under_caps(sales, given, wednesday) == {"ana": Taken(1, 2)}


def test_a_week_counts_back_to_the_earliest_monday_of_any_team() -> None:
    tables = company(
        team("Enterprise", time_zone="Asia/Singapore"),
        team("Americas", person("dan"), time_zone="America/Chicago"),
    )
    now = datetime(2026, 11, 1, 23, 30, tzinfo=UTC)
    start = week_start(tables, now)
    assert start == datetime(2026, 10, 26, 5, tzinfo=UTC)  # Monday 00:00 in Chicago, in summer time
    assert start.utcoffset() == timedelta(0)


# --- fallbacks --------------------------------------------------------------------------------------------

GONE = {"active": False}


def test_a_fallback_team_takes_what_a_team_cannot() -> None:
    tables = company(
        team("Enterprise", person("ana", **GONE), if_nobody="team", fallback_team="Desk"),
        team("Desk", person("ben", **GONE), if_nobody="team", fallback_team="Last"),
        team("Last", person("chi")),
    )
    one = only(inputs(tables, [lead(1)]))
    assert (one.by, one.team, one.person) == ("fallback_team", "Last", "chi")
    assert one.turn is not None
    assert one.turn.team == "Last"
    assert [n["key"] for n in one.trace["considered"]] == ["Enterprise", "Desk"]


def test_a_fallback_queue_takes_what_a_team_cannot() -> None:
    desk = team("Desk", person("ben", **GONE), if_nobody="queue", queue_id=QUEUE)
    for teams in (
        (team("Enterprise", person("ana", **GONE), if_nobody="queue", queue_id=QUEUE),),
        (team("Enterprise", person("ana", **GONE), if_nobody="team", fallback_team="Desk"), desk),
    ):
        one = only(inputs(company(*teams), [lead(1)]))
        assert (one.state, one.by, one.owner, one.person) == (State.DECIDED, "fallback_queue", QUEUE, None)
        assert one.team == teams[-1].name


def test_a_chain_that_ends_with_nobody_holds_for_the_first_teams_reason() -> None:
    tables = company(
        team("Enterprise", person("ana", daily_cap=0), if_nobody="team", fallback_team="Desk"),
        team("Desk", person("ben", **GONE)),
    )
    one = only(inputs(tables, [lead(1)]))
    assert (one.reason, one.team, one.detail) == ("all_capped", "Enterprise", "Enterprise: 1 daily_cap")


def test_teams_that_fall_back_on_each_other_end_in_a_hold() -> None:
    tables = company(
        team("Enterprise", person("ana", **GONE), if_nobody="team", fallback_team="Desk"),
        team("Desk", person("ben", **GONE), if_nobody="team", fallback_team="Enterprise"),
    )
    assert only(inputs(tables, [lead(1)])).reason == "nobody_available"


def test_a_queue_that_no_cell_names_is_a_hold_with_a_reason() -> None:
    tables = company(team("Enterprise", person("ana", **GONE), if_nobody="queue"))
    assert only(inputs(tables, [lead(1)])).reason == "nobody_available"


# --- what a hold depends on -------------------------------------------------------------------------------


def basis(tables: RoutingTables | None = None, *, now: datetime = MONDAY, **more: object) -> str:
    tables = tables or company(team(time_zone="America/Chicago"), time_zone="Europe/Berlin")
    record = lead(1).record
    record = replace(record, **{k: v for k, v in more.items() if k != "users"})  # type: ignore[arg-type]
    users = more.get("users", everybody(tables))
    return basis_of(record, tables, now, Lookups(users=users))  # type: ignore[arg-type]


def test_the_basis_changes_with_tables_stamp_day_in_any_zone_and_unusable_people() -> None:
    first = basis()
    midnight_in_chicago = datetime(2026, 11, 3, 6, tzinfo=UTC)
    zones = {"time_zone": "Europe/Berlin"}
    changed = [
        basis(company(team(time_zone="America/Chicago"), version="v2", **zones)),
        basis(stamp=MONDAY),
        basis(now=datetime(2026, 11, 2, 23, tzinfo=UTC)),
        basis(now=midnight_in_chicago),
        basis(users=everybody(company(), inactive=["ana"])),
        basis(users=everybody(company(), inactive=["ben"])),
    ]
    assert len({first, *changed}) == len(changed) + 1


def test_the_basis_stays_within_the_day_whatever_else_happens() -> None:
    first = basis()
    stranger = {**everybody(company()), "005X": everybody(company())[ANA]}
    assert basis(now=datetime(2026, 11, 2, 22, 59, tzinfo=UTC)) == first
    assert basis(fields={"Email": "x@acme.com"}, owner="other") == first
    assert basis(users=stranger) == first


def test_a_plan_records_the_basis_that_a_later_run_compares() -> None:
    given = inputs(company(rules=()), [lead(1)])
    assert only(given).basis == basis_of(given.work[0].record, given.tables, given.now, given.lookups)
