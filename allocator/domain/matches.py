"""What the CRM would have said of a lead's e-mail, had earlier leads gone to whom a replay gave them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from allocator.domain.facts import company_of
from allocator.domain.lead import LeadKey, Match, State
from allocator.domain.past import MATCHES, PastDecision, PastRun

LEAD = "Lead"
Found = dict[str, tuple[Match, ...]]


class Stands(Protocol):
    """A lead in a replay."""

    @property
    def state(self) -> State: ...
    @property
    def entered(self) -> int: ...
    @property
    def decided(self) -> int:
        """The run that decided it last."""

    @property
    def owner(self) -> str | None:
        """Its owner in the CRM; None while it is in intake, or is no open lead any more."""


@dataclass(slots=True)
class CrmAnswers:
    """The look-ups as they were, with the owners that the replay changed. Observed runs change none."""

    asked: Mapping[int, bool]
    """Whether a run looked e-mails up."""
    _mates: dict[str, list[LeadKey]] = field(default_factory=lambda: defaultdict(list))
    _real: dict[LeadKey, str | None] = field(default_factory=dict)
    """The owner that a lead really had when last heard of."""

    def enter(self, key: LeadKey, email: str | None) -> None:
        """A lead that other leads with its e-mail will find."""
        if email:
            self._mates[email].append(key)

    def note(self, decisions: Iterable[PastDecision]) -> None:
        """What a run really decided, and how that ended."""
        for one in decisions:
            taker = one.detail if one.state == State.TAKEN else None
            self._real[one.key] = None if one.state in (State.HELD, State.CLOSED) else taker or one.owner

    def of(
        self,
        run: PastRun,
        leads: Iterable[tuple[PastDecision, str | None]],
        fates: Mapping[LeadKey, Stands],
    ) -> tuple[Found, Found]:
        """People by e-mail and accounts by company, for the leads of one run with their e-mails.

        These leads themselves are all in intake.
        """
        asking = list(leads)
        waiting = {one.key for one, _ in asking}
        people: Found = {}
        accounts: Found = {}
        newest: dict[str, int] = {}
        for one, email in asking:
            if not email:
                continue
            if (one.seen.get("people") or email in self._mates) and one.run >= newest.get(email, 0):
                people[email], newest[email] = self._people(run, one, email, fates, waiting), one.run
            if (told := one.seen.get("accounts")) and (company := company_of(email)):
                accounts[company] = _matches(told, run.now)
        return people, accounts

    def _people(
        self,
        run: PastRun,
        one: PastDecision,
        email: str,
        fates: Mapping[LeadKey, Stands],
        waiting: Collection[LeadKey],
    ) -> tuple[Match, ...]:
        told = one.seen.get("people", ())
        mates = [key for key in self._mates.get(email, ()) if key in fates]
        if not run.live or not mates:
            return _matches(told, run.now)
        ids = {key.source_id for key in mates}
        others = [m for m in told if m[0] != LEAD or m[1] not in ids]
        owners = {m[1]: m[2] for m in told if m[0] == LEAD}
        for key in mates:
            if key not in waiting and (owner := self._owner(run, one, key, owners, fates[key])):
                others.append((LEAD, key.source_id, owner))
        return _matches(others, run.now)

    def _owner(
        self, run: PastRun, one: PastDecision, key: LeadKey, owners: Mapping[str, str], fate: Stands
    ) -> str | None:
        """Who would have the other lead when this one is decided; None: nobody, or it is open no more."""
        if fate.decided >= one.run:
            return fate.owner  # decided since it was looked up
        told = owners.get(key.source_id)
        if told is None:
            was_there = self.asked.get(one.run, False) and fate.entered < one.run and len(owners) < MATCHES
            closed = was_there and self._real.get(key) is not None  # by whoever had it
            return None if closed else fate.owner  # what was closed in intake is open where it had left it
        if told not in run.intake and told != self._real.get(key):
            return told  # somebody gave it away by hand since
        return fate.owner


def _matches(told: Iterable[tuple[str, str, str]], seen: datetime) -> tuple[Match, ...]:
    return tuple(Match(kind, record, owner, seen) for kind, record, owner in told)
