"""The fairness statement holds its sums on any history, and says what being out has cost."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.domain.lead import State
from allocator.domain.statement import (
    COLUMNS,
    Account,
    Eligibility,
    LeadsAlike,
    Line,
    Period,
    Statement,
    TurnsAlike,
    column_of,
    statement,
)
from rules.model import Absence, CatchUp, Salesperson, Team
from rules.rotation import Rotation, Skipped, Turn, U, line_up

MONDAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
EMPTY = Account()


@dataclass
class Past:
    """Turns of one team as they were taken, each with its day, who was out, and whether it stands."""

    team: Team
    rotation: Rotation
    turns: list[tuple[int, str, Turn, tuple[Skipped, ...]]]
    gone: set[int]

    def account(self, first: int = 0, until: int = 10**6) -> Account:
        """Of the days `first` to `until`, the last one excluded."""
        alike = [self._alike(n, one) for n, one in enumerate(self.turns) if first <= one[0] < until]
        opening: Counter[tuple[str, str]] = Counter()
        for n, (day, lane, turn, _) in enumerate(self.turns):
            if day < first and n not in self.gone:
                for i, change in turn.changes.items():
                    opening[lane, i] += change
        return Account(tuple(alike), (), opening)

    def _alike(self, n: int, one: tuple[int, str, Turn, tuple[Skipped, ...]]) -> TurnsAlike:
        _, lane, turn, skipped = one
        who = Eligibility(turn.weights, turn.shares, turn.able, skipped)
        back = n in self.gone
        return TurnsAlike(lane, turn.kind, turn.owner, turn.payer, turn.paid, back, True, 1, who)

    def credits(self, lane: str | None = None) -> Counter[str]:
        total: Counter[str] = Counter()
        for own in self.rotation.lanes:
            if lane in (None, own):
                total.update(self.rotation.ledger(own).credits)
        return total


def told(account: Account, lane: str | None = None) -> Statement:
    return statement("Enterprise", account, Period(), "UTC", lane=lane)


def people_of(found: Statement) -> dict[str, Line]:
    return {line.id: line for line in found.lines}


# --- random teams and histories ---

NAMES = ("ana", "ben", "chi", "dev", "eve")


@st.composite
def people(draw: st.DrawFn) -> tuple[Salesperson, ...]:
    found = []
    for name in NAMES[: draw(st.integers(2, 5))]:
        first = date(2026, 1, draw(st.integers(5, 12)))
        absence = Absence(first, first + timedelta(days=2), "", draw(st.sampled_from((None, *NAMES))))
        found.append(
            Salesperson(
                id=name, name=name, email=f"{name}@x.example", crm_user_id=name, team="Enterprise",
                weight=draw(st.sampled_from((1, 1, 2, 7, 100))),
                daily_cap=draw(st.sampled_from((None, None, 2))),
                languages=frozenset(draw(st.sampled_from(((), ("fr",))))),
                active=draw(st.integers(0, 9)) > 0,
                start=draw(st.sampled_from((None, None, date(2026, 1, 8)))),
                absences=(absence,) if draw(st.booleans()) else (),
            )
        )  # fmt: skip
    return tuple(found)


@st.composite
def pasts(draw: st.DrawFn) -> Past:
    team = Team(
        "Enterprise",
        people=draw(people()),
        fairness=draw(st.sampled_from(("turns", "totals"))),
        limit=draw(st.sampled_from((1, 2, 5))),
        delegate=draw(st.sampled_from(("none", "absentee", "delegate"))),
        after_absence=draw(st.sampled_from(({}, {"": CatchUp()}))),
    )
    past = Past(team, Rotation(limit=team.limit), [], set())
    for day in sorted(draw(st.lists(st.integers(0, 9), min_size=1, max_size=30))):
        _one_lead(past, day, draw)
    return past


def _one_lead(past: Past, day: int, draw: st.DrawFn) -> None:
    rotation, lane = past.rotation, draw(st.sampled_from(("", "", "hot")))
    taken = Counter(t.owner for d, _, t, _ in past.turns if d == day)
    counts = {person: (n, n) for person, n in taken.items()}
    facts = draw(st.sampled_from(({}, {}, {"language": "fr"})))
    found = line_up(past.team, facts, MONDAY + timedelta(days=day), counts)
    by_hand = draw(st.integers(0, 7)) == 0
    if by_hand:
        taker = draw(st.sampled_from(past.team.people))
        turn = rotation.charge(lane, found.lineup, taker.id, taker.weight, "by hand")
    elif found.lineup is None:
        return
    else:
        turn = rotation.take(lane, found.lineup)
    past.turns.append((day, lane, turn, found.skipped))
    if draw(st.integers(0, 7)) == 0:
        rotation.give_back(lane, turn)
        past.gone.add(len(past.turns) - 1)


@settings(max_examples=150, deadline=None)
@given(pasts())
def test_every_column_sums_to_zero_and_the_fair_share_to_the_leads_that_were_paid(past: Past) -> None:
    found = told(past.account())
    standing = [t for n, (_, _, t, _) in enumerate(past.turns) if n not in past.gone]
    paid = sum(1 for turn in standing if turn.paid)
    for column in ("absence", "skill", "cap", "limit"):
        assert sum(getattr(line, column) for line in found.lines) == 0, column
    for column in ("share_of_all", "fair_share", "got", "totals_share"):
        assert sum(getattr(line, column) for line in found.lines) == paid * U, column
    for line in found.lines:
        cost = line.absence + line.skill + line.cap + line.limit
        assert line.share_of_all - cost == line.fair_share == line.got + line.owed


@settings(max_examples=150, deadline=None)
@given(pasts(), st.integers(0, 10))
def test_a_statement_closes_with_the_credits_of_the_ledger_with_which_the_next_one_opens(
    past: Past, cut: int
) -> None:
    for lane in (None, "", "hot"):
        before, after = told(past.account(0, cut), lane), told(past.account(cut), lane)
        closing = {line.id: line.closing for line in before.lines if line.closing}
        assert closing == {line.id: line.opening for line in after.lines if line.opening}
        credits = {i: credit for i, credit in past.credits(lane).items() if credit}
        assert {line.id: line.closing for line in after.lines if line.closing} == credits
        assert after.uneven == sum(c for c in credits.values() if c > 0)


@settings(max_examples=50, deadline=None)
@given(pasts())
def test_turns_that_are_counted_together_make_the_same_statement_as_one_by_one(past: Past) -> None:
    single = past.account()
    contents: dict[object, Eligibility] = {}
    alike: Counter[TurnsAlike] = Counter()
    for one in single.turns:
        who = one.who
        key = (*who.weights.items(), *who.shares.items(), who.able, *((s, s.weight) for s in who.skipped))
        alike[replace(one, who=contents.setdefault(key, who))] += 1
    together = [replace(one, count=n) for one, n in alike.items()]
    assert told(replace(single, turns=together)) == told(single)


# --- what being out costs ---


def team_of(*out: Salesperson, **choices: object) -> Team:
    return Team("Enterprise", people=(person("ana"), person("ben"), *out), **choices)  # type: ignore[arg-type]


def person(name: str, **said: object) -> Salesperson:
    given = {"email": f"{name}@x.example", "crm_user_id": name, "team": "Enterprise", **said}
    return Salesperson(id=name, name=name, **given)  # type: ignore[arg-type]


AWAY = (Absence(date(2026, 1, 5), date(2026, 1, 9)),)


def played(team: Team, leads: int, facts: Callable[[int], dict[str, str]] = lambda _: {}) -> Past:
    past, counts = Past(team, Rotation(limit=team.limit), [], set()), defaultdict[str, int](int)
    for n in range(leads):
        found = line_up(team, facts(n), MONDAY, {i: (k, k) for i, k in counts.items()})
        assert found.lineup
        turn = past.rotation.take("", found.lineup)
        counts[turn.owner] += 1
        past.turns.append((0, "", turn, found.skipped))
    return past


def cost(past: Past, who: str) -> dict[str, float]:
    line = people_of(told(past.account()))[who]
    return {name: getattr(line, name) / U for name in ("absence", "skill", "cap", "fair_share")}


def test_who_is_away_loses_to_absence_what_the_others_gain() -> None:
    past = played(team_of(person("chi", absences=AWAY)), 6)
    assert cost(past, "chi") == {"absence": 2, "skill": 0, "cap": 0, "fair_share": 0}
    assert cost(past, "ana") == {"absence": -1, "skill": 0, "cap": 0, "fair_share": 3}


def test_who_lacks_a_language_loses_to_skill() -> None:
    past = played(team_of(person("chi", languages=frozenset({"fr"}))), 6, lambda n: {"language": "fr"})
    assert cost(past, "ana") == {"absence": 0, "skill": 2, "cap": 0, "fair_share": 0}
    assert cost(past, "chi")["skill"] == -4


def test_who_has_reached_a_cap_loses_to_it() -> None:
    past = played(team_of(person("chi", daily_cap=1)), 7)
    lost = cost(past, "chi")
    assert (lost["absence"], lost["skill"]) == (0, 0)
    assert lost["cap"] == pytest.approx(7 / 3 - lost["fair_share"])


def test_who_is_away_and_lacks_the_language_as_well_loses_to_the_absence() -> None:
    team = team_of(person("chi", absences=AWAY), person("dev", languages=frozenset({"fr"})))
    assert cost(played(team, 4, lambda n: {"language": "fr"}), "chi") == {
        "absence": 1, "skill": 0, "cap": 0, "fair_share": 0,
    }  # fmt: skip


def test_where_totals_count_a_skill_costs_nothing_and_both_measures_are_one() -> None:
    team = team_of(person("chi", languages=frozenset({"fr"})), fairness="totals", limit=50)
    found = told(played(team, 12, lambda n: {"language": "fr"} if n % 4 == 0 else {}).account())
    assert {line.skill for line in found.lines} == {0}
    assert [line.fair_share for line in found.lines] == [line.totals_share for line in found.lines]


def test_where_turns_count_the_other_measure_is_shown_beside() -> None:
    team = team_of(person("chi", languages=frozenset({"fr"})))
    found = people_of(told(played(team, 6, lambda n: {"language": "fr"}).account()))
    assert (found["chi"].fair_share, found["chi"].totals_share) == (6 * U, 2 * U)


def test_what_the_limit_withholds_has_a_column_of_its_own() -> None:
    team = team_of(person("chi", languages=frozenset({"fr"})), fairness="totals", limit=1)
    found = people_of(told(played(team, 12, lambda n: {"language": "fr"} if n % 2 else {}).account()))
    assert found["chi"].limit or found["ana"].limit
    assert sum(line.limit for line in found.values()) == 0


def test_who_had_not_started_loses_nothing() -> None:
    past = played(team_of(person("chi", start=date(2026, 2, 1))), 6)
    assert "chi" not in people_of(told(past.account()))


def test_a_delegate_serves_and_the_absentee_pays() -> None:
    away = person("chi", absences=(replace(AWAY[0], delegate="ana"),))
    found = people_of(told(played(team_of(away, delegate="absentee"), 3).account()))
    assert found["chi"].got == U and found["chi"].counts["delegated"] == 1
    assert found["ana"].counts["served for others"] == 1
    assert found["ana"].got == U


# --- every lead in one column ---


def test_every_lead_is_in_exactly_one_column() -> None:
    cases: Sequence[tuple[str, LeadsAlike]] = (
        ("turn", stood(State.CONFIRMED, kind="turn")),
        ("turn", stood(State.DECIDED, kind="turn")),
        ("delegated", stood(State.CONFIRMED, kind="delegated")),
        ("catch-up", stood(State.CONFIRMED, kind="catch-up", paid=False)),
        ("beyond the limit", stood(State.CONFIRMED, kind="beyond the limit", paid=False)),
        ("beyond the limit", stood(State.TAKEN, kind="by hand", paid=False)),
        ("by hand", stood(State.TAKEN, kind="by hand")),
        ("by hand", stood(State.TAKEN, given_back=True)),
        ("given back", stood(State.TAKEN, person=None, given_back=True)),
        ("gone", stood(State.TAKEN, person=None)),
        ("override", stood(State.CONFIRMED, kind="override")),
        ("override", stood(State.CONFIRMED, by="account")),
        ("override", stood(State.CONFIRMED, by="rule_owner")),
        ("queue", stood(State.CONFIRMED, by="fallback_queue", person=None)),
        ("held", stood(State.HELD, person=None)),
        ("given back", stood(State.WAITING, given_back=True)),
        ("given back", stood(State.WAITING, kind="turn")),
        ("gone", stood(State.CLOSED, person=None)),
        ("given back", stood(State.CLOSED, given_back=True)),
    )
    assert [column_of(one) for _, one in cases] == [column for column, _ in cases]
    found = told(Account(leads=[one for _, one in cases]))
    assert found.total == len(cases)
    assert set(found.leads) == set(COLUMNS)
    assert people_of(found)["ana"].has == found.given == 11


def stood(state: State, **said: object) -> LeadsAlike:
    given = {"by": "turn", "person": "ana", "kind": None, "paid": True, "given_back": False, **said}
    return LeadsAlike("", state, count=1, **given)  # type: ignore[arg-type]


def test_the_days_of_a_period_are_the_teams() -> None:
    period = Period(date(2026, 3, 29), date(2026, 3, 29))
    begin, end = period.bounds("Europe/Berlin")
    assert begin and end and end.astimezone(UTC) - begin.astimezone(UTC) == timedelta(hours=23)
    assert Period().bounds("UTC") == (None, None)


def test_a_period_without_leads_keeps_the_credits() -> None:
    found = told(Account(opening={("", "ana"): U, ("hot", "ana"): -3, ("", "ben"): -U, ("hot", "ben"): 3}))
    assert [(line.id, line.opening, line.closing) for line in found.lines] == [
        ("ana", U - 3, U - 3),
        ("ben", 3 - U, 3 - U),
    ]
    assert (found.total, told(EMPTY).lines) == (0, ())
