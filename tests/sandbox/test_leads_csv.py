"""Files of leads as people save them: other separators and encodings, and maps that name the wrong thing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from allocator.sandbox.clock import Clock
from allocator.sandbox.salesforce.leads_csv import Loaded, load_leads
from allocator.sandbox.salesforce.org import Org
from allocator.sandbox.salesforce.schema import standard_schema
from allocator.sandbox.seeds import empty


def loaded(folder: Path, content: bytes, **field_map: str) -> tuple[Loaded, list[dict[str, Any]]]:
    path = folder / "leads.csv"
    path.write_bytes(content)
    org = Org(standard_schema(), Clock())
    empty.load(org)
    return load_leads(org, path, field_map), org.records.rows("Lead")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_separator_is_the_headers(tmp_path: Path, separator: str) -> None:
    lines = ["Last Name|Company|Email", 'Ada|"X, Y; Z"|a@b.co', '"Bob|Co|b@b.co"']
    text = "\n".join(line.replace("|", separator) for line in lines)
    found, rows = loaded(tmp_path, text.encode())
    assert found.counts == {"rows": 2, "loaded": 2, "refused": 0, "blank": 0}
    assert [(row["LastName"], row["Company"]) for row in rows] == [("Ada", "X, Y; Z"), ("Bob", "Co")]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16"])
def test_header_that_is_not_utf8_is_said_plainly(tmp_path: Path, encoding: str) -> None:
    found, rows = loaded(tmp_path, "Last Name,Größe\nAda,B\n".encode(encoding))
    assert rows == []
    assert [(row["line"], "not UTF-8" in row["reason"]) for row in found.refused] == [(1, True)]


def test_map_wins_over_a_column_that_only_looks_right(tmp_path: Path) -> None:
    _, rows = loaded(tmp_path, b"Company,Employer,Last Name\nGuess,Mapped,Ada\n", Employer="Company")
    assert (rows[0]["Company"], rows[0]["Company__c"]) == ("Mapped", "Guess")


def test_map_of_a_column_that_is_not_there_is_reported(tmp_path: Path) -> None:
    found, rows = loaded(tmp_path, b"Company,Last Name\nX,Ada\n", Nope="LeadSource")
    assert len(rows) == 1 and found.counts["refused"] == 0
    assert found.refused == [{"line": 1, "reason": "the file has no column 'Nope' to map"}]
