"""Whose turn it is, a million times: the product's ways beside a plain pointer and the rule as it is written.

Teams of 5 to 50 people with absences, skills and weights over 26 weeks. All ways but the pointer must name
the same owners and end in the same ledgers. Slow ways take the first leads of every team only: rates are
compared, in processor time. Times are printed, not asserted.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rules.lean import Lean, Pool, Turns
from rules.rotation import EMPTY, Ledger, Rotation, Split, U, split_of
from rules.steps import Stream, in_step

DAYS = 26 * 5
LIMIT = 5
SKILLS = {"en": (1.0, 60), "de": (0.5, 20), "fr": (0.3, 12), "es": (0.2, 8)}
"""A language: how many of the people speak it, and how many of a hundred leads ask for it."""


# --- the workload -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Team:
    """A team's leads in order, each the number of its E: who was present and spoke the language."""

    people: tuple[str, ...]
    every: Sequence[Mapping[str, int]]
    splits: Sequence[Split]
    leads: Sequence[int]

    def first(self, share: float) -> Team:
        return replace(self, leads=self.leads[: max(1, int(len(self.leads) * share))])


@dataclass(frozen=True)
class Person:
    weight: int
    speaks: frozenset[str]
    away: frozenset[int]


def teams(count: int, leads: int, seed: int = 1) -> list[Team]:
    """That many teams which share that many leads."""
    return [
        _team(leads * (k + 1) // count - leads * k // count, random.Random(seed * 10_000 + k))
        for k in range(count)
    ]


def _team(leads: int, chance: random.Random) -> Team:
    people = {f"P-{number:04}": _person(chance) for number in range(chance.randint(5, 50))}
    asked = [weight for _, weight in SKILLS.values()]
    known: dict[tuple[tuple[str, int], ...], int] = {}
    refs = []
    for number in range(leads):
        day, skill = number * DAYS // leads, chance.choices(list(SKILLS), asked)[0]
        able = (
            _able(people, day, skill) or _able(people, day, "en") or {i: p.weight for i, p in people.items()}
        )
        refs.append(known.setdefault(tuple(able.items()), len(known)))
    return Team(tuple(people), [dict(able) for able in known], (), refs)


def divided(team: Team) -> Team:
    """With what everybody in each E earns, which the product works out once."""
    return replace(team, splits=[split_of(able) for able in team.every])


def _person(chance: random.Random) -> Person:
    """Half-timers and seniors; three holidays, and some days of sickness."""
    speaks = frozenset(skill for skill, (share, _) in SKILLS.items() if chance.random() < share)
    away: set[int] = set()
    for most, times in ((10, 3), (3, 3)):
        for _ in range(chance.randint(0, times)):
            day = chance.randrange(DAYS)
            away |= set(range(day, day + chance.randint(1, most)))
    return Person(chance.choice((1, 2, 2, 2, 2, 2, 3, 4)), speaks, frozenset(away))


def _able(people: Mapping[str, Person], day: int, skill: str) -> dict[str, int]:
    return {i: p.weight for i, p in people.items() if skill in p.speaks and day not in p.away}


# --- the ways ---------------------------------------------------------------------------------------------

Found = list[tuple[list[str], Ledger]]
"""Owners and the ledger in the end, team by team."""


def pointer(some: Sequence[Team]) -> Found:
    """The next one on the list who can take the lead."""
    return [(_pointed(team), EMPTY) for team in some]


def _pointed(team: Team) -> list[str]:
    people, at, owners = team.people, -1, []
    for number in team.leads:
        able = team.every[number]
        at = (at + 1) % len(people)
        while people[at] not in able:
            at = (at + 1) % len(people)
        owners.append(people[at])
    return owners


def as_written(some: Sequence[Team]) -> Found:
    """The rule of docs/explanation/fairness.md, line by line."""
    return [_written(team) for team in some]


def _written(team: Team) -> tuple[list[str], Ledger]:
    credit: dict[str, int] = dict.fromkeys(team.people, 0)
    last: dict[str, int] = dict.fromkeys(team.people, 0)
    owners = []
    for sequence, number in enumerate(team.leads, 1):
        able = team.every[number]
        earning = {i: w for i, w in able.items() if credit[i] < LIMIT * U} or able
        whole = sum(earning.values())
        shares = {i: w * U // whole for i, w in earning.items()}
        for i, share in shares.items():
            credit[i] += share
        winner = min(able, key=lambda i: (-credit[i], last[i], i))
        credit[winner] -= sum(shares.values())
        if credit[winner] < -LIMIT * U:
            credit[winner] += sum(shares.values())
            for i, share in shares.items():
                credit[i] -= share
        last[winner] = sequence
        owners.append(winner)
    return owners, Ledger(credit, credit, {i: n for i, n in last.items() if n})


def take(some: Sequence[Team]) -> Found:
    def owners(team: Team, rotation: Rotation) -> list[str]:
        return [rotation.take("", team.splits[number]).owner for number in team.leads]

    return _rotated(some, owners)


def book(some: Sequence[Team]) -> Found:
    def owners(team: Team, rotation: Rotation) -> list[str]:
        return [rotation.book("", team.splits[number]).owner for number in team.leads]

    return _rotated(some, owners)


def _rotated(some: Sequence[Team], owners: Callable[[Team, Rotation], list[str]]) -> Found:
    found = []
    for team in some:
        rotation = Rotation(limit=LIMIT)
        found.append((owners(team, rotation), rotation.ledger("")))
    return found


def lean(some: Sequence[Team]) -> Found:
    found = []
    for team in some:
        ledgers = Lean([Pool(split) for split in team.splits], limit=LIMIT)
        found.append((ledgers.owners(team.leads), ledgers.ledger("")))
    return found


def recorded(some: Sequence[Team]) -> Found:
    return _recorded(some, lambda turns: turns.owners)


def made(some: Sequence[Team]) -> Found:
    """Every record made a `Turn`, as the store keeps it."""
    return _recorded(some, lambda turns: [turn.owner for turn in turns])


def _recorded(some: Sequence[Team], owners: Callable[[Turns], list[str]]) -> Found:
    found = []
    for team in some:
        ledgers = Lean([Pool(split) for split in team.splits], limit=LIMIT)
        found.append((owners(ledgers.turns(team.leads)), ledgers.ledger("")))
    return found


def steps(some: Sequence[Team]) -> Found:
    streams = [Stream([Pool(split) for split in team.splits], team.leads, LIMIT) for team in some]
    return [(outcome.owners, outcome.ledger("")) for outcome in in_step(streams)]


WAYS: dict[str, tuple[Callable[[Sequence[Team]], Found], bool]] = {
    "a plain pointer": (pointer, True),
    "the rule as written": (as_written, False),
    "Rotation.take": (take, False),
    "Rotation.book": (book, False),
    "lean": (lean, True),
    "lean, turns recorded": (recorded, True),
    "lean, each made a Turn": (made, False),
    "all teams in step": (steps, True),
}
"""What is measured, and whether it gets all leads."""


# --- the table --------------------------------------------------------------------------------------------


def measured(every: Sequence[Team], share: float, rounds: int) -> dict[str, float]:
    """Leads a second of each way, the median of so many rounds."""
    few = [team.first(share) for team in every]
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    for _ in range(rounds):
        answers: dict[bool, dict[str, Found]] = {True: {}, False: {"lean": lean(few)}}
        for way, (call, all_leads) in WAYS.items():
            some = every if all_leads else few
            gc.collect()
            begun = time.process_time()
            answers[all_leads][way] = call(some)
            rates[way].append(sum(len(team.leads) for team in some) / (time.process_time() - begun))
        _compare(answers)
    return {way: statistics.median(found) for way, found in rates.items()}


def _compare(answers: Mapping[bool, Mapping[str, Found]]) -> None:
    for found in answers.values():
        expected = [(owners, ledger.canonical()) for owners, ledger in found["lean"]]
        for way, each in found.items():
            if way != "a plain pointer":
                same = [(owners, ledger.canonical()) for owners, ledger in each] == expected
                assert same, f"{way} finds other owners or another ledger"


def _check_turns(team: Team, count: int) -> None:
    """The record makes the very turns."""
    rotation = Rotation(limit=LIMIT)
    turns = Lean([Pool(split) for split in team.splits], limit=LIMIT).turns(team.leads[:count])
    assert list(turns) == [rotation.take("", team.splits[number]) for number in team.leads[:count]]


def lines(rates: Mapping[str, float]) -> Iterator[str]:
    yield f"{'way':<24} {'leads/s':>11} {'to Rotation.take':>17} {'to the pointer':>15}"
    for way, rate in rates.items():
        to_take, to_pointer = rate / rates["Rotation.take"], rate / rates["a plain pointer"]
        yield f"{way:<24} {rate:>11,.0f} {to_take:>16.2f}x {to_pointer:>14.2f}x"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leads", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--teams", type=int, default=100, metavar="N")
    parser.add_argument("--share", type=float, default=0.05, metavar="F", help="of the leads, for slow ways")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    given = parser.parse_args(arguments)
    raw = teams(given.teams, given.leads)
    begun = time.process_time()
    every = [divided(team) for team in raw]
    spent = time.process_time() - begun
    distinct = sum(len(team.splits) for team in every)
    size = sum(len(team.splits[number].ids) for team in every for number in team.leads) / given.leads
    people = sum(len(team.people) for team in every)
    print(
        f"{given.leads:,} leads, {given.teams} teams, {people:,} people; {distinct:,} distinct E, "
        f"{size:.1f} people in that of a lead; medians of {given.rounds} rounds, processor time:"
    )
    print(f"(what everybody in each E earns is worked out before, in {spent:.2f} s)")
    _check_turns(every[0], 200)
    print("\n".join(lines(measured(every, given.share, given.rounds))), flush=True)


if __name__ == "__main__":
    main()
