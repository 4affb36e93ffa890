"""What would have had to be different for somebody else to get a lead, worked out from its turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from allocator.domain.decision import TurnRow
from rules.eligibility import Skipped, Why
from rules.lineup import MOST
from rules.settle import settle, shares_of
from rules.shares import Split, U, split_of
from rules.turn import Ledger, Turn

Rule = Literal["credit over all lanes", "last turn", "Person ID"]
_NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Tie:
    """How equal credit is settled against `rival`, the first of the others: `wins` for the person."""

    rival: str
    rule: Rule
    wins: bool


@dataclass(frozen=True, slots=True)
class Higher:
    """The smallest number of units by which the credit would have had to be higher, in this lane and so over
    all lanes. `tie` says who comes first when it is just equal to the rival's."""

    units: int
    tie: Tie

    @property
    def equal_at(self) -> int:
        """By how much it would have had to be higher to be equal."""
        return self.units if self.tie.wins else self.units - 1


@dataclass(frozen=True, slots=True)
class WhatIf:
    """All of this together would have given the person the lead.

    `lifted` are the reasons that would have had to be gone, `catch_ups` the people whose catch-up lead came
    first, `credit` how much higher the credit had to be, None where it was enough. `known` is False where
    the credit is not known, or what else would have changed with the person; then `credit` says nothing.
    With `served_by` the lead would have been charged to the person and gone to that delegate.
    """

    id: str
    lifted: tuple[str, ...] = ()
    catch_ups: tuple[str, ...] = ()
    credit: Higher | None = None
    known: bool = True
    served_by: str | None = None
    at_limit: bool = False
    """Who stood at the limit earned no share of this lead."""


def what_ifs(
    row: TurnRow,
    ledger: Ledger | None,
    *,
    had_before: frozenset[str] = _NOBODY,
    unclear: frozenset[str] = _NOBODY,
) -> tuple[WhatIf, ...]:
    """One for each other person of the turn; none for a lead that no rotation gave.

    First who could take it, the nearest first, then who was out. `ledger` is the one before the turn, for
    the credit of who was out. `had_before` had this lead before: they stand back while anybody else can.
    `unclear` are those whose presence would have changed more than the turn tells.
    """
    turn = row.turn
    if turn.kind in ("by hand", "override"):
        return ()
    field = Field.of(turn)
    could = [_could(turn, field, i) for i in turn.could if i != turn.owner]
    stood_back = had_before.issuperset(turn.could)
    out = []
    for one in row.skipped:
        alone = stood_back and one.id not in had_before
        out.append(_out(turn, field, one, ledger, alone=alone, clear=one.id not in unclear))
    return (*sorted(could, key=_nearness), *out)


def _nearness(one: WhatIf) -> tuple[int, str]:
    return one.credit.units if one.credit else 0, one.id


def _could(turn: Turn, field: Field, person: str) -> WhatIf:
    served_by = turn.serves.get(person)
    if person == turn.payer:
        return WhatIf(person, lifted=(Why.ABSENT.value,))
    full = turn.limit is not None and turn.before[person] >= turn.limit * U
    if turn.kind == "catch-up" and person in turn.due:
        return WhatIf(person, catch_ups=_before(turn, person), served_by=served_by)
    return WhatIf(
        person, catch_ups=tuple(turn.due), credit=higher(field, person), served_by=served_by, at_limit=full
    )


def _before(turn: Turn, person: str) -> tuple[str, ...]:
    """Whose catch-up lead came before this person's."""
    own = (turn.due[person], person)
    return tuple(i for i, day in turn.due.items() if (day, i) < own)


def _out(
    turn: Turn, field: Field, one: Skipped, ledger: Ledger | None, *, alone: bool, clear: bool
) -> WhatIf:
    lifted = (one.why, *one.also)
    if alone:
        return WhatIf(one.id, lifted)
    if not clear or (ledger is None and one.id not in turn.before):
        return WhatIf(one.id, lifted, known=False)
    widened = field.with_able(one.id, one.weight, ledger or Ledger())
    return WhatIf(one.id, lifted, tuple(turn.due), higher(widened, one.id))


@dataclass(frozen=True, slots=True)
class Field:
    """Who may take a lead and who earns of it, with all that decides between them."""

    split: Split
    able: tuple[str, ...]
    before: Mapping[str, int]
    team: Mapping[str, int]
    last: Mapping[str, int]
    limit: int | None

    @classmethod
    def of(cls, turn: Turn) -> Field:
        split = split_of(turn.weights, most=MOST)
        return cls(split, turn.could, turn.before, turn.team_before, turn.last_before, turn.limit)

    def with_able(self, person: str, weight: int, ledger: Ledger) -> Field:
        """The same with one more who may take it, who earns too."""
        able = tuple(sorted((*self.able, person)))
        if person in self.split.weights:
            return Field(self.split, able, self.before, self.team, self.last, self.limit)
        return Field(
            split_of({**self.split.weights, person: weight}, most=MOST),
            able,
            {**self.before, person: ledger.credits.get(person, 0)},
            {**self.team, person: ledger.team_credits.get(person, 0)},
            {**self.last, person: ledger.last_turn.get(person, 0)},
            self.limit,
        )

    def raised(self, person: str, units: int) -> Field:
        """The same with a higher credit of one."""
        before = {**self.before, person: self.before[person] + units}
        team = {**self.team, person: self.team[person] + units}
        return Field(self.split, self.able, before, team, self.last, self.limit)

    @property
    def taker(self) -> str:
        out = settle(self.split, self.able, self.before, self.team, self.last, self.limit)
        return out.payer

    def lead_of(self, person: str) -> tuple[int, str]:
        """By how much the best of the others is ahead after earning, and who it is."""
        _, shares = shares_of(self.split, self.before, self.limit)
        order = {i: (-self.before[i] - shares[i], *self._ties(i, shares)) for i in self.able}
        rival = min((i for i in self.able if i != person), key=order.__getitem__)
        return order[person][0] - order[rival][0], rival

    def tie(self, person: str, rival: str) -> Tie:
        """How the two are parted when their credit is equal."""
        _, shares = shares_of(self.split, self.before, self.limit)
        mine, theirs = self._ties(person, shares), self._ties(rival, shares)
        rules: tuple[Rule, ...] = ("credit over all lanes", "last turn", "Person ID")
        rule = next(name for name, a, b in zip(rules, mine, theirs, strict=True) if a != b)
        return Tie(rival, rule, wins=mine < theirs)

    def _ties(self, i: str, shares: Mapping[str, int]) -> tuple[int, int, str]:
        return -self.team[i] - shares[i], self.last[i], i


def higher(field: Field, person: str) -> Higher | None:
    """The smallest raise of their credit that makes this person the taker; None where they are.

    Below the limit and at it the shares differ, so a raise that is enough may be too much again: each span in
    which they stay the same is looked at by itself, the lower one first.
    """
    if field.taker == person:
        return None
    return next(found for low, high in _spans(field, person) if (found := _within(field, person, low, high)))


def _spans(field: Field, person: str) -> Iterator[tuple[int, int | None]]:
    room = 0 if field.limit is None else field.limit * U - field.before[person]
    if room > 1:
        yield 1, room - 1
        yield room, None
    else:
        yield 1, None


def _within(field: Field, person: str, low: int, high: int | None) -> Higher | None:
    """The smallest raise from `low` to `high`; the last span has no end."""
    behind, rival = field.raised(person, low).lead_of(person)
    equal = low + behind
    tie = field.raised(person, equal).tie(person, rival)
    units = equal if tie.wins else equal + 1
    return Higher(units, tie) if high is None or units <= high else None
