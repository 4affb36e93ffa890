"""Rotations that are wrong in one line, each as some product has been (fairness.md, section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

from rotations import E, Given, Number, Reference, Units, Voucher

from rules.lineup import Lineup, alone

# --- who is picked ---


class PointerByIndex(Reference):
    def pick(self, lane: str, able: E, earned: Mapping[str, Number]) -> str:
        return sorted(able)[len(self.log) % len(able)]


class PointerOfTheSession(Reference):
    """The pointer is kept in memory, and stands at the first again when the next run begins."""

    started = 0

    def pick(self, lane: str, able: E, earned: Mapping[str, Number]) -> str:
        return sorted(able)[(len(self.log) - self.started) % len(able)]

    def restart(self) -> None:
        self.started = len(self.log)


class PointerOverEverybody(Reference):
    def pick(self, lane: str, able: E, earned: Mapping[str, Number]) -> str:
        known = sorted({*able, *(i for book in self.books.values() for i in book)})
        return known[len(self.log) % len(known)]


class HashOfId(Units):
    def pick(self, lane: str, able: E, earned: Mapping[str, Number]) -> str:
        return min(able, key=lambda i: (ord(i[-1]) * 2654435761 * (len(self.log) + 1)) % 97)


class PointerOfTheProcess(Units):
    """Two rotations read one pointer."""

    served: ClassVar[list[int]] = [0]

    def pick(self, lane: str, able: E, earned: Mapping[str, Number]) -> str:
        self.served[0] += 1
        return sorted(able)[self.served[0] % len(able)]


class LowestCount(Reference):
    """Fewest leads first: who is new, or comes back, takes them all."""

    def key(self, lane: str, person: str, earned: Mapping[str, Number]) -> tuple[Any, ...]:
        return sum(entry.given.payer == person for entry in self.log), person


class CompareBeforeEarning(Reference):
    def key(self, lane: str, person: str, earned: Mapping[str, Number]) -> tuple[Any, ...]:
        return super().key(lane, person, {})


# --- ties ---


class TiesByName(Reference):
    def last_turn(self, lane: str, person: str) -> int:
        return 0


class TiesByRow(Reference):
    def take(self, lane: str, candidates: E | Lineup) -> Given:
        self.rows = list(candidates.able if isinstance(candidates, Lineup) else candidates)
        return super().take(lane, candidates)

    def pick(self, lane: str, able: E, earned: Mapping[str, Number]) -> str:
        return min(self.rows, key=lambda i: self.key(lane, i, earned)[:2])


class LastTurnPerLane(Reference):
    def last_turn(self, lane: str, person: str) -> int:
        turns = (k + 1 for k, e in enumerate(self.log) if (e.lane, e.given.payer) == (lane, person))
        return max(turns, default=0)


class LastTurnsOfThisRun(Reference):
    started = 0

    def last_turn(self, lane: str, person: str) -> int:
        last = super().last_turn(lane, person)
        return last if last > self.started else 0

    def restart(self) -> None:
        self.started = len(self.log)


class NoTeamCredit(Reference):
    def team_credit(self, person: str) -> Number:
        return 0


# --- what is earned and paid ---


class CreditForTheAbsent(Reference):
    def earned(self, lane: str, weights: E) -> dict[str, Number]:
        return super().earned(lane, dict.fromkeys(self.books.get(lane, {}), 1) | dict(weights))


class UnweightedShares(Reference):
    def share(self, weight: int, whole: int) -> Number:
        return super().share(1, whole)


class Floats(Reference):
    def share(self, weight: int, whole: int) -> Number:
        return weight / whole


class UnitOfAThousandMillion(Units):
    unit = 1_000_000_000


class RemainderById(Units):
    def moved(self, payer: str, earned: dict[str, Number]) -> dict[str, Number]:
        moved = {**earned, payer: earned.get(payer, 0) - self.LEAD}
        moved[min(moved)] += self.LEAD - sum(earned.values())
        return moved


class RemainderLost(Units):
    def moved(self, payer: str, earned: dict[str, Number]) -> dict[str, Number]:
        return {**earned, payer: earned.get(payer, 0) - self.LEAD}


class NoLimit(Reference):
    """`totals` without a limit."""

    def __init__(self, *, limit: int | None = 5) -> None:
        super().__init__(limit=None)


class TakerDoesNotEarn(Reference):
    def charged(self, lane: str, weights: E, person: str) -> dict[str, Number]:
        return self.earned(lane, {i: w for i, w in weights.items() if i != person} or weights)


class DelegatePaysWhileTheAbsenteeEarns(Reference):
    def take(self, lane: str, candidates: E | Lineup) -> Given:
        self.serves = dict(candidates.serves) if isinstance(candidates, Lineup) else {}
        return super().take(lane, candidates)

    def moved(self, payer: str, earned: dict[str, Number]) -> dict[str, Number]:
        return super().moved(self.serves.get(payer, payer), earned)

    def charge(self, *args: Any) -> Given:
        self.serves = {}
        return super().charge(*args)


# --- changes in the team ---


class ResetOnEdit(Reference):
    def edit(self) -> None:
        self.books.clear()
        self.gone.update(range(len(self.log)))


class ResetAtEachRun(ResetOnEdit):
    def restart(self) -> None:
        self.edit()


class RestartCountsWhatWasGivenBack(Reference):
    def restart(self) -> None:
        for k in self.gone:
            self._add(self.log[k], 1)
        self.gone.clear()


class ForgivesAtReturn(Reference):
    """Who was out of the last lead and owes starts at zero."""

    def take(self, lane: str, candidates: E | Lineup) -> Given:
        lineup = candidates if isinstance(candidates, Lineup) else alone(candidates)
        book = self.books.setdefault(lane, {})
        for i in lineup.able:
            if self.log and i not in self.log[-1].moved and book.get(i, 0) < 0:
                book[i] = 0
        return super().take(lane, candidates)


class NewcomersFirst(Reference):
    """Who is new in a team that is not is owed two leads."""

    def take(self, lane: str, candidates: E | Lineup) -> Given:
        lineup = candidates if isinstance(candidates, Lineup) else alone(candidates)
        for i in lineup.able if self.log else ():
            self.books[lane].setdefault(i, 2 * self.LEAD)
        return super().take(lane, candidates)


class ForgetsLeavers(Reference):
    """The ledger holds who is in the list, and nobody else."""

    def take(self, lane: str, candidates: E | Lineup) -> Given:
        given = super().take(lane, candidates)
        able = candidates.able if isinstance(candidates, Lineup) else candidates
        self.books[lane] = {i: c for i, c in self.books[lane].items() if i in able}
        return given


# --- giving back ---


class RefundTwice(Reference):
    def give_back(self, k: int) -> None:
        super().give_back(k)
        self._add(self.log[k], -1)


class UndoWithoutTheLedger(Reference):
    def give_back(self, k: int) -> None:
        self.gone.add(k)


class UndoKeepsTheLastTurn(Reference):
    def last_turn(self, lane: str, person: str) -> int:
        return max((k + 1 for k, e in enumerate(self.log) if e.given.payer == person), default=0)


class UndoKeepsVouchers(Reference):
    def give_back(self, k: int) -> None:
        self.log[k].vouchers.clear()
        super().give_back(k)


class UndoKeepsTheStreak(Reference):
    def streak(self, lane: str) -> int:
        gone, self.gone = self.gone, set()
        streak = super().streak(lane)
        self.gone = gone
        return streak


# --- catch up ---


class NoPace(Reference):
    def may(self, lane: str, lineup: Lineup) -> bool:
        return True


class NoCap(Reference):
    def missed(
        self, lane: str, lineup: Lineup, earned: Mapping[str, Number]
    ) -> list[tuple[str, str, Number, date]]:
        whole = sum(lineup.split.weights[i] for i in earned)
        return [
            (i, one.absence, self.credited(one.weight, whole + one.weight, one.rate), one.expires)
            for i, one in lineup.missed.items()
        ]


class IgnoresExpiry(Reference):
    def unexpired(self, lane: str, lineup: Lineup, person: str) -> list[Voucher]:
        mine = [one for (at, who, _), one in self.held.items() if (at, who) == (lane, person)]
        return sorted((one for one in mine if one.amount > 0 and lineup.policy), key=lambda v: v.expires)


class IgnoresTheRate(Reference):
    def credited(self, weight: int, whole: int, rate: int) -> Number:
        return super().credited(weight, whole, 100)


class CatchUpPaysCredit(Reference):
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
        if given.kind == "catch-up":
            moved = self.moved(given.payer, self.earned(lane, lineup.split.weights))
        return super().book(lane, lineup, given, moved, vouchers, due, earned)


# --- the record ---


class RecordsCreditsAfter(Units):
    def book(self, lane: str, *rest: Any) -> Given:
        given = super().book(lane, *rest)
        at, turn = self.turns[-1]
        after = {i: self.credit(lane, i) for i in turn.before}
        self.turns[-1] = at, replace(turn, before=after)
        return given


class RecordsNoNeeds(Units):
    """Who earned is stored, but not who could take the lead."""

    def book(self, lane: str, *rest: Any) -> Given:
        given = super().book(lane, *rest)
        at, turn = self.turns[-1]
        self.turns[-1] = at, replace(turn, able=None)
        return given
