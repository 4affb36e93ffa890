"""Past runs decided and shared out again under given tables: what each lead's owner would have been.

Each run goes through the same choices as a real one (domain.choose), at its own instant, with the ledger as
it stood before the first of them. What happened to leads between runs happens to the same leads again: one
that a person took out of intake is gone and costs who took it what these tables say, one that came back
waits, one whose owner the CRM refused is held.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace

from allocator.domain.books import Books
from allocator.domain.by_hand import Asked, ByHand
from allocator.domain.choose import Choice, Chooser
from allocator.domain.days import FOR_WANT_OF_SOMEBODY, at_caps, day_basis, unusable_people
from allocator.domain.decision import Inputs, Lookups, Work
from allocator.domain.ends import End, Ends
from allocator.domain.fate import Fate, Hand, basis_at, was_asked_for
from allocator.domain.lead import LeadKey, Reason, State
from allocator.domain.matches import CrmAnswers
from allocator.domain.past import Past, PastBack, PastDecision, PastRefund, PastRun
from allocator.domain.plan import in_order
from allocator.domain.roster import Roster
from allocator.domain.take_backs import Ended
from allocator.domain.then import Read, Then
from allocator.domain.walked import Walked
from rules.model import Decision, RoutingTables

__all__ = ["Fate", "Replay"]

_OF_ITS_OWNER = frozenset({Reason.OWNER_REFUSED, Reason.PAUSED})
"""Ends of a delivery that another owner would not have had."""

_TAKEN_BACK = frozenset({Ended.REJECTED, Ended.UNDONE})
"""Leads that the allocator put back before the run looked into intake."""


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
        self._late: list[End] = []
        """Leads that were taken while they were on their way, and that wait here: seen by the next run."""
        self._put_back: set[LeadKey] = set()
        self._backs: dict[LeadKey, list[PastBack]] = defaultdict(list)
        for back in past.backs:
            self._backs[back.key].append(back)
        for one in past.held:
            self._was_held(one)

    def go(self) -> Replay:
        """Through all runs, oldest first."""
        ends, refunds = Ends(self._past), _by_run(self._past.refunds)
        for run in self._past.runs:
            for number in sorted(n for n in refunds if n <= run.run):  # an undo is no run of these
                for refund in refunds.pop(number):
                    self._books.undo(refund)
            self._take_back(run)
            self._settle(run, ends.earlier(run))
            given = self._run(run)
            self._deliver(run, ends.own(run), given)
        return self

    def email(self, fate: Fate) -> str | None:
        """The lead's e-mail, as look-ups compare it."""
        return self._walked.email(fate.told)

    def _was_held(self, one: PastDecision) -> None:
        first = self._past.runs[0]
        reason = one.stopped or one.reason
        choice = Choice(reason=reason)
        fate = Fate(one, first, one.run, State.HELD, choice, None, one.basis, one.back)
        fate.last_person, fate.hops = next(iter(fate.back), None), one.hops
        if one.person and reason == Reason.OWNER_REFUSED:
            fate.refuse(one.person)
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
        chooser = Chooser(
            Inputs(tables, (), run.now, {}, lookups=lookups),
            roster=self._roster(run, tables),
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

    def _roster(self, run: PastRun, tables: RoutingTables) -> Roster:
        """Everybody at the moment of the run, with the leads that they have by now."""
        taken = {t.name: self._books.taken(t.name, run.now) for t in tables.teams}
        unusable = unusable_people(tables, self._then.users(run))
        return Roster(tables, taken, run.now, unusable, run.pauses)

    def _queue(self, run: PastRun, day: str) -> list[tuple[PastDecision, Work]]:
        """Leads that are new or came back, and held ones whose reason can have gone."""
        queue: list[tuple[PastDecision, Work]] = []
        again: set[LeadKey] = set()
        for key in run.matched:  # it may be decided again only when it was
            self._held.pop(key, None)
        for one in run.decisions:
            fate = self.fates.get(one.key)
            if fate is None:
                self._returned_from_before(one.key, run)
                first = Work(one.record, one.epoch, one.held, one.back, last=one.last, hops=one.hops)
                queue.append((one, first))
            elif fate.state is State.HELD:
                if one.key not in self._held or was_asked_for(fate.told, one):
                    self._held[one.key] = fate
                    again.add(one.key)
                    fate.hops = min(fate.hops, one.hops)
                fate.told = one
            elif one.epoch > 1 and not one.held:
                queue.append((one, self._came_back(fate, one, run)))
        queue.extend((f.told, f.again()) for f in self._due(run, day, again))
        return queue

    def _due(self, run: PastRun, day: str, again: Collection[LeadKey]) -> list[Fate]:
        tables = self._then.tables(run)
        teams = {f.choice.team for f in self._held.values() if f.choice.reason in FOR_WANT_OF_SOMEBODY}
        taken = {t.name: self._books.taken(t.name, run.now) for t in tables.teams} if teams else {}
        caps = {team: at_caps(tables, team, taken) for team in teams}
        return [fate for key, fate in self._held.items() if key in again or fate.is_due(day, caps)]

    def _decide(self, chooser: Chooser, run: PastRun, one: PastDecision, work: Work, day: str) -> Fate:
        decision, choice = None, Choice(reason=Reason.UNREADABLE)
        if not one.unreadable:
            decision = self._walked.decision(one, chooser.on)
            self.used[id(decision)] = decision
            choice = chooser.choose(chooser.case(work, decision, self._walked.email(one)))
        state = State.CONFIRMED if choice.owner else State.HELD
        caps = chooser.at_caps(choice.team) if choice.reason in FOR_WANT_OF_SOMEBODY else ""
        basis = basis_at(day, one, caps)
        fate = self.fates.get(one.key)
        if fate is None:
            fate = Fate(one, run, run.run, state, choice, decision, basis, work.stood_back)
            fate.last_person, fate.hops = next(iter(work.stood_back), None), work.hops
            self.fates[one.key] = fate
            self._answers.enter(one.key, self._walked.email(one))
        else:
            fate.decide(one, run, state, choice, decision, work, basis)
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

    # --- leads that come back ---

    def _take_back(self, run: PastRun) -> None:
        """What was rejected or undone goes back first of all."""
        self._put_back = {
            one.key
            for one in run.decisions
            if (fate := self.fates.get(one.key)) is not None
            and fate.state is State.CONFIRMED
            and one.epoch > 1
            and not one.held
            and fate.told.ended in _TAKEN_BACK
        }
        for key in self._put_back:
            self._goes_back(self.fates[key], run)
        for one in run.decisions:
            if one.key not in self.fates:
                self._returned_from_before(one.key, run, taken_back=True)

    def _came_back(self, fate: Fate, one: PastDecision, run: PastRun) -> Work:
        """A lead that is in intake again: returned, rejected or undone. Its turn goes back if it did."""
        last = fate.choice.person
        if fate.taker:
            last = self._then.tables(fate.run).person_by_crm_user.get(fate.taker)
        elif fate.undone:
            last = fate.last_person
        if one.key not in self._put_back:
            self._goes_back(fate, run)
        hops = fate.hops + (fate.state is State.CONFIRMED and not fate.undone)
        return Work(one.record, one.epoch, stood_back=fate.returned(), last=last, hops=hops)

    def _goes_back(self, fate: Fate, run: PastRun) -> None:
        """Its turns leave the ledger where the column Reject says so, what a taker paid too."""
        hand = fate.hand
        if hand is not None:
            refund = self._refunds(hand.team, run)
            self._books.give_back(hand.team, hand.person, hand.at, hand.booking if refund else None)
        elif fate.state is State.CONFIRMED and (fate.undone or self._refunds(fate.choice.team, run)):
            self._give_back(fate)

    def _returned_from_before(self, key: LeadKey, run: PastRun, *, taken_back: bool = False) -> None:
        """A lead that somebody had before the first run goes back as one of these would."""
        for back in self._backs.get(key, ()):
            if (back.ended in _TAKEN_BACK) is taken_back:
                refund = self._refunds(back.team, run)
                if refund or back.by_hand:
                    booking = back.booking if refund else None
                    self._books.give_back(back.team, back.person, back.at, booking)

    def _refunds(self, name: str | None, run: PastRun) -> bool:
        team = self._then.tables(run).team_by_name.get(name or "")
        return team is not None and team.reject == "refund"

    # --- what became of it ---

    def _settle(self, run: PastRun, ends: Sequence[End]) -> None:
        """How decisions of earlier runs ended: those on their way first, then who waits in intake."""
        here = {one.key for one in run.decisions}
        late = [end for end in self._late if end.one.key not in here]
        found = [(self.fates[e.one.key], e) for e in (*late, *ends) if e.one.key in self.fates]
        for fate, end in found:
            if not end.gone:
                self._stop(fate, end)
        self._leave(run, [(fate, end) for fate, end in found if _is_lost(fate, end)])
        waiting = [(fate, end) for fate, end in found if end.gone and fate.state is State.HELD]
        self._leave(run, sorted(waiting, key=lambda two: (two[0].told.record.created, two[0].told.key)))

    def _deliver(self, run: PastRun, ends: Sequence[End], given: Sequence[Fate]) -> None:
        """What the run itself found when it gave its leads away: refusals first, then what was gone."""
        found = [(self.fates[end.one.key], end) for end in ends if end.one.key in self.fates]
        gone = {fate.told.key: end for fate, end in found if _is_lost(fate, end)}
        self._late = [end for fate, end in found if end.gone and fate.state is State.HELD]
        refused = {e.one.owner for e in ends if e.reason == Reason.OWNER_REFUSED and e.state is State.HELD}
        for fate, end in found:
            if not end.gone:
                self._stop(fate, end)
        for fate in given if refused else ():
            if fate.state is State.CONFIRMED and fate.choice.owner in refused and fate.told.key not in gone:
                self._hold(fate, Reason.OWNER_REFUSED)
        self._leave(run, [(fate, gone[fate.told.key]) for fate in given if fate.told.key in gone])

    def _stop(self, fate: Fate, end: End) -> None:
        """A delivery was held, for a reason that another owner would have had too."""
        same_owner = end.reason not in _OF_ITS_OWNER or end.one.owner == fate.choice.owner
        if _just_given(fate, end) and end.state is State.HELD and same_owner:
            self._hold(fate, Reason(end.reason or Reason.CONTESTED))

    def _hold(self, fate: Fate, reason: Reason) -> None:
        self._give_back(fate)
        person = fate.choice.person
        if reason is Reason.OWNER_REFUSED and person:
            fate.refuse(person)
        fate.state, fate.choice = State.HELD, Choice(team=fate.choice.team, person=person, reason=reason)
        self._held[fate.told.key] = fate

    def _leave(self, run: PastRun, leaving: Sequence[tuple[Fate, End]]) -> None:
        """Leads that are found gone at once: their own turns go back, then who took one pays for it."""
        if not leaving:
            return
        tables = self._then.tables(run)
        hands = ByHand(tables, self._roster(run, tables), lambda key: self._asked(self.fates[key], run))
        for fate, end in leaving:
            if fate.state is State.CONFIRMED:
                self._give_back(fate)
            self._held.pop(end.one.key, None)
            fate.state, fate.back = end.state, fate.back - fate.refused
        for fate, end in leaving:
            if end.state is State.TAKEN:
                self._take(hands, tables, fate, end.one.detail, run)

    def _take(self, hands: ByHand, tables: RoutingTables, fate: Fate, owner: str, run: PastRun) -> None:
        fate.taker = owner
        person, name = hands.taker(fate.told.key, owner)
        fate.taken_by = person
        fate.back |= {person} if person else set()
        if not person or not name:
            return
        team, booking = tables.team_by_name[name], None
        if team.taken_by_hand == "charge":
            lane, turn, _ = hands.turn(self._books.rotation(name), team, person, fate.told.key)
            booking = turn.booking(lane)
        self._books.give(name, person, run.now, booking)
        fate.hand = Hand(name, person, run.now, booking)

    def _asked(self, fate: Fate, run: PastRun) -> Asked:
        """What the rules had said of the lead; of one that was held before, what these say."""
        told = fate.decision
        if told is not None:
            return Asked(fate.choice.team, told.lane, told.needs)
        if fate.tried or fate.told.unreadable:
            return Asked()
        told = self._walked.decision(fate.told, run.now.date())
        return Asked(None if told.reason else told.team, told.lane, told.needs)

    def _give_back(self, fate: Fate) -> None:
        choice = fate.choice
        if choice.team and choice.person:
            self._books.give_back(choice.team, choice.person, fate.run.now, choice.booking)


def _just_given(fate: Fate, end: End) -> bool:
    """Whether this is the end of the delivery by which the lead is with its owner."""
    return fate.state is State.CONFIRMED and end.given and fate.run.run == end.one.run


def _is_lost(fate: Fate, end: End) -> bool:
    """Whether it was gone before its owner got it; whoever took the lead that they were to have has it."""
    own = end.state is State.TAKEN and end.one.detail == fate.choice.owner
    return end.gone and not own and _just_given(fate, end)


def _by_run(refunds: Sequence[PastRefund]) -> dict[int, list[PastRefund]]:
    found: dict[int, list[PastRefund]] = defaultdict(list)
    for refund in refunds:
        found[refund.run].append(refund)
    return found
