"""Past runs decided and shared out again under given tables: what each lead's owner would have been.

Each run goes through the same choices as a real one (domain.choose), at its own instant, with the ledger as
it stood before the first of them. What happened to leads between runs happens to the same leads again: one
that a person took out of intake is gone, one that came back waits, one whose owner the CRM refused is held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from allocator.domain.books import Books
from allocator.domain.choose import Choice, Chooser
from allocator.domain.days import day_basis, unusable_people
from allocator.domain.decision import Inputs, Lookups, Work
from allocator.domain.lead import CrmUser, LeadKey, Reason, State
from allocator.domain.matches import CrmAnswers
from allocator.domain.past import Past, PastDecision, PastRefund, PastRun
from allocator.domain.plan import in_order
from allocator.domain.roster import Roster
from allocator.domain.walked import Walked
from rules.model import Decision, RoutingTables, Salesperson, Team

ALWAYS_AGAIN = frozenset({Reason.OWNER_REFUSED, Reason.CONTESTED, Reason.LOCKED, Reason.PAUSED})
"""Holds whose reason can have gone without a trace in tables, record, day or users."""

_OF_ITS_OWNER = frozenset({Reason.OWNER_REFUSED, Reason.PAUSED})
"""Ends of a delivery that another owner would not have had."""

_GONE = frozenset({State.TAKEN, State.CLOSED})
UNDONE = "undone"
"""How a decision ended whose run was undone: as if it had never been."""


@dataclass(slots=True)
class Fate:
    """Where a lead stands in a replay: given (confirmed), held, or taken or closed by somebody's hand."""

    told: PastDecision
    """The record that it was decided on last."""
    run: PastRun
    """The run that decided it last."""
    entered: int
    """The run that decided it first."""
    state: State
    choice: Choice
    decision: Decision | None
    basis: str
    back: frozenset[str]
    """Who had it before and gave it back, and whom the CRM refused as its owner."""
    last_person: str | None = None
    taker: str | None = None
    tried: bool = False
    """Whether the replay decided it at all."""

    @property
    def decided(self) -> int:
        return self.run.run

    @property
    def owner(self) -> str | None:
        """Its owner in the CRM; None while it is in intake, or is no open lead any more."""
        if self.state is State.CONFIRMED:
            return self.choice.owner
        return self.taker if self.state is State.TAKEN else None


Read = Callable[[str], RoutingTables | None]
"""The tables of an accepted version by its sha256."""


