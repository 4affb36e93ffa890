"""The functional core of a run: leads, tables, ledgers and look-ups in; decisions, turns and holds out.

Nothing here reads a clock, a store or a CRM. The same inputs give the same plan, byte for byte, which is why
the dry run and the real run cannot differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from allocator.domain.facts import FactFields, email_of, facts_of
from allocator.domain.lead import By, CrmUser, LeadKey, Match, Reason, Record, State
from rules.fold import fold
from rules.freemail import company_domain
from rules.layers import decide
from rules.model import Decision, FactValue, OwnerOverride, RoutingTables, Salesperson, Team, Unmapped
from rules.rotation import Ledger, Rotation, Skipped, Taken, Turn, eligible, why_empty


@dataclass(frozen=True, slots=True)
class Work:
    """A lead that this run decides: its next epoch, whether it was held, and who returned it last."""

    record: Record
    epoch: int
    held: bool = False
    last_person: str | None = None

    @property
    def key(self) -> LeadKey:
        return self.record.key


@dataclass(frozen=True, slots=True)
class Lookups:
    """What the CRM knows that decisions need. `people` by folded e-mail, `accounts` by company domain."""

    users: Mapping[str, CrmUser] = field(default_factory=dict)
    people: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)
    accounts: Mapping[str, tuple[Match, ...]] = field(default_factory=dict)
    intake: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that a plan depends on. `given` lists (team, Person ID, decided at) of this week's leads."""

    tables: RoutingTables
    work: Sequence[Work]
    now: datetime
    fact_fields: FactFields
    ledgers: Mapping[tuple[str, str], Ledger] = field(default_factory=dict)
    given: Sequence[tuple[str, str, datetime]] = ()
    lookups: Lookups = field(default_factory=Lookups)


@dataclass(frozen=True, slots=True)
class TurnRow:
    """A turn with its place, its lead, and why everybody else in the team was out."""

    team: str
    lane: str
    turn: Turn
    key: LeadKey
    epoch: int
    skipped: tuple[Skipped, ...] = ()


@dataclass(frozen=True, slots=True)
class Assigned:
    """The decision on one lead for one epoch: given to `owner` (state decided), or held with a reason.

    `person` is a Person ID, `owner` the CRM's owner id; a queue has no person. `trace` is JSON-ready: facts,
    steps, and what was considered on the way.
    """

    key: LeadKey
    epoch: int
    state: State
    reason: str | None
    detail: str
    by: str | None
    team: str | None
    lane: str
    person: str | None
    owner: str | None
    turn: TurnRow | None
    basis: str
    trace: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything one run decides, ready to be committed in one transaction. `ledgers`: those that changed."""

    decided: tuple[Assigned, ...]
    ledgers: Mapping[tuple[str, str], Ledger]

    @property
    def turns(self) -> tuple[TurnRow, ...]:
        return tuple(d.turn for d in self.decided if d.turn is not None)


def plan(inputs: Inputs) -> Plan:
    """Decide each lead in the one total order: held ones first, oldest first, then (created, id)."""
    planner = _Planner(inputs)
    ordered = sorted(inputs.work, key=lambda w: (not w.held, w.record.created, w.key))
    decided = tuple(planner.decide(work) for work in ordered)
    return Plan(decided=decided, ledgers=planner.changed_ledgers())


def needed_emails(inputs: Inputs) -> frozenset[str]:
    """Folded e-mails to look up; none when the workbook ignores them."""
    if _setting(inputs.tables, "same e-mail", "owner") == "ignore":
        return frozenset()
    return frozenset(e for w in inputs.work if (e := email_of(w.record)))


def needed_domains(inputs: Inputs) -> frozenset[str]:
    """Company domains to look up; none unless accounts or Account IDs decide."""
    accounts = _setting(inputs.tables, "known account", "ignore") == "owner"
    if not accounts and not any(_is_account_id(o.key) for o in inputs.tables.overrides):
        return frozenset()
    return frozenset(d for w in inputs.work if (d := company_domain(email_of(w.record) or "")))


def basis_of(record: Record, tables: RoutingTables, now: datetime, lookups: Lookups) -> str:
    """What a hold depends on: while this is unchanged, deciding again would say the same.

    The tables' version, the record's stamp, today in each team's time zone, and who is unusable in the CRM.
    """
    return f"{_day_basis(tables, now, lookups)}:{record.stamp.timestamp():.0f}"


def _day_basis(tables: RoutingTables, now: datetime, lookups: Lookups) -> str:
    zones = {tables.time_zone, *(t.time_zone for t in tables.teams)}
    days = [f"{z}={now.astimezone(ZoneInfo(z)).date()}" for z in sorted(zones)]
    parts = [tables.version, *days, *sorted(unusable_people(tables, lookups.users))]
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def unusable_people(tables: RoutingTables, users: Mapping[str, CrmUser]) -> dict[str, str]:
    """Person ID -> why the CRM would refuse them as an owner."""
    found = {}
    for crm_user, person in tables.person_by_crm_user.items():
        user = users.get(crm_user)
        if user is None:
            found[person] = "crm_unknown"
        elif not user.active:
            found[person] = "crm_inactive"
    return found


def week_start(tables: RoutingTables, now: datetime) -> datetime:
    """The earliest Monday 00:00 over all teams' time zones: how far back caps have to count."""
    zones = {"UTC", tables.time_zone, *(t.time_zone for t in tables.teams)}
    return min(_midnight(_monday(_today(z, now)), z) for z in zones)


