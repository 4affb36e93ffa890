"""How far each way of taking turns leaves people from their fair share, side by side in one run.

Half a year of six people and about 1,170 leads that come erratically: 40 hourly runs a week, 55 % of them
without a lead, 3 % with a burst of 8 to 25. Five teams live through the same half-year: constant; with
holidays and sick days; with leads that ask for a language; both; both and three people of weight 3. Who is
away when, who speaks what and who weighs 3 is drawn anew for each seed. A lead that nobody can take waits,
oldest first.

Fair share: of each lead, when it is given, everybody who could take it then has the part of their weight.
Measured per half-year: how far the worst-off person is from the fair share at the end, how far anybody ever
was, and the most leads in a row to one person (leads that only one could take do not count). That is the
ledger's own goal; `totals` is another: shares counted among all who are present, whatever they speak.

Asserted is the theorem T1: with the ledger nobody is ever more than (n-1)/2 leads from the fair share, at any
lead of any half-year, and its own books say what was measured. What the rules are: `rivals.py`.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from pathlib import Path
from statistics import median

from fairness_chart import Line, chart, short
from rivals import RULES, Able, CreditLedger, LedgerByTotals, Rule, Run, Team

from rules.rotation import U, split_of

MONDAY = date(2026, 1, 5)
PEOPLE = ("Ana", "Ben", "Chi", "Dev", "Eva", "Fay")
HOURS = range(9, 17)
EMPTY, BURST = 0.55, 0.03
EVERYBODYS = "English"
LANGUAGES = {EVERYBODYS: (0.55, 6), "German": (0.20, 3), "French": (0.15, 2), "Spanish": (0.10, 2)}
"""Part of the leads, and how many people speak it."""
HOLIDAYS = (10, 5)
"""Working days in a row, once each in half a year."""
FALLS_ILL, ILL_DAYS = 0.02, (1, 3)

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "pictures" / "fairness.svg"
PAGES = (ROOT / "docs" / "explanation" / "fairness.md", ROOT / "benchmarks" / "README.md")


# -- half a year ---


@dataclass(frozen=True, slots=True)
class Scenario:
    name: str
    absences: bool = False
    languages: bool = False
    weights: bool = False


SCENARIOS = (
    Scenario("constant team"),
    Scenario("absences", absences=True),
    Scenario("languages", languages=True),
    Scenario("both", absences=True, languages=True),
    Scenario("both, weights 3:1", absences=True, languages=True, weights=True),
)


@dataclass(frozen=True, slots=True)
class HalfYear:
    team: Team
    runs: tuple[Run, ...]

    def under(self, scenario: Scenario) -> HalfYear:
        """The same days and numbers of leads, without what the scenario leaves out."""
        team = Team(
            PEOPLE,
            self.team.weights if scenario.weights else dict.fromkeys(PEOPLE, 1),
            self.team.speakers if scenario.languages else {EVERYBODYS: PEOPLE},
        )
        return HalfYear(team, tuple(_under(run, scenario) for run in self.runs))


def _under(run: Run, scenario: Scenario) -> Run:
    leads = run.leads if scenario.languages else (EVERYBODYS,) * len(run.leads)
    return Run(run.day, run.hour, leads, run.away if scenario.absences else frozenset())


def half_year(seed: int, weeks: int) -> HalfYear:
    chance = random.Random(seed)
    days = [MONDAY + timedelta(days=7 * week + day) for week in range(weeks) for day in range(5)]
    away = {person: _absences(days, chance) for person in PEOPLE}
    runs = []
    for day in days:
        gone = frozenset(person for person in PEOPLE if day in away[person])
        since = 24 * (day - MONDAY).days
        runs += [Run(day, since + hour, _leads(chance), gone) for hour in HOURS]
    return HalfYear(_team(chance), tuple(runs))


def _absences(days: Sequence[date], chance: random.Random) -> frozenset[date]:
    gone: set[date] = set()
    for length in HOLIDAYS:
        start = chance.randrange(len(days))
        gone.update(days[start : start + length])
    for start in range(len(days)):
        if chance.random() < FALLS_ILL:
            gone.update(days[start : start + chance.randint(*ILL_DAYS)])
    return frozenset(gone)


def _leads(chance: random.Random) -> tuple[str, ...]:
    kind = chance.random()
    if kind < EMPTY:
        return ()
    count = chance.randint(8, 25) if kind < EMPTY + BURST else chance.choices((1, 2, 3), weights=(6, 3, 1))[0]
    return tuple(chance.choices(tuple(LANGUAGES), weights=[part for part, _ in LANGUAGES.values()], k=count))


def _team(chance: random.Random) -> Team:
    spoken = {language: set(chance.sample(PEOPLE, count)) for language, (_, count) in LANGUAGES.items()}
    heavy = set(chance.sample(PEOPLE, len(PEOPLE) // 2))
    return Team(
        PEOPLE,
        {person: 3 if person in heavy else 1 for person in PEOPLE},
        {language: tuple(p for p in PEOPLE if p in who) for language, who in spoken.items()},
    )


# -- what is measured ---


@dataclass(frozen=True, slots=True)
class Outcome:
    """One half-year under one rule; distances in leads. `totals` is the distance at the end, shares being
    counted among all who were present, whatever they speak."""

    end: float
    ever: float
    longest: int
    totals: float
    leads: int
    breach: str = ""


class Account:
    """Fair share less leads got, for each person, exactly: in units of a lead."""

    def __init__(self, people: Sequence[str]) -> None:
        self.owed = dict.fromkeys(people, 0)
        self.ever = 0

    def book(self, sharing: Able, owner: str) -> None:
        split, owed = split_of(sharing), self.owed
        for person, share in split.shares.items():
            owed[person] += share
        owed[owner] -= split.total
        self.ever = max(self.ever, max(owed.values()), -min(owed.values()))

    @property
    def end(self) -> int:
        return max(abs(units) for units in self.owed.values())


class Rows:
    """The most leads in a row to one person, of those that another could have taken."""

    def __init__(self) -> None:
        self.longest = self._length = 0
        self._last = ""

    def add(self, owner: str) -> None:
        self._length = self._length + 1 if owner == self._last else 1
        self._last, self.longest = owner, max(self.longest, self._length)


def play(year: HalfYear, rule: Rule) -> Outcome:
    turns, totals, rows, leads = Account(PEOPLE), Account(PEOPLE), Rows(), 0
    for owner, able, present in given(year, rule):
        turns.book(able, owner)
        totals.book(present, owner)
        if len(able) > 1:
            rows.add(owner)
        leads += 1
    breach = breach_of(turns, rule) if isinstance(rule, CreditLedger) else ""
    return Outcome(turns.end / U, turns.ever / U, rows.longest, totals.end / U, leads, breach)


def given(year: HalfYear, rule: Rule) -> Iterator[tuple[str, Able, Able]]:
    """Each lead as it is given: to whom, who could take it, who was present."""
    able_of = _ables(year.team)
    waiting: tuple[str, ...] = ()
    for run in year.runs:
        rule.begin(run)
        queue, waiting = waiting + run.leads, ()
        for language in queue:
            able = able_of(run.away, language)
            owner = rule.pick(language, able) if able else None
            if owner is None:
                waiting += (language,)
            else:
                yield owner, able, able_of(run.away, EVERYBODYS)


def _ables(team: Team) -> Callable[[frozenset[str], str], Able]:
    @cache
    def able_of(away: frozenset[str], language: str) -> Able:
        return {p: team.weights[p] for p in team.speakers[language] if p not in away}

    return able_of


def breach_of(measured: Account, ledger: CreditLedger) -> str:
    """What the ledger promised and did not keep; empty when all is well."""
    if 2 * measured.ever > (len(measured.owed) - 1) * U:
        return f"somebody was {measured.ever / U:.2f} leads from the fair share, more than (n-1)/2"
    books = ledger.credits()
    if any(books.get(person, 0) != units for person, units in measured.owed.items()):
        return "the ledger's credits are not what was measured"
    return ""


Found = dict[tuple[str, str], Outcome]
"""By names of rule and scenario."""


def one_seed(seed: int, weeks: int, rules: Sequence[type[Rule]] = RULES) -> Found:
    whole, found = half_year(seed, weeks), {}
    for scenario in SCENARIOS:
        year = whole.under(scenario)
        for rule in rules:
            chance = random.Random(f"{seed}, {rule.name}")
            found[rule.name, scenario.name] = play(year, rule(year.team, chance))
    return found


def all_seeds(seeds: int, weeks: int, jobs: int) -> list[Found]:
    work = partial(one_seed, weeks=weeks)
    if jobs == 1:
        return [work(seed) for seed in range(seeds)]
    with ProcessPoolExecutor(jobs) as pool:
        return list(pool.map(work, range(seeds)))


def breaches(found: Iterable[Found]) -> list[str]:
    """Each promise of the ledger that a half-year broke."""
    return [
        f"seed {seed}, {scenario}: {outcome.breach}"
        for seed, one in enumerate(found)
        for (_, scenario), outcome in one.items()
        if outcome.breach
    ]


# -- what is told ---


Of = Callable[[list[float]], float]
Told = Callable[[list[Outcome]], str]
"""One cell of a table, from a rule's half-years in a scenario."""


