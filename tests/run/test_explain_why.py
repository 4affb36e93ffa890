"""Why did Ben get this one: the answer of `explain`, checked by its own numbers and against the rotation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from small_org import SmallOrg

from allocator.adapters.store.tables import decisions, eligibility, turns
from allocator.domain.lead import LeadKey
from allocator.entrypoints import cli
from rules.rotation import take_turn
from rules.turn import Ledger

ANA, BEN, CHI = "P-001", "P-002", "P-003"


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallOrg]:
    made = SmallOrg(tmp_path, monkeypatch, 5)
    yield made
    made.close()


def printed(org: SmallOrg, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, and what stands on the terminal and in its errors."""
    capsys.readouterr()
    code = cli._run([*words, "--config", str(org.config)])
    told = capsys.readouterr()
    return code, " ".join(told.out.split()), " ".join(told.err.split())


def ordered(org: SmallOrg, leads: list[str] | None = None) -> list[str]:
    """Our leads in the order of their turns."""
    with org.store() as store:
        number = {lead: store.turns_of(LeadKey("salesforce", lead))[0].row.turn.number for lead in org.leads}
    return sorted(leads or org.leads, key=number.__getitem__)


def damage(org: SmallOrg, table: sa.Table, lead: str, **values: Any) -> None:
    """Somebody's hand in the store."""
    with org.store() as store:
        mine = sa.update(table).where(table.c.source_id == lead).values(**values)
        store.database.write(lambda connection: connection.execute(mine) and None)


def test_each_turn_adds_up_and_leads_to_its_owner(org: SmallOrg) -> None:
    org.run(assigned=5)
    for lead in org.leads[:3]:
        why = org.explain(lead)
        turn, unit = why["turn"], why["turn"]["unit"]
        assert turn["rederived"] == turn["owner"] == why["person"]["id"] and why["error"] is None
        assert sum(one["share"] for one in turn["eligible"]) == unit
        for one in turn["eligible"]:
            paid = unit if one["id"] == turn["payer"] else 0
            assert one["after"] == one["before"] + one["share"] - paid
        assert sum(one["after"] - one["before"] for one in turn["eligible"]) == 0
        assert [one["id"] for one in turn["eligible"]] == [ANA, BEN, CHI]
        assert {one["id"] for one in turn["what_if"]} == {ANA, BEN, CHI} - {turn["owner"]}


def test_what_is_said_of_somebody_who_was_away_is_what_the_rotation_would_have_done(org: SmallOrg) -> None:
    """Also after a turn was given back since, which the credit then knew nothing of."""
    org.run(assigned=5)
    assert org("pause", "person", ANA, "--reason", "ill")[0] == 0
    more(org, 4)
    org.run(assigned=4)
    first = org.leads[0]
    assert org("leads", "reject", first, "--reason", "no budget")[0] == 0
    org.later(hours=1)
    org("run")
    for lead in org.leads[6:]:
        why = org.explain(lead)
        (ana,) = [one for one in why["turn"]["what_if"] if one["id"] == ANA]
        assert (ana["lifted"], ana["known"]) == (["paused"], True)
        with org.store() as store:
            (taken,) = store.turns_of(store.find(lead)[0].key)
            ledger = store.ledger_before(taken.row)
        assert ledger is not None
        raised = raise_credit(ledger, ana["credit"]["higher_by"] if ana["credit"] else 0)
        assert take_turn(raised, {ANA: 1, BEN: 1, CHI: 1})[0].owner == ANA
        if ana["credit"]:
            less = raise_credit(ledger, ana["credit"]["higher_by"] - 1)
            assert take_turn(less, {ANA: 1, BEN: 1, CHI: 1})[0].owner != ANA


def raise_credit(ledger: Ledger, units: int) -> Ledger:
    credits = {**ledger.credits, ANA: ledger.credits.get(ANA, 0) + units}
    return Ledger(credits, credits, ledger.last_turn)


