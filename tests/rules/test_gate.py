"""The gate looks at bytes only: every hostile or broken file is refused by name before a parser sees it."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from workbooks import build, changed, edited, small

from rules.errors import WorkbookError
from rules.workbook import load_bytes
from rules.workbook.check import check
from rules.workbook.codes import CODES
from rules.workbook.gate import MAX_TOTAL, gate

GOOD = build(small())
SHEET = "xl/worksheets/sheet3.xml"
UTF_7 = b'<?xml version="1.0" encoding="utf-7"?><a/>'
BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbb">]><a>&b;</a>'


def repacked(
    change: Callable[[str, bytes], bytes] = lambda name, content: content,
    extra: dict[str, bytes] | None = None,
    **options: int,
) -> bytes:
    """The good workbook with its parts changed and others added."""
    buffer = io.BytesIO()
    method = options.get("compression", zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(buffer, "w", method) as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
        for name, content in (extra or {}).items():
            new.writestr(name, content)
    return buffer.getvalue()


def in_sheet(text: bytes) -> bytes:
    """The good workbook with rows added at the end of sheet Country."""
    return repacked(lambda n, c: c.replace(b"</sheetData>", text + b"</sheetData>") if n == SHEET else c)


def with_flag(data: bytes, offset: int, value: bytes) -> bytes:
    """The archive with some bytes of its first directory entry changed."""
    entry = data.index(b"PK\x01\x02") + offset
    return data[:entry] + value + data[entry + len(value) :]


def bad_crc() -> bytes:
    return with_flag(GOOD, 16, b"\0\0\0\0")


def lying_size() -> bytes:
    return with_flag(GOOD, 24, struct.pack("<I", 5))


def twice() -> bytes:
    buffer = io.BytesIO(GOOD)
    with zipfile.ZipFile(buffer, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("xl/workbook.xml", b"<workbook/>")
    return buffer.getvalue()


def honest_flood() -> bytes:
    """Two million formatted cells: allowed by its size, refused by its count."""
    cell = b'<c r="A99" s="1"/>'
    rows = b"".join(
        b"<row>%b</row><!-- %08x%08x -->" % (cell * 40, i * 7919, i * 104729) for i in range(50_100)
    )
    return in_sheet(rows)


HOSTILE: list[tuple[str, str, Callable[[], bytes]]] = [
    ("W01", "empty", lambda: b""),
    ("W02", "11 MiB", lambda: GOOD + b"\0" * 11 * 1024 * 1024),
    ("W03", "an OLE file", lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
    ("W03", "an encrypted part", lambda: with_flag(GOOD, 8, b"\x01\x00")),
    ("W04", "a csv", lambda: b"Team,Person\nEnterprise,Ana\n"),
    ("W04", "html", lambda: b"<html><table></table></html>"),
    ("W04", "a zip of something else", lambda: _zip({"word/document.xml": b"<a/>"})),
    ("W05", "cut short", lambda: GOOD[: len(GOOD) // 2]),
    ("W05", "the last bytes cut", lambda: GOOD[:-30]),
    ("W05", "a wrong checksum", bad_crc),
    ("W06", "2,001 parts", lambda: _zip({f"xl/p{n}.bin": b"" for n in range(2_001)})),
    ("W07", "a part twice", twice),
    ("W08", "a part outside", lambda: repacked(extra={"../evil.xml": b"<a/>"})),
    ("W08", "a part at the root", lambda: repacked(extra={"/etc/x.xml": b"<a/>"})),
    ("W08", "a backslash", lambda: repacked(extra={"xl\\x.xml": b"<a/>"})),
    ("W09", "macros", lambda: repacked(extra={"xl/vbaProject.bin": b"x"})),
    ("W10", "a link to another file", lambda: changed({"Country!D2": "='[1]Prices'!A1"})),
    ("W11", "a bomb", lambda: repacked(extra={"xl/media/a.bin": b"\0" * 3_000_000})),
    ("W12", "a size that lies", lying_size),
    ("W13", "a document type", lambda: repacked(extra={"xl/x.xml": BOMB})),
    ("W13", "UTF-16", lambda: repacked(extra={"xl/x.xml": "<a/>".encode("utf-16")})),
    ("W13", "UTF-16 without a mark", lambda: repacked(extra={"xl/x.xml": "<a/>".encode("utf-16-le")})),
    ("W13", "another encoding", lambda: repacked(extra={"x.xml": UTF_7})),
    ("W14", "two million cells", honest_flood),
    ("W15", "empty formatted rows", lambda: in_sheet(b'<row r="60000" ht="15"/>')),
    ("W16", "a far row", lambda: in_sheet(b'<row r="99999999"><c r="A99999999"><v>1</v></c></row>')),
    ("W16", "a far column", lambda: in_sheet(b'<row r="9"><c r="XFD9"><v>1</v></c></row>')),
    ("W18", "a broken part", lambda: repacked(lambda n, c: c[:-20] if n == SHEET else c)),
    ("W18", "no content types", lambda: repacked(lambda n, c: b"<a/>" if n == "[Content_Types].xml" else c)),
]  # fmt: skip


def _zip(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(("code", "what", "make"), HOSTILE)
def test_each_hostile_file_is_refused_by_its_code(code: str, what: str, make: Callable[[], bytes]) -> None:
    with pytest.raises(WorkbookError) as caught:
        load_bytes(make())

    problem = caught.value.problems[0]
    assert problem.code == code in CODES
    assert problem.message.endswith(".") and problem.fix


def test_an_honest_workbook_passes_and_so_does_one_that_is_stored_unpacked() -> None:
    packed, stored = gate(GOOD), gate(repacked(compression=zipfile.ZIP_STORED))
    assert packed == stored
    assert packed["xl/workbook.xml"].endswith(b"</workbook>")


def test_a_far_cell_is_named_on_its_sheet() -> None:
    with pytest.raises(WorkbookError) as caught:
        load_bytes(in_sheet(b'<row r="9"><c r="XFD9"><v>1</v></c></row>'))
    assert [(p.sheet, p.cell) for p in caught.value.problems] == [("Country", "XFD9")]


def test_empty_formatted_rows_say_below_which_row_to_delete() -> None:
    with pytest.raises(WorkbookError, match="delete empty rows below row 3") as caught:
        load_bytes(in_sheet(b'<row r="60000" ht="15"/>'))
    assert [(p.sheet, p.cell) for p in caught.value.problems] == [("Country", "A4")]


def test_every_sheet_that_reaches_too_far_is_told_at_once() -> None:
    far = b'<row r="60000"><c r="B60000"><v>1</v></c></row></sheetData>'
    data = repacked(lambda n, c: c.replace(b"</sheetData>", far) if n.startswith("xl/worksheets") else c)
    with pytest.raises(WorkbookError) as caught:
        load_bytes(data)
    assert {(p.code, p.cell) for p in caught.value.problems} == {("W16", "B60000")}
    assert [p.sheet for p in caught.value.problems] == list(small())


def test_a_formatted_cell_far_to_the_right_is_no_value() -> None:
    assert check(in_sheet(b'<row r="9"><c r="XFD9" s="1"/></row>')).problems == ()


def test_the_total_size_is_limited_over_all_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_TOTAL == 128 * 1024 * 1024
    monkeypatch.setattr("rules.workbook.gate.MAX_TOTAL", 4_000)
    with pytest.raises(WorkbookError) as caught:
        gate(GOOD)
    assert caught.value.problems[0].code == "W12"


@pytest.mark.parametrize(
    "part",
    [
        "externalLinks/externalLink1.xml",
        "connections.xml",
        "embeddings/oleObject1.bin",
        "activeX/activeX1.xml",
    ],
)
def test_what_the_file_takes_from_elsewhere_is_a_warning_as_it_is_not_used(part: str) -> None:
    problems = check(repacked(extra={f"xl/{part}": b"<a/>"})).problems
    assert [(p.code, p.severity, p.value) for p in problems] == [("W10", "warning", f"xl/{part}")]


def test_a_link_to_another_file_is_refused_where_it_would_be_used_and_named_by_its_cell() -> None:
    problems = check(changed({"Country!D2": "='[1]Prices'!A1", "Settings!C2": "=[1]Prices!A1"})).problems
    assert [(p.code, p.sheet, p.cell, p.severity) for p in problems] == [
        ("W10", "Settings", "C2", "warning"),
        ("W10", "Country", "D2", "error"),
    ]


def test_a_wrong_dimension_drops_no_rows() -> None:
    import re

    data = repacked(lambda n, c: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1:A1"', c))
    assert len(load_bytes(data).layers[0].rows) == 2


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.binary(min_size=1, max_size=6))
def test_a_damaged_file_is_refused_or_read_but_never_breaks_the_reader(at: int, bytes_: bytes) -> None:
    try:
        load_bytes(GOOD[:at] + bytes_ + GOOD[at + len(bytes_) :])
    except WorkbookError as error:
        assert error.problems


@settings(max_examples=30, deadline=None)
@given(st.integers(0, len(GOOD) - 1))
def test_a_half_saved_file_is_always_refused(length: int) -> None:
    with pytest.raises(WorkbookError) as caught:
        load_bytes(GOOD[:length])
    assert caught.value.problems[0].code in ("W01", "W04", "W05")


def test_each_code_is_tested() -> None:
    """Every code of the workbook stands in a test of this folder."""
    here = Path(__file__).parent
    texts = "".join(p.read_text(encoding="utf-8") for p in here.glob("test_*.py"))
    missing = [code for code in CODES if f'"{code}"' not in texts]
    assert missing == []


def test_formulas_that_reach_outside_are_refused() -> None:
    def edit(book: Workbook) -> None:
        book["Team"]["F2"] = "=cmd|'/c calc'!A1"

    problems = check(edited(edit)).problems
    assert [(p.code, p.cell) for p in problems] == [("R02", "F2")]


def behind_cells(text: str) -> bytes:
    """The good workbook with an element behind the cells of sheet Country."""
    end = b"</sheetData>"
    return repacked(lambda n, c: c.replace(end, end + text.encode()) if n == SHEET else c)


EVERY_CELL = "A1:XFD1048576"


@pytest.mark.timeout(20)
def test_a_merge_of_every_cell_is_named_and_costs_nothing() -> None:
    data = behind_cells(f'<mergeCells><mergeCell ref="{EVERY_CELL}"/></mergeCells>')
    assert [(p.code, p.sheet, p.cell) for p in check(data).problems] == [("R08", "Country", "A1")]


def test_a_merge_of_a_whole_column_is_named() -> None:
    data = behind_cells('<mergeCells><mergeCell ref="B:B"/></mergeCells>')
    assert [(p.code, p.cell) for p in check(data).problems] == [("R08", "B1")]


@pytest.mark.timeout(20)
def test_a_link_over_every_cell_costs_nothing() -> None:
    data = behind_cells(f'<hyperlinks><hyperlink ref="{EVERY_CELL}" location="x"/></hyperlinks>')
    assert check(data).problems == ()


@pytest.mark.timeout(30)
def test_empty_formatted_cells_are_passed_over() -> None:
    rows = (
        f'<row r="{n}">' + "".join(f'<c r="{c}{n}" s="0"/>' for c in "ABCDEFGHIJKLMNOP") + "</row>"
        for n in range(10, 20_000)
    )
    assert check(in_sheet("".join(rows).encode())).problems == ()


def test_a_formula_that_leans_on_another_is_named() -> None:
    """Such a formula has no text of its own, only the number of the one it repeats."""
    row = (
        b'<row r="9"><c r="A9"><f t="shared" si="0" ref="A9:B9">B1</f><v>1</v></c>'
        b'<c r="B9"><f t="shared" si="0"/><v>1</v></c></row>'
    )
    codes = {(p.code, p.cell) for p in check(in_sheet(row)).problems}
    assert {("R02", "A9"), ("R02", "B9")} <= codes
