"""The table of faults in the documents names every scenario here, and none that is not here."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "reference" / "faults.md"


def test_the_table_of_faults_and_the_scenarios_are_the_same() -> None:
    rows = [
        line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| ") and "`test_" in line
    ]
    named = [re.search(r"`(test_\w+)` \|$", row) for row in rows]
    assert all(named)
    assert all(len([cell for cell in row.strip("|").split(" | ") if cell.strip()]) == 4 for row in rows)
    names = [match[1] for match in named if match]
    assert len(names) == len(set(names))
    assert set(names) == _scenarios()


def _scenarios() -> set[str]:
    return {
        node.name
        for file in HERE.glob("test_faults_*.py")
        if file != Path(__file__)
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
