"""`allocator demo --story conversion` as docs/tutorials/lead-then-contact.md shows it.

`python tests/run/test_conversion_story.py` renews the page from the story as it goes now.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from org import call

from allocator.entrypoints.conversion_words import show_story, story_lines

PAGE = Path(__file__).parents[2] / "docs/tutorials/lead-then-contact.md"
STEPS = range(1, 6)


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    code, found = call("demo", "--story", "conversion", "--json")
    assert code == 0
    return found


def block(told: dict[str, Any], number: int) -> str:
    return "\n".join(["```text", *story_lines(told, number), "```"]) + "\n"


def marked(text: str, number: int) -> str:
    found = re.search(rf"<!-- story: {number} -->\n(.*?)<!-- /story -->", text, re.S)
    assert found, number
    return found[1]


def test_the_page_shows_what_happened(told: dict[str, Any]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert {n: marked(text, n) for n in STEPS} == {n: block(told, n) for n in STEPS}


def test_the_logs_count_the_lead_plan_silent_and_the_contact_plan_at_work(told: dict[str, Any]) -> None:
    assert [(one["plan"], one["Lead"], one["Contact"], one["HubSpot"]) for one in told["log"]] == [
        ("lead", 1, 0, 1), ("lead", 1, 0, 0), ("contact", 0, 0, 1), ("contact", 0, 1, 0),
        ("contact", 0, 0, 0),
    ]  # fmt: skip


def test_what_is_shown_on_the_terminal_is_what_the_page_shows(
    told: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    show_story(told)
    printed = capsys.readouterr().out
    for number in STEPS:
        assert all(line in printed for line in story_lines(told, number))
    assert "it changed in hubspot" in printed


def test_a_story_that_is_none_and_options_that_do_not_belong_to_one_are_refused() -> None:
    assert call("demo", "--story", "cinderella", "--json")[0] == 2
    assert call("demo", "--story", "conversion", "--keep", "here", "--json")[0] == 2


if __name__ == "__main__":
    code, story = call("demo", "--story", "conversion", "--json")
    page = PAGE.read_text(encoding="utf-8")
    for number in STEPS:
        begin, rest = page.split(f"<!-- story: {number} -->\n")
        shown = block(story, number)
        page = f"{begin}<!-- story: {number} -->\n{shown}{rest[rest.index('<!-- /story -->') :]}"
    PAGE.write_text(page, encoding="utf-8")