def _today(zone: str, now: datetime) -> date:
    return now.astimezone(ZoneInfo(zone)).date()


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))


def _setting(tables: RoutingTables, name: str, default: str) -> str:
    return tables.settings.get(name, default) or default


def _is_account_id(key: str) -> bool:
    return key.startswith("001") and len(key) in (15, 18)


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


class _Planner:
    """One run's plan in the making: the ledgers, the counts under caps, and the owners given so far."""

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.tables = inputs.tables
        self.now = inputs.now
        self.on = _today(self.tables.time_zone, inputs.now)
        self.unusable = unusable_people(self.tables, inputs.lookups.users) if inputs.lookups.users else {}
        self.taken = {t.name: counts_under_caps(t, inputs.given, inputs.now) for t in self.tables.teams}
        self.rotations: dict[str, Rotation] = {}
        self.touched: set[tuple[str, str]] = set()
        self.given_here: dict[str, list[Match]] = {}
        self.day_basis = _day_basis(self.tables, self.now, inputs.lookups)
        self.overrides = {_override_key(o): o for o in self.tables.overrides}

    def changed_ledgers(self) -> dict[tuple[str, str], Ledger]:
        return {(team, lane): self.rotations[team].ledger(lane) for team, lane in sorted(self.touched)}

    def decide(self, work: Work) -> Assigned:
        record = work.record
        if record.unreadable:
            return self._finish(work, _Choice(reason=Reason.UNREADABLE, detail=record.unreadable), None, [])
        raw = facts_of(record, self.inputs.fact_fields)
        decision = decide(self.tables, raw, on=self.on)
        considered: list[dict[str, Any]] = []
        choice = self._choose(work, decision, considered)
        if choice.owner:
            self._remember(record, choice)
        return self._finish(work, choice, decision, considered)

    def _choose(self, work: Work, decision: Decision, considered: list[dict[str, Any]]) -> _Choice:
        """Design: Then Hold; Then Owner; overrides; same e-mail; known account; the team's turn."""
        if decision.reason == Reason.RULE_HOLD:
            return _Choice(reason=decision.reason, detail=decision.detail)
        if decision.owner:
            return self._rule_owner(decision.owner, decision)
        for look in (self._override, self._person_match, self._account):
            choice = look(work, decision, considered)
            if choice is not None:
                return choice
        if decision.team is None:
            return _Choice(reason=decision.reason, detail=decision.detail)
        return self._team_turn(work, decision)

    def _rule_owner(self, person_id: str, decision: Decision) -> _Choice:
        row, why = self._present(person_id, decision.team, caps=False)
        if row is None:
            return _Choice(reason=Reason.NOBODY_AVAILABLE, detail=f"{person_id} is named by the rule: {why}")
        return _Choice(by=By.RULE_OWNER, team=row.team, person=row.id, owner=row.crm_user_id)

    def _override(self, work: Work, decision: Decision, considered: list[dict[str, Any]]) -> _Choice | None:
        found = self._override_for(work.record)
        if found is None:
            return None
        row, why = self._present(found.person, decision.team, caps=False)
        if row is None:
            considered.append({"what": "override", "key": found.key, "person": found.person, "why_not": why})
            return None
        considered.append({"what": "override", "key": found.key, "person": row.id, "cell": found.cell})
        return _Choice(by=By.OVERRIDE, team=row.team, person=row.id, owner=row.crm_user_id)

    def _override_for(self, record: Record) -> OwnerOverride | None:
        domain = company_domain(email_of(record) or "")
        keys = [domain, *(m.id for m in self.inputs.lookups.accounts.get(domain or "", ()))]
        for key in keys:
            found = self.overrides.get(key) if key else None
            if found and (found.until is None or self.on <= found.until):
                return found
        return None

    def _person_match(
        self, work: Work, decision: Decision, considered: list[dict[str, Any]]
    ) -> _Choice | None:
        setting = _setting(self.tables, "same e-mail", "owner")
        email = email_of(work.record)
        if setting == "ignore" or not email:
            return None
        looked_up = self.inputs.lookups.people.get(email, ())
        matches = [m for m in (*looked_up, *self.given_here.get(email, ())) if self._counts_as_owned(m, work)]
        if not matches:
            return None
        if setting == "hold":
            found = ", ".join(sorted({f"{m.object} {m.id}" for m in matches}))
            return _Choice(reason=Reason.DUPLICATE_PERSON, detail=f"same e-mail as {found}")
        return self._sole_owner(By.PERSON_MATCH, matches, work, decision, considered)

    def _counts_as_owned(self, match: Match, work: Work) -> bool:
        return match.id != work.key.source_id and match.owner not in self.inputs.lookups.intake

    def _account(self, work: Work, decision: Decision, considered: list[dict[str, Any]]) -> _Choice | None:
        if _setting(self.tables, "known account", "ignore") != "owner":
            return None
        domain = company_domain(email_of(work.record) or "")
        matches = self.inputs.lookups.accounts.get(domain or "", ())
        return self._sole_owner(By.ACCOUNT, matches, work, decision, considered) if matches else None

    def _sole_owner(
        self,
        by: By,
        matches: Sequence[Match],
        work: Work,
        decision: Decision,
        considered: list[dict[str, Any]],
    ) -> _Choice | None:
        """A look-up counts only if it leads to exactly one owner who can take the lead today."""
        owners = sorted({m.owner for m in matches})
        note: dict[str, Any] = {
            "what": str(by),
            "records": [f"{m.object} {m.id}" for m in matches[:5]],
            "seen": max(m.seen for m in matches).isoformat(),
        }
        considered.append(note)
        if len(owners) > 1:
            note["why_not"] = f"{len(owners)} different owners"
            return None
        person = self.tables.person_by_crm_user.get(owners[0])
        if person is None:
            note["why_not"] = f"owner {owners[0]} is not on Salespeople"
            return None
        if person == work.last_person:
            note["why_not"] = f"{person} returned this lead"
            return None
        row, why = self._present(person, decision.team, caps=True)
        if row is None:
            note["why_not"] = f"{person}: {why}"
            return None
        note["person"] = row.id
        return _Choice(by=by, team=row.team, person=row.id, owner=row.crm_user_id)

    def _present(self, person_id: str, team: str | None, *, caps: bool) -> tuple[Salesperson | None, str]:
        """The row under which this person can take a lead now, the decided team's first; or why not."""
        rows = self.tables.people_by_id.get(person_id, ())
        why = "not on Salespeople"
        for row in sorted(rows, key=lambda r: r.team != team):
            home = self.tables.team_by_name[row.team]
            alone = Team(name=home.name, time_zone=home.time_zone, people=(row,))
            taken = self.taken[row.team] if caps else {}
            able, skipped = eligible(alone, {}, self.now, taken, unusable=self.unusable)
            if able:
                return row, ""
            why = ", ".join(str(s.why) + (f" until {s.until}" if s.until else "") for s in skipped)
        return None, why

    def _team_turn(self, work: Work, decision: Decision) -> _Choice:
        first = self.tables.team_by_name[decision.team or ""]
        team: Team | None = first
        reason, detail = "", ""
        while team is not None:
            choice, why, said = self._turn_in(team, work, decision)
            if choice is not None:
                return choice if team is first else _as_fallback(choice)
            if not reason:
                reason, detail = why, said
            if team.if_nobody == "queue":
                return _Choice(by=By.FALLBACK_QUEUE, team=team.name, owner=team.queue_id, detail=detail)
            team = (
                self.tables.team_by_name.get(team.fallback_team or "") if team.if_nobody == "team" else None
            )
        return _Choice(reason=reason, detail=detail, team=first.name)

    def _turn_in(self, team: Team, work: Work, decision: Decision) -> tuple[_Choice | None, str, str]:
        not_first = frozenset({work.last_person}) if work.last_person else frozenset()
        able, skipped = eligible(
            team, decision.needs, self.now, self.taken[team.name], unusable=self.unusable, not_first=not_first
        )
        if not able:
            return None, str(why_empty(skipped)), _said(team, skipped)
        turn = self._rotation(team.name).take(decision.lane, able)
        self.touched.add((team.name, decision.lane))
        row = TurnRow(team.name, decision.lane, turn, work.key, work.epoch, skipped)
        owner = next(p.crm_user_id for p in team.people if p.id == turn.owner)
        return _Choice(by=By.TURN, team=team.name, person=turn.owner, owner=owner, turn=row), "", ""

    def _rotation(self, team: str) -> Rotation:
        if team not in self.rotations:
            lanes = {lane: led for (name, lane), led in self.inputs.ledgers.items() if name == team}
            self.rotations[team] = Rotation(lanes)
        return self.rotations[team]

    def _remember(self, record: Record, choice: _Choice) -> None:
        """Count towards caps, and let a later lead with the same e-mail find this one."""
        if choice.person and choice.team:
            counts = self.taken[choice.team]
            before = counts.get(choice.person, Taken(0, 0))
            counts[choice.person] = Taken(before.day + 1, before.week + 1)
        email = email_of(record)
        if email and choice.owner and choice.person:
            match = Match("Lead", record.key.source_id, choice.owner, self.now)
            self.given_here.setdefault(email, []).append(match)

    def _finish(
        self, work: Work, choice: _Choice, decision: Decision | None, considered: list[dict[str, Any]]
    ) -> Assigned:
        return Assigned(
            key=work.key,
            epoch=work.epoch,
            state=State.DECIDED if choice.owner else State.HELD,
            reason=str(choice.reason) if choice.reason else None,
            detail=choice.detail,
            by=str(choice.by) if choice.by else None,
            team=choice.team,
            lane=decision.lane if decision else "",
            person=choice.person,
            owner=choice.owner,
            turn=choice.turn,
            basis=f"{self.day_basis}:{work.record.stamp.timestamp():.0f}",
            trace=_trace(decision, considered),
        )


