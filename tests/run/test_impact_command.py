"""`allocator tables impact` on a store that real runs filled."""

from __future__ import annotations

import shutil
from pathlib import Path

from openpyxl import load_workbook
from org import Org


def test_the_command_tells_what_would_move_and_writes_nothing(org: Org) -> None:
    code, nothing = org("tables", "impact")
    assert (code, nothing["leads"], nothing["moved"]) == (0, 0, [])
    assert org("run")[0] in (0, 4)
    book = org.config.parent / "routing_tables.xlsx"
    draft = _with_a_row_less(book)
    before = _files(org.config.parent)
    code, same = org("tables", "impact")
    assert (code, same["moved"]) == (0, [])
    code, found = org("tables", "impact", str(draft), "--days", "30")
    assert code == 0 and found["leads"] == same["leads"] > 0
    assert set(found) >= {"leads", "moved", "rows_hit", "rows_never", "shares"}
    assert found["moved"], "leads that the row caught go elsewhere"
    for one in found["moved"]:
        assert set(one) == {"lead", "from", "to", "because"}
        assert one["from"]["person"] != one["to"]["person"] or one["from"]["team"] != one["to"]["team"]
        assert {"sheet", "cell", "rule_id"} <= set(one["because"])
    assert _files(org.config.parent) == before


def test_a_file_that_would_be_refused_is_exit_code_3(org: Org) -> None:
    bad = org.folder / "bad.xlsx"
    bad.write_bytes(b"no workbook")
    code, said = org("tables", "impact", str(bad))
    assert code == 3 and said["error"]["exit"] == 3


def _with_a_row_less(book: Path) -> Path:
    """A draft in which the busiest layer's first rows are switched off."""
    draft = book.with_name("routing_tables.draft.xlsx")
    shutil.copy(book, draft)
    opened = load_workbook(draft)
    sheet = opened["Team"]
    active = next(cell.column for cell in sheet[1] if cell.value == "Active")
    for row in range(2, 14):
        sheet.cell(row, active).value = "no"
    opened.save(draft)
    return draft


def _files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix in (".xlsx", ".toml")}
