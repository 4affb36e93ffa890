"""The judge of a scale run: who must have got each lead, worked out a second time from the company itself.

Nothing of the product decides here: eligibility comes from the plain values of scale_world.py, the ledger is
the dozen lines of the definition in whole numbers, lead by lead, and knows no runs. Only for F5 the product's
own rotation shares out the same leads under other names. The first promise that does not hold raises Broken.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from scale_books import Asked, Book, Joiner, Lane, Stand, Taken, U, due, good, miss, must
from scale_world import LANGUAGES, Company, Group, Member

MOST_HOPS = 5


class Judge:
    """Follows a company's leads one by one and says what must have been."""

    def __init__(self, company: Company) -> None:
        self.company = company
        self.books: dict[str, Book] = defaultdict(Book)
        self.given: Counter[tuple[str, str, date]] = Counter()
        self.turns: dict[tuple[str, int], tuple[str, Taken]] = {}
        self.places: dict[tuple[str, int], date] = {}
        self.refunded: set[tuple[str, int]] = set()
        self.held: Counter[tuple[str, str]] = Counter()
        self.kinds: Counter[str] = Counter()
        self.worst, self.held_to = Fraction(0), Counter[str]()

    # --- who is there ---

    def meet(self, now: datetime) -> None:
        """Who belongs to each team at this hour: the n of T2."""
        for group in self.company.groups:
            book, day = self.books[group.name], group.day(now)
            here = {m.id for m in group.members if not m.gone(day)}
            book.returns += len((here - book.here) & book.been)
            book.been |= here
            book.here, book.most = here, max(book.most, len(here))

    def _why_not(self, group: Group, one: Member, needs: str | None, day: date) -> set[str]:
        why = {"gone"} if one.gone(day) else set()
        why |= {"absent"} if one.absence(day) else set()
        why |= {"skill"} if needs and needs not in one.languages else set()
        return why | ({"cap"} if self._capped(group, one, day) else set())

    def _capped(self, group: Group, one: Member, day: date) -> bool:
        today, week = self._counts(group, one.id, day)
        return (one.daily is not None and today >= one.daily) or (
            one.weekly is not None and week >= one.weekly
        )

    def _counts(self, group: Group, person: str, day: date) -> tuple[int, int]:
        week = [day - timedelta(days=n) for n in range(day.weekday() + 1)]
        counted = [self.given[group.name, person, one] for one in week]
        return counted[0], sum(counted)

    def _stand(self, asked: Asked, whys: Mapping[str, set[str]], day: date) -> Stand:
        group = asked.group
        by_id = {m.id: m for m in group.members}
        able = [i for i, why in whys.items() if not why]
        able = [i for i in able if i not in asked.back] or able
        away = {i: by_id[i].absence(day) for i, why in whys.items() if why == {"absent"}}
        serves = {i: a.delegate for i, a in away.items() if group.delegates and a and a.delegate in able}
        if asked.last in asked.back and asked.last in able and len(able) + len(serves) > 1:
            able = [i for i in able if i != asked.last] or able
            serves = {i: d for i, d in serves.items() if d in able}
        missed = {i: (by_id[i].weight, a) for i, a in away.items() if i not in serves and a}
        weights = {i: by_id[i].weight for i in sorted([*able, *serves])}
        return Stand(weights, {i: str(d) for i, d in serves.items()}, missed)

    # --- a run ---

    def judge(self, decided: Sequence[Any], asked: Sequence[Asked], now: datetime) -> None:
        """One run's decisions, in their order. Raises Broken."""
        order = sorted(asked, key=lambda a: (not a.held, a.created, a.id))
        same = [d.key.source_id for d in decided] == [a.id for a in order]
        must(same, "F4", f"the leads of {now} are not decided in the one order there is")
        for found, lead in zip(decided, order, strict=True):
            lead.epoch += 1
            self._one(found, lead, now)
            lead.held, lead.owner = found.person is None, found.person

    def _one(self, found: Any, lead: Asked, now: datetime) -> None:
        group, day = lead.group, lead.group.day(now)
        where = f"lead {lead.id} of {group.name} at {now}"
        if lead.hops >= MOST_HOPS:
            must(found.owner is None, "F11", f"{where} was rejected {lead.hops} times and still given")
            self.kinds["held after 5 hops"] += 1
            return
        if self._owned(found, lead, now, where):
            return
        needs = LANGUAGES.get(lead.country)
        whys = {m.id: self._why_not(group, m, needs, day) for m in group.members}
        stand = self._stand(lead, whys, day)
        if not stand.weights:
            expected = _reason([why for why in whys.values() if "gone" not in why])
            must(
                (found.person, found.reason) == (None, expected),
                "F6",
                f"{where} is {found.reason}, not {expected}",
            )
            self.kinds[f"held: {expected}"] += 1
            return
        must(found.turn is not None, "F6", f"{where} has no turn, and could have: {found.reason}")
        self._turn(found, lead, stand, whys, day, where)

    def _owned(self, found: Any, lead: Asked, now: datetime, where: str) -> bool:
        """Whether the e-mail's owner can take it; such a lead is no turn."""
        home = next((g for g in self.company.groups if lead.match in g.members), None) if lead.match else None
        if lead.match is None or home is None or self._why_not(home, lead.match, None, home.day(now)):
            return False
        right = (found.person, found.turn, found.by) == (lead.match.id, None, "person_match")
        must(right, "F10", f"{where} belongs to {lead.match.id} and went to {found.person} by {found.by}")
        self._count(lead, home, lead.match.id, now)
        self.kinds["owned"] += 1
        return True

    def _count(self, lead: Asked, group: Group, person: str, now: datetime) -> None:
        day = group.day(now)
        self.given[group.name, person, day] += 1
        self.places[lead.id, lead.epoch] = day

    # --- a turn ---

    def _turn(
        self, found: Any, lead: Asked, stand: Stand, whys: Mapping[str, set[str]], day: date, where: str
    ) -> None:
        group, turn = lead.group, found.turn.turn
        book, lane = self.books[group.name], self.books[group.name].lanes[lead.lane]
        self._may(found.person, lead, stand, whys, where)
        who = dict(turn.weights)
        must(who == stand.weights, "F6", f"{where} was for {who}, must be for {stand.weights}")
        book.sequence += 1
        lane.number += 1
        self._away(lane, whys, day, group, where)
        caught = due(lane, stand, day) if group.catches_up and len(stand.weights) > 1 else None
        took = self._caught_up(lane, caught, day) if caught else self._ordinary(group, book, lane, stand)
        took.lane, took.sequence = lead.lane, book.sequence
        place = (turn.number, turn.sequence, turn.payer, found.person, found.turn.lane)
        expected = (lane.number, book.sequence, took.payer, took.owner, lead.lane)
        must(place == expected, "F4", f"{where} is turn {place}, must be {expected}")
        must((turn.kind == "catch-up") == (caught is not None), "F7", f"{where} is a {turn.kind}")
        book.live[took.payer].append(book.sequence)
        if caught is None:
            lane.caught_up = False
            self._watch(group, book, lane, lead, stand, took, where)
        self._cap(group, lead, took.owner, day, where)
        self.turns[lead.id, lead.epoch] = (group.name, took)
        self.kinds[turn.kind] += 1

    def _ordinary(self, group: Group, book: Book, lane: Lane, stand: Stand) -> Taken:
        whole = sum(stand.weights.values())
        shares = {i: w * U // whole for i, w in stand.weights.items()}
        rank = {
            i: (-lane.credits[i] - s, -book.over_lanes(i) - s, book.last(i), i) for i, s in shares.items()
        }
        payer, paid = min(rank, key=lambda i: rank[i]), sum(shares.values())
        lane.credits.update(shares)
        lane.credits[payer] -= paid
        for person, (weight, away) in stand.missed.items():
            if group.catches_up:
                miss(lane, person, weight, away, whole)
        return Taken("", 0, payer, stand.serves.get(payer, payer), shares, paid)

    def _caught_up(self, lane: Lane, person: str, day: date) -> Taken:
        must(not lane.caught_up, "F7", f"{person} has a second catch-up lead in a row while others wait")
        lane.caught_up, left = True, U
        for one in sorted(good(lane, person, day), key=lambda v: v.expires):
            part = min(left, one.amount)
            one.amount, left = one.amount - part, left - part
        must(left == 0, "F7", f"{person} has a catch-up lead without the credit for it")
        return Taken("", 0, person, person, {}, 0)

    def _may(self, owner: str, lead: Asked, stand: Stand, whys: Mapping[str, set[str]], where: str) -> None:
        out = whys.get(owner, {"of another team"})
        must(
            not out, "F12" if out == {"cap"} else "F6", f"{where} went to {owner}, who is out: {sorted(out)}"
        )
        others = {stand.serves.get(i, i) for i in stand.weights} - {owner}
        again = owner == lead.last and bool(others)
        must(not again, "F11", f"{where} went to {owner} again, while {sorted(others)} could take it")

    def _cap(self, group: Group, lead: Asked, person: str, day: date, where: str) -> None:
        one = next(m for m in group.members if m.id == person)
        self.given[group.name, person, day] += 1
        self.places[lead.id, lead.epoch] = day
        today, week = self._counts(group, person, day)
        over = (one.daily is not None and today > one.daily) or (one.weekly is not None and week > one.weekly)
        must(not over, "F12", f"{where} is the {today}. of the day and {week}. of the week of {person}")
        self.held_to["F12 turns of capped people"] += one.daily is not None or one.weekly is not None

    def _away(self, lane: Lane, whys: Mapping[str, set[str]], day: date, group: Group, where: str) -> None:
        """F7: the credit of who is away stands still (a delegate's turns are charged to it)."""
        if group.delegates:
            return
        for one in group.members:
            away = one.absence(day)
            if away is None:
                before = lane.frozen.pop(one.id, None)
                self.held_to["F7 returns"] += before is not None
            else:
                before = lane.frozen.setdefault(one.id, (away.first, lane.credits[one.id]))
            if before and (away is None or before[0] == away.first):
                now = lane.credits[one.id]
                must(
                    before[1] == now, "F7", f"{where}: {one.id} left with {before[1]} and returns with {now}"
                )

    # --- what holds after each turn ---

    def _watch(
        self, group: Group, book: Book, lane: Lane, lead: Asked, stand: Stand, took: Taken, where: str
    ) -> None:
        lane.got[took.payer] += 1
        self._bounds(book, lane, stand, where)
        self._joined(lane, stand, took, where)
        self._constant(lane, stand, took, where)
        if not group.refunds:
            self._renamed(book, lane, lead.lane, stand, where)

    def _bounds(self, book: Book, lane: Lane, stand: Stand, where: str) -> None:
        """F2: T2 for who is there, T1 for every k of all who ever were; a unit of rounding for each turn."""
        must(sum(lane.credits.values()) == 0, "F2", f"after {where} the credits do not sum to zero")
        ranked = sorted(lane.credits.values(), reverse=True)
        n, slack = len(ranked), lane.number * len(ranked)
        worst = max(ranked[0], -ranked[-1])
        self.worst = max(self.worst, Fraction(worst, U))
        most = (book.most + book.returns - 1 + lane.back) * U + slack
        must(worst <= most, "F2", f"after {where} somebody is {worst / U:.3f} leads off, T2 says {most / U}")
        total = 0
        for k, credit in enumerate(ranked, 1):
            total += credit
            most = k * (n - k) * U // 2 + lane.back * U + slack
            must(
                total <= most, "F2", f"after {where} {k} of {n} are owed {total / U:.3f}, T1 says {most / U}"
            )

    def _constant(self, lane: Lane, stand: Stand, took: Taken, where: str) -> None:
        """F1 and F3: as long as the same people could take every lead of this ledger."""
        if lane.number == 1:
            lane.constant = stand.weights
        if lane.constant is None or lane.constant != stand.weights or stand.serves or lane.back:
            lane.constant = None
            return
        n, same = len(stand.weights), len(set(stand.weights.values())) == 1
        if same:
            got = [lane.got[i] for i in stand.weights]
            must(max(got) - min(got) <= 1, "F1", f"after {where} a constant team got {got}")
        low, high = Fraction(1, n) - 1, sum((Fraction(1, k) for k in range(2, n + 1)), Fraction(0))
        slack = n * lane.number
        worst = [i for i in stand.weights if not low * U - slack <= lane.credits[i] <= high * U + slack]
        must(not worst, "F3", f"after {where} the credits of {worst} are outside T3")
        lane.run = (took.payer, lane.run[1] + 1 if lane.run[0] == took.payer else 1)
        share = Fraction(stand.weights[took.payer], sum(stand.weights.values()))
        longest = (high + 1 - Fraction(1, n)) / (1 - share) if n > 1 else lane.number
        must(lane.run[1] <= longest, "F3", f"{where} is the {lane.run[1]}. in a row of {took.payer}")
        self.held_to["F1 turns of constant teams" if same else "F3 turns of constant weighted teams"] += 1

    def _joined(self, lane: Lane, stand: Stand, took: Taken, where: str) -> None:
        """F8, where everybody who has a credit could take the leads since somebody joined."""
        one = lane.joiner
        if one is not None and one.weights != stand.weights:
            one = lane.joiner = None
        new = [i for i in stand.weights if i not in lane.known]
        if (
            lane.number > 1
            and len(new) == 1
            and {i for i, c in lane.credits.items() if c} <= stand.weights.keys()
        ):
            before = {i: w for i, w in stand.weights.items() if i not in new}
            exact = lane.constant == before and len(set(stand.weights.values())) == 1
            one = lane.joiner = Joiner(new[0], stand.weights, exact)
            self.held_to["F8 joins"] += 1
        lane.known |= stand.weights.keys()
        if one is None:
            return
        one.turns, one.fair = one.turns + 1, one.fair + took.shares[one.id]
        one.got += took.payer == one.id
        must(one.got * U <= one.fair + U, "F8", f"after {where} {one.id} joined and got {one.got}")
        if one.exact and one.turns == len(one.weights):
            must(one.got == 1, "F8", f"after {where} {one.id} got {one.got} of the first {one.turns}")
            self.held_to["F8 joins in a constant team"] += 1

    def _renamed(self, book: Book, lane: Lane, name: str, stand: Stand, where: str) -> None:
        """F5: the product's own rotation over the same people under other names gives each about as much."""
        other = book.others.book(name, {i[::-1]: w for i, w in stand.weights.items()})
        lane.other_got[other.payer[::-1]] += 1
        n = len(lane.credits)
        apart = max(abs(lane.got[i] - lane.other_got[i]) for i in stand.weights)
        must(apart <= n - 1, "F5", f"after {where} other names differ by {apart} leads of {n} people")

    # --- back ---

    def refund(self, lead: Asked) -> None:
        """F11: the turn is given back, once: its own numbers leave the ledger."""
        place = (lead.id, lead.epoch)
        must(place not in self.refunded, "F11", f"the turn of {place} is given back twice")
        self.refunded.add(place)
        team, took = self.turns[place]
        book, lane = self.books[team], self.books[team].lanes[took.lane]
        lane.credits.subtract(took.shares)
        lane.credits[took.payer] += took.paid
        lane.back += 1
        lane.constant = lane.joiner = None
        lane.frozen.clear()
        book.live[took.payer].remove(took.sequence)
        self.given[team, took.owner, self.places[place]] -= 1

    def same_ledgers(self, ledgers: Mapping[tuple[str, str], Any], now: datetime) -> None:
        """F7, F8: what the store says is owed, to the unit; no edit of the tables changed anything."""
        for team, book in self.books.items():
            for name, lane in book.lanes.items():
                if lane.number:
                    stored = ledgers[team, name]
                    expected = {i: c for i, c in lane.credits.items() if c}
                    found = {i: c for i, c in stored.credits.items() if c}
                    must(
                        found == expected,
                        "F8",
                        f"the ledger of {team} {name!r} at {now} is not what turns made",
                    )


def _reason(whys: Sequence[set[str]]) -> str:
    if whys and all("skill" in why for why in whys):
        return "no_skill"
    return "all_capped" if {"cap"} in list(whys) else "nobody_available"
