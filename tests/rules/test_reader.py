"""The reader gives what openpyxl gives, and understands what other programs write."""

# ruff: noqa: DTZ001 - the moments of a spreadsheet have no time zone

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.table import Table, TableStyleInfo
from workbooks import build, edited, small

from rules.errors import WorkbookError
from rules.workbook.areas import Area, column_letters, read_area, split_address
from rules.workbook.contents import contents_of
from rules.workbook.read import RawCell, RawSheet, book_of, read_book

SHIPPED = Path(__file__).parents[2] / "routing_tables.xlsx"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"
RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT_RELATION = "http://purl.oclc.org/ooxml/officeDocument/relationships"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/xl/workbook.xml" ContentType="main+xml"/></Types>'
)
STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="00000"/><numFmt numFmtId="166" formatCode="[h]:mm"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs>'
    "<cellXfs>" + "".join(f'<xf numFmtId="{n}"/>' for n in (0, 14, 164, 165, 166, 46, 27)) + "</cellXfs>"
)
GENERAL, DAY, OWN_DAY, ZEROS, HOURS, HOURS_46, CHINESE_DAY = map(str, range(7))

Found = dict[tuple[str, int, int], tuple[str, object]]


def read(data: bytes) -> tuple[RawSheet, ...]:
    """The sheets as the child process would give them."""
    return book_of(contents_of(data)).sheets


def ours(data: bytes) -> Found:
    return {
        (sheet.title, row, column): (cell.kind, cell.value)
        for sheet in read(data)
        for row, cells in sheet.rows.items()
        for column, cell in cells.items()
    }


def openpyxls(data: bytes) -> Found:
    kinds = {"s": "text", "n": "number", "b": "bool", "d": "date", "e": "error", "f": "formula"}
    return {
        (sheet.title, row, column): (kinds[cell.data_type], cell.value)
        for sheet in load_workbook(io.BytesIO(data)).worksheets
        for (row, column), cell in sheet._cells.items()
        if cell.value is not None
    }


# --- beside openpyxl --------------------------------------------------------------------------------------


def random_value(chance: random.Random) -> object:
    """Anything a cell may hold."""
    drawers: list[Callable[[], object]] = [
        lambda: chance.randint(-(10**6), 10**17),
        lambda: chance.uniform(-1e6, 1e6) * 10 ** chance.randint(-20, 20),
        lambda: chance.choice([True, False, None]),
        lambda: chance.choice(
            ["NA", "NULL", " a  b ", "é\u00a0x\u200b", "<&>\"'", "line\nfeed", "007", "None"]
        ),
        lambda: "".join(chance.choices("äß€𝒳 aZ09-_*?@", k=chance.randint(1, 30))),
        lambda: date(1900, 1, 1) + timedelta(days=chance.randint(0, 80_000)),
        lambda: datetime(2026, 11, 2) + timedelta(seconds=chance.randint(0, 10**8), milliseconds=7),
        lambda: time(chance.randint(0, 23), chance.randint(0, 59), chance.randint(0, 59)),
        lambda: timedelta(seconds=chance.randint(0, 10**7)),
        lambda: chance.choice(["#N/A", "#REF!", "#DIV/0!", "=A1+1", "=NOW()"]),
    ]
    return chance.choice(drawers)()


def random_workbook(seed: int) -> bytes:
    chance = random.Random(seed)

    def edit(book: Workbook) -> None:
        book.epoch = chance.choice([datetime(1899, 12, 30), datetime(1904, 1, 1)])
        for title in ("One", "Two & more", "Drei"):
            sheet = book.create_sheet(title)
            for _ in range(chance.randint(0, 120)):
                cell = sheet.cell(chance.randint(1, 400), chance.randint(1, 60))
                cell.value = random_value(chance)  # type: ignore[assignment]
                usual = cell.data_type == "n" and -1e6 < float(cell.value or 0) < 1e6  # type: ignore[arg-type]
                if usual and chance.random() < 0.5:
                    cell.number_format = chance.choice(
                        ["d/m/yy", '0 "days"', "[Red]0.0", "mm:ss", "[h]:mm", "@"]
                    )

    return build({}, edit)


