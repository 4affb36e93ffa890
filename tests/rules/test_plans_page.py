"""The reference of plans is what the profiles say. `python tests/rules/test_plans_page.py` renews it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules.conversion import PROFILES
from rules.plans.profile import REASONS, Profile, Row

PAGE = Path(__file__).parents[2] / "docs/reference/plans.md"


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    every = [header, tuple("---" for _ in header), *rows]
    lines = [f"| {' | '.join(row)} |".replace("| --- |", "|---|") for row in every]
    lines[1] = "|" + "---|" * len(header)
    return "\n".join(lines)


def reasons_block() -> str:
    rows = [(f"`{reason}`", meaning, fix) for reason, (meaning, fix) in REASONS.items()]
    return table(("reason", "what it means", "what to do"), rows)


def profile_block(profile: Profile) -> str:
    facts = [(f"`{f.name}`", ", ".join(f.values), f.read_from) for f in profile.facts]
    rows = [(*plan_and_target(row), when(row), row.why) for row in profile.rows]
    proof = f"{len(rows)} conditions; in each of {profile.states:,} states exactly one of them holds."
    return "\n\n".join(
        [
            table(("fact", "values", "read from"), facts),
            proof,
            table(("plan", "writes to", "when", "why"), rows),
        ]
    )


def plan_and_target(row: Row) -> tuple[str, str]:
    return (f"held: `{row.reason}`", "") if row.reason else (f"**{row.plan} plan**", row.target)


def when(row: Row) -> str:
    return ", ".join(f"{name} {' or '.join(values)}" for name, values in row.when.items())


BLOCKS = {"reasons": reasons_block(), **{name: profile_block(p) for name, p in PROFILES.items()}}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_page_shows_what_the_profiles_say(name: str) -> None:
    found = re.search(
        rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    assert found, f"no block {name}"
    assert found[1] == BLOCKS[name]


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    for name, block in BLOCKS.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        text = re.sub(pattern, lambda m, b=block: f"{m[1]}{b}\n{m[2]}", text, flags=re.DOTALL)
    PAGE.write_text(text, encoding="utf-8")
