"""What `tables check` prints: never more than 200 problems, a line each, and no error cut for a warning."""

from __future__ import annotations

from pathlib import Path

import pytest
from workbooks import build, small

from allocator.entrypoints import cli
from allocator.entrypoints.problem_list import gravest
from rules.errors import Problem, Severity


def problem(number: int, severity: Severity) -> Problem:
    return Problem("T203", "Country", f"message {number}", "fix", row=number, severity=severity)


def test_errors_are_kept_before_warnings_and_warnings_before_notes_in_the_order_of_the_sheet() -> None:
    kinds: tuple[Severity, ...] = ("note", "warning", "error")
    problems = [problem(n, kinds[n % 3]) for n in range(30)]

    kept = gravest(problems, 15)

    assert [p.severity for p in kept].count("error") == 10
    assert [p.severity for p in kept].count("warning") == 5
    assert kept == sorted(kept, key=problems.index)
    assert gravest(problems, 100) == problems


def check(folder: Path, capsys: pytest.CaptureFixture[str], rows: list[list[object]]) -> list[str]:
    """The lines that the command prints about the small workbook with these rules more."""
    sheets = small()
    sheets["Country"] += rows
    (folder / "many.xlsx").write_bytes(build(sheets))
    cli._run(["tables", "check", str(folder / "many.xlsx"), "--config", str(folder / "none.toml")])
    return capsys.readouterr().out.splitlines()


def test_beyond_200_problems_their_number_is_said_and_the_only_error_is_seen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[list[object]] = [
        ["yes", 100 + n, f"N-{n}", f"DE, not {code}", "*", "EMEA"]
        for n, code in enumerate(["FR", "IT", "ES", "PT"] * 60)
    ]
    rows.append(["yes", 900, "N-900", "Genmany", "*", "EMEA"])

    lines = check(tmp_path, capsys, rows)

    assert len(lines) == 202
    assert any(line.startswith("ERROR T203  Country!D244") for line in lines)
    assert lines[-2] == "and 41 more"
    assert lines[-1].endswith("keeps running: 1 error, 240 warnings.")


def test_a_problem_is_one_line_however_long_its_cell_and_whatever_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    long = "x" * 9_000
    lines = check(
        tmp_path,
        capsys,
        [["yes", 100, "N\n1", "Gen\nmany", "*", "EMEA"], ["yes", 101, "N-2", long, "*", "EMEA"]],
    )

    assert [line[:22] for line in lines[:2]] == ["ERROR T203  Country!D4", "ERROR T203  Country!D5"]
    assert len(lines) == 3
    assert all(len(line) <= 1_000 for line in lines)