@pytest.mark.filterwarnings("ignore:Cell .* is marked as a date")
@pytest.mark.parametrize("seed", range(40))
def test_a_workbook_of_random_cells_reads_as_openpyxl_reads_it(seed: int) -> None:
    data = random_workbook(seed)
    assert ours(data) == openpyxls(data)


@pytest.mark.parametrize("data", [SHIPPED.read_bytes(), build(small())], ids=["shipped", "small"])
def test_whole_workbooks_read_as_openpyxl_reads_them(data: bytes) -> None:
    assert ours(data) == openpyxls(data)


def test_the_child_process_gives_the_same_book_with_who_saved_it_and_its_schema() -> None:
    data = SHIPPED.read_bytes()
    book = read_book(data)
    assert book == book_of(contents_of(data))
    assert book.schema == "1"


def test_addresses_are_those_of_openpyxl() -> None:
    for number in [*range(1, 800), 16_384]:
        letters = get_column_letter(number)
        assert (column_letters(number), split_address(f"{letters}7")) == (letters, (7, number))
    assert str(read_area("$B$2:C3")) == "B2:C3" and read_area("B:C") == Area(1, 50_000, 2, 3)


# --- what other programs write, as XML --------------------------------------------------------------------


def package(
    cells: str, *, strings: str = "", book: str = "", tables: str = "", prefix: str = "", strict: bool = False
) -> bytes:
    """A workbook of one sheet, written by hand: `cells` is what stands in it."""
    space, relation = (STRICT, STRICT_RELATION) if strict else (MAIN, RELATION)
    p = f"{prefix}:" if prefix else ""
    declared = f'xmlns{":" if prefix else ""}{prefix}="{space}"'

    def part(root: str, inside: str) -> str:
        inside = inside.replace("</", "\0").replace("<", f"<{p}").replace("\0", f"</{p}")
        return f'<?xml version="1.0" encoding="UTF-8"?><{p}{root} {declared}>{inside}</{p}{root}>'

    def links(*targets: tuple[str, str]) -> str:
        many = (f'<R Id="r{n}" Type="{relation}/{k}" Target="{t}"/>' for n, (k, t) in enumerate(targets))
        return f"<Rs>{''.join(many)}</Rs>"

    sheets = f'{book}<sheets><sheet name="S" sheetId="1" q:id="r0" xmlns:q="{relation}"/></sheets>'
    parts = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": links(("officeDocument", "/xl/workbook.xml")),
        "xl/workbook.xml": part("workbook", sheets),
        "xl/_rels/workbook.xml.rels": links(
            ("worksheet", "deep/s1.xml"), ("styles", "../xl/styles.xml"), ("sharedStrings", "strings.xml")
        ),
        "xl/styles.xml": part("styleSheet", STYLES),
        "xl/strings.xml": part("sst", strings),
        "xl/deep/s1.xml": part("worksheet", cells),
        "xl/deep/_rels/s1.xml.rels": links(*[("table", "/xl/t.xml")] * bool(tables)),
        "xl/t.xml": part("table", "").replace("<table", f"<table {tables}", 1),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def cells(rows: str, **options: Any) -> dict[str, RawCell]:
    """Address -> cell of a sheet with these rows."""
    (sheet,) = read(package(f"<sheetData>{rows}</sheetData>", **options))
    return {f"{column_letters(c)}{r}": cell for r, row in sheet.rows.items() for c, cell in row.items()}


def values(rows: str, **options: Any) -> dict[str, object]:
    return {address: cell.value for address, cell in cells(rows, **options).items()}


