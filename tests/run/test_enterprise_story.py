"""A week of team Enterprise, end to end, as docs/tutorials/a-week-of-turns.md tells it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from enterprise_story import NAMES, PAGE, WEEK, Story, blocks, marked

EXPLANATION = PAGE.parents[1] / "explanation" / "fairness.md"


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with pytest.MonkeyPatch.context() as patch:
        told = Story(tmp_path_factory.mktemp("week"), patch).go()
        yield told
        told.org.close()


def test_the_page_shows_what_happened(story: Story) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {name: marked(text, name) for name in ("split", "statement")} == blocks(story)


def test_each_day_keeps_to_who_is_there_the_cap_and_the_language(story: Story) -> None:
    for day, got in zip(WEEK, story.days, strict=True):
        assert sum(got.values()) == len(day.leads.split())
        assert got.get("Ben", 0) <= 3
        assert not (day.ana_away and "Ana" in got)
        assert "Dev" not in got or "P-004" in day.people
    french = {row["Id"] for row in story.org.records("Lead") if row["Country"] == "FR"}
    owners = {lead: story.org.explain(lead)["person"]["id"] for lead in french}
    assert set(owners.values()) == {"P-003"} and len(owners) == 8


def test_everybody_is_within_a_lead_of_their_fair_share(story: Story) -> None:
    for one in story.statement()["people"]:
        assert abs(one["difference"]) < 1, one


def test_the_statement_reconciles_with_the_owners_in_the_crm(story: Story) -> None:
    users = {row["Id"]: row["Name"].split()[0] for row in story.org.records("User")}
    owned = Counter(users[owner] for owner in story.org.owners().values())
    assert {NAMES[one["id"]]: one["got"] for one in story.statement()["people"]} == owned


def test_what_one_loses_by_being_out_the_others_gain(story: Story) -> None:
    people = story.statement()["people"]
    for column in ("absence", "cap", "skill"):
        assert sum(one["lost_to"][column] for one in people) == pytest.approx(0, abs=1e-9)


def test_the_script_of_the_docs_comes_to_the_same_numbers(story: Story, tmp_path: Path) -> None:
    (script,) = re.findall(r"```python\n(.*?)```", EXPLANATION.read_text(encoding="utf-8"), re.S)
    assert len(script.strip().splitlines()) <= 10
    (tmp_path / "statement.py").write_text(script, encoding="utf-8")
    words = [sys.executable, "-I", "statement.py", str(story.export()), "Enterprise"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = {who: list(map(float, numbers)) for who, *numbers in map(str.split, done.stdout.splitlines())}
    assert found == {
        one["id"]: pytest.approx([one["fair_share"], one["got"], -one["difference"]])
        for one in story.statement()["people"]
    }


def test_every_promise_that_is_seen_from_outside_is_kept(story: Story) -> None:
    story.org.kept()
