"""`tables mark` and `tables template`: which files they write, and which they leave alone."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook
from typed import tables
from workbooks import changed

from rules.workbook.check import check
from rules.workbook.company import shipped_company
from rules.workbook.mark import is_marked
from rules.workbook.template import template_bytes

WRONG = changed({"Country!D2": "Genmany"})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.xlsx").write_bytes(WRONG)
    return tmp_path


def test_the_copy_stands_beside_the_workbook_and_says_that_it_is_one(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tables("mark", "mine.xlsx") == 0
    assert (
        "Wrote mine.checked.xlsx with 1 problem marked. Mend mine.xlsx, not the copy."
        in capsys.readouterr().out
    )
    assert is_marked((folder / "mine.checked.xlsx").read_bytes())
    assert (folder / "mine.xlsx").read_bytes() == WRONG


def test_an_older_copy_is_replaced_until_somebody_has_saved_it(folder: Path) -> None:
    copy = folder / "mine.checked.xlsx"
    assert tables("mark", "mine.xlsx") == 0
    assert tables("mark", "mine.xlsx") == 0
    buffer = io.BytesIO()
    load_workbook(copy).save(buffer)
    copy.write_bytes(buffer.getvalue())
    assert tables("mark", "mine.xlsx") == 2
    assert copy.read_bytes() == buffer.getvalue()


@pytest.mark.parametrize(
    "name", ["mine.xlsx", "link.xlsx", "hard.xlsx", "other.xlsx", "x.draft.xlsx", "x.csv"]
)
def test_no_workbook_and_no_draft_is_written_over(folder: Path, name: str) -> None:
    (folder / "link.xlsx").symlink_to("mine.xlsx")
    (folder / "hard.xlsx").hardlink_to(folder / "mine.xlsx")
    (folder / "other.xlsx").write_bytes(b"somebody's")
    assert tables("mark", "mine.xlsx", "--output", name) == 2
    assert (folder / "mine.xlsx").read_bytes() == WRONG
    assert (folder / "other.xlsx").read_bytes() == b"somebody's"
    assert not (folder / "x.csv").exists()
    assert not (folder / "x.draft.xlsx").exists()


def test_a_clean_workbook_gets_no_copy(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "good.xlsx").write_bytes(changed({}))
    assert tables("mark", "good.xlsx", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"schema": 1, "copy": None, "ok": True, "problems": 0}
    assert sorted(p.name for p in folder.iterdir()) == ["good.xlsx", "mine.xlsx"]


def test_what_is_no_workbook_cannot_be_marked(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "mine.xlsx").write_bytes(WRONG[: len(WRONG) // 2])
    assert tables("mark", "mine.xlsx") == 3
    assert "W05" in capsys.readouterr().err
    assert tables("mark", "none.xlsx") == 3
    assert sorted(p.name for p in folder.iterdir()) == ["mine.xlsx"]


def test_a_template_is_a_new_file_without_problems(folder: Path) -> None:
    assert tables("template", "new.xlsx") == 0
    assert (folder / "new.xlsx").read_bytes() == template_bytes(shipped_company())
    assert check(folder / "new.xlsx").problems == ()
    assert tables("template", "mine.xlsx") == 2
    assert tables("template", "nowhere/new.xlsx") == 2
    assert (folder / "mine.xlsx").read_bytes() == WRONG
