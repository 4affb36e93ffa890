"""`allocator fairness` and `allocator runs export` on a store that runs through the sandbox filled."""

from __future__ import annotations

import contextlib
import csv
import io
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from org import Org

from allocator.bootstrap import current_tables, store_of
from allocator.config import load_settings
from allocator.entrypoints import cli, fairness_page
from rules.shares import U

PAGE = Path(__file__).parents[2] / "docs/explanation/fairness.md"
HEADER = "team,lane,turn,lead,at,person,weight,share,before,served,refunded,kind,paid,could,why"
FIRST, SECOND = "2026-11-02", "2026-11-03"


@pytest.fixture(scope="module")
def org(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Org]:
    """The demo company after two days; on the first somebody took a lead by hand."""
    made = Org(tmp_path_factory.mktemp("fairness"))
    with pytest.MonkeyPatch.context() as patch:
        try:
            made.init()
            _work(made, patch)
            yield made
        finally:
            made.close()


def _work(made: Org, patch: pytest.MonkeyPatch) -> None:
    queued = [row for row in made.records("Lead") if row["OwnerId"] == made.queue]
    patch.setenv("ALLOCATOR_NOW", f"{FIRST}T09:00:00+00:00")
    taker = next(user["Id"] for user in made.records("User") if user["Name"].startswith("Ben"))
    made.fault("take", on={"method": "PATCH", "record": queued[5]["Id"]}, by=taker)
    assert made("run")[0] in (0, 4)
    patch.setenv("ALLOCATOR_NOW", f"{SECOND}T09:00:00+00:00")
    made.put("Lead", *(_again(n, row) for n, row in enumerate(queued[:30])))
    assert made("run")[0] in (0, 4)


def _again(n: int, row: dict[str, Any]) -> dict[str, Any]:
    """A lead like an earlier one, of another person."""
    fresh = {"Id": f"00Q5g0000Next{n:02}AAA", "Email": f"next{n}@next{n}.example", "OwnerId": row["OwnerId"]}
    return {**row, **fresh}


