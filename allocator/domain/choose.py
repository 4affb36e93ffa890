"""One lead's owner, in the order of precedence: Then Hold, Then Owner, overrides, same e-mail, known account,
the team's turn."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from allocator.domain.days import counts_under_caps, today, unusable_people
from allocator.domain.decision import Inputs, TurnRow, Work
from allocator.domain.facts import company_of
from allocator.domain.lead import By, Match, Reason
from allocator.domain.roster import Roster, Standing, ledger_lane
from rules.fold import fold
from rules.freemail import domain
from rules.model import Decision, OwnerOverride, RoutingTables, Team
from rules.rotation import Booking, Ledger, Rotation, Turn

_ACCOUNT_ID = re.compile(r"001[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?")
MOST_HOPS = 5
"""So often a lead is rejected or returned before it waits for a person."""
_RECORDS = 5
"""Records of a look-up that a trace names."""


_OUTSIDE = frozenset({By.OVERRIDE, By.PERSON_MATCH, By.ACCOUNT})
"""Owners that no turn gave, and no rule named."""


def setting(tables: RoutingTables, name: str, default: str) -> str:
    return tables.settings.get(name) or default


def is_account_id(key: str) -> bool:
    return _ACCOUNT_ID.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class Choice:
    """An owner for the lead, or why there is none (`reason`). `turn` or `booking` is the turn it took."""

    by: str | None = None
    team: str | None = None
    person: str | None = None
    owner: str | None = None
    turn: TurnRow | None = None
    booking: Booking | None = None
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One lead on its way: what the rules say, and what was considered so far."""

    work: Work
    decision: Decision
    email: str | None
    company: str | None
    considered: list[dict[str, Any]]


