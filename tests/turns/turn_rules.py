"""What a rotation of turns promises (F1 to F8 and T1 to T3 of fairness.md), over any implementation.

Each promise takes a way to make a rotation and 64 bytes: 14 that say who the team is, 50 that are its leads.
It raises AssertionError where the rotation breaks it. Owners are judged by an `Audit` of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from itertools import combinations

from rotations import E, Make, Reference

from rules.rotation import U

HEAD, LEADS = 14, 50
SIZE = HEAD + LEADS
Promise = Callable[[Make, bytes], None]


class Audit:
    """Fair shares less leads got, from owners alone, in units: exact while weights sum to 36 or less."""

    def __init__(self, roster: str | list[str] = "") -> None:
        self.credit: dict[str, int] = dict.fromkeys(roster, 0)
        self.rows: list[tuple[E, str]] = []

    def add(self, candidates: E, owner: str, sign: int = 1) -> None:
        if sign > 0:
            self.rows.append((candidates, owner))
        whole = sum(candidates.values())
        for i, weight in candidates.items():
            self.credit[i] = self.credit.get(i, 0) + sign * weight * U // whole
        self.credit[owner] = self.credit.get(owner, 0) - sign * U

    def take_out(self, k: int) -> None:
        self.add(*self.rows[k], sign=-1)

    def any_k_are_near(self, slack: int = 0) -> None:
        """T1: any k of n together have |credit| <= k(n-k)/2. The k largest are the worst k."""
        ordered = sorted(self.credit.values())
        n, top, bottom = len(ordered), 0, 0
        for k in range(1, n):
            top, bottom = top + ordered[-k], bottom - ordered[k - 1]
            assert 2 * max(top, bottom) <= (k * (n - k) + 2 * slack) * U, (k, self.credit)


def weights_of(head: bytes, people: str, top: int = 6) -> dict[str, int]:
    return {i: 1 + byte % top for i, byte in zip(people, head, strict=False)}


def some_of(team: Mapping[str, int], byte: int) -> dict[str, int]:
    """A part of the team, never empty: all where the bits say nobody."""
    part = {i: w for k, (i, w) in enumerate(team.items()) if byte >> k & 1}
    return part or dict(team)


def leads_of(steps: bytes, people: str = "abcdef", top: int = 6) -> Iterator[tuple[str, dict[str, int]]]:
    """Lane and E, lead by lead. A third of all teams have equal weights: there ties are frequent."""
    team = weights_of(steps, people, 1 if steps[HEAD - 1] % 3 == 0 else top)
    for byte in steps[HEAD:]:
        yield "yx"[byte >> 6 & 1], some_of(team, byte)


# --- F1 to F5 ---


def a_constant_team_stays_even_after_every_lead(make: Make, steps: bytes) -> None:
    """F1: and runs may end, and the sheet be saved, wherever they like."""
    team = dict.fromkeys("hgfedcba"[: 1 + steps[0] % 8], 1)
    one, got = make(), dict.fromkeys(team, 0)
    for byte in steps[HEAD:]:
        _interrupt(one, byte)
        got[one.take("", team).owner] += 1
        assert max(got.values()) - min(got.values()) <= 1, got


def any_k_people_of_a_closed_roster_stay_near(make: Make, steps: bytes) -> None:
    """F2, T1, for every k: one lead more for each turn given back."""
    one, audit, back = make(), Audit("abcdef"), set[int]()
    for k, (byte, (_, e)) in enumerate(zip(steps[HEAD:], leads_of(steps), strict=True)):
        audit.add(e, one.take("", e).owner)
        if byte % 16 == 1 and (older := k - byte // 16) >= 0 and older not in back:
            one.give_back(older)
            audit.take_out(older)
            back.add(older)
        audit.any_k_are_near(len(back))


def an_adversary_cannot_push_any_k_people_beyond_the_bound(make: Make, steps: bytes) -> None:
    """F2, T1: the E that would leave credits the most unequal, lead by lead."""
    people = "abcdef"[: 2 + steps[0] % 4]
    sets = [dict.fromkeys(c, 1) for k in range(2, len(people) + 1) for c in combinations(people, k)]
    one, audit = make(), Audit(people)
    for _ in steps[HEAD:]:
        worst = max(sets, key=lambda e: _unequal(audit.credit, e))
        audit.add(worst, one.take("", worst).owner)
        audit.any_k_are_near()


def _unequal(credit: Mapping[str, int], e: E) -> int:
    after = {i: c + (U // len(e) if i in e else 0) for i, c in credit.items()}
    after[max(sorted(e), key=lambda i: after[i])] -= U
    return sum(c * c for c in after.values())


def people_who_join_and_leave_stay_within_n_minus_1(make: Make, steps: bytes) -> None:
    """F2, T2: never more than n at once, joining at zero; one lead more for each turn given back."""
    n, serial, one, audit = 2 + steps[0] % 4, 1, make(), Audit()
    team, leads, back = {"p000": 1}, list[dict[str, int]](), set[int]()
    for byte in steps[HEAD:]:
        if byte % 8 == 0 and len(team) < n:
            team[f"p{serial:03}"] = 1 + steps[serial % HEAD] % 3
            serial += 1
        elif byte % 8 == 1 and len(team) > 1:
            del team[sorted(team)[byte // 8 % len(team)]]
        elif byte % 16 == 2 and leads and (k := byte // 16 % len(leads)) not in back:
            one.give_back(k)
            audit.take_out(k)
            back.add(k)
        else:
            leads.append(some_of(team, byte // 8))
            audit.add(leads[-1], one.take("", leads[-1]).owner)
        assert all(abs(c) <= (n - 1 + len(back)) * U for c in audit.credit.values()), audit.credit


def books_stay_near_with_any_weights(make: Make, steps: bytes) -> None:
    """F2, T1, to the unit: by the rotation's own books, with weights of 1 to 1000 that change at will."""
    one, people = make(), "abcdef"
    for k, (_, e) in enumerate(leads_of(steps, people)):
        one.take("", {i: 1 + (w * 7919 + k * 613) % 1000 for i, w in e.items()})
        audit = Audit(people)
        audit.credit |= {i: c * U // one.LEAD for i, c in one.credits("").items()}
        audit.any_k_are_near()


def a_constant_team_with_weights_keeps_the_narrow_bound(make: Make, steps: bytes) -> None:
    """F3, T3, the longest run to one person included."""
    team = weights_of(steps[1:], "abcdefgh"[: 1 + steps[0] % 8], 4)
    n, whole, one, audit, runs = len(team), sum(team.values()), make(), Audit(), dict.fromkeys(team, 0)
    harmonic = sum(Fraction(1, k) for k in range(1, n + 1))
    high, low = (harmonic - 1) * U, -(1 - Fraction(1, n)) * U
    longest = {i: (harmonic - Fraction(1, n)) / (1 - Fraction(w, whole)) for i, w in team.items() if n > 1}
    for _ in steps[HEAD:]:
        owner = one.take("", team).owner
        audit.add(team, owner)
        runs = {i: runs[i] + 1 if i == owner else 0 for i in team}
        assert all(low <= c <= high for c in audit.credit.values()), (team, audit.credit)
        assert all(runs[i] <= most for i, most in longest.items()), (team, owner, runs)


def cutting_the_leads_into_runs_changes_no_owner(make: Make, steps: bytes) -> None:
    """F4: the stored turns are all that passes from run to run."""
    whole, cut = make(), make()
    for byte, (lane, e) in zip(steps[HEAD:], leads_of(steps[::-1], "abcd"), strict=True):
        if byte % 4 == 0:
            cut.restart()
        assert whole.take(lane, e) == cut.take(lane, e)


def the_order_of_rows_changes_nothing_and_names_little(make: Make, steps: bytes) -> None:
    """F5: rows permuted, nobody's leads change; ids permuted, by n-1 at the most."""
    n = 5
    names = "".join(sorted("abcde", key=lambda i: steps[ord(i) - 90]))
    one, rows, other, got = make(), make(), make(), dict.fromkeys("abcde", 0)
    for _, e in leads_of(steps, "abcde"):
        owner = one.take("", e).owner
        turned = {i: e[i] for i in names if i in e}
        assert rows.take("", turned).owner == owner
        renamed = {names[ord(i) - 97]: w for i, w in e.items()}
        got[owner] += 1
        got["abcde"[names.index(other.take("", renamed).owner)]] -= 1
        assert all(abs(difference) <= n - 1 for difference in got.values()), got


# --- F6 to F8 ---


def only_who_can_take_a_lead_gets_it(make: Make, steps: bytes) -> None:
    """F6."""
    one = make()
    for lane, e in leads_of(steps):
        assert one.take(lane, e).owner in e


def who_is_away_is_owed_what_they_were_owed(make: Make, steps: bytes) -> None:
    """F7, `none`: got since return = fair share since + c at return - c now, and n-1 at the most apart."""
    one, audit, people = make(), Audit("abcd"), "abcd"
    back = {i: (Fraction(0), 0, Fraction(0)) for i in people}
    got, fair, before = dict.fromkeys(people, 0), dict.fromkeys(people, Fraction(0)), set(people)
    for _, e in leads_of(steps, people):
        credits = one.credits("")
        frozen = {i: credits.get(i, 0) for i in people if i not in e}
        for i in e.keys() - before:
            back[i] = (Fraction(credits.get(i, 0), one.LEAD), got[i], fair[i])
        owner = one.take("", e).owner
        audit.add(e, owner)
        got[owner] += 1
        for i, weight in e.items():
            fair[i] += Fraction(weight, sum(e.values()))
        credits, before = one.credits(""), set(e)
        assert all(credits.get(i, 0) == c for i, c in frozen.items()), "credit is frozen while away"
        for i in e:
            then, had, due = back[i]
            extra = then - Fraction(credits.get(i, 0), one.LEAD)
            assert got[i] - had == fair[i] - due + extra and abs(extra) <= 3, (i, got, fair)


def who_joins_gets_their_share_and_who_leaves_changes_nothing(make: Make, steps: bytes) -> None:
    """F8: join in a constant team, then leave; the sheet is saved at each."""
    equal = steps[3] % 2 == 0
    team = weights_of(steps[4:], "bcdefgh"[: 1 + steps[0] % 7], 1 if equal else 4)
    one, newcomer, got = make(), "az"[steps[1] % 2], 0
    for _ in range(steps[2] % 20):
        one.take("", team)
    one.edit()
    joined = {**team, newcomer: 1}
    n, whole = len(joined), sum(joined.values())
    for k in range(1, 3 * n):
        got += one.take("", joined).owner == newcomer
        assert got <= Fraction(k, whole) + 1
        assert not equal or k != n or got == 1, "exactly one of the first n"
    before = dict(one.credits(""))
    one.edit()
    assert dict(one.credits("")) == before, "a saved sheet changes no credit"
    gone, *_ = joined
    if len(joined) > 1:
        one.take("", {i: w for i, w in joined.items() if i != gone})
        after = one.credits("")
        assert after.get(gone, 0) == before.get(gone, 0), "a leaver's credit is kept for ever"


def _interrupt(one: object, byte: int) -> None:
    if byte % 4 == 0:
        one.restart()  # type: ignore[attr-defined]
    if byte % 8 == 1:
        one.edit()  # type: ignore[attr-defined]


# --- the ledger itself ---


def owners_equal_those_of_a_ledger_in_fractions(make: Make, steps: bytes) -> None:
    """The oracle, while weights sum to 36 or less: owners after each lead, and credits to the unit."""
    one, oracle = make(), Reference()
    for lane, e in leads_of(steps):
        assert one.take(lane, e) == oracle.take(lane, e)


def books_balance_to_the_unit(make: Make, steps: bytes) -> None:
    """Each in E earns floor(w U / W), the taker the remainder as well and pays U, nobody else moves."""
    one, everybody = make(), "abcdefg"
    for k, (lane, e) in enumerate(leads_of(steps, everybody)):
        e = {i: 1 + (w * 7919 + k * 613) % 1000 for i, w in e.items()}
        before = dict(one.credits(lane))
        owner = one.take(lane, e).owner
        after = one.credits(lane)
        change = {i: after.get(i, 0) - before.get(i, 0) for i in everybody}
        whole = sum(e.values())
        assert sum(change.values()) == 0
        assert all(change[i] == e.get(i, 0) * U // whole for i in everybody if i != owner)


def the_longest_wait_in_any_lane_wins_ties(make: Make, steps: bytes) -> None:
    """Equal in lane and team: whose last turn in any lane is longest ago, then the first Person ID."""
    one, last = make(), dict.fromkeys("abcd", -1)
    lanes, team = {"x": Audit("abcd"), "y": Audit("abcd")}, Audit("abcd")
    for k, (lane, e) in enumerate(leads_of(steps, "abcd", top=2)):
        owner, whole = one.take(lane, e).owner, sum(e.values())
        here, there = lanes[lane].credit, team.credit
        standing = {i: (here[i] + w * U // whole, there[i] + w * U // whole) for i, w in e.items()}
        best = max(standing.values())
        assert owner == min((i for i in e if standing[i] == best), key=lambda i: (last[i], i))
        lanes[lane].add(e, owner)
        team.add(e, owner)
        last[owner] = k
