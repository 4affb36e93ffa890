"""The benchmark of fairness keeps its word at a small size, and the docs show what it prints."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("docs/explanation/fairness.md", "benchmarks/README.md")
SMALL = ("--seeds", "2", "--weeks", "3", "--jobs", "1")


@pytest.fixture(scope="module")
def fairness() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import fairness

        yield fairness


def tables(text: str) -> list[list[list[str]]]:
    """Every table in a text, as rows of cells without emphasis; the line under the head left out."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    rows = [[line for line in table.splitlines() if not line.startswith("|--")] for table in found]
    return [[[c.strip(" *") for c in line.replace("**", "").split("|")[1:-1]] for line in t] for t in rows]


def heads(table: list[list[str]]) -> list[list[str]]:
    """Its first row and its first column."""
    return [table[0], [row[0] for row in table[1:]]]


def test_the_theorem_holds_in_every_half_year_and_says_so(fairness: Any, capsys: Any) -> None:
    assert fairness.main(SMALL) == 0
    text = capsys.readouterr().out
    assert re.search(r"T1 held at every lead of 10 half-years: nobody was ever more than [01]\.\d\d", text)


def test_a_ledger_that_breaks_the_theorem_fails_the_benchmark(
    fairness: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fairness.CreditLedger, "pick", lambda self, language, able: min(able))
    assert fairness.main(SMALL) == 1
    assert "A promise is broken:\nseed 0, constant team: somebody was" in capsys.readouterr().out


def test_a_ledger_whose_books_differ_from_what_was_measured_is_a_broken_promise(fairness: Any) -> None:
    class Forgetful(fairness.CreditLedger):  # type: ignore[misc]
        def credits(self) -> dict[str, int]:
            return {**super().credits(), "Ana": 1}

    found = [fairness.one_seed(0, 1, (Forgetful,))]
    assert len(fairness.breaches(found)) == len(fairness.SCENARIOS)
    assert "the ledger's credits are not what was measured" in fairness.verdict(found)


def test_every_rule_gives_each_lead_only_to_who_could_take_it(fairness: Any) -> None:
    year = fairness.half_year(0, 3).under(fairness.SCENARIOS[-1])
    for rule in fairness.RULES:
        given = list(fairness.given(year, rule(year.team, random.Random(0))))
        assert given and all(
            owner in able and able.items() <= present.items() for owner, able, present in given
        )


def test_the_same_seeds_give_the_same_tables_and_chart(fairness: Any, capsys: Any, tmp_path: Path) -> None:
    told = []
    for name in ("first.svg", "second.svg"):
        fairness.main((*SMALL, "--chart", str(tmp_path / name)))
        told.append((tables(capsys.readouterr().out), (tmp_path / name).read_text("utf-8")))
    assert told[0] == told[1]


def test_the_docs_show_the_rows_that_the_benchmark_prints(fairness: Any, capsys: Any) -> None:
    fairness.main(SMALL)
    printed = {str(heads(table)) for table in tables(capsys.readouterr().out)}
    assert len(printed) == 1
    for page in PAGES:
        blocks = re.findall(
            r"<!-- fairness: .*?-->\n(.*?)<!-- /fairness -->", (ROOT / page).read_text("utf-8"), re.DOTALL
        )
        assert blocks, page
        assert {str(heads(table)) for block in blocks for table in tables(block)} == printed, page


def test_the_chart_in_the_docs_shows_the_figures_of_its_tables(fairness: Any) -> None:
    page = (ROOT / PAGES[0]).read_text("utf-8")
    worst, usual = tables(page[page.index("<!-- fairness: worst") :])[:2]
    picture = fairness.PICTURE.read_text("utf-8")
    drawn = re.findall(r'>([\d.]+)<tspan class="s" dx="6">([\d.]+)</tspan>', picture)
    ends = [
        (middle.split(" / ")[0], most.split(" / ")[0])
        for usual_row, worst_row in zip(usual[1:], worst[1:], strict=True)
        if worst_row[0].split(" (")[0] in {rule.name for rule in fairness.CHARTED}
        for middle, most in zip(usual_row[1:-1], worst_row[1:-1], strict=True)
    ]
    assert drawn == ends
    assert f"](../pictures/{fairness.PICTURE.name})" in page
