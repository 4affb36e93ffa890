"""The rotations under test, behind one interface: the product, and a ledger written again from the text.

`Reference` counts in exact fractions and `Units` in whole units; both know nothing of rules/ but its values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from rules.lineup import Lineup, alone
from rules.rotation import Rotation, Turn, U, replay

E = Mapping[str, int]
Number = Any
"""int or Fraction."""


class Given(NamedTuple):
    """Who got a lead, who pays for it, and as what."""

    owner: str
    payer: str
    kind: str


class Product:
    """The product. Credits are in units."""

    LEAD = U

    def __init__(self, *, limit: int | None = 5) -> None:
        self.limit = limit
        self.rotation = Rotation(limit=limit)
        self.turns: list[tuple[str, Turn]] = []
        self.gone: set[int] = set()

    def take(self, lane: str, candidates: E | Lineup) -> Given:
        return self._note(lane, self.rotation.take(lane, candidates))

    def charge(self, lane: str, candidates: E | Lineup | None, person: str, weight: int, kind: Any) -> Given:
        return self._note(lane, self.rotation.charge(lane, candidates, person, weight, kind))

    def _note(self, lane: str, turn: Turn) -> Given:
        self.turns.append((lane, turn))
        return Given(turn.owner, turn.payer, turn.kind)

    def give_back(self, k: int) -> None:
        self.gone.add(k)
        lane, turn = self.turns[k]
        self.rotation.give_back(lane, turn, last_turn=self._last(), streak=self._streak(lane))

    def restart(self) -> None:
        """The run ends, and the next one reads the stored turns."""
        live, gone = (
            {
                lane: [t for k, (at, t) in enumerate(self.turns) if at == lane and (k in self.gone) is back]
                for lane in self.rotation.lanes
            }
            for back in (False, True)
        )
        self.rotation = replay(live, given_back=gone, limit=self.limit)

    def edit(self) -> None:
        """Somebody saves the workbook: nothing of it reaches a ledger."""

    def credits(self, lane: str) -> Mapping[str, int]:
        return self.rotation.ledger(lane).credits

    def state(self, lane: str) -> object:
        ledger = self.rotation.ledger(lane)
        return ledger.canonical(), ledger.streak

    def _last(self) -> dict[str, int]:
        return {t.payer: t.sequence for k, (_, t) in enumerate(self.turns) if k not in self.gone}

    def _streak(self, lane: str) -> int:
        kinds = [t.kind for k, (at, t) in enumerate(self.turns) if at == lane and k not in self.gone]
        return streak_of(kinds)


def streak_of(kinds: list[str]) -> int:
    """How many of the last automatic leads were catch-ups in a row."""
    automatic = [kind for kind in kinds if kind not in ("by hand", "override")]
    others = [n for n, kind in enumerate(reversed(automatic)) if kind != "catch-up"]
    return others[0] if others else len(automatic)


@dataclass
class Voucher:
    amount: Number
    earned: Number
    expires: date


@dataclass
class Entry:
    """A row of the reference's log: what it changed."""

    lane: str
    given: Given
    moved: dict[str, Number]
    vouchers: list[tuple[str, str, Number, date]] = field(default_factory=list)