ROW = '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="C2" s="1"><v>46341</v></c></row>'
STRINGS = "<si><t>yes</t></si>"


@pytest.mark.parametrize("prefix", ["", "x"])
@pytest.mark.parametrize("strict", [False, True])
def test_namespaces_may_have_a_prefix_and_be_strict(prefix: str, strict: bool) -> None:
    found = values(ROW, strings=STRINGS, prefix=prefix, strict=strict)
    assert found == {"A2": "yes", "C2": datetime(2026, 11, 15)}


def test_cells_and_rows_without_an_address_follow_each_other() -> None:
    rows = "<row><c><v>1</v></c><c/><c><v>2</v></c></row><row><c><v>3</v></c></row>"
    assert values(rows + '<row r="7"><c r="B7"><v>4</v></c><c><v>5</v></c></row>') == {
        "A1": 1, "C1": 2, "A2": 3, "B7": 4, "C7": 5,
    }  # fmt: skip


def test_rows_out_of_order_and_cells_of_another_row_go_by_their_address() -> None:
    rows = '<row r="9"><c r="A9"><v>1</v></c></row><row r="2"><c r="b2"><v>2</v></c>'
    rows += '<c r="A15"><v>3</v></c></row>'
    assert values(rows) == {"A9": 1, "B2": 2, "A15": 3}


def test_each_type_of_cell_is_told() -> None:
    row = (
        '<row r="1"><c r="A1" t="inlineStr"><is><t>in</t></is></c><c r="B1" t="str"><v>007</v></c>'
        '<c r="C1" t="b"><v>1</v></c><c r="D1" t="e"><v>#N/A</v></c>'
        '<c r="E1" t="d"><v>2026-11-16T09:30:00Z</v></c><c r="F1" t="d"><v>2026-11-16</v></c>'
        '<c r="G1"><v>1.5E3</v></c><c r="H1" t="s"><v></v></c><c r="I1" s="1"/>'
        '<c r="J1" t="d"><v>PT36H</v></c>'
        "</row>"
    )
    found = {address: (cell.kind, cell.value) for address, cell in cells(row).items()}
    assert found == {
        "A1": ("text", "in"),
        "B1": ("text", "007"),
        "C1": ("bool", True),
        "D1": ("error", "#N/A"),
        "E1": ("date", datetime(2026, 11, 16, 9, 30)),
        "F1": ("date", date(2026, 11, 16)),
        "G1": ("number", 1500.0),
        "J1": ("date", timedelta(hours=36)),
    }


def test_rich_text_is_joined_and_readings_are_left_out() -> None:
    rich = "<r><rPr><b/></rPr><t>Enter</t></r><r><t>prise</t></r><rPh sb='0' eb='1'><t>reading</t></rPh>"
    row = f'<row r="1"><c r="A1" t="s"><v>1</v></c><c r="B1" t="inlineStr"><is>{rich}</is></c></row>'
    found = values(row, strings=f"<si><t>other</t></si><si>{rich}<phoneticPr fontId='0'/></si>")
    assert found == {"A1": "Enterprise", "B1": "Enterprise"}


def test_characters_written_as_escapes_are_read_once() -> None:
    strings = "<si><t>a_x000D_\nb_x005F_x000D__xD83D__xDE00__xD800_</t></si>"
    assert values(ROW, strings=strings)["A2"] == "a\r\nb_x000D_😀\ufffd"


def test_a_formula_keeps_its_text_and_the_value_it_had_and_a_shared_one_is_repeated() -> None:
    row = (
        '<row r="1"><c r="A1"><f t="shared" si="0" ref="A1:A2">B1*2</f><v>14</v></c>'
        '<c r="B1" t="str"><f>"x"&amp;1</f><v>x1</v></c><c r="C1"><f>NOW()</f></c></row>'
        '<row r="2"><c r="A2"><f t="shared" si="0"/><v>16</v></c></row>'
    )
    assert cells(row) == {
        "A1": RawCell("formula", "=B1*2", saved="14"),
        "B1": RawCell("formula", '="x"&1', saved="x1"),
        "C1": RawCell("formula", "=NOW()"),
        "A2": RawCell("formula", "=B1*2", saved="16"),
    }