class Replay:
    """One replay under one version of the tables; `fates` are where its leads stand in the end."""

    def __init__(self, past: Past, tables: RoutingTables, walked: Walked, read: Read) -> None:
        self._past, self._walked = past, walked
        self._then = Then(tables, read)
        self._books = Books(past, tables)
        self._answers = CrmAnswers({run.run: run.asked for run in past.runs})
        self.fates: dict[LeadKey, Fate] = {}
        self.used: dict[int, Decision] = {}
        """Every decision of the rules that came to pass, by identity."""
        self._held: dict[LeadKey, Fate] = {}
        for one in past.held:
            self._was_held(one)

    def go(self) -> Replay:
        """Through all runs, oldest first."""
        ended, refunds = _ended(self._past), _by_run(self._past.refunds)
        for run in self._past.runs:
            for number in sorted(n for n in refunds if n <= run.run):  # an undo is no run of these
                for refund in refunds.pop(number):
                    self._books.undo(refund)
            for one in ended.get((run.run, False), ()):
                self._end(one)
            given = self._run(run)
            for one in ended.get((run.run, True), ()):
                self._end(one)
            self._refuse(run, given)
        return self

    def email(self, fate: Fate) -> str | None:
        """The lead's e-mail, as look-ups compare it."""
        return self._walked.email(fate.told)

    def _was_held(self, one: PastDecision) -> None:
        first = self._past.runs[0]
        choice = Choice(reason=one.reason)
        refused = {one.person} if one.person and one.reason == Reason.OWNER_REFUSED else set()
        fate = Fate(one, first, one.run, State.HELD, choice, None, one.basis, one.back | refused)
        fate.last_person = next(iter(fate.back), None)
        self.fates[one.key] = self._held[one.key] = fate
        self._answers.enter(one.key, self._walked.email(one))

    # --- one run ---

    def _run(self, run: PastRun) -> list[Fate]:
        """Decide what this run would have decided. Returns the leads that it gave to somebody."""
        tables = self._then.tables(run)
        lookups = Lookups(users=self._then.users(run), intake=run.intake)
        day = day_basis(tables, run.now, lookups, run.pauses)
        queue = self._queue(run, day)
        leads = [(one, self._walked.email(one)) for one, _ in queue]
        people, accounts = self._answers.of(run, leads, self.fates)
        lookups = replace(lookups, people=people, accounts=accounts)
        taken = {t.name: self._books.taken(t.name, run.now) for t in tables.teams}
        chooser = Chooser(
            Inputs(tables, (), run.now, {}, lookups=lookups),
            roster=Roster(tables, taken, run.now, unusable_people(tables, lookups.users), run.pauses),
            rotations=self._books.rotations,
        )
        told = {one.key: one for one, _ in queue}
        given = [
            fate
            for work in in_order([work for _, work in queue])
            if (fate := self._decide(chooser, run, told[work.key], work, day)).state is State.CONFIRMED
        ]
        self._answers.note(run.decisions)
        return given

    def _queue(self, run: PastRun, day: str) -> list[tuple[PastDecision, Work]]:
        """Leads that are new or came back, and held ones whose reason can have gone."""
        queue: list[tuple[PastDecision, Work]] = []
        again: set[LeadKey] = set()
        for one in run.decisions:
            fate = self.fates.get(one.key)
            if fate is None:
                first = Work(one.record, one.epoch, one.held, one.back, last=one.last, hops=one.hops)
                queue.append((one, first))
            elif fate.state is State.HELD:
                if one.version == fate.told.version:
                    again.add(one.key)  # somebody asked for it, or it is due by itself
                fate.told = one
            elif one.epoch > 1 and not one.held:
                queue.append((one, self._came_back(fate, one, run)))
        queue.extend((f.told, _again(f)) for f in self._due(day, again))
        return queue

    def _goes_back(self, fate: Fate, run: PastRun) -> bool:
        team = self._then.tables(run).team_by_name.get(fate.choice.team or "")
        refund = team is not None and team.reject == "refund"
        return fate.told.ended == UNDONE or (bool(fate.told.ended) and refund)

    def _came_back(self, fate: Fate, one: PastDecision, run: PastRun) -> Work:
        """A lead that is in intake again: returned, rejected or undone. Its turn goes back if it did."""
        if fate.state is State.CONFIRMED and self._goes_back(fate, run):
            self._give_back(fate)
        last = fate.choice.person
        if fate.taker:
            last = self._then.tables(fate.run).person_by_crm_user.get(fate.taker)
        if fate.told.ended == UNDONE:
            last = fate.last_person
        return Work(one.record, one.epoch, stood_back=_returned(fate), last=last, hops=one.hops)

    def _due(self, day: str, again: set[LeadKey]) -> list[Fate]:
        return [fate for key, fate in self._held.items() if key in again or _is_due(fate, day)]

    def _decide(self, chooser: Chooser, run: PastRun, one: PastDecision, work: Work, day: str) -> Fate:
        decision, choice = None, Choice(reason=Reason.UNREADABLE)
        if not one.unreadable:
            decision = self._walked.decision(one, chooser.on)
            self.used[id(decision)] = decision
            choice = chooser.choose(chooser.case(work, decision, self._walked.email(one)))
        state = State.CONFIRMED if choice.owner else State.HELD
        basis = f"{day}:{one.second}"
        fate = self.fates.get(one.key)
        if fate is None:
            fate = Fate(one, run, run.run, state, choice, decision, basis, work.stood_back)
            fate.last_person = next(iter(work.stood_back), None)
            self.fates[one.key] = fate
            self._answers.enter(one.key, self._walked.email(one))
        else:
            _decided_again(fate, one, run, state, choice, decision, basis)
        fate.tried = True
        self._keep(fate)
        return fate

    def _keep(self, fate: Fate) -> None:
        """Note in the books what was given, and among the held what was not."""
        choice = fate.choice
        if fate.state is State.HELD:
            self._held[fate.told.key] = fate
            return
        self._held.pop(fate.told.key, None)
        if choice.team and choice.person:
            self._books.give(choice.team, choice.person, fate.run.now, choice.booking)

    # --- what became of it ---

    def _refuse(self, run: PastRun, given: Iterable[Fate]) -> None:
        """The CRM refused these owners in this run, for every lead alike."""
        refused = {
            d.owner
            for d in run.decisions
            if d.reason == Reason.OWNER_REFUSED and d.state == State.HELD and d.settled_run == run.run
        }
        for fate in given if refused else ():
            if fate.state is State.CONFIRMED and fate.choice.owner in refused:
                self._hold(fate, Reason.OWNER_REFUSED)

    def _end(self, one: PastDecision) -> None:
        """How a decision ended, for a lead that was on its way to an owner by it, or that waits in intake."""
        fate = self.fates.get(one.key)
        if fate is None:
            return
        on_its_way = one.owner is not None and fate.run.run == one.run
        just_given = fate.state is State.CONFIRMED and on_its_way
        if State(one.state) in _GONE:
            if just_given or fate.state is State.HELD:
                self._leave(fate, one)
            return
        same_owner = one.reason not in _OF_ITS_OWNER or one.owner == fate.choice.owner
        if just_given and one.state == State.HELD and same_owner:
            self._hold(fate, Reason(one.reason or Reason.CONTESTED))

    def _hold(self, fate: Fate, reason: Reason) -> None:
        self._give_back(fate)
        person = fate.choice.person
        if reason is Reason.OWNER_REFUSED and person:
            fate.back, fate.last_person = fate.back | {person}, person
        fate.state, fate.choice = State.HELD, Choice(team=fate.choice.team, person=person, reason=reason)
        self._held[fate.told.key] = fate

    def _leave(self, fate: Fate, one: PastDecision) -> None:
        if fate.state is State.CONFIRMED:
            self._give_back(fate)
        self._held.pop(one.key, None)
        fate.state = State(one.state)
        if fate.state is State.TAKEN:
            fate.taker = one.detail
            taker = self._then.tables(fate.run).person_by_crm_user.get(one.detail)
            fate.back |= {taker} if taker else set()

    def _give_back(self, fate: Fate) -> None:
        choice = fate.choice
        if choice.team and choice.person:
            self._books.give_back(choice.team, choice.person, fate.run.now, choice.booking)