class Reference:
    """An independent ledger, written from the text of fairness.md, sections 1 and 3."""

    unit: int | None = None
    """None: in leads, as exact fractions."""

    def __init__(self, *, limit: int | None = 5) -> None:
        self.limit = limit
        self.books: dict[str, dict[str, Number]] = {}
        self.held: dict[tuple[str, str, str], Voucher] = {}
        self.log: list[Entry] = []
        self.gone: set[int] = set()
        self.turns: list[tuple[str, Turn]] = []

    @property
    def LEAD(self) -> int:
        return self.unit or 1

    # --- a lead ---

    def take(self, lane: str, candidates: E | Lineup) -> Given:
        lineup = candidates if isinstance(candidates, Lineup) else alone(candidates)
        if due := self.due(lane, lineup):
            person = min(due, key=lambda i: (due[i], i))
            given, moves = Given(person, person, "catch-up"), self.pays(lane, lineup, person)
            return self.book(lane, lineup, given, {}, moves, due)
        earned = self.earned(lane, lineup.split.weights)
        payer = self.pick(lane, lineup.able, earned)
        moved = self.within(lane, payer, self.moved(payer, earned))
        owner = lineup.serves.get(payer, payer)
        kind = "turn" if owner == payer else "delegated"
        moves = self.missed(lane, lineup, earned) if moved else []
        given = Given(owner, payer, kind if moved else "beyond the limit")
        return self.book(lane, lineup, given, moved, moves, {}, earned)

    def charge(self, lane: str, candidates: E | Lineup | None, person: str, weight: int, kind: Any) -> Given:
        lineup = alone(candidates) if isinstance(candidates, Mapping) else candidates
        weights = {person: weight, **(lineup.split.weights if lineup else {})}
        earned = self.charged(lane, weights, person)
        moved = self.within(lane, person, self.moved(person, earned))
        return self.book(lane, alone(weights), Given(person, person, kind), moved, [], {}, earned)

    def charged(self, lane: str, weights: E, person: str) -> dict[str, Number]:
        """Who earns of a lead that `person` took: they too."""
        return self.earned(lane, weights)

    def earned(self, lane: str, weights: E) -> dict[str, Number]:
        full = self.limit * self.LEAD if self.limit else None
        earning = {i: w for i, w in weights.items() if full is None or self.credit(lane, i) < full}
        earning = earning or dict(weights)
        whole = sum(earning.values())
        return {i: self.share(w, whole) for i, w in earning.items()}

    def share(self, weight: int, whole: int) -> Number:
        return weight * self.unit // whole if self.unit else Fraction(weight, whole)

    def pick(self, lane: str, able: E, earned: Mapping[str, Number]) -> str:
        return min(able, key=lambda i: self.key(lane, i, earned))

    def key(self, lane: str, person: str, earned: Mapping[str, Number]) -> tuple[Any, ...]:
        share = earned.get(person, 0)
        team = -self.team_credit(person) - share
        return (-self.credit(lane, person) - share, team, self.last_turn(lane, person), person)

    def moved(self, payer: str, earned: dict[str, Number]) -> dict[str, Number]:
        return {**earned, payer: earned.get(payer, 0) - sum(earned.values())}

    def within(self, lane: str, payer: str, moved: dict[str, Number]) -> dict[str, Number]:
        """The same, or nothing where the payer would fall below the limit."""
        below = self.limit and self.credit(lane, payer) + moved[payer] < -self.limit * self.LEAD
        return {} if below else moved

    # --- catch up ---

    def due(self, lane: str, lineup: Lineup) -> dict[str, date]:
        found: dict[str, date] = {}
        if len(lineup.able) < 2 or lineup.today is None:
            return found
        for person in lineup.able:
            mine = self.unexpired(lane, lineup, person)
            held = sum(one.amount for one in mine)
            if mine and person not in lineup.serves and held >= self.LEAD and self.may(lane, lineup):
                found[person] = mine[0].expires
        return found

    def may(self, lane: str, lineup: Lineup) -> bool:
        """Unless the last k automatic leads were all catch-ups."""
        return self.streak(lane) < lineup.policy[""].pace

    def streak(self, lane: str) -> int:
        kinds = [e.given.kind for k, e in enumerate(self.log) if e.lane == lane and k not in self.gone]
        return streak_of(kinds)

    def unexpired(self, lane: str, lineup: Lineup, person: str) -> list[Voucher]:
        """By expiry. There is one policy for every type here."""
        today = lineup.today
        if not lineup.policy or today is None:
            return []
        mine = [one for (at, who, _), one in self.held.items() if (at, who) == (lane, person)]
        return sorted(
            (one for one in mine if one.amount > 0 and one.expires >= today), key=lambda v: v.expires
        )

    def pays(self, lane: str, lineup: Lineup, person: str) -> list[tuple[str, str, Number, date]]:
        left, moves = self.LEAD, []
        names = {id(one): name for (_, _, name), one in self.held.items()}
        for one in self.unexpired(lane, lineup, person):
            part = min(left, one.amount)
            if part:
                moves.append((person, names[id(one)], -part, one.expires))
            left -= part
        return moves

    def missed(
        self, lane: str, lineup: Lineup, earned: Mapping[str, Number]
    ) -> list[tuple[str, str, Number, date]]:
        whole = sum(lineup.split.weights.get(i, 0) for i in earned)
        moves = []
        for person, miss in lineup.missed.items():
            before = self.held.get((lane, person, miss.absence))
            share = self.credited(miss.weight, whole + miss.weight, miss.rate)
            change = min(share, miss.cap * self.LEAD - (before.earned if before else 0))
            if change > 0:
                moves.append((person, miss.absence, change, miss.expires))
        return moves

    def credited(self, weight: int, whole: int, rate: int) -> Number:
        if self.unit:
            return weight * self.unit * rate // (100 * whole)
        return Fraction(weight * rate, 100 * whole)

    # --- the books ---

    def book(
        self,
        lane: str,
        lineup: Lineup,
        given: Given,
        moved: dict[str, Number],
        vouchers: list[tuple[str, str, Number, date]],
        due: Mapping[str, date],
        earned: Mapping[str, Number] | None = None,
    ) -> Given:
        self.log.append(Entry(lane, given, moved, vouchers))
        self._add(self.log[-1], 1)
        return given

    def give_back(self, k: int) -> None:
        self.gone.add(k)
        self._add(self.log[k], -1)

    def _add(self, entry: Entry, sign: int) -> None:
        book = self.books.setdefault(entry.lane, {})
        for i, change in entry.moved.items():
            book[i] = book.get(i, 0) + sign * change
        for person, absence, change, expires in entry.vouchers:
            one = self.held.setdefault((entry.lane, person, absence), Voucher(0, 0, expires))
            one.amount += sign * change
            one.earned += sign * max(change, 0)

    def credit(self, lane: str, person: str) -> Number:
        return self.books.get(lane, {}).get(person, 0)

    def team_credit(self, person: str) -> Number:
        return sum(book.get(person, 0) for book in self.books.values())

    def last_turn(self, lane: str, person: str) -> int:
        for k in range(len(self.log) - 1, -1, -1):
            if self.log[k].given.payer == person and k not in self.gone:
                return k + 1
        return 0

    def restart(self) -> None:
        """The run ends."""

    def edit(self) -> None:
        """The workbook is saved."""

    def credits(self, lane: str) -> Mapping[str, Number]:
        return self.books.get(lane, {})

    def state(self, lane: str) -> object:
        everybody = sorted({e.given.payer for e in self.log} | set(self.books.get(lane, {})))
        last = [(i, n) for i in everybody if (n := self.last_turn(lane, i))]
        held = sorted((key[1:], v.amount, v.earned) for key, v in self.held.items() if key[0] == lane)
        credits = [(i, c) for i in everybody if (c := self.credit(lane, i))]
        return credits, last, [v for v in held if v[2]], self.streak(lane)


class Units(Reference):
    """The same in whole units, with a record of each turn that the product's `rederive` can read."""

    unit = U

    def book(
        self,
        lane: str,
        lineup: Lineup,
        given: Given,
        moved: dict[str, Number],
        vouchers: list[tuple[str, str, Number, date]],
        due: Mapping[str, date],
        earned: Mapping[str, Number] | None = None,
    ) -> Given:
        weights = dict(sorted(lineup.split.weights.items()))
        shares = {i: (earned or {}).get(i, 0) if moved else 0 for i in weights}
        able = None if set(lineup.able) == set(weights) else tuple(sorted(lineup.able))
        number = 1 + sum(at == lane for at, _ in self.turns)
        kind: Any = given.kind
        turn = Turn(
            number, len(self.turns) + 1, kind, given.owner, given.payer, weights, shares,
            {i: self.credit(lane, i) for i in weights}, sum(shares.values()),
            {i: self.team_credit(i) for i in weights}, {i: self.last_turn(lane, i) for i in weights},
            self.limit, able, lineup.serves, (), due, self.streak(lane),
        )  # fmt: skip
        self.turns.append((lane, turn))
        return super().book(lane, lineup, given, moved, vouchers, due, earned)


Make = Callable[..., Product | Reference]