class Chooser:
    """One run's owners in the making: the ledgers, the counts under caps, and the owners given so far.

    With `rotations` these go on from where they stand and their turns are only booked, not recorded.
    """

    def __init__(
        self,
        inputs: Inputs,
        *,
        roster: Roster | None = None,
        rotations: dict[str, Rotation] | None = None,
    ) -> None:
        self._inputs, self._tables = inputs, inputs.tables
        self._on = today(self._tables.time_zone, inputs.now)
        self._roster = roster or roster_of(inputs)
        self._same_email = setting(self._tables, "same e-mail", "owner")
        self._accounts = setting(self._tables, "known account", "ignore") == "owner"
        self._overrides = _in_force(o for o in self._tables.overrides if not o.until or self._on <= o.until)
        self._recorded = rotations is None
        self._rotations: dict[str, Rotation] = {} if rotations is None else rotations
        self._touched: set[tuple[str, str]] = set()
        self._given_here: dict[str, list[Match]] = {}

    @property
    def on(self) -> date:
        """The day of the run where the workbook is."""
        return self._on

    def at_caps(self, team: str | None) -> str:
        """Stands for who is at a cap by now, in this team and its fallback teams."""
        return self._roster.at_caps(team)

    def changed_ledgers(self) -> dict[tuple[str, str], Ledger]:
        return {(team, lane): self._rotations[team].ledger(lane) for team, lane in sorted(self._touched)}

    def case(self, work: Work, decision: Decision, email: str | None) -> Case:
        """A lead whose record can be read; `email` as `email_of` gives it."""
        asks = email and (self._overrides or self._accounts)
        return Case(work, decision, email, company_of(email) if email and asks else None, [])

    def choose(self, case: Case) -> Choice:
        """Its owner; caps, turns and later leads with the same e-mail know of it at once."""
        choice = self._choose(case)
        if choice.person:
            choice = self._outside(choice, case)
        if choice.owner:
            self._remember(case, choice.owner, choice)
        return choice

    def _choose(self, case: Case) -> Choice:
        decision = case.decision
        if decision.reason == Reason.RULE_HOLD:
            return Choice(reason=decision.reason, detail=decision.detail)
        if case.work.hops >= MOST_HOPS:
            return self._too_many_hops(case.work)
        if decision.owner:
            return self._rule_owner(decision.owner)
        standby: tuple[Choice, dict[str, Any]] | None = None
        for look in (self._override, self._person_match, self._account):
            choice = look(case)
            if choice is None:
                continue
            if not choice.person or choice.person not in case.work.stood_back:
                return choice
            note = case.considered[-1]
            note["why_not"] = f"{choice.person} had this lead before"
            standby = standby or (choice, note)
        choice = self._by_team(case)
        if choice.owner or standby is None:
            return choice
        del standby[1]["why_not"]
        return standby[0]

    def _too_many_hops(self, work: Work) -> Choice:
        rows = self._tables.people_by_id.get(work.last or "", ())
        last = f", last by {rows[0].name if rows else work.last}" if work.last else ""
        return Choice(
            reason=Reason.NOBODY_AVAILABLE,
            detail=f"rejected or returned {work.hops} times{last}: give it by hand, or say"
            f" allocator leads retry {work.key.source_id}",
        )

    def _by_team(self, case: Case) -> Choice:
        decision = case.decision
        if decision.team is None:
            return Choice(reason=decision.reason, detail=decision.detail)
        return self._team_turn(self._tables.team_by_name[decision.team], case)

    # --- owners that are no turn ---

    def _rule_owner(self, person: str) -> Choice:
        row, why = self._roster.row_of(person, None, caps=False)
        if row is None:
            rows = self._tables.people_by_id.get(person, ())
            paused = bool(rows) and all(self._roster.pause_of(row.team) for row in rows)
            reason = Reason.PAUSED if paused else Reason.NOBODY_AVAILABLE
            return Choice(reason=reason, detail=f"{person} is named by the rule: {why}")
        return Choice(by=By.RULE_OWNER, team=row.team, person=row.id, owner=row.crm_user_id)

    def _override(self, case: Case) -> Choice | None:
        found = self._override_for(case)
        if found is None:
            return None
        note = {"what": "override", "key": found.key, "person": found.person, "cell": found.cell}
        case.considered.append(note)
        row, why = self._roster.row_of(found.person, case.decision.team, caps=False)
        if row is None:
            note["why_not"] = f"{found.person}: {why}"
            return None
        return Choice(by=By.OVERRIDE, team=row.team, person=row.id, owner=row.crm_user_id)

    def _override_for(self, case: Case) -> OwnerOverride | None:
        if not self._overrides or case.company is None:
            return None
        ids = sorted(m.id for m in self._inputs.lookups.accounts.get(case.company, ()))
        return next((o for key in (case.company, *ids) if (o := self._overrides.get(key))), None)

    def _person_match(self, case: Case) -> Choice | None:
        if self._same_email == "ignore" or not case.email:
            return None
        looked_up = self._inputs.lookups.people.get(case.email, ())
        here = self._given_here.get(case.email, ())
        if not looked_up and not here:
            return None
        matches = [m for m in (*looked_up, *here) if self._is_owned(m, case.work)]
        if not matches:
            return None
        if self._same_email == "hold":
            said = f"same e-mail as {', '.join(_records(matches))}"
            return Choice(reason=Reason.DUPLICATE_PERSON, detail=said)
        return self._sole_owner(By.PERSON_MATCH, matches, case)

    def _is_owned(self, match: Match, work: Work) -> bool:
        return match.id != work.key.source_id and match.owner not in self._inputs.lookups.intake

    def _account(self, case: Case) -> Choice | None:
        company = case.company if self._accounts else None
        matches = self._inputs.lookups.accounts.get(company, ()) if company else ()
        return self._sole_owner(By.ACCOUNT, matches, case) if matches else None

    def _sole_owner(self, by: By, matches: Sequence[Match], case: Case) -> Choice | None:
        """A look-up counts only if it leads to exactly one owner who can take the lead today."""
        owners = {m.owner for m in matches}
        note: dict[str, Any] = {
            "what": str(by),
            "records": _records(matches),
            "seen": max(m.seen for m in matches).isoformat(),
        }
        case.considered.append(note)
        if len(owners) > 1:
            note["why_not"] = f"{len(owners)} different owners"
            return None
        (owner,) = owners
        person = self._tables.person_by_crm_user.get(owner)
        if person is None:
            note["why_not"] = f"owner {owner} is not on Salespeople"
            return None
        row, why = self._roster.row_of(person, case.decision.team, caps=True)
        if row is None:
            note["why_not"] = f"{person}: {why}"
            return None
        note["person"] = row.id
        return Choice(by=by, team=row.team, person=row.id, owner=row.crm_user_id)

    # --- the team's turn ---

    def _team_turn(self, first: Team, case: Case) -> Choice:
        """A turn in the team, or in the first of its fallback teams where somebody can; else its queue.

        A team that is paused has its leads wait, and those of the teams whose fallback it is.
        """
        held = Choice()
        team: Team | None = first
        asked: set[str] = set()
        while team is not None and team.name not in asked:
            asked.add(team.name)
            if pause := self._roster.pause_of(team.name):
                return Choice(reason=Reason.PAUSED, detail=pause.said, team=first.name)
            standing = self._standing(team, case)
            if standing.lineup:
                return self._turn(By.TURN if team is first else By.FALLBACK_TEAM, team, standing, case)
            case.considered.append({"what": "team", "key": team.name, "why_not": standing.said})
            if not held.reason:
                detail = f"{team.name}: {standing.said}"
                held = Choice(reason=standing.reason, detail=detail, team=first.name)
            if team.if_nobody == "queue" and team.queue_id:
                return Choice(by=By.FALLBACK_QUEUE, team=team.name, owner=team.queue_id, detail=held.detail)
            following = team.fallback_team if team.if_nobody == "team" else None
            team = self._tables.team_by_name.get(following or "")
        return held

    def _standing(self, team: Team, case: Case) -> Standing:
        """Where everybody who can has had the lead already, only whoever had it last stands back."""
        work, needs = case.work, case.decision.needs
        standing = self._roster.standing(team, needs, work.stood_back)
        lineup = standing.lineup
        if lineup is None or work.last not in work.stood_back or work.last in lineup.serves:
            return standing
        if work.last in lineup.able and len(lineup.able) > 1:
            return self._roster.standing(team, needs, frozenset({work.last}))
        return standing

    def _turn(self, by: By, team: Team, standing: Standing, case: Case) -> Choice:
        lineup, rotation = standing.lineup, self._rotation(team)
        assert lineup is not None, "somebody is able"
        lane = ledger_lane(team, case.decision.lane, rotation)
        if self._recorded:
            turn = rotation.take(lane, lineup)
            return self._taken(by, team, lane, turn, standing, case)
        booking = rotation.book(lane, lineup)
        owner = self._roster.owner_id(team.name, booking.owner)
        return Choice(by=by, team=team.name, person=booking.owner, owner=owner, booking=booking)

    def _taken(self, by: By, team: Team, lane: str, turn: Turn, standing: Standing, case: Case) -> Choice:
        """The turn that this lead took: who gets the lead is its owner, also where another pays."""
        if turn.owner != turn.payer and by is By.TURN:
            by = By.DELEGATE
        self._touched.add((team.name, lane))
        row = TurnRow(team.name, lane, turn, case.work.key, case.work.epoch, standing.skipped)
        owner = self._roster.owner_id(team.name, turn.owner)
        return Choice(by=by, team=team.name, person=turn.owner, owner=owner, turn=row)

    def _outside(self, choice: Choice, case: Case) -> Choice:
        """A lead that an override or a look-up gave: a turn too, where the person's team charges it."""
        team = self._tables.team_by_name[choice.team or ""]
        if choice.by not in _OUTSIDE or team.owner_override == "free" or not choice.person:
            return choice
        here = team.name == case.decision.team  # what the rules ask for is asked of the team that they chose
        standing = self._roster.standing(team, case.decision.needs if here else {}, case.work.stood_back)
        rotation, weight = self._rotation(team), self._roster.weight(team.name, choice.person)
        lane = ledger_lane(team, case.decision.lane if here else "", rotation)
        turn = rotation.charge(lane, standing.lineup, choice.person, weight, "override")
        if not self._recorded:
            return replace(choice, booking=turn.booking(lane))
        return self._taken(By(choice.by), team, lane, turn, standing, case)

    def _rotation(self, team: Team) -> Rotation:
        if team.name not in self._rotations:
            lanes = {lane: led for (name, lane), led in self._inputs.ledgers.items() if name == team.name}
            self._rotations[team.name] = Rotation(lanes, limit=team.limit)
        return self._rotations[team.name]

    # --- what was decided ---

    def _remember(self, case: Case, owner: str, choice: Choice) -> None:
        """Count towards caps, and let a later lead with the same e-mail find this one."""
        if choice.person and choice.team:
            self._roster.count(choice.team, choice.person)
        if case.email:
            match = Match("Lead", case.work.key.source_id, owner, self._inputs.now)
            self._given_here.setdefault(case.email, []).append(match)


def roster_of(inputs: Inputs) -> Roster:
    by_team: dict[str, list[tuple[str, str, datetime]]] = defaultdict(list)
    for one in inputs.given:
        by_team[one[0]].append(one)
    taken = {t.name: counts_under_caps(t, by_team[t.name], inputs.now) for t in inputs.tables.teams}
    unusable = unusable_people(inputs.tables, inputs.lookups.users)
    return Roster(inputs.tables, taken, inputs.now, unusable, inputs.pauses)


def _in_force(overrides: Iterable[OwnerOverride]) -> dict[str, OwnerOverride]:
    """By Account ID, or by company domain as e-mail addresses give it; of two with one key the first."""
    found: dict[str, OwnerOverride] = {}
    for override in overrides:
        key = override.key
        found.setdefault(key if is_account_id(key) else domain(key) or fold(key), override)
    return found


def _records(matches: Iterable[Match]) -> list[str]:
    """A few of the records, by object and id, each once."""
    named = sorted({f"{m.object} {m.id}" for m in matches})
    more = len(named) - _RECORDS
    return [*named[:_RECORDS], *([f"{more} more"] if more > 0 else [])]
