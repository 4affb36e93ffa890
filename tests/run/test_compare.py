"""The observe-mode week beside the people who give out the leads today: where the two differ, and why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from org import Org

from allocator.bootstrap import current_tables, store_of
from allocator.config import load_settings
from allocator.domain.lead import State
from allocator.domain.records import LeadRow
from allocator.entrypoints import cli
from rules.model import RoutingTables


@pytest.fixture
def observed(org: Org, monkeypatch: pytest.MonkeyPatch) -> Iterator[Org]:
    """An org after one run in observe mode."""
    monkeypatch.setenv("ALLOCATOR__LIVE", "false")
    _, made = org("run")
    assert made["live"] is False
    yield org


def rows(org: Org) -> list[LeadRow]:
    store = store_of(load_settings(org.config))
    try:
        return list(store.leads())
    finally:
        store.close()


def tables(org: Org) -> RoutingTables:
    settings = load_settings(org.config)
    store = store_of(settings)
    try:
        return current_tables(settings, store)
    finally:
        store.close()


def by_turn(org: Org, team: str = "Enterprise") -> list[LeadRow]:
    return [r for r in rows(org) if r.state is State.DECIDED and r.by == "turn" and r.team == team]


def give(org: Org, lead: LeadRow, owner: str) -> str:
    org.put("Lead", {"Id": lead.key.source_id, "OwnerId": owner})
    return str(lead.key)


def user_of(known: RoutingTables, team: str, *, beside: str | None) -> str:
    """The CRM user of somebody in the team, another person than the one given, in this team only."""
    people = known.team_by_name[team].people
    return next(p.crm_user_id for p in people if p.id != beside and len(known.people_by_id[p.id]) == 1)


def verdicts(found: dict[str, Any]) -> dict[str, str]:
    return {one["lead"]: one["verdict"] for one in found["different"]}


def test_leads_that_nobody_gave_out_yet_are_still_in_intake(observed: Org) -> None:
    code, found = observed("runs", "compare")
    assert code == 0
    assert found["leads"] == found["counts"]["in_intake"] == 240
    assert (found["teams"], found["different"], found["rules"]) == ({}, [], {})


def test_each_lead_stands_beside_its_owner_in_the_crm(observed: Org) -> None:
    org, known = observed, tables(observed)
    same, mate, other, stranger, deleted = by_turn(org)[:5]
    held = next(r for r in rows(org) if r.state is State.HELD)
    outside = next(u["Id"] for u in org.records("User") if u["Id"] not in known.person_by_crm_user)
    give(org, same, str(same.owner))
    different = {
        give(org, mate, user_of(known, "Enterprise", beside=mate.person)): "same_team",
        give(org, other, user_of(known, "Partner desk", beside=None)): "other_team",
        give(org, stranger, outside): "not_on_sheet",
        give(org, held, str(same.owner)): "given_though_held",
    }
    org.put("Lead", {"Id": deleted.key.source_id, "IsDeleted": True})
    _, found = org("runs", "compare")
    assert verdicts(found) == different
    counts = {"same_person": 1, "closed": 1, "in_intake": 234} | dict.fromkeys(different.values(), 1)
    assert found["counts"] == counts and sum(counts.values()) == found["leads"]
    assert len(org.records("Lead")) and org("runs", "compare")[1] == found  # it changes nothing


def test_a_differing_lead_names_both_owners_and_the_rule_that_decided(observed: Org) -> None:
    lead = by_turn(observed)[0]
    mate = user_of(tables(observed), "Enterprise", beside=lead.person)
    give(observed, lead, mate)
    (one,) = observed("runs", "compare")[1]["different"]
    _, why = observed("explain", lead.key.source_id)
    assert one["ours"] == {"team": "Enterprise", "person": lead.person, "owner": lead.owner}
    assert (one["theirs"]["team"], one["theirs"]["owner"]) == ("Enterprise", mate)
    assert one["theirs"]["person"] == tables(observed).person_by_crm_user[mate]
    assert (one["by"], one["because"]["rule_id"]) == ("turn", why["steps"][-1]["rule_id"])
    assert one["because"]["cell"] == why["steps"][-1]["cell"]
    assert observed("runs", "compare")[1]["rules"] == {one["because"]["rule_id"]: 1}


def test_the_shares_of_a_team_count_the_same_leads_on_both_sides(observed: Org) -> None:
    given = by_turn(observed)[:10]
    one = str(given[0].owner)
    for lead in given:
        give(observed, lead, one)
    shares = observed("runs", "compare")[1]["teams"]["Enterprise"]
    assert sum(both["ours"] for both in shares.values()) == 10
    assert sum(both["theirs"] for both in shares.values()) == 10
    assert shares[str(given[0].person)]["theirs"] == 10


def test_a_lead_that_we_hold_and_a_person_gave_out_is_counted_after_the_next_run_too(observed: Org) -> None:
    held = next(r for r in rows(observed) if r.state is State.HELD)
    taker = str(by_turn(observed)[0].owner)
    name = give(observed, held, taker)
    _, before = observed("runs", "compare")
    _, made = observed("run")
    assert made["leads"]["taken"] == 1
    _, after = observed("runs", "compare")
    assert verdicts(before) == verdicts(after) == {name: "given_though_held"}
    assert after["different"][0]["theirs"]["owner"] == taker


def test_a_converted_lead_counts_by_its_owner(observed: Org) -> None:
    lead, left = by_turn(observed)[:2]
    give(observed, lead, str(lead.owner))
    for one in (lead, left):
        observed.put("Lead", {"Id": one.key.source_id, "IsConverted": True})
    counts = observed("runs", "compare")[1]["counts"]
    assert (counts["same_person"], counts["closed"]) == (1, 1)


def test_leads_of_other_days_are_left_out(observed: Org) -> None:
    def leads(*words: str) -> int:
        return int(observed("runs", "compare", *words)[1]["leads"])

    assert leads("--from", "2020-01-01", "--to", "2999-12-31") == 240
    assert leads("--to", "2020-01-01") == leads("--from", "2999-01-01") == 0


@pytest.mark.parametrize("words", [("--from", "Monday"), ("--from", "2026-11-06", "--to", "2026-11-02")])
def test_days_that_cannot_be_are_a_usage_error(org: Org, words: tuple[str, ...]) -> None:
    assert org("runs", "compare", *words)[0] == 2


def test_leads_that_were_given_live_are_not_compared(org: Org) -> None:
    org("run")
    code, found = org("runs", "compare")
    assert (code, found["leads"]) == (0, 0)


def test_a_crm_that_does_not_answer_is_exit_code_5(observed: Org) -> None:
    observed.config.with_name("client_secret").write_text("another\n")
    assert observed("runs", "compare")[0] == 5


def test_people_read_names_counts_and_the_rule(observed: Org, capsys: pytest.CaptureFixture[str]) -> None:
    lead = by_turn(observed)[0]
    give(observed, lead, user_of(tables(observed), "Enterprise", beside=lead.person))
    assert cli._run(["runs", "compare", "--config", str(observed.config)]) == 0
    printed = capsys.readouterr().out
    assert "240 leads decided in observe mode" in printed
    assert "1  went to somebody else in the same team" in printed
    assert tables(observed).people_by_id[str(lead.person)][0].name in printed
    assert lead.key.source_id in printed
