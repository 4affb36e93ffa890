"""One lead's owner, in the order of precedence: Then Hold, Then Owner, overrides, same e-mail, known account,
the team's turn."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from allocator.domain.days import basis_with, day_basis, today, unusable_people
from allocator.domain.decision import Assigned, Inputs, TurnRow, Work
from allocator.domain.facts import company_of, email_of, facts_of
from allocator.domain.lead import By, Match, Reason, State
from allocator.domain.roster import Roster, Standing
from allocator.domain.shown import Tracer, clip
from rules.fold import fold
from rules.freemail import domain
from rules.layers import decide
from rules.model import Decision, OwnerOverride, RoutingTables, Team
from rules.rotation import Ledger, Rotation

_ACCOUNT_ID = re.compile(r"001[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?")
_RECORDS = 5
"""Records of a look-up that a trace names."""


def setting(tables: RoutingTables, name: str, default: str) -> str:
    return tables.settings.get(name) or default


def is_account_id(key: str) -> bool:
    return _ACCOUNT_ID.fullmatch(key) is not None


@dataclass(frozen=True, slots=True)
class _Choice:
    """An owner for the lead, or why there is none (`reason`)."""

    by: str | None = None
    team: str | None = None
    person: str | None = None
    owner: str | None = None
    turn: TurnRow | None = None
    reason: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Case:
    """One lead on its way: what the rules say, and what was considered so far."""

    work: Work
    decision: Decision
    email: str | None
    considered: list[dict[str, Any]]


class Planner:
    """One run's plan in the making: the ledgers, the counts under caps, and the owners given so far."""

    def __init__(self, inputs: Inputs) -> None:
        self._inputs, self._tables = inputs, inputs.tables
        self._on = today(self._tables.time_zone, inputs.now)
        self._roster = Roster(
            self._tables, inputs.given, inputs.now, unusable_people(self._tables, inputs.lookups.users)
        )
        self._day = day_basis(self._tables, inputs.now, inputs.lookups)
        self._same_email = setting(self._tables, "same e-mail", "owner")
        self._accounts = setting(self._tables, "known account", "ignore") == "owner"
        self._overrides = _in_force(o for o in self._tables.overrides if not o.until or self._on <= o.until)
        self._rotations: dict[str, Rotation] = {}
        self._tracer = Tracer()
        self._touched: set[tuple[str, str]] = set()
        self._given_here: dict[str, list[Match]] = {}

    def changed_ledgers(self) -> dict[tuple[str, str], Ledger]:
        return {(team, lane): self._rotations[team].ledger(lane) for team, lane in sorted(self._touched)}

    def decide(self, work: Work) -> Assigned:
        record = work.record
        if record.unreadable:
            return self._finish(work, _Choice(reason=Reason.UNREADABLE, detail=record.unreadable), None, [])
        decision = decide(self._tables, facts_of(record, self._inputs.fact_fields), on=self._on)
        case = _Case(work, decision, email_of(record), [])
        choice = self._choose(case)
        if choice.owner:
            self._remember(case, choice.owner, choice)
        return self._finish(work, choice, decision, case.considered)

    def _choose(self, case: _Case) -> _Choice:
        decision = case.decision
        if decision.reason == Reason.RULE_HOLD:
            return _Choice(reason=decision.reason, detail=decision.detail)
        if decision.owner:
            return self._rule_owner(decision.owner)
        standby: tuple[_Choice, dict[str, Any]] | None = None
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

    def _by_team(self, case: _Case) -> _Choice:
        decision = case.decision
        if decision.team is None:
            return _Choice(reason=decision.reason, detail=decision.detail)
        return self._team_turn(self._tables.team_by_name[decision.team], case)

    # --- owners that are no turn ---

    def _rule_owner(self, person: str) -> _Choice:
        row, why = self._roster.row_of(person, None, caps=False)
        if row is None:
            return _Choice(reason=Reason.NOBODY_AVAILABLE, detail=f"{person} is named by the rule: {why}")
        return _Choice(by=By.RULE_OWNER, team=row.team, person=row.id, owner=row.crm_user_id)

    def _override(self, case: _Case) -> _Choice | None:
        found = self._override_for(case)
        if found is None:
            return None
        note = {"what": "override", "key": found.key, "person": found.person, "cell": found.cell}
        case.considered.append(note)
        row, why = self._roster.row_of(found.person, case.decision.team, caps=False)
        if row is None:
            note["why_not"] = f"{found.person}: {why}"
            return None
        return _Choice(by=By.OVERRIDE, team=row.team, person=row.id, owner=row.crm_user_id)

    def _override_for(self, case: _Case) -> OwnerOverride | None:
        company = company_of(case.email or "") if self._overrides else None
        if company is None:
            return None
        ids = sorted(m.id for m in self._inputs.lookups.accounts.get(company, ()))
        return next((o for key in (company, *ids) if (o := self._overrides.get(key))), None)

    def _person_match(self, case: _Case) -> _Choice | None:
        if self._same_email == "ignore" or not case.email:
            return None
        looked_up = self._inputs.lookups.people.get(case.email, ())
        here = self._given_here.get(case.email, ())
        matches = [m for m in (*looked_up, *here) if self._is_owned(m, case.work)]
        if not matches:
            return None
        if self._same_email == "hold":
            said = f"same e-mail as {', '.join(_records(matches))}"
            return _Choice(reason=Reason.DUPLICATE_PERSON, detail=said)
        return self._sole_owner(By.PERSON_MATCH, matches, case)

    def _is_owned(self, match: Match, work: Work) -> bool:
        return match.id != work.key.source_id and match.owner not in self._inputs.lookups.intake

    def _account(self, case: _Case) -> _Choice | None:
        company = company_of(case.email or "") if self._accounts else None
        matches = self._inputs.lookups.accounts.get(company, ()) if company else ()
        return self._sole_owner(By.ACCOUNT, matches, case) if matches else None

    def _sole_owner(self, by: By, matches: Sequence[Match], case: _Case) -> _Choice | None:
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
        return _Choice(by=by, team=row.team, person=row.id, owner=row.crm_user_id)

    # --- the team's turn ---

    def _team_turn(self, first: Team, case: _Case) -> _Choice:
        """A turn in the team, or in the first of its fallback teams where somebody can; else its queue."""
        held = _Choice()
        team: Team | None = first
        asked: set[str] = set()
        while team is not None and team.name not in asked:
            asked.add(team.name)
            standing = self._roster.standing(team, case.decision.needs, case.work.stood_back)
            if standing.able:
                return self._turn(By.TURN if team is first else By.FALLBACK_TEAM, team, standing, case)
            case.considered.append({"what": "team", "key": team.name, "why_not": standing.said})
            if not held.reason:
                detail = f"{team.name}: {standing.said}"
                held = _Choice(reason=standing.reason, detail=detail, team=first.name)
            if team.if_nobody == "queue" and team.queue_id:
                return _Choice(by=By.FALLBACK_QUEUE, team=team.name, owner=team.queue_id, detail=held.detail)
            following = team.fallback_team if team.if_nobody == "team" else None
            team = self._tables.team_by_name.get(following or "")
        return held

    def _turn(self, by: By, team: Team, standing: Standing, case: _Case) -> _Choice:
        lane, work = case.decision.lane, case.work
        turn = self._rotation(team.name).take(lane, standing.able)
        self._touched.add((team.name, lane))
        row = TurnRow(team.name, lane, turn, work.key, work.epoch, standing.skipped)
        owner = self._roster.owner_id(team.name, turn.owner)
        return _Choice(by=by, team=team.name, person=turn.owner, owner=owner, turn=row)

    def _rotation(self, team: str) -> Rotation:
        if team not in self._rotations:
            lanes = {lane: led for (name, lane), led in self._inputs.ledgers.items() if name == team}
            self._rotations[team] = Rotation(lanes)
        return self._rotations[team]

    # --- what was decided ---

    def _remember(self, case: _Case, owner: str, choice: _Choice) -> None:
        """Count towards caps, and let a later lead with the same e-mail find this one."""
        if choice.person and choice.team:
            self._roster.count(choice.team, choice.person)
        if case.email:
            match = Match("Lead", case.work.key.source_id, owner, self._inputs.now)
            self._given_here.setdefault(case.email, []).append(match)

    def _finish(
        self, work: Work, choice: _Choice, decision: Decision | None, considered: list[dict[str, Any]]
    ) -> Assigned:
        return Assigned(
            key=work.key,
            epoch=work.epoch,
            state=State.DECIDED if choice.owner else State.HELD,
            reason=str(choice.reason) if choice.reason else None,
            detail=clip(choice.detail),
            by=str(choice.by) if choice.by else None,
            team=choice.team,
            lane=decision.lane if decision else "",
            person=choice.person,
            owner=choice.owner,
            turn=choice.turn,
            basis=basis_with(self._day, work.record),
            trace=self._tracer.trace(decision, considered),
        )


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
