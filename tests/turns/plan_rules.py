"""What a plan promises (F6, F10 to F13, F15 to F17 of fairness.md), over any planner, run after run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from domain_company import (
    INTAKE,
    MONDAY,
    TO_ENTERPRISE,
    carried_on,
    company,
    everybody,
    inputs,
    lead,
    match,
    person,
    rule,
    team,
    user_id,
)
from hypothesis import stateful
from hypothesis import strategies as st
from planners import MakePlanner, Planner, product
from turn_rules import HEAD

from allocator.domain.decision import Assigned, Inputs, Lookups, Plan, Work
from allocator.domain.lead import Reason, State
from rules.model import Absence, OwnerOverride, RoutingTables

RULES = (
    rule("T-1", {"source": "Web"}, team="Enterprise"),
    rule("T-2", {"source": "French"}, team="Enterprise", sets={"language": "fr"}),
    TO_ENTERPRISE,
)
DAILY, WEEKLY = {"ana": 3, "dev": 2}, {"ben": 6}
PEOPLE = ("ana", "ben", "chi", "dev")
KINDS = tuple(
    (source, email)
    for source in ("Web", "Web", "French", "Fair")
    for email in ("", "", "", "x@globex.com", "x@globex.com", "known-ana@x.com", "known-dev@x.com")
)
"""Lead Source and e-mail."""
DAY = timedelta(days=1)


def sheet(away: Mapping[str, Absence]) -> RoutingTables:
    rows = (
        person(
            i,
            daily_cap=DAILY.get(i),
            weekly_cap=WEEKLY.get(i),
            languages=frozenset({"fr"} if i in ("chi", "dev") else ()),
            absences=(away[i],) if i in away else (),
        )
        for i in PEOPLE
    )
    return company(team("Enterprise", *rows), rules=RULES, overrides=[OwnerOverride("globex.com", "dev")])


@dataclass(frozen=True)
class Run:
    """A run as it was planned, twice, beside what is true: who is away, who is inactive in the CRM."""

    inputs: Inputs
    dry: Plan
    plan: Plan
    away: Mapping[str, Absence]
    inactive: frozenset[str]
    untouched: bool

    def present(self, i: str) -> bool:
        today, absence = self.inputs.now.date(), self.away.get(i)
        return i not in self.inactive and not (absence and absence.from_ <= today <= absence.until)

    def steps(self) -> Iterator[tuple[Work, Assigned, Counter[str], Counter[str]]]:
        """Each lead with the counts of day and week at that moment."""
        today = self.inputs.now.date()
        monday = today - today.weekday() * DAY
        day = Counter(who for _, who, at in self.inputs.given if at.date() == today)
        week = Counter(who for _, who, at in self.inputs.given if at.date() >= monday)
        works = {w.key: w for w in self.inputs.work}
        for one in self.plan.decided:
            yield works[one.key], one, day, week
            if one.person:
                day[one.person] += 1
                week[one.person] += 1

    def able(self, work: Work, day: Counter[str], week: Counter[str]) -> set[str]:
        french = work.record.fields.get("LeadSource") == "French"
        return {
            i
            for i in PEOPLE
            if self.present(i)
            and (not french or i in ("chi", "dev"))
            and day[i] < DAILY.get(i, 99)
            and week[i] < WEEKLY.get(i, 99)
        }


# --- the promises: functions over a run -------------------------------------------------------------------


def only_who_is_present_and_skilled_gets_a_lead(run: Run) -> None:
    """F6: and where nobody can take it, it is held with a reason."""
    for work, one, day, week in run.steps():
        able = run.able(work, day, week)
        assert one.person is None or run.present(one.person)
        assert one.by != "turn" or one.person in able
        assert one.state is not State.HELD or (not able and one.reason), "held only where nobody can"


def an_owned_lead_is_never_rotated(run: Run) -> None:
    """F10: an override or the one owner of the same e-mail, who can take it, gets it, and takes no turn."""
    here: dict[str, set[str]] = {}
    for work, one, day, week in run.steps():
        owner, by = None, ""
        email = str(work.record.fields.get("Email", ""))
        others = here.setdefault(email, set())
        if email.endswith("@globex.com"):
            owner, by = "dev", "override"
        elif email.startswith("known-"):
            owner, by = email.partition("-")[2].partition("@")[0], "person_match"
        if owner and run.present(owner) and owner not in work.stood_back:
            capped = day[owner] >= DAILY.get(owner, 99) or week[owner] >= WEEKLY.get(owner, 99)
            if by == "override" or (not capped and others <= {owner}):
                assert (one.person, one.by, one.turn) == (owner, by, None)
        if one.person:
            others.add(one.person)


def nobody_gets_a_lead_twice_running_while_another_can(run: Run) -> None:
    """F11."""
    for work, one, day, week in run.steps():
        others = run.able(work, day, week) - work.stood_back
        assert one.person not in work.stood_back or not others


def caps_hold_when_a_lead_is_decided(run: Run) -> None:
    """F12: overrides count but are not stopped; who is capped is not in E, and earns nothing."""
    for work, one, day, week in run.steps():
        able = run.able(work, day, week)
        if one.turn is not None:
            first = able - work.stood_back
            assert set(one.turn.turn.weights) == (first or able)
            assert one.person in able
        if one.by == "person_match":
            assert day[one.person or ""] < DAILY.get(one.person or "", 99)


def equal_inputs_give_equal_bytes(run: Run) -> None:
    """F15: owners and traces."""
    one, other = (
        [(d.person, d.owner, json.dumps(d.trace, default=str)) for d in made.decided]
        for made in (run.dry, run.plan)
    )
    assert one == other


def a_dry_run_predicts_and_writes_nothing(run: Run) -> None:
    """F16."""
    assert [(d.key, d.person, d.turn) for d in run.dry.decided] == [
        (d.key, d.person, d.turn) for d in run.plan.decided
    ]
    assert run.dry.ledgers == run.plan.ledgers and run.untouched


def held_leads_go_first_the_oldest_first(run: Run) -> None:
    """F17: and each lead that is held carries exactly one reason of the closed list."""
    works = {w.key: w for w in run.inputs.work}
    order = [(not works[d.key].held, works[d.key].record.created) for d in run.plan.decided]
    assert order == sorted(order) and len(order) == len(works)
    for one in run.plan.decided:
        held = one.state is State.HELD
        assert (one.reason in set(Reason)) is held and held is not bool(one.owner)


RunPromise = Callable[[Run], None]
EVERY_RUN: tuple[RunPromise, ...] = (
    only_who_is_present_and_skilled_gets_a_lead,
    an_owned_lead_is_never_rotated,
    nobody_gets_a_lead_twice_running_while_another_can,
    caps_hold_when_a_lead_is_decided,
    equal_inputs_give_equal_bytes,
    a_dry_run_predicts_and_writes_nothing,
    held_leads_go_first_the_oldest_first,
)


class AnyRuns(stateful.RuleBasedStateMachine):
    """Leads come, are rejected, people go away and come back, days pass; now and then there is a run."""

    make: MakePlanner = product
    promises: tuple[RunPromise, ...] = EVERY_RUN

    def __init__(self) -> None:
        super().__init__()
        self.planner: Planner = type(self).make()
        self.now, self.number = MONDAY, 0
        self.away: dict[str, Absence] = {}
        self.inactive: frozenset[str] = frozenset()
        self.state = inputs(sheet({}), ())
        self.waiting: list[Work] = []
        self.owned: list[Assigned] = []
        self.records: dict[object, Work] = {}

    @stateful.rule(kind=st.sampled_from(KINDS), more=st.integers(0, 7))
    def leads_come(self, kind: tuple[str, str], more: int) -> None:
        source, email = kind
        for _ in range(1 + more % 2):
            self.number += 1
            fields = {"LeadSource": source, **({"Email": email} if email else {})}
            self.waiting.append(lead(self.number, **fields))  # type: ignore[arg-type]
        if more == 0:
            self.there_is_a_run()

    @stateful.rule(n=st.integers(0, 7))
    def a_lead_is_rejected(self, n: int) -> None:
        if self.owned:
            one = self.owned.pop(-1 - n % len(self.owned))
            back = frozenset({one.person or ""})
            again = replace(self.records[one.key], epoch=one.epoch + 1, held=False, stood_back=back)
            self.waiting.append(again)
        if n % 2:
            self.there_is_a_run()

    @stateful.rule(who=st.sampled_from(PEOPLE), days=st.integers(0, 3))
    def somebody_is_away(self, who: str, days: int) -> None:
        today = self.now.date()
        self.away[who] = Absence(today, today + days * DAY)

    @stateful.rule(who=st.sampled_from(PEOPLE))
    def the_crm_locks_or_unlocks_somebody(self, who: str) -> None:
        self.inactive ^= {who}

    @stateful.rule(days=st.sampled_from([1, 1, 2, 7]))
    def days_pass(self, days: int) -> None:
        self.now += days * DAY

    @stateful.rule()
    def there_is_a_run(self) -> None:
        given = self.given()
        before = {key: ledger.canonical() for key, ledger in given.ledgers.items()}
        dry, real = self.planner(given), self.planner(given)
        untouched = before == {key: ledger.canonical() for key, ledger in given.ledgers.items()}
        run = Run(given, dry, real, dict(self.away), self.inactive, untouched)
        for promise in self.promises:
            promise(run)
        self.carry_out(given, real)

    def given(self) -> Inputs:
        tables = sheet(self.away)
        known = {f"known-{i}@x.com": (match("Contact", k, user_id(i)),) for k, i in enumerate(PEOPLE)}
        users = everybody(tables, inactive=self.inactive)
        lookups = Lookups(users=users, people=known, intake=frozenset({INTAKE}))
        return replace(
            self.state, tables=tables, work=tuple(reversed(self.waiting)), now=self.now, lookups=lookups
        )

    def carry_out(self, given: Inputs, made: Plan) -> None:
        works = {w.key: w for w in self.waiting}
        self.records.update(works)
        self.waiting = [
            replace(works[d.key], epoch=d.epoch + 1, held=True) for d in made.decided if d.state is State.HELD
        ]
        self.owned.extend(d for d in made.decided if d.person)
        counted = [(d.team, d.person, self.now) for d in made.decided if d.team and d.person]
        ledgers = {**given.ledgers, **made.ledgers}
        self.state = replace(self.state, ledgers=ledgers, given=(*given.given, *counted))  # type: ignore[arg-type]


# --- one ledger for each team -----------------------------------------------------------------------------


def rules_that_feed_one_team_share_its_ledger(make: MakePlanner, steps: bytes) -> None:
    """F13: whichever rule sends a lead, its owner is the same as if there were one rule."""
    people = (person(i, weight=1 + byte % 3) for i, byte in zip(PEOPLE, steps, strict=False))
    two = company(team("Enterprise", *people), rules=RULES)
    many, single = (inputs(replace(two, layers=x), ()) for x in (two.layers, company().layers))
    planner, number = make(), 0
    while number < len(steps) - HEAD:
        size = 1 + steps[number % HEAD] % 25
        sources = ["Web" if byte % 2 else "Fair" for byte in steps[HEAD + number : HEAD + number + size]]
        work = tuple(lead(number + k, LeadSource=source) for k, source in enumerate(sources))
        many, single = replace(many, work=work), replace(single, work=work)
        made, expected = planner(many), product()(single)
        assert [d.person for d in made.decided] == [d.person for d in expected.decided]
        many, single = carried_on(many, made, ()), carried_on(single, expected, ())
        number += size
