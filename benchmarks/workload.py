"""Made-up leads and rules of any size, from a seed: what the benchmarks of rules and tables work on.

Leads: eight columns of text as a form or an export gives them, a few codes much more often than the rest
(Zipf), one value in a hundred missing, one in two hundred unknown, some in another case or with blanks.
Rules: eight condition columns of which each rule uses a few (its mask), lists in some cells, ranges of
numbers, the special above the general, one rule for all the rest at the end.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from openpyxl import Workbook

from rules import countries
from rules.cells import parse_cell
from rules.condition import Condition
from rules.facts import default_facts
from rules.model import Fact, KnownValue, Layer, RoutingTables, Row, Team
from rules.vocabulary import vocabulary
from rules.workbook.ids import checksum

MONDAY = date(2026, 11, 2)
TEAMS = 40
ROWS_PER_SHEET = 40_000
FACTS = (*default_facts(), Fact("score", "number"))
COLUMNS = ("campaign", "country", "product", "industry", "language", "source", "employees", "score")

_INDUSTRIES = (
    "Aerospace, Agriculture, Automotive, Banking, Biotechnology, Chemicals, Construction, Education, Energy, "
    "Finance, Government, Healthcare, Hospitality, Insurance, Logistics, Machinery, Media, Mining, Pharma, "
    "Property, Retail, Shipping, Software, Telecoms, Utilities"
)
_LANGUAGES = (
    "en, de, fr, es, it, nl, pt, pl, sv, da, fi, nb, cs, hu, ro, el, tr, ar, he, ja, zh, ko, vi, th, "
    "id, hi, uk, ru, bg, sk"
)
_SOURCES = (
    "Web, Trade show, Referral, Partner, Phone, Chat, "
    "Newsletter, Advertisement, Webinar, Download, Trial, List"
)
_STAFF = (10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 50_000)
_SCORES = (10, 20, 30, 40, 50, 60, 70, 80, 90)
_FLATTER = 0.6
"""Rules name rare codes more often than leads bring them."""


@lru_cache(maxsize=8)
def codes(column: str, campaigns: int = 200) -> tuple[str, ...]:
    """The codes of a column, the commonest first."""
    common = ("US", "DE", "GB", "FR", "IN", "CA", "NL", "ES", "IT", "AU", "CH", "AT", "SE", "BR", "JP")
    return {
        "campaign": tuple(f"CMP-{n:03}" for n in range(1, campaigns + 1)),
        "country": (*common, *(c for c in countries.codes() if c not in common))[:240],
        "product": tuple(f"PRD-{n:02}" for n in range(1, 51)),
        "industry": tuple(_INDUSTRIES.split(", ")),
        "language": tuple(_LANGUAGES.split(", ")),
        "source": tuple(_SOURCES.split(", ")),
    }[column]


_SKEW = {"campaign": 1.1, "country": 1.2, "product": 1.0, "industry": 0.8, "language": 1.4, "source": 0.9}


# --- leads ------------------------------------------------------------------------------------------------


def leads(count: int, seed: int = 1) -> pd.DataFrame:
    """That many leads, all columns text. Equal texts of a column are mostly one object, as in a file read."""
    chance = np.random.default_rng(seed)
    frame = {name: _texts(chance, _spellings(name), count) for name in _SKEW}
    staff = np.exp(chance.normal(4.5, 2.0, count)).clip(1, 500_000).astype(int)
    frame["employees"] = _with_gaps(chance, staff, 0.05)
    frame["score"] = _with_gaps(chance, chance.integers(0, 101, count), 0.01)
    return pd.DataFrame(frame).astype("str")


def _spellings(column: str) -> list[tuple[str, float]]:
    """Every text of a column with how often it comes: clean codes, messy ones, unknown and missing ones."""
    found: list[tuple[str, float]] = []
    for text, share in zip(codes(column), _zipf(len(codes(column)), _SKEW[column]), strict=True):
        messy = {text.lower(), f" {text}", f"{text.upper()}  "}
        if column == "country":
            messy |= {countries.english_name(text), countries.english_name(text).upper()}
        found.append((text, share * 0.885))
        found += [(other, share * 0.1 / len(messy)) for other in sorted(messy)]
    unknown = [(f"Unheard-of {n}", 0.005 / 40) for n in range(40)]
    return [*found, *unknown, ("", 0.01)]


def _zipf(size: int, exponent: float) -> np.ndarray[Any, Any]:
    weights = np.arange(1, size + 1) ** -exponent
    return weights / weights.sum()


def _texts(chance: np.random.Generator, spellings: Sequence[tuple[str, float]], count: int) -> Any:
    shares = np.array([share for _, share in spellings])
    which = np.searchsorted(np.cumsum(shares / shares.sum())[:-1], chance.random(count))
    return np.array([text for text, _ in spellings], dtype=object).take(which)


def _with_gaps(chance: np.random.Generator, numbers: np.ndarray[Any, Any], share: float) -> Any:
    distinct, which = np.unique(numbers, return_inverse=True)
    texts = np.array([*map(str, distinct.tolist()), ""], dtype=object)
    which[chance.random(len(which)) < share] = len(distinct)
    return texts.take(which)


# --- rules ------------------------------------------------------------------------------------------------

Cells = dict[str, str]
"""The cells of one rule that are not `*`, by fact."""


def cells(count: int, *, masks: int = 20, lists: float = 0.15, seed: int = 1) -> Iterator[Cells]:
    """The condition cells of that many rules, in Order; the last one takes what is left."""
    chance = random.Random(seed)
    used = _masks(masks, chance)
    draw = {name: _drawer(name, lists, chance) for name in COLUMNS}
    order = [used[chance.randrange(len(used))] for _ in range(count - 1)]
    order.sort(key=lambda mask: -len(mask) + chance.gauss(0, 1.1))
    for mask in order:
        yield {name: draw[name]() for name in mask}
    yield {}


def _masks(count: int, chance: random.Random) -> list[tuple[str, ...]]:
    """Different sets of two to five columns; the first ones have campaign or country, as rules mostly do."""
    every = [mask for size in (2, 3, 4, 5) for mask in combinations(COLUMNS, size)]
    chance.shuffle(every)
    every.sort(key=lambda mask: not {"campaign", "country"} & set(mask))
    return every[:count]


def _drawer(column: str, lists: float, chance: random.Random) -> Callable[[], str]:
    if column in ("employees", "score"):
        bounds = _STAFF if column == "employees" else _SCORES
        return lambda: _range(bounds, chance)
    texts = codes(column)
    shares = _zipf(len(texts), _SKEW[column] * _FLATTER).tolist()
    totals = np.cumsum(shares).tolist()

    def draw() -> str:
        size = chance.randint(2, 8) if chance.random() < lists else 1
        return "; ".join(dict.fromkeys(chance.choices(texts, cum_weights=totals, k=size)))

    return draw


def _range(bounds: Sequence[int], chance: random.Random) -> str:
    low, high = sorted(chance.sample(bounds, 2))
    return chance.choice((f">={low}", f"<{high}", f"{low}..{high - 1}"))


def rules(count: int, masks: int = 20, lists: float = 0.15, seed: int = 1) -> RoutingTables:
    """Tables of one layer with that many rules, as the reader of a workbook would give them."""
    values = tuple(known_values())
    words = vocabulary(FACTS, values)
    types = {fact.name: fact for fact in FACTS}

    @cache
    def item(name: str, text: str) -> Condition:
        return parse_cell(text, types[name], words).condition

    @cache
    def condition(name: str, text: str) -> Condition:
        items = [item(name, part) for part in text.split("; ")]
        literals = frozenset[str]().union(*(each.literals for each in items))
        return replace(items[0], literals=literals) if len(items) > 1 else items[0]

    rows = tuple(
        Row(
            layer="Team",
            sheet="Team",
            row=number + 1,
            rule_id=f"T-{number:06}",
            order=Decimal(number * 10),
            conditions=tuple((name, condition(name, text)) for name, text in found.items()),
            team=team(number),
            texts={f"If {name}": text for name, text in found.items()},
        )
        for number, found in enumerate(cells(count, masks=masks, lists=lists, seed=seed), start=1)
    )
    layer = Layer("Team", "Team", Decimal(10), "hold", rows)
    teams = tuple(Team(team(number)) for number in range(TEAMS))
    return RoutingTables(f"made up {count}", {}, FACTS, values, {}, (layer,), teams)


def team(number: int) -> str:
    """The team of a rule."""
    return f"Team {number * 7 % TEAMS + 1:02}"


def known_values(campaigns: int = 200) -> Iterator[KnownValue]:
    """The rows of sheet Values: campaigns and products."""
    for column in ("campaign", "product"):
        for code in codes(column, campaigns):
            yield KnownValue(column, code, f"{column.capitalize()} {code[4:]}")


# --- the same as a workbook -------------------------------------------------------------------------------


def workbook(path: str | Path, rules: int = 10_000, people: int = 500, campaigns: int = 200) -> None:
    """Write the rules as a workbook of that size, with people and campaigns, that the check accepts."""
    book = Workbook(write_only=True)
    for title, rows in _sheets(rules, people, campaigns):
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    book.save(str(path))


def _sheets(rules: int, people: int, campaigns: int) -> Iterator[tuple[str, list[list[object]]]]:
    titles = ["Team", *(f"Team {n}" for n in range(2, 2 + (rules - 1) // ROWS_PER_SHEET))]
    yield "Settings", [["Setting", "Value", "Note"], ["Time zone", "UTC", None]]
    layers: list[list[object]] = [["Order", "Layer", "Sheet", "When nothing matches"]]
    for number, title in enumerate(titles, start=1):
        layers.append([number * 10, title, title, "hold" if title == titles[-1] else "continue"])
    yield "Layers", layers
    every = _rule_rows(rules)
    for number, title in enumerate(titles):
        yield title, [_rule_head(), *every[number * ROWS_PER_SHEET : (number + 1) * ROWS_PER_SHEET]]
    yield "Teams", [["Team", "Time zone", "If nobody can"], *([team(n), "UTC", "hold"] for n in range(TEAMS))]
    yield "Salespeople", list(_people(people))
    yield "Facts", [["Fact", "Type", "Note"], *([f.name, f.type, f.note or None] for f in FACTS)]
    values = [[v.fact, v.code, v.name, None] for v in known_values(campaigns)]
    yield "Values", [["Fact", "Code", "Name", "Aliases"], *values]


def _rule_head() -> list[object]:
    ifs = [f"If {name}" for name in COLUMNS]
    return ["Active", "Order", "Rule ID", *ifs, "Then Team", "From", "Until", "Note"]


def _rule_rows(count: int) -> list[list[object]]:
    return [
        ["yes", n * 10, f"T-{n:06}", *(found.get(c, "*") for c in COLUMNS), team(n), None, None, None]
        for n, found in enumerate(cells(count), start=1)
    ]


def _people(count: int) -> Iterator[list[object]]:
    yield ["Person ID", "Name", "E-mail", "CRM user ID", "Team", "Weight", "Languages", "Active"]
    for number in range(count):
        user = f"0055g00000B{number:04}"
        name = f"Person {number:04}"
        mail = f"person{number:04}@example.com"
        yield [f"P-{number:04}", name, mail, user + checksum(user), team(number), 1, "en, de", "yes"]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write a made-up workbook of that size.")
    parser.add_argument("path", nargs="?")
    parser.add_argument("--rules", type=int, default=10_000)
    given = parser.parse_args(arguments)
    if given.path:
        workbook(given.path, rules=given.rules)


if __name__ == "__main__":
    main()