def distances(of: Of) -> Told:
    """At the end / ever / in a row."""

    def told(outcomes: list[Outcome]) -> str:
        end, ever = of([o.end for o in outcomes]), of([o.ever for o in outcomes])
        return f"{short(end)} / {short(ever)} / {of([o.longest for o in outcomes]):.0f}"

    return told


def totals(outcomes: list[Outcome]) -> str:
    far = [outcome.totals for outcome in outcomes]
    return f"{short(median(far))} / {short(max(far))}"


TABLES = {"worst": distances(max), "median": distances(median), "totals": totals}
"""By the names of the blocks in the docs."""
CHARTED = tuple(rule for rule in RULES if rule is not LedgerByTotals)
"""That one has another goal."""
LEGEND = """\
Distances are in leads; † knows no weights.
worst, median: |fair share - got| of the worst-off person at the end / of anybody ever / most in a row to one
totals: the worst-off person at the end, shares counted among all present: the median / the worst"""


def table(found: Sequence[Found], told: Told) -> str:
    lines = ["| rule (who uses it) | " + " | ".join(s.name for s in SCENARIOS) + " |"]
    lines.append("|---" * (len(SCENARIOS) + 1) + "|")
    for rule in RULES:
        bold = "**" if rule.used_by == CreditLedger.used_by else ""
        cells = [told([one[rule.name, s.name] for one in found]) for s in SCENARIOS]
        title = f"{bold}{rule.name}{bold} ({rule.used_by})" + ("" if rule.weighs else " †")
        lines.append("| " + " | ".join((title, *(f"{bold}{cell}{bold}" for cell in cells))) + " |")
    return "\n".join(lines) + "\n"