def more(org: SmallOrg, number: int) -> None:
    """So many new leads."""
    before = set(org.owners())
    rows = [{"LastName": f"More {n}", "Company": f"Co {n}", "Country": "DE"} for n in range(number)]
    org.put("Lead", *({**row, "OwnerId": org.queue} for row in rows))
    org.leads += [lead for lead in org.owners() if lead not in before]


def test_the_terminal_says_it_in_words(org: SmallOrg, capsys: pytest.CaptureFixture[str]) -> None:
    org.run(assigned=5)
    first, second, *_ = ordered(org)
    code, told, _ = printed(org, capsys, "explain", first)
    assert code == 0
    assert "worked out again from the turn's own numbers: Ana Alvarez" in told
    needed = "the least bit more credit: it was equal, and Ana Alvarez came first (by Person ID)"
    assert f"Ben Bauer, Chi Chen {needed}" in told
    _, told, _ = printed(org, capsys, "explain", second)
    assert (
        "Ana Alvarez a credit more than 1.000 higher: when equal, Ben Bauer comes first"
        " (longer since the last turn)" in told
    )


def test_made_up_facts_are_answered_with_what_the_others_would_need(org: SmallOrg) -> None:
    org("pause", "person", ANA, "--reason", "ill")
    _, why = org("explain", "--set", "country=DE")
    assert [(one["id"], one["lifted"]) for one in why["turn"]["what_if"]] == [(CHI, []), (ANA, ["paused"])]
    assert why["turn"]["rederived"] == why["person"]["id"] == BEN


# --- leads that did not stay ---


def test_a_lead_taken_by_hand_shows_its_turn_that_was_given_back_and_what_the_taker_paid(
    org: SmallOrg, capsys: pytest.CaptureFixture[str]
) -> None:
    first = org("explain", "--set", "country=DE")[1]["person"]["id"]
    chi = org.user("Chi Chen")
    lead = org.leads[0]
    org.fault("take", on={"method": "PATCH", "record": lead}, by=chi)
    org("run")
    why = org.explain(lead)
    assert why["state"] == "taken" and why["given_back"]
    own, by_hand = why["turns"]
    assert (own["kind"], own["given_back"], own["given_back_why"]) == ("turn", True, "taken")
    assert own["owner"] == first and own["what_if"]
    assert (by_hand["kind"], by_hand["owner"], by_hand["given_back"]) == ("by hand", CHI, False)
    assert by_hand["what_if"] == [] and by_hand["rederived"] == CHI
    assert why["turn"] == by_hand
    assert why["by_hand"]["person"]["id"] == CHI
    assert (why["by_hand"]["charged"], why["by_hand"]["turn"]) == (by_hand["unit"], by_hand["number"])
    _, told, _ = printed(org, capsys, "explain", lead)
    assert f"taken by hand by Chi Chen, charged one lead (turn {by_hand['number']} of Enterprise)" in told
    assert "'s turn was given back" in told and "(given back)" in told


def test_a_lead_taken_at_no_charge_says_so(org: SmallOrg, capsys: pytest.CaptureFixture[str]) -> None:
    org.tables(**{"Taken by hand": "free"})
    lead = org.leads[0]
    org.fault("take", on={"method": "PATCH", "record": lead}, by=org.user("Chi Chen"))
    org("run")
    why = org.explain(lead)
    assert (why["by_hand"]["charged"], why["by_hand"]["turn"]) == (0, None)
    assert "taken by hand by Chi Chen, at no charge" in printed(org, capsys, "explain", lead)[1]


def test_a_lead_that_was_refused_shows_the_turn_given_back(org: SmallOrg) -> None:
    lead = org.leads[0]
    org.fault("status", on={"record": lead, "method": "PATCH"}, status=400, code="INACTIVE_OWNER_OR_USER")
    org("run")
    why = org.explain(lead)
    assert (why["state"], why["turn"]["given_back"], why["turn"]["given_back_why"]) == (
        "held", True, "owner_refused",
    )  # fmt: skip


# --- damage ---


