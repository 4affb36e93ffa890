"""Catch-up: leads that an absence missed, made good afterwards (fairness.md section 3, "Catch up").

Vouchers stand beside the ledger: nobody's credit moves by them, so the theorems about credits stand. Amounts
are in units; one lead is `U`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from rules.fold import fold
from rules.model import Absence, CatchUp
from rules.shares import U

Key = tuple[str, str]
"""(Person ID, absence): the absence is named by its first day and its type."""


@dataclass(frozen=True, slots=True)
class Voucher:
    """What one absence is still made good by: `amount` is left, `earned` what it ever gave, in units.

    It counts up to and including the day `expires`, in the team's time zone.
    """

    amount: int
    earned: int
    expires: date


@dataclass(frozen=True, slots=True)
class VoucherMove:
    """What one turn changed in a voucher: earned (above zero) or paid (below)."""

    person: str
    absence: str
    change: int
    expires: date


@dataclass(frozen=True, slots=True)
class Missed:
    """Who is out of a lead only by an absence that is made good: `rate` in per cent, `cap` in leads."""

    absence: str
    weight: int
    rate: int
    cap: int
    expires: date


def named(absence: Absence) -> str:
    """What an absence is called in vouchers. Its last day may be edited without making it another one."""
    return f"{absence.from_.isoformat()} {fold(absence.type)}".strip()


def type_of(name: str) -> str:
    """The folded absence type of a voucher's name."""
    return name[11:]


def missed(absence: Absence, weight: int, policy: Mapping[str, CatchUp]) -> Missed | None:
    """What a person who is away misses of a lead; None where nothing makes it good."""
    terms = policy.get(fold(absence.type)) or policy.get("")
    if terms is None or not terms.rate:
        return None
    expires = absence.until + min(timedelta(days=terms.expiry), date.max - absence.until)
    return Missed(named(absence), weight, terms.rate, terms.cap, expires)


def accrue(
    missing: Mapping[str, Missed], weight: int, vouchers: Mapping[Key, Voucher]
) -> tuple[VoucherMove, ...]:
    """What each who misses a turn is credited: floor(w U / (W + w) x rate), up to the absence's cap.

    `weight` is W, the sum of weights of those who earn.
    """
    moves = []
    for person, one in missing.items():
        before = vouchers.get((person, one.absence))
        left = one.cap * U - (before.earned if before else 0)
        share = one.weight * U * one.rate // (100 * (weight + one.weight))
        if (change := min(share, left)) > 0:
            moves.append(VoucherMove(person, one.absence, change, one.expires))
    return tuple(moves)


def due(
    able: Mapping[str, int] | tuple[str, ...],
    vouchers: Mapping[Key, Voucher],
    policy: Mapping[str, CatchUp],
    today: date,
    streak: int,
) -> dict[str, date]:
    """Whose vouchers can take the next lead as a catch-up, each with the earliest expiry among theirs.

    They hold a lead or more, unexpired, and `streak`, the catch-ups in a row before, is below their pace.
    """
    found: dict[str, list[tuple[date, str, int]]] = {}
    for (person, absence), one in vouchers.items():
        if person in able and one.amount > 0 and one.expires >= today and _terms(absence, policy):
            found.setdefault(person, []).append((one.expires, absence, one.amount))
    ready = {}
    for person, held in found.items():
        first = min(held)
        terms = _terms(first[1], policy)
        if sum(amount for *_, amount in held) >= U and terms and streak < terms.pace:
            ready[person] = first[0]
    return dict(sorted(ready.items()))


def pay(
    person: str, vouchers: Mapping[Key, Voucher], policy: Mapping[str, CatchUp], today: date
) -> tuple[VoucherMove, ...]:
    """One lead, paid from the person's vouchers, the one that expires first first."""
    mine = sorted(
        (one.expires, absence, one.amount)
        for (who, absence), one in vouchers.items()
        if who == person and one.amount > 0 and one.expires >= today and _terms(absence, policy)
    )
    moves, left = [], U
    for expires, absence, amount in mine:
        part = min(left, amount)
        if part:
            moves.append(VoucherMove(person, absence, -part, expires))
            left -= part
    return tuple(moves)


def move(vouchers: dict[Key, Voucher], moves: tuple[VoucherMove, ...]) -> None:
    """Book what a turn changed. An absence that was prolonged expires later."""
    for one in moves:
        before = vouchers.get((one.person, one.absence), Voucher(0, 0, one.expires))
        earned = before.earned + max(one.change, 0)
        expires = one.expires if one.change > 0 else before.expires
        vouchers[one.person, one.absence] = Voucher(before.amount + one.change, earned, expires)


def move_back(vouchers: dict[Key, Voucher], moves: tuple[VoucherMove, ...]) -> None:
    """Give back what a turn changed: its own recorded numbers. What has expired stays expired."""
    for one in moves:
        before = vouchers.get((one.person, one.absence), Voucher(0, 0, one.expires))
        earned = before.earned - max(one.change, 0)
        vouchers[one.person, one.absence] = Voucher(before.amount - one.change, earned, before.expires)


def _terms(absence: str, policy: Mapping[str, CatchUp]) -> CatchUp | None:
    terms = policy.get(type_of(absence)) or policy.get("")
    return terms if terms and terms.rate else None
