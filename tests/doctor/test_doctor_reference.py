"""The page on doctor shows the table of checks as the program has it. Run as a program to renew the table."""

from __future__ import annotations

import re
from pathlib import Path

from allocator.entrypoints import console
from allocator.service.doctor import CHECKS
from allocator.service.doctor.subject import CONFIGURATION, OTHER, UNREACHABLE, WORKBOOK

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "doctor.md"
BLOCK = re.compile(r"(?<=<!-- checks -->\n).*?(?=<!-- /checks -->)", re.DOTALL)


def table() -> str:
    rows = [f"| `{kind.id}` | {kind.looks_at} | {kind.fix} |" for kind in CHECKS]
    return "\n".join(["", "| check | what is looked at | what to do |", "|---|---|---|", *rows, "", ""])


def test_every_check_is_documented_with_its_fix() -> None:
    found = BLOCK.search(PAGE.read_text(encoding="utf-8"))
    assert found and found[0] == table()


def test_every_check_has_a_name_and_a_fix_of_its_own() -> None:
    assert len({kind.id for kind in CHECKS}) == len(CHECKS) == 23
    assert all(kind.fix and kind.looks_at for kind in CHECKS)


def test_a_failing_check_ends_with_the_exit_code_of_its_kind() -> None:
    assert (OTHER, WORKBOOK, UNREACHABLE, CONFIGURATION) == (
        console.UNEXPECTED,
        console.REFUSED,
        console.UNREACHABLE,
        console.CONFIGURATION,
    )


if __name__ == "__main__":
    PAGE.write_text(BLOCK.sub(lambda _: table(), PAGE.read_text(encoding="utf-8")), encoding="utf-8")