def _as_fallback(choice: _Choice) -> _Choice:
    return _Choice(By.FALLBACK_TEAM, choice.team, choice.person, choice.owner, choice.turn)


def _override_key(override: OwnerOverride) -> str:
    return override.key if _is_account_id(override.key) else fold(override.key)


def _said(team: Team, skipped: Iterable[Skipped]) -> str:
    """Why nobody in the team can, in one line: "Enterprise: 2 absent, 1 daily_cap"."""
    whys = sorted(str(s.why) for s in skipped)
    counted = ", ".join(f"{len(list(group))} {why}" for why, group in groupby(whys))
    return f"{team.name}: {counted}" if counted else f"{team.name}: nobody"


def counts_under_caps(
    team: Team, given: Iterable[tuple[str, str, datetime]], now: datetime
) -> dict[str, Taken]:
    """Leads given to each person in the team's own day and week, by the team's clock on the wall."""
    today = _today(team.time_zone, now)
    monday = _monday(today)
    counts: dict[str, Taken] = {}
    for name, person, at in given:
        if name != team.name:
            continue
        day = _today(team.time_zone, at)
        if day < monday or day > today:
            continue
        before = counts.get(person, Taken(0, 0))
        counts[person] = Taken(before.day + (day == today), before.week + 1)
    return counts


def _trace(decision: Decision | None, considered: list[dict[str, Any]]) -> dict[str, Any]:
    if decision is None:
        return {"facts": {}, "steps": [], "needs": {}, "considered": considered}
    return {
        "facts": {k: show_fact(v) for k, v in decision.facts.items() if v is not None},
        "steps": [
            {
                "layer": s.layer,
                "sheet": s.sheet,
                "row": s.row,
                "rule_id": s.rule_id,
                "cell": s.cell,
                "sets": dict(s.sets),
            }
            for s in decision.steps
        ],
        "needs": {k: v if isinstance(v, str) else list(v) for k, v in decision.needs.items()},
        "considered": considered,
    }


def show_fact(value: FactValue) -> str:
    """A fact as people read it; what is unmapped says so."""
    if isinstance(value, Unmapped):
        return f"(unmapped) {value.raw}"
    return "" if value is None else str(value)