def picture(found: Sequence[Found]) -> str:
    """The worst-off person at the end, where all weigh the same: most rules know no weights."""
    shown = [scenario for scenario in SCENARIOS if not scenario.weights]
    lines = []
    for rule in CHARTED:
        ends = [[one[rule.name, scenario.name].end for one in found] for scenario in shown]
        bars = tuple((max(end), median(end)) for end in ends)
        lines.append(Line(rule.name, rule.used_by, rule is CreditLedger, bars))
    title = "How many leads too many or too few does somebody in a team of six have after half a year?"
    leads, years = round(_leads_each(found), -1), len(found)
    notes = (
        f"The person furthest from their fair share of about {leads:,.0f} leads.",
        f"Bar, black number: the middle one of {years} half-years. Line, grey number: the worst of them.",
    )
    return chart(title, notes, [_heading(scenario) for scenario in shown], lines)


def _heading(scenario: Scenario) -> str:
    heads = {(0, 0): "Nobody away", (1, 0): "Absences", (0, 1): "Languages", (1, 1): "Absences and languages"}
    return heads[scenario.absences, scenario.languages]


def _leads_each(found: Sequence[Found]) -> float:
    return median(one[CreditLedger.name, SCENARIOS[0].name].leads for one in found)


def renew(found: Sequence[Found]) -> None:
    """Write the chart, and the tables between their marks in the pages that have them."""
    PICTURE.write_text(picture(found), "utf-8")
    for page in PAGES:
        text = page.read_text("utf-8")
        for name, told in TABLES.items():
            mark = re.compile(rf"(<!-- fairness: {name}\b.*?-->\n).*?(<!-- /fairness -->)", re.DOTALL)
            block = table(found, told)
            text = mark.sub(lambda m, block=block: m[1] + block + m[2], text)
        page.write_text(text, "utf-8")


def tell(found: Sequence[Found], weeks: int) -> None:
    print(f"{len(found)} half-years of {weeks} weeks, {_leads_each(found):,.0f} leads each (median)")
    print(LEGEND)
    for name, told in TABLES.items():
        print(f"\n{name}:\n{table(found, told)}", end="")


def verdict(found: Sequence[Found]) -> str:
    if broken := breaches(found):
        return "A promise is broken:\n" + "\n".join(broken)
    ever = max(one[CreditLedger.name, s.name].ever for one in found for s in SCENARIOS)
    return (
        f"T1 held at every lead of {len(found) * len(SCENARIOS)} half-years: nobody was ever more than "
        f"{ever:.2f} leads from the fair share; (n-1)/2 is {(len(PEOPLE) - 1) / 2}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=100, metavar="N", help="half-years (default 100)")
    parser.add_argument("--weeks", type=int, default=26, metavar="N", help="of each (default 26)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="draw the chart (SVG) into this file")
    parser.add_argument("--write", action="store_true", help="renew the tables and the chart in the docs")
    given = parser.parse_args(arguments)
    start = time.perf_counter()
    found = all_seeds(given.seeds, given.weeks, given.jobs)
    tell(found, given.weeks)
    if given.chart:
        given.chart.write_text(picture(found), "utf-8")
    if given.write:
        renew(found)
    print(f"\n{time.perf_counter() - start:.0f} s. {verdict(found)}")
    return 1 if breaches(found) else 0


if __name__ == "__main__":
    sys.exit(main())