def test_a_turn_that_does_not_lead_to_its_owner_is_an_error(
    org: SmallOrg, capsys: pytest.CaptureFixture[str]
) -> None:
    org.run(assigned=5)
    _, second, third, fourth, _ = ordered(org)
    damage(org, turns, second, payer=ANA, owner=ANA)
    damage(org, turns, third, owner=BEN)
    damage(org, decisions, fourth, person=CHI)
    for lead, said in (
        (second, f"does not fit its own numbers: by its own numbers {BEN} pays"),
        (third, f"by its own numbers {CHI} gets the lead, but it says that {BEN} got it"),
        (fourth, f"it says that {ANA} got the lead, and the decision gave it to {CHI}"),
    ):
        code, why = org("explain", lead)
        assert (code, why["turn"]["rederived"], why["turn"]["what_if"]) == (1, None, [])
        assert said in why["error"] and why["error"] == why["turn"]["error"]
    code, told, errors = printed(org, capsys, "explain", second)
    assert code == 1 and "worked out again" not in told
    assert errors.startswith(
        "turn 2 of Enterprise does not fit its own numbers: by its own numbers P-002 pays"
    )


def test_a_turn_whose_weights_were_changed_or_that_cannot_be_read_is_an_error(org: SmallOrg) -> None:
    org.run(assigned=5)
    lead = org.leads[0]

    def double(connection: Any) -> None:
        row = connection.execute(sa.select(eligibility)).first()
        content = {**row.content, "weights": {**row.content["weights"], ANA: 2}}
        connection.execute(sa.update(eligibility).values(content=content))

    with org.store() as store:
        store.database.write(double)
    code, why = org("explain", lead)
    assert code == 1 and "does not fit its own numbers" in why["error"]
    assert why["turn"]["rederived"] is None
    damage(org, turns, lead, before=[1])
    code, why = org("explain", lead)
    assert (code, why["turn"]["rederived"]) == (1, None)
    assert f"a stored turn of salesforce:{lead} cannot be read" in why["error"]


# --- who is next, on the command line ---


def test_facts_may_follow_each_other_and_a_lane_that_is_none_is_refused(
    org: SmallOrg, capsys: pytest.CaptureFixture[str]
) -> None:
    code, told, _ = printed(
        org, capsys, "rotation", "show", "enterprise", "--next", "2", "--facts", "country=DE", "city=Kiel"
    )
    assert code == 0
    assert told.startswith("for a lead that needs nothing special (T-1) Enterprise 1 Ana Alvarez")
    code, _, errors = printed(org, capsys, "rotation", "show", "Enterprise", "--lane", "hot")
    assert (code, "has no lane 'hot'" in errors) == (2, True)
    code, _, errors = printed(org, capsys, "rotation", "show", "Enterprise", "Americas")
    assert code == 2 and "FACT=VALUE" in errors


def test_the_order_is_shown_with_credits_and_who_is_out(
    org: SmallOrg, capsys: pytest.CaptureFixture[str]
) -> None:
    org.run(assigned=5)
    org("pause", "person", ANA, "--reason", "ill", "--until", "2h")
    _, told, _ = printed(org, capsys, "rotation", "show", "Enterprise", "--next", "2")
    assert "1 Chi Chen credit +0.667 2 Ben Bauer credit +0.167" in told
    assert "credits now, in leads: Chi Chen +0.667 Ana Alvarez -0.333 Ben Bauer -0.333" in told
    assert "out: Ana Alvarez, paused until Mon 2026-11-02 12:00 Europe/Berlin" in told


def test_the_next_turns_are_those_of_the_next_run(org: SmallOrg) -> None:
    org.run(assigned=5)
    _, found = org("rotation", "show", "Enterprise", "--next", "4")
    more(org, 4)
    org.run(assigned=4)
    with org.store() as store:
        given = [store.find(lead)[0].person for lead in ordered(org, org.leads[5:])]
    assert [one["id"] for one in found["lanes"][0]["next"]] == given
