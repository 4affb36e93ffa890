"""What every store tells of a team's turns and leads, so that they can be stated and exported."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from store_cases import NOW, PEOPLE, TEAM, begin, commit, end, given, held, lead, planned, settled

from allocator.adapters.store import statement as pages
from allocator.domain.by_hand import Charged
from allocator.domain.lead import LeadKey, State
from allocator.domain.plan import Plan, TurnRow
from allocator.domain.statement import COLUMNS, Account, Period, Statement, statement
from rules.rotation import Rotation, U

LATER = NOW + timedelta(days=1)


def a_run(store: Any, count: int, *, first: int = 0, day: int = 0, **where: Any) -> list[LeadKey]:
    """A run that gave turns to so many new leads, and ended."""
    lease = begin(store, at=NOW + timedelta(days=day))
    keys = [lead(first + n).key for n in range(count)]
    store.add_pulled(lease, "salesforce", [lead(first + n) for n in range(count)], None)
    commit(store, lease, planned(store, keys, **where), at=NOW + timedelta(days=day))
    end(store, lease)
    return keys


def settle(store: Any, *settlements: Any) -> None:
    lease = begin(store)
    store.settle(lease, list(settlements), at=NOW)
    end(store, lease)


def told(account: Account, lane: str | None = None) -> Statement:
    return statement(TEAM, account, Period(), "UTC", lane=lane)


def account(store: Any, *period: Any) -> Account:
    found: Account = store.accounts(*(period or (None, None)))[TEAM]
    return found


def counted(found: Statement) -> dict[str, int]:
    return {column: n for column, n in found.leads.items() if n}


def test_a_store_without_turns_has_nothing_to_state(store: Any) -> None:
    assert store.accounts(None, None) == {}
    assert list(store.export_turns()) == []


def test_turns_are_told_with_who_stood_for_them(store: Any) -> None:
    a_run(store, 4)
    turns: Counter[tuple[object, ...]] = Counter()
    for t in account(store).turns:
        turns[t.kind, t.owner, t.payer, t.paid] += t.count
    assert turns.total() == 4
    assert turns["turn", "ben", "ben", U] == 2
    who = account(store).turns[0].who
    assert (who.weights, who.could) == (PEOPLE, ("ana", "ben", "chi"))
    assert [(s.id, s.why, s.also, s.weight) for s in who.skipped] == [("dee", "absent", ("daily_cap",), 1)]


def test_a_statement_closes_with_the_ledger(store: Any) -> None:
    keys = a_run(store, 5)
    a_run(store, 3, first=5, lane="hot")
    settle(store, settled(keys[0], State.TAKEN, give_back=True), settled(keys[1]))
    ledgers = store.ledgers()
    for lane in ("", "hot"):
        closing = {line.id: line.closing for line in told(account(store), lane).lines if line.closing}
        assert closing == {i: credit for i, credit in ledgers[TEAM, lane].credits.items() if credit}
    assert account(store).lanes == ("", "hot")


def test_a_period_begins_with_the_credits_of_before(store: Any) -> None:
    keys = a_run(store, 4)
    a_run(store, 3, first=4, day=1)
    settle(store, settled(keys[3], State.TAKEN, give_back=True))
    before, after = account(store, None, LATER), account(store, LATER, None)
    closing = {line.id: line.closing for line in told(before).lines}
    opening = {line.id: line.opening for line in told(after).lines if line.id in closing}
    assert closing == opening
    assert (told(before).total, told(after).total) == (4, 3)
    assert (before.first, before.last, after.first) == (NOW, NOW, LATER)
    empty = store.accounts(LATER + timedelta(days=1), None)[TEAM]
    assert (empty.turns, empty.leads, empty.first) == ((), (), None)
    credits = store.ledgers()[TEAM, ""].credits
    assert {i: n for (_, i), n in empty.opening.items() if n} == {i: n for i, n in credits.items() if n}


def test_every_lead_of_the_team_is_in_one_column(store: Any) -> None:
    lease = begin(store)
    keys = [lead(n).key for n in range(8)]
    store.add_pulled(lease, "salesforce", [lead(n) for n in range(8)], None)
    turns = planned(store, keys[:4])
    others = (
        given(keys[4], "ana", by="account"),
        given(keys[5], None, owner="00Gqueue", by="fallback_queue"),
        held(keys[6]),
        given(keys[7], "zoe", team="Other"),
    )
    commit(store, lease, Plan((*turns.decided, *others), turns.ledgers))
    ends = (
        settled(keys[0]),
        settled(keys[1], State.TAKEN, give_back=True),
        settled(keys[2], State.HELD, reason="contested", give_back=True),
    )
    store.settle(lease, ends, at=NOW)
    found = told(account(store))
    assert counted(found) == {"turn": 2, "given back": 1, "held": 2, "override": 1, "queue": 1}
    assert set(found.leads) == set(COLUMNS)
    has = {line.id: line.has for line in found.lines}
    assert sum(has.values()) == found.given == 3
    assert {line.id: line.counts["free"] for line in found.lines if line.counts["free"]} == {"ana": 1}
    assert sum(line.counts["given back"] for line in found.lines) == 2
    assert list(store.accounts(None, None)) == [TEAM, "Other"]
    assert list(store.accounts(None, None, team="Other")) == ["Other"]


def test_a_lead_that_came_back_at_their_own_charge_is_given_up(store: Any) -> None:
    (key, _) = a_run(store, 2)
    settle(store, settled(key))
    lease = begin(store)
    (row,) = store.leads([key])
    store.return_leads(lease, [row], at=NOW)
    end(store, lease)
    found = told(account(store))
    assert counted(found) == {"turn": 1, "given back": 1}
    (line,) = [line for line in found.lines if line.counts["given up"]]
    assert (line.got, line.has) == (U, 0)


def test_leads_that_left_before_anybody_got_them_are_gone(store: Any) -> None:
    lease = begin(store)
    store.add_pulled(lease, "salesforce", [lead(0)], None)
    commit(store, lease, Plan((held(lead(0).key),), {}))
    store.settle(lease, [settled(lead(0).key, State.TAKEN)], at=NOW)
    assert counted(told(account(store))) == {"gone": 1}


def test_an_export_holds_every_turn_in_order(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "PAGE", 2)
    keys = a_run(store, 5)
    a_run(store, 1, first=5, lane="hot")
    settle(store, settled(keys[1], State.TAKEN, give_back=True))
    rows = [row for page in store.export_turns() for row in page]
    assert [(r.team, r.lane, r.turn.number) for r in rows] == [
        *((TEAM, "", n) for n in range(1, 6)),
        (TEAM, "hot", 1),
    ]
    assert [r.lead for r in rows[:5]] == [str(key) for key in keys]
    assert [r.given_back for r in rows] == [False, True, False, False, False, False]
    assert {r.at for r in rows} == {NOW}
    assert rows[2].turn == store.decisions(keys[2])[0]["turn"].turn
    assert [s.id for s in rows[0].skipped] == ["dee"]


def test_turns_taken_while_an_export_is_on_are_not_in_it(backend: Any, store: Any) -> None:
    a_run(store, 3)
    export = store.export_turns()
    first = next(export)
    a_run(backend.open(), 2, first=3)
    assert len(first) + sum(len(page) for page in export) == 3


# --- leads taken by hand ---


def took(key: LeadKey, person: str | None = "ana", epoch: int = 1, **more: Any) -> Any:
    team = TEAM if person else None
    return settled(key, State.TAKEN, give_back=True, taker=person, taker_team=team, epoch=epoch, **more)


def charging(person: str) -> Any:
    def charge(ledgers: Any, settled: Any) -> Charged:
        rotation = Rotation({at: book for (team, at), book in ledgers.items() if team == TEAM})
        turns = [rotation.charge("", PEOPLE, person, 1, "by hand") for _ in settled]
        rows = [TurnRow(TEAM, "", turn, key, 1) for turn, key in zip(turns, sorted(settled), strict=True)]
        return Charged(tuple(rows), {(TEAM, ""): rotation.ledger("")})

    return charge


def test_a_lead_that_was_taken_by_hand_is_its_takers(store: Any) -> None:
    keys = a_run(store, 4)
    lease = begin(store)
    store.settle(lease, [took(keys[0], "chi")], at=NOW, charge=charging("chi"))
    store.settle(lease, [took(keys[1], "chi"), took(keys[2], None)], at=NOW)
    found = told(account(store))
    assert counted(found) == {"by hand": 2, "given back": 1, "turn": 1}
    (chi,) = [line for line in found.lines if line.id == "chi"]
    assert (chi.counts["by hand"], chi.counts["free"], chi.has) == (1, 1, 2)
    credits = store.ledgers()[TEAM, ""].credits
    closing = {line.id: line.closing for line in found.lines}
    assert closing == {**credits, "dee": 0}


def test_a_lead_that_waited_and_was_taken_counts_for_its_taker(store: Any) -> None:
    lease = begin(store)
    store.add_pulled(lease, "salesforce", [lead(0), lead(1)], None)
    store.settle(lease, [took(lead(0).key, epoch=0), took(lead(1).key, None, epoch=0)], at=NOW)
    found = told(account(store))
    assert counted(found) == {"by hand": 1}
    assert [(line.id, line.has) for line in found.lines] == [("ana", 1)]


def test_of_a_lead_that_was_returned_and_then_taken_the_last_turn_counts(store: Any) -> None:
    (key,) = a_run(store, 1)
    settle(store, settled(key))
    lease = begin(store)
    store.return_leads(lease, list(store.leads([key])), at=NOW)
    store.settle(
        lease, [settled(key, State.TAKEN, taker="chi", taker_team=TEAM)], at=NOW, charge=charging("chi")
    )
    found = told(account(store))
    assert counted(found) == {"by hand": 1}
    lines = {line.id: line for line in found.lines}
    assert [(i, one.has, one.counts["given up"]) for i, one in lines.items() if one.got] == [
        ("ben", 0, 1),
        ("chi", 1, 0),
    ]
