"""What the choices of fairness.md section 3 promise (F7, F9, F14, F15, F22, the limit), over any rotation.

As in turn_rules, each promise takes a way to make a rotation and 64 bytes.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction

from rotations import E, Given, Make, Product, Reference
from turn_rules import HEAD, Audit, leads_of, some_of, weights_of

from rules.lineup import Lineup
from rules.model import CatchUp
from rules.rotation import Turn, U, rederive, split_of
from rules.vouchers import Missed

MONDAY = date(2026, 1, 5)
PEOPLE = "abcd"
Story = Iterator[tuple[int, str, Lineup, str]]
"""The byte, the lane, who stands for the lead, and who takes it by hand ("" for an ordinary one)."""


def story(steps: bytes) -> Story:
    """Fifty leads of four people with every choice at once: totals, delegates, absences, leads by hand."""
    team = weights_of(steps, PEOPLE, 1 if steps[13] % 2 else 3)
    terms = CatchUp((50, 100)[steps[4] % 2], 1 + steps[5] % 3, steps[6] % 9, 1 + steps[7] % 3)
    for k, byte in enumerate(steps[HEAD:]):
        day, turned = MONDAY + timedelta(days=k // 3), byte * 37 % 251
        one, other = PEOPLE[turned % 4], PEOPLE[turned // 4 % 4]
        able, kind = some_of(team, byte), turned // 16 % 6
        lineup = Lineup(able, split_of(able), policy={"": terms}, today=day)
        if kind == 1:
            lineup = counting_totals(lineup, team)
        elif kind == 2 and one != other:
            lineup = served(lineup, team, one, other)
        elif kind in (3, 4) and len(able) > 1:
            lineup = missing(lineup, team, PEOPLE[turned % 4 // 3], terms)
        yield byte, "xy"[byte >> 7], lineup, one if kind == 5 else ""


def counting_totals(lineup: Lineup, team: E) -> Lineup:
    return Lineup(lineup.able, split_of(team), policy=lineup.policy, today=lineup.today)


def served(lineup: Lineup, team: E, absentee: str, delegate: str) -> Lineup:
    able = dict(sorted({**lineup.able, absentee: team[absentee], delegate: team[delegate]}.items()))
    return Lineup(able, split_of(able), {absentee: delegate}, {}, lineup.policy, lineup.today)


def missing(lineup: Lineup, team: E, absentee: str, terms: CatchUp) -> Lineup:
    """Without the absentee, who is away for ten days at a time."""
    assert lineup.today is not None
    able = {i: w for i, w in lineup.able.items() if i != absentee}
    able = able or {i: w for i, w in team.items() if i != absentee}
    first = MONDAY + (lineup.today - MONDAY) // timedelta(days=10) * timedelta(days=10)
    expires = first + timedelta(days=9 + terms.expiry)
    missed = Missed(first.isoformat(), team[absentee], terms.rate, terms.cap, expires)
    return Lineup(able, split_of(able), {}, {absentee: missed}, lineup.policy, lineup.today)


def tell(one: Product | Reference, lane: str, lineup: Lineup, taker: str) -> Given:
    if not taker:
        return one.take(lane, lineup)
    kind = "by hand" if len(lineup.able) % 2 else "override"
    return one.charge(lane, lineup, taker, 2, kind)


# --- F7, catch up ---


def missed_leads_are_made_good_up_to_the_cap(make: Make, steps: bytes) -> None:
    """F7: extra = floor(min(missed x rate, cap)) before expiry; never more than k in a row."""
    team = weights_of(steps, "abcd"[: 2 + steps[4] % 3], 3)
    terms = CatchUp((0, 25, 50, 100)[steps[5] % 4], 1 + steps[6] % 4, steps[7] % 5, 1 + steps[8] % 3)
    policy = {"": terms} if terms.rate else {}
    one, missed, left = make(), Fraction(0), steps[9] % 26
    for byte in steps[HEAD : HEAD + left]:
        others = some_of({i: w for i, w in team.items() if i != "a"}, byte)
        lineup = missing(Lineup(others, split_of(others), policy=policy, today=MONDAY), team, "a", terms)
        one.take("", lineup)
        missed += Fraction(team["a"], team["a"] + sum(others.values()))
    late = steps[10] % 8
    back = Lineup(team, split_of(team), policy=policy, today=MONDAY + timedelta(days=9 + late))
    kinds = [one.take("", back).kind for _ in range(25)]
    extra = math.floor(min(missed * terms.rate / 100, Fraction(terms.cap)))
    assert kinds.count("catch-up") == (extra if late <= terms.expiry else 0), (missed, terms, late)
    longest = ["catch-up"] * (terms.pace + 1)
    assert all(kinds[k : k + terms.pace + 1] != longest for k in range(25)), "others have turns between"


# --- F9 ---


def each_account_stays_near_with_delegates(make: Make, steps: bytes) -> None:
    """F9: a delegate serves at most their own and the charged shares, and the bound."""
    people = "abcde"
    team = weights_of(steps, people, 1 + steps[6] % 4)
    serves = dict.fromkeys(people[: 1 + steps[5] % 3], "e")
    one, accounts, got, fair = make(), Audit(people), 0, 0
    for byte in steps[HEAD:]:
        e = some_of(team, byte) | {"e": team["e"]}
        away = {i: "e" for i in serves if i in e}
        given = one.take("", Lineup(e, split_of(e), away))
        assert given.owner == away.get(given.payer, given.payer)
        accounts.add(e, given.payer)
        accounts.any_k_are_near()
        got += given.owner == "e"
        fair += sum(e[i] * U // sum(e.values()) for i in ("e", *away))
        k = 1 + len(serves)
        assert 2 * (got * U - fair) <= k * (5 - k) * U
    books = {i: Fraction(c, one.LEAD) for i, c in one.credits("").items() if c}
    assert books == {i: Fraction(c, U) for i, c in accounts.credit.items() if c}, "accounts are the books"


# --- F14, F15 ---


def stored_turns_are_all_that_a_ledger_is(make: Make, steps: bytes) -> None:
    """F14 in the core: whoever is stopped after any lead goes on where the uninterrupted one is."""
    whole, stopped = make(), make()
    for k, (byte, lane, lineup, taker) in enumerate(story(steps)):
        assert tell(whole, lane, lineup, taker) == tell(stopped, lane, lineup, taker)
        if byte % 8 == 1:
            whole.give_back(k)
            stopped.give_back(k)
        if byte % 4 == 0:
            stopped.restart()
        assert stopped.state(lane) == whole.state(lane)


def a_stored_turn_says_all_of_it(make: Make, steps: bytes) -> None:
    """F15: equal inputs, equal bytes; the owner follows from the stored turn alone, of every kind."""
    one, again = make(), make()
    numbers: dict[str, int] = {}
    for k, (_, lane, lineup, taker) in enumerate(story(steps)):
        given = tell(one, lane, lineup, taker)
        tell(again, lane, lineup, taker)
        turn = one.turns[k][1]
        assert repr(turn).encode() == repr(again.turns[k][1]).encode()
        assert rederived(turn) == given.owner == turn.owner
        numbers[lane] = numbers.get(lane, 0) + 1
        assert (turn.number, turn.sequence) == (numbers[lane], k + 1), "numbers have no gap"
        assert sum(turn.changes.values()) == 0
        assert turn.after == {i: one.credits(lane).get(i, 0) for i in turn.after}


def rederived(turn: Turn) -> str:
    """The owner by the stored turn alone."""
    try:
        return rederive(turn)
    except ValueError as damaged:
        raise AssertionError(damaged) from damaged


# --- F22 ---


def giving_back_in_any_order_restores_the_ledger(make: Make, steps: bytes) -> None:
    """F22: all turns after a point, of every kind; what follows then is what followed there."""
    told, keep = list(story(steps)), steps[8] % 50
    one, point = make(), make()
    for k, (_, lane, lineup, taker) in enumerate(told):
        tell(one, lane, lineup, taker)
        if k < keep:
            tell(point, lane, lineup, taker)
    later = list(range(keep, len(told)))
    random.Random(steps[9]).shuffle(later)
    for k in later:
        one.give_back(k)
    assert all(one.state(lane) == point.state(lane) for lane in "xy")
    for _, lane, lineup, taker in told[:8]:
        assert tell(one, lane, lineup, taker) == tell(point, lane, lineup, taker)


# --- the oracle, and the limit ---


def every_choice_equals_a_ledger_in_fractions(make: Make, steps: bytes) -> None:
    """The oracle of totals, delegates, charges and vouchers, with turns given back in the middle."""
    one, oracle, gone = make(limit=2), Reference(limit=2), set[int]()
    for k, (byte, lane, lineup, taker) in enumerate(story(steps)):
        assert tell(one, lane, lineup, taker) == tell(oracle, lane, lineup, taker)
        back = k - byte % 5
        if byte % 11 == 0 and back >= 0 and back not in gone:
            gone.add(back)
            one.give_back(back)
            oracle.give_back(back)
    for lane in "xy":
        exact = {i: c * one.LEAD for i, c in oracle.credits(lane).items() if c}
        assert {i: c for i, c in one.credits(lane).items() if c} == exact


def a_lead_by_hand_is_charged_to_its_taker(make: Make, steps: bytes) -> None:
    """E and the taker earn, the taker pays: so each account obeys T1 as if it were a turn, but one lead."""
    one = make()
    for k, (_, e) in enumerate(leads_of(steps, PEOPLE, 3)):
        taker = PEOPLE[k * 7 % 4]
        before, weights = dict(one.credits("")), {taker: 1, **e}
        one.charge("", e, taker, 1, "by hand")
        after, whole = one.credits(""), sum(weights.values())
        change = {i: after.get(i, 0) - before.get(i, 0) for i in PEOPLE}
        if not any(change.values()) or max(before.values(), default=0) >= 5 * one.LEAD:
            continue  # beyond the limit, or somebody stands at it
        owed = {i: Fraction(weights.get(i, 0) * one.LEAD, whole) for i in PEOPLE}
        owed[taker] -= one.LEAD
        assert change == owed


def totals_stop_at_the_limit(make: Make, steps: bytes) -> None:
    """T1 does not hold there: somebody alone can take what all earn. The promise is the limit."""
    limit = 1 + steps[8] % 3
    team, one = weights_of(steps, PEOPLE, 3), make(limit=limit)
    for byte in steps[HEAD:]:
        able = some_of(team, byte & 3 if byte % 4 else 1)
        before = {i: one.credits("").get(i, 0) for i in team}
        given = one.take("", Lineup(able, split_of(team)))
        after, full = one.credits(""), {i for i in team if before[i] >= limit * one.LEAD}
        assert given.owner in able
        for i in team:
            assert -limit * one.LEAD <= after.get(i, 0) <= (limit + 1) * one.LEAD, (i, dict(after))
            if i in full and len(full) < len(team) and i != given.payer:
                assert after.get(i, 0) == before[i], "who stands at the limit earns nothing"


def the_limit_holds(make: Make, steps: bytes) -> None:
    """With a limit of one lead nobody falls below -1, and who stands at +1 earns nothing."""
    one = make(limit=1)
    for _, e in leads_of(steps, "abcdefgh", 9):
        before = {i: one.credits("").get(i, 0) for i in e}
        payer = one.take("", e).payer
        full = {i for i in e if before[i] >= one.LEAD}
        for i in e:
            credit = one.credits("").get(i, 0)
            assert credit >= -one.LEAD
            assert credit == before[i] or i not in full or len(full) == len(e) or i == payer


def long_run_shares_do_not_hang_on_names(make: Make, steps: bytes) -> None:
    """F5 with caps: ids permuted, shares of a quarter's leads differ by less than one per cent."""
    dice, people = random.Random(steps), "abcdef"
    to = dict(zip(people, dice.sample(people, 6), strict=True))
    caps = {i: 2 + byte % 5 for i, byte in zip(people, steps, strict=False)}
    one, other, got, renamed = make(), make(), Counter[str](), Counter[str]()
    for _ in range(65):
        today, there = (Counter[str](), Counter[str]()), dice.sample(people, dice.choice([4, 5, 6, 6]))
        for _ in range(dice.randint(5, 20)):
            e = {i: 1 for i in there if today[0][i] < caps[i]}
            f = {to[i]: 1 for i in there if today[1][to[i]] < caps[i]}
            if e and f:
                today[0][one.take("", e).owner] += 1
                today[1][other.take("", f).owner] += 1
        got += today[0]
        renamed += today[1]
    assert all(abs(got[i] - renamed[to[i]]) <= got.total() / 100 for i in people), (got, renamed)
