"""The result of a check as CSV and as a page: all of it, and nothing in it runs."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from typed import tables
from workbooks import changed

from allocator.entrypoints.problem_list import BOM, COLUMNS, Result, as_csv, as_page, harmless
from rules.errors import Problem

NINE = datetime(2026, 11, 16, 9, tzinfo=UTC)
HOSTILE = '<script>alert(1)</script><img src=x onerror="x">{{7*7}}'


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1", "＠x", " =1", "\u00a0=1"],
)
def test_a_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Genmany", "", "12", "a=b", "'=1", "é"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert harmless(text) == text


def test_the_csv_holds_every_problem_with_the_columns_of_json() -> None:
    problems = [_problem(f"=cmd|{n}", cell=f"D{n}", row=n) for n in range(2, 500)]
    text = as_csv(_result(*problems))
    assert text.startswith(BOM)
    head, *rows = csv.reader(io.StringIO(text.removeprefix(BOM)))
    assert tuple(head) == COLUMNS
    assert len(rows) == 498
    assert rows[0][COLUMNS.index("value")] == "'=cmd|2"
    assert rows[0][COLUMNS.index("row")] == "2"
    assert rows[0][COLUMNS.index("message")] == 'says "x", and\na line'


def test_the_page_shows_texts_as_texts() -> None:
    problem = Problem("T203", HOSTILE, HOSTILE, HOSTILE, cell="D2", column=HOSTILE, rule_id=HOSTILE)
    page = as_page(Result(HOSTILE, NINE, [problem], ok=False, sha256="a" * 64), most=200)
    seen = _Seen()
    seen.feed(page)
    assert not {"script", "img", "link", "iframe", "a", "form"} & seen.tags
    assert not [name for name in seen.attributes if name.startswith("on") or name in ("src", "style", "href")]
    assert "49" not in page.replace(HOSTILE, "")
    assert HOSTILE in seen.text


def test_the_page_may_load_nothing_and_its_style_is_named_by_its_hash() -> None:
    page = as_page(_result(_problem("x")), most=200)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)
    assert policy
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy[1].startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{digest}'" in policy[1].replace("&#39;", "'")
    assert not re.search(r"https?://|url\(|@import", page)


def test_the_page_says_the_verdict_and_how_many_problems_it_leaves_out() -> None:
    page = as_page(_result(*(_problem(str(n)) for n in range(1_234))), most=200)
    assert "It is refused; the last good version keeps running: 1,234 errors, 0 warnings." in _text(page)
    assert "and 1,034 more" in _text(page)
    assert "It can go live: 0 errors, 0 warnings." in _text(as_page(Result("a", NINE, [], ok=True), most=200))


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Runs `allocator tables check wrong.xlsx` in a folder that holds it, with more words."""
    (tmp_path / "wrong.xlsx").write_bytes(changed({"Country!D2": "Genmäny", "Country!D3": "=1+1"}))
    monkeypatch.chdir(tmp_path)
    return lambda *words: tables("check", "wrong.xlsx", *words)


def test_the_command_writes_to_standard_output_or_to_a_file(
    ask: Callable[..., int], tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert ask("--format", "csv") == 3
    shown = capsysbinary.readouterr().out
    assert shown.startswith(b"\xef\xbb\xbfcode,severity,")
    assert "Genmäny".encode() in shown
    assert ask("--format", "html", "--output", "report.html") == 3
    assert capsysbinary.readouterr().out == b""
    assert b"Check of wrong.xlsx" in (tmp_path / "report.html").read_bytes()


@pytest.mark.parametrize("name", ["wrong.xlsx", "new.XLSX", "link.csv", "other.csv"])
def test_the_command_never_writes_over_a_workbook(ask: Callable[..., int], name: str, tmp_path: Path) -> None:
    before = (tmp_path / "wrong.xlsx").read_bytes()
    (tmp_path / "link.csv").symlink_to("wrong.xlsx")
    (tmp_path / "other.csv").hardlink_to(tmp_path / "wrong.xlsx")
    assert ask("--format", "csv", "--output", name) == 2
    assert (tmp_path / "wrong.xlsx").read_bytes() == before
    assert not (tmp_path / "new.XLSX").exists()


@pytest.mark.parametrize("words", [["--json", "--format", "csv"], ["--output", "a.csv"], ["--format", "pdf"]])
def test_options_that_do_not_go_together_are_refused(ask: Callable[..., int], words: list[str]) -> None:
    assert ask(*words) == 2


def test_json_is_as_it_was(ask: Callable[..., int], capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert ask("--json") == 3
    said = json.loads(capsysbinary.readouterr().out)
    assert (said["schema"], said["ok"], said["live_version"]) == (1, False, None)
    assert set(COLUMNS) <= set(said["problems"][0])


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def _text(page: str) -> str:
    seen = _Seen()
    seen.feed(page)
    return " ".join(seen.text.split())


def _problem(value: str, cell: str = "", row: int | None = None) -> Problem:
    return Problem("T203", "Country", 'says "x", and\na line', "mend it", cell=cell, row=row, value=value)


def _result(*problems: Problem) -> Result:
    return Result("routing_tables.xlsx", NINE, problems, ok=False)
