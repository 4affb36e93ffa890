"""The examples of docs/explanation/lead-before-contact-after.md are what the merge does.

`python tests/run/test_conflict_examples.py` renews them on the page.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rules.field_rules import CONFLICT_REASONS, Agreed, FieldRule, Seen
from rules.field_values import FieldType, shown
from rules.fields import merge

PAGE = Path(__file__).parents[2] / "docs/explanation/lead-before-contact-after.md"
BLOCK = re.compile(r"(<!-- conflicts -->\n).*?(<!-- /conflicts -->)", re.S)
SHORT = FieldType(length=10, cuts=True)


def at(minute: int) -> datetime:
    return datetime(2026, 11, 2, 10, minute, tzinfo=UTC)


class Example(NamedTuple):
    """A field in conflict: its mapping, what the sides had agreed on, what they show, and since when."""

    said: str
    rule: FieldRule
    base: Agreed | None
    ours: tuple[str | None, int]
    theirs: tuple[str | None, int]


PHONE = FieldRule("phone", "phone", "Phone", "two-way")
INDUSTRY = FieldRule("industry", "industry", "Industry", "push")
ONCE = FieldRule("source", "lead_source", "LeadSource", "push", "only if empty")
TITLE = FieldRule("title", "jobtitle", "Title", "two-way", their_type=SHORT)

EXAMPLES = (
    Example("phone, two-way", PHONE, Agreed("555-1", "555-1"), ("555-2", 0), ("555-3", 5)),
    Example("phone, two-way", PHONE, Agreed("555-1", "555-1"), ("555-2", 5), ("555-3", 5)),
    Example("industry, push", INDUSTRY, Agreed("Retail", "Retail"), ("Retail", 0), ("Media", 5)),
    Example("lead source, push, only if empty", ONCE, Agreed("Web", "Web"), ("Web", 0), (None, 5)),
    Example("phone, two-way", PHONE, None, ("555-2", 5), ("555-1", 0)),
    Example("industry, push", INDUSTRY, Agreed("Retail", "Media"), ("Banking", 5), ("Media", 0)),
    Example(
        "job title, two-way, 10 characters in the CRM", TITLE, Agreed("Vice President", "Vice Presi"),
        ("Vice President", 0), ("CEO", 5),
    ),
)  # fmt: skip


def row(example: Example) -> tuple[str, str]:
    """The kind of conflict, and its line on the page."""
    (ours, our_minute), (theirs, their_minute) = example.ours, example.theirs
    seen = (
        Seen({example.rule.ours: ours}, at(our_minute)),
        Seen({example.rule.theirs: theirs}, at(their_minute)),
    )
    base = {example.rule.name: example.base} if example.base else {}
    done = merge(base, *seen, [example.rule], record="hubspot:101")
    (conflict,) = done.conflicts
    (write,) = (*done.ours, *done.theirs)
    where = "marketing" if done.ours else "the CRM"
    cells = (
        f"**{conflict.reason}**", example.said, agreed(example.base),
        f"{value(ours)}, 10:{our_minute:02}", f"{value(theirs)}, 10:{their_minute:02}",
        f"{value(write.value)} to {where}", value(conflict.lost),
    )  # fmt: skip
    return conflict.reason, f"| {' | '.join(cells)} |"


def agreed(base: Agreed | None) -> str:
    if base is None:
        return "never"
    one, other = value(base.ours), value(base.theirs)
    return one if one == other else f"{one} / {other}"


def value(of: object) -> str:
    return shown(of) or "(empty)"


def block() -> str:
    columns = (
        "kind", "field", "agreed on", "marketing shows", "the CRM shows", "written", "lost value",
    )  # fmt: skip
    head = f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|"
    return "\n".join([head, *(line for _, line in map(row, EXAMPLES))]) + "\n"


def test_the_page_shows_what_the_merge_does() -> None:
    found = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0] == f"{found[1]}{block()}{found[2]}"


def test_there_is_an_example_of_each_kind_of_conflict_in_the_order_of_the_list() -> None:
    assert tuple(reason for reason, _ in map(row, EXAMPLES)) == CONFLICT_REASONS


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(BLOCK.sub(lambda m: f"{m[1]}{block()}{m[2]}", text), encoding="utf-8")
