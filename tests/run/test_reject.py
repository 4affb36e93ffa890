"""Rejected leads: taken back by the next run, given to somebody else, and never for ever."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from small_org import SmallOrg

WHY = "speaks only Basque, called twice"


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallOrg]:
    made = SmallOrg(tmp_path, monkeypatch, 3)
    try:
        yield made
        made.kept(settled=False)
    finally:
        made.close()


def reject(org: SmallOrg, *leads: str, why: str = WHY) -> None:
    code, _ = org("leads", "reject", *leads, "--reason", why, "--by", "Ana")
    assert code == 0


def test_a_rejected_lead_goes_to_somebody_else_in_the_next_run(org: SmallOrg) -> None:
    org.run(0, assigned=3)
    lead = org.leads[0]
    before, owner = org.person_of(lead), org.owners()[lead]
    reject(org, lead)
    org.later(hours=1)
    made = org.run(0, taken_back=1, redecided=1, assigned=1)
    assert made["notes"] == []
    assert org.person_of(lead) not in (None, before)
    assert org.owners()[lead] not in (owner, org.queue)
    org.kept()
    org.run(0, pulled=0, redecided=0, taken_back=0)


def test_the_reason_is_shown_here_and_never_sent_to_the_crm(org: SmallOrg) -> None:
    org.run(0)
    lead = org.leads[0]
    reject(org, lead)
    asked = org.explain(lead)["take_back"]
    assert (asked["how"], asked["state"], asked["reason"], asked["by"]) == ("rejected", "pending", WHY, "Ana")
    org.later(hours=1)
    org.run(0, taken_back=1)
    ended = org.explain(lead)["earlier"][0]["ended"]
    assert (ended["how"], ended["reason"]) == ("rejected", WHY)
    assert "Basque" not in json.dumps(org.requests()) + json.dumps(org.records("Lead"))


def test_each_rejection_finds_somebody_else_until_five_hops_hold_the_lead(org: SmallOrg) -> None:
    org.run(0)
    lead, had = org.leads[0], []
    for n in range(5):
        had.append(org.person_of(lead))
        reject(org, lead, why=f"reason {n}")
        org.later(hours=1)
        made = org.run(4 if n == 4 else 0, taken_back=1)
    assert len(set(had[:3])) == 3
    assert all(one != two for one, two in pairwise(had)), "not twice running, even when all had it"
    assert made["held_reasons"] == {"nobody_available": 1}
    _, held = org("leads", "held")
    (told,) = held["leads"]
    assert "rejected or returned 5 times, last by " in told["detail"]
    assert f"allocator leads retry {lead}" in told["detail"]
    assert {one["reason"] for one in told["ended"]} == {f"reason {n}" for n in range(5)}
    org.later(days=1)
    org.run(4)
    assert org.state(lead)[0] == "held"
    org("leads", "retry", lead)
    org.run(0, assigned=1)
    org.kept()


@pytest.mark.parametrize(("column", "given_back"), [("charge", False), ("refund", True)])
def test_the_turn_is_given_back_only_where_the_team_says_so_also_of_a_lead_put_back_by_hand(
    org: SmallOrg, column: str, given_back: bool
) -> None:
    org.tables(Reject=column)
    org.run(0)
    rejected, returned, _ = org.leads
    before = org.person_of(returned)
    reject(org, rejected)
    org.later(hours=1)
    org.touch(returned, OwnerId=org.queue)
    org.run(0, taken_back=1, returned=1, assigned=2)
    for lead, how in ((rejected, "rejected"), (returned, "returned")):
        earlier = org.explain(lead)["earlier"][0]
        assert (earlier["epoch"], earlier["given_back"]) == (1, given_back)
        assert (earlier["ended"]["how"], org.rows()[lead].hops) == (how, 1)
    assert org.person_of(returned) != before


def test_a_lead_that_was_rejected_and_put_back_by_hand_too_hops_once(org: SmallOrg) -> None:
    org.run(0)
    lead = org.leads[0]
    reject(org, lead)
    org.later(hours=1)
    org.touch(lead, OwnerId=org.queue)
    org.run(0, taken_back=1, returned=0, assigned=1)
    assert org.rows()[lead].hops == 1


def test_a_rejected_lead_that_is_theirs_no_more_is_left_alone_and_told_of(org: SmallOrg) -> None:
    org.run(0)
    reject(org, *org.leads)
    org.later(hours=1)
    owned, converted, deleted = org.leads
    org.touch(owned, OwnerId=org.user("Vera Voss"))
    org.touch(converted, IsConverted=True, ConvertedContactId="0035g00000C0001AAB")
    org.touch(deleted, IsDeleted=True)
    made = org.run(0, taken_back=0, redecided=0)
    why = {owned: "Vera Voss owns it now", converted: "it was converted", deleted: "it was deleted"}
    told = {f"salesforce:{lead} was rejected and stays where it is: {said}" for lead, said in why.items()}
    assert set(made["notes"]) == told
    assert {lead: org.explain(lead)["take_back"]["detail"] for lead in why} == why
    assert not any(org.refunded(lead) for lead in why)
    org.kept()


def test_a_lead_that_its_owner_worked_on_is_taken_back_all_the_same(org: SmallOrg) -> None:
    org.run(0)
    org.later(hours=1)
    org.touch(org.leads[0], by="Vera Voss", Description="called")
    reject(org, org.leads[0])
    org.run(0, taken_back=1, assigned=1)


def test_what_cannot_be_rejected_is_refused_and_nothing_is_noted(org: SmallOrg) -> None:
    unknown, said = org("leads", "reject", "00Q5g00000NoSuchA", "--reason", "x")
    assert unknown == 2 and "No lead" in said["error"]["message"]
    org.run(0)
    one, two, three = org.leads
    org.later(hours=1)
    org.touch(two, OwnerId=org.queue)
    org.tables()
    code, said = org("leads", "reject", one, "--reason", "  ")
    assert code == 2
    reject(org, one)
    code, said = org("leads", "reject", three, one, "--reason", "again")
    assert (
        code == 2
        and "already" in said["error"]["message"]
        and "Nothing was noted" in said["error"]["message"]
    )
    assert org.explain(three)["take_back"] is None
    org.run(0, taken_back=1, returned=1)


def test_a_lead_whose_write_is_still_on_its_way_is_not_given_once_it_is_rejected(org: SmallOrg) -> None:
    org.fault("status", on={"method": "POST", "path": "composite$", "nth": 2, "times": 9}, status=503)
    org.run(4, retry=3)
    org.straight()
    lead = org.leads[0]
    before = org.person_of(lead)
    reject(org, lead)
    org.later(hours=1)
    org.run(0, taken_back=1, assigned=3)
    assert org.person_of(lead) != before
    org.kept()


def test_observe_mode_takes_nothing_back(org: SmallOrg) -> None:
    org.run(0)
    reject(org, org.leads[0])
    org.configure("live = true", "live = false")
    before = len(org.requests())
    org.run(0, taken_back=0)
    assert not [r for r in org.requests()[before:] for s in r["sub"] or () if s["method"] == "PATCH"]
    org.configure("live = false", "live = true")
    org.later(hours=1)
    org.run(0, taken_back=1)