def said(org: Org, *words: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error, without --json."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli._run([*words, "--config", str(org.config)])
    return code, out.getvalue(), err.getvalue()


def teams(org: Org, *more: str) -> list[dict[str, Any]]:
    code, found = org("fairness", *more)
    assert code == 0, found
    return list(found["teams"])


def busiest(org: Org) -> dict[str, Any]:
    return max(teams(org), key=lambda one: one["given"])


def export(org: Org) -> list[dict[str, str]]:
    code, text, _ = said(org, "runs", "export", "--turns")
    assert code == 0 and text.startswith(HEADER + "\n")
    return list(csv.DictReader(io.StringIO(text)))


# --- what it says ---


def test_the_statement_closes_with_the_ledgers_of_the_store(org: Org) -> None:
    store = store_of(load_settings(org.config))
    ledgers = store.ledgers()
    store.close()
    for one in teams(org):
        credits: Counter[str] = Counter()
        for (team, _), book in ledgers.items():
            if team == one["team"]:
                credits.update(book.credits)
        told = {person["id"]: person["closing_units"] for person in one["people"] if person["closing_units"]}
        assert told == {i: credit for i, credit in credits.items() if credit}


def test_every_column_of_costs_sums_to_zero(org: Org) -> None:
    for one in teams(org):
        people = one["people"]
        for cost in ("absence", "skill", "cap", "limit"):
            assert sum(person["lost_to_units"][cost] for person in people) == 0
        paid = sum(person["got_units"] for person in people)
        for column in ("share_of_all_units", "fair_share_units", "totals_share_units"):
            assert sum(person[column] for person in people) == paid
        assert sum(person["closing_units"] for person in people) == 0


def test_who_has_which_leads_is_what_the_crm_says(org: Org) -> None:
    settings = load_settings(org.config)
    store = store_of(settings)
    persons = current_tables(settings, store).person_by_crm_user
    known = {row.key.source_id for row in store.leads()}
    store.close()
    owners = Counter(persons[o] for lead, o in org.owners().items() if lead in known and o in persons)
    has: Counter[str] = Counter()
    for one in teams(org):
        has.update({person["id"]: person["has"] for person in one["people"]})
        assert sum(person["has"] for person in one["people"]) == one["given"]
        assert sum(n for name, n in one["leads"].items() if name != "total") == one["leads"]["total"]
    assert {i: n for i, n in has.items() if n} == dict(owners)
    assert sum(one["leads"]["by_hand"] for one in teams(org)) == 1


def test_one_team_is_the_contracts_object(org: Org) -> None:
    name = busiest(org)["team"]
    code, found = org("fairness", "--team", name.upper())
    assert code == 0
    assert {"schema", "team", "lane", "from", "to", "people"} <= set(found)
    assert (found["team"], found["lane"], found["from"], found["to"]) == (name, None, FIRST, SECOND)
    keys = {"id", "could_have", "fair_share", "got", "difference", "lost_to", "totals_share"}
    for person in found["people"]:
        assert keys <= set(person)
        assert person["difference"] == pytest.approx(person["got"] - person["fair_share"])
        assert person["fair_share_units"] == pytest.approx(person["fair_share"] * U)
    assert (
        f"Of {found['given']} leads, {found['to_change_hands']:.1f} would have to change" in found["headline"]
    )


def test_lanes_add_up_to_the_team(org: Org) -> None:
    whole = {one["team"]: one for one in teams(org)}
    for one in teams(org, "--by", "lane"):
        assert sum(lane["given"] for lane in one["lanes"]) == whole[one["team"]]["given"]
        shares: Counter[str] = Counter()
        for lane in one["lanes"]:
            shares.update({person["id"]: person["fair_share_units"] for person in lane["people"]})
        people = whole[one["team"]]["people"]
        assert shares == Counter({person["id"]: person["fair_share_units"] for person in people})


def test_the_days_of_a_period_open_with_what_the_days_before_closed(org: Org) -> None:
    name = busiest(org)["team"]
    _, first = org("fairness", "--team", name, "--to", FIRST)
    _, second = org("fairness", "--team", name, "--from", SECOND)
    closing = {person["id"]: person["closing_units"] for person in first["people"]}
    assert {p["id"]: p["opening_units"] for p in second["people"] if p["id"] in closing} == closing
    assert first["given"] + second["given"] == busiest(org)["given"]
    assert (first["to"], second["from"]) == (FIRST, SECOND)


def test_a_period_without_leads_says_so(org: Org) -> None:
    name = busiest(org)["team"]
    code, text, _ = said(org, "fairness", "--team", name, "--from", "2020-01-01", "--to", "2020-01-31")
    assert code == 0
    assert f"Nobody of {name} was given a lead from 2020-01-01 to 2020-01-31." in text


# --- what is typed wrongly ---


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("--team", "Enterprize"), "Did you mean Enterprise?"),
        (("--from", "2026-02-01", "--to", "2026-01-01"), "--to 2026-01-01 is before --from 2026-02-01"),
        (("--from", "yesterday"), "Type it as 2026-11-02"),
        (("--by", "person"), "lane"),
        (("--csv", "--json"), "one of --json and --csv"),
        (("--svg", "tables.xlsx"), "is a workbook"),
    ],
)
def test_what_is_typed_wrongly_is_said_and_is_exit_code_2(
    org: Org, words: tuple[str, ...], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        code, _, err = said(org, "fairness", *words)
    assert code == 2
    assert hint in re.sub(r"[\s│]+", " ", err)


def test_an_export_is_asked_for_by_name(org: Org) -> None:
    assert said(org, "runs", "export")[0] == 2
    assert org("runs", "export", "--turns")[0] == 2


# --- its forms ---


def test_a_terminal_shows_names_and_the_headline(org: Org) -> None:
    one = busiest(org)
    code, text, _ = said(org, "fairness", "--team", one["team"])
    assert code == 0
    assert one["headline"] in text
    assert all(person["name"] in text for person in one["people"])
    assert f"{one['leads']['total']} leads of the team: " in text


def test_the_csv_has_a_row_for_each_person(org: Org) -> None:
    _, text, _ = said(org, "fairness", "--csv")
    found = list(csv.DictReader(io.StringIO(text)))
    people = [person for one in teams(org) for person in one["people"]]
    assert [row["person"] for row in found] == [person["id"] for person in people]
    for row, person in zip(found, people, strict=True):
        assert float(row["fair_share"]) == pytest.approx(person["fair_share"], abs=1e-5)
        assert int(row["got"]) == person["got"]


def test_the_chart_and_the_page_are_written(org: Org, tmp_path: Path) -> None:
    chart, page = tmp_path / "chart.svg", tmp_path / "page.html"
    code, found = org("fairness", "--svg", str(chart), "--html", str(page))
    assert code == 0 and len(found["teams"]) > 1
    drawn = "".join(ElementTree.parse(chart).getroot().itertext())
    text = page.read_text(encoding="utf-8")
    for one in found["teams"]:
        for person in one["people"]:
            assert person["name"] in drawn and person["name"] in text
    assert "LEAD = 144_403_552_893_600" in text
    assert not re.search(r"<script|src=|href=", text)


# --- recomputed ---


def test_the_export_says_who_could_take_each_lead_and_who_got_it(org: Org) -> None:
    found = export(org)
    by_turn: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for row in found:
        by_turn.setdefault((row["team"], row["lane"], row["turn"]), []).append(row)
    owners = org.owners()
    for group in by_turn.values():
        assert sum(int(row["share"]) for row in group) == sum(int(row["paid"]) for row in group) == U
        (served,) = [row for row in group if row["served"] == "1"]
        assert served["paid"] == str(U) and served["lead"].partition(":")[2] in owners
    assert {row["refunded"] for row in found} == {"0", "1"}
    assert "by hand" in {row["kind"] for row in found}


def test_the_script_on_the_page_recomputes_the_statement(org: Org, tmp_path: Path) -> None:
    block = re.search(r"<!-- recompute -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert block and len(block[1].splitlines()) == 10
    script, turns = tmp_path / "recompute.py", tmp_path / "turns.csv"
    script.write_text(block[1])
    code, wrote = org("runs", "export", "--turns", str(turns))
    assert code == 0 and wrote["rows"] == len(export(org))
    for one in teams(org):
        done = subprocess.run(
            [sys.executable, str(script), str(turns), one["team"]], capture_output=True, text=True, check=True
        )
        again = {line.rsplit(" ", 3)[0]: line.rsplit(" ", 3)[1:] for line in done.stdout.splitlines()}
        stated = {
            person["id"]: [str(person[name]) for name in ("fair_share", "got", "closing")]
            for person in one["people"]
            if person["fair_share"] or person["got"]
        }
        assert {i: [float(n) for n in said] for i, said in again.items()} == {
            i: [float(n) for n in said] for i, said in stated.items()
        }


def test_the_page_that_is_written_prints_the_same_script() -> None:
    assert f"```python\n{fairness_page._source('recompute.txt')}```" in PAGE.read_text(encoding="utf-8")