# --- one lead -----------------------------------------------------------------------------------------------


def _returned(fate: Fate) -> frozenset[str]:
    """Who stands back when a lead that had left intake is there again."""
    person = fate.choice.person if fate.state is State.CONFIRMED and fate.told.ended != UNDONE else None
    return fate.back | {person} if person else fate.back


def _again(fate: Fate) -> Work:
    """A held lead that is decided again."""
    back = fate.back if fate.last_person else frozenset()
    told, last = fate.told, fate.last_person
    return Work(told.record, told.epoch, held=True, stood_back=back, last=last, hops=told.hops)


def _is_due(fate: Fate, day: str) -> bool:
    readable_now = fate.choice.reason == Reason.UNREADABLE and not fate.told.unreadable
    if readable_now or fate.choice.reason in ALWAYS_AGAIN:
        return True
    return fate.basis != f"{day}:{fate.told.second}"


def _decided_again(
    fate: Fate,
    one: PastDecision,
    run: PastRun,
    state: State,
    choice: Choice,
    decision: Decision | None,
    basis: str,
) -> None:
    if fate.state is not State.HELD:  # it came back
        undone = fate.told.ended == UNDONE
        fate.back, fate.last_person = _returned(fate), fate.last_person if undone else fate.choice.person
    fate.told, fate.run, fate.state, fate.choice = one, run, state, choice
    fate.decision, fate.basis, fate.taker = decision, basis, None


# --- how things were then -----------------------------------------------------------------------------------


class Then:
    """The tables at the time of each run: as given, with the absences of the version then in force too."""

    def __init__(self, tables: RoutingTables, read: Read) -> None:
        self._own, self._read = tables, read
        self._by_version: dict[str, RoutingTables] = {tables.version: tables}
        self._users: dict[object, Mapping[str, CrmUser]] = {}

    def tables(self, run: PastRun) -> RoutingTables:
        found = self._by_version.get(run.version)
        if found is None:
            found = self._by_version[run.version] = with_absences(self._own, self._read(run.version))
        return found

    def users(self, run: PastRun) -> Mapping[str, CrmUser] | None:
        """The CRM's users as far as known: who was not refused then is usable."""
        if run.unusable is None:
            return None
        key = frozenset(run.unusable.items())
        if key not in self._users:
            self._users[key] = {
                crm: CrmUser(crm, "", active=crm not in run.unusable)
                for crm in self._own.person_by_crm_user
                if run.unusable.get(crm) != "crm_unknown"
            }
        return self._users[key]


def with_absences(tables: RoutingTables, then: RoutingTables | None) -> RoutingTables:
    """These tables, with everybody away on the days on which those say so as well."""
    away = {person: rows[0].absences for person, rows in (then.people_by_id if then else {}).items()}
    if not any(away.values()):
        return tables

    def more(person: Salesperson) -> Salesperson:
        added = tuple(a for a in away.get(person.id, ()) if a not in person.absences)
        return replace(person, absences=(*person.absences, *added)) if added else person

    def team(one: Team) -> Team:
        return replace(one, people=tuple(more(p) for p in one.people))

    return replace(tables, teams=tuple(team(t) for t in tables.teams))


def _ended(past: Past) -> dict[tuple[int, bool], list[PastDecision]]:
    """Decisions by the run that found how they ended, and whether that run had made them."""
    ended: dict[tuple[int, bool], list[PastDecision]] = defaultdict(list)
    for one in _all(past):
        if one.settled_run is not None:
            ended[one.settled_run, one.settled_run == one.run].append(one)
    return ended


def _all(past: Past) -> Iterator[PastDecision]:
    yield from past.held
    for run in past.runs:
        yield from run.decisions


def _by_run(refunds: Sequence[PastRefund]) -> dict[int, list[PastRefund]]:
    found: dict[int, list[PastRefund]] = defaultdict(list)
    for refund in refunds:
        found[refund.run].append(refund)
    return found