def dated(value: str, style: str, **options: Any) -> RawCell:
    return cells(f'<row r="1"><c r="A1" s="{style}"><v>{value}</v></c></row>', **options)["A1"]


def test_dates_are_told_by_their_format_whether_built_in_or_the_workbooks_own() -> None:
    day = RawCell("date", datetime(2026, 11, 16))
    assert [dated("46342", style) for style in (DAY, OWN_DAY, CHINESE_DAY)] == [day] * 3
    assert dated("46342", GENERAL) == RawCell("number", 46342)
    assert [dated("1.5", style).value for style in (HOURS, HOURS_46)] == [timedelta(hours=36)] * 2
    assert dated("0.5", DAY).value == time(12)


def test_a_number_keeps_the_format_that_may_show_zeros_before_it() -> None:
    assert dated("42", ZEROS) == RawCell("number", 42, "00000")


def test_days_before_march_1900_are_counted_as_spreadsheets_count_them() -> None:
    assert dated("1", DAY).value == datetime(1900, 1, 1)
    assert dated("61", DAY).value == datetime(1900, 3, 1)


def test_the_calendar_of_1904_is_honoured() -> None:
    assert dated("44880", DAY, book='<workbookPr date1904="1"/>').value == datetime(2026, 11, 16)


def test_a_date_beyond_the_calendar_is_an_error_of_the_cell() -> None:
    assert dated("99999999", DAY) == RawCell("error", "#VALUE!")


def test_what_is_hidden_filtered_merged_and_a_table_is_told() -> None:
    (sheet,) = read(
        package(
            '<cols><col min="2" max="3" hidden="1"/><col min="5" max="16384" hidden="0"/></cols>'
            '<sheetData><row r="1"/><row r="4" hidden="1"><c r="A4"><v>1</v></c></row></sheetData>'
            '<autoFilter ref="A1:C4"><filterColumn colId="0"/></autoFilter>'
            '<mergeCells><mergeCell ref="B2:C3"/></mergeCells>',
            tables='ref="A1:C3"',
        )
    )
    assert (sheet.hidden_rows, sheet.hidden_columns, sheet.filtered) == ({4}, {2, 3}, True)
    assert (sheet.merged, sheet.tables) == ((Area(2, 3, 2, 3),), (Area(1, 3, 1, 3),))


def test_the_ranges_of_excel_tables_are_told() -> None:
    def edit(book: Workbook) -> None:
        table = Table(displayName="Country", ref="A1:H3", tableStyleInfo=TableStyleInfo())
        book["Country"].add_table(table)

    sheets = {sheet.title: sheet for sheet in read(edited(edit))}
    assert sheets["Country"].tables == (Area(1, 3, 1, 8),) and not sheets["Team"].tables
    assert not sheets["Country"].filtered


@pytest.mark.parametrize(
    "row",
    [
        '<row r="0"><c><v>1</v></c></row>',
        '<row r="1"><c r="1A"><v>1</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>7</v></c></row>',
        '<row r="1"><c r="A1" t="s"><v>-1</v></c></row>',
        '<row r="1"><c r="A1"><v>1E999</v></c></row>',
        '<row r="1"><c r="A1"><v>seven</v></c></row>',
        f'<row r="1"><c r="A1"><v>{"9" * 5_000}</v></c></row>',
        '<row r="1"><c r="A1" t="d"><v>yesterday</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></row>',
    ],
)
def test_a_cell_that_says_nonsense_refuses_the_file(row: str) -> None:
    with pytest.raises(WorkbookError) as caught:
        cells(row)
    assert [p.code for p in caught.value.problems] == ["W18"]
