"""A marked copy: the wrong cells in colour with a note each, and everything else as it was."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.cell.cell import Cell
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.workbook import Workbook
from workbooks import changed, edited

from rules.errors import Problem
from rules.workbook import load_bytes
from rules.workbook.check import check
from rules.workbook.company import shipped_company
from rules.workbook.diff import diff
from rules.workbook.mark import MARKED_PART, is_marked, marked
from rules.workbook.mark_cells import FILLS
from rules.workbook.template import template_bytes

SHIPPED = template_bytes(shipped_company())
SOFFICE = shutil.which("soffice")
BAD_COUNTRY = Problem("T203", "Country", '"Genmany" is no country.', "type DE", cell="D2", value="Genmany")


def test_a_wrong_cell_is_red_and_has_the_message_and_what_to_type_as_a_note() -> None:
    cell = _book(_marked(changed({"Country!D2": "Genmany"})))["Country"]["D2"]
    assert cell.fill.fgColor.rgb == FILLS["error"]
    assert cell.comment.text.startswith('ERROR T203: "Genmany" is not a country')
    assert "\nFix: type DE" in cell.comment.text
    assert cell.value == "Genmany"


def test_a_warning_has_another_colour_and_an_error_beside_it_in_the_cell_wins() -> None:
    warned = Problem("T310", "Country", "never matches", "move it", cell="B3", severity="warning")
    both = Problem("T201", "Country", "is wrong", "mend it", cell="B3")
    data = changed({})
    assert _book(marked(data, [warned]))["Country"]["B3"].fill.fgColor.rgb == FILLS["warning"]
    cell = _book(marked(data, [warned, both]))["Country"]["B3"]
    assert cell.fill.fgColor.rgb == FILLS["error"]
    assert "never matches" in cell.comment.text
    assert "is wrong" in cell.comment.text


@pytest.mark.parametrize("cell", ["D3", "L2", "A40", "Z50", "AA2"])
def test_a_cell_that_is_not_in_the_file_is_made_in_its_place(cell: str) -> None:
    data = changed({"Country!D3": None})
    problem = Problem("T201", "Country", "The cell is blank.", "type *", cell=cell)
    made = marked(data, [problem])
    assert _book(made)["Country"][cell].comment.text.startswith("ERROR T201")
    assert _addresses(made) == sorted(_addresses(made), key=_row_and_column)
    assert _values(made, "Country") == _values(data, "Country")


def test_a_comment_that_stands_in_the_cell_is_continued_and_others_stay() -> None:
    def edit(book: Workbook) -> None:
        book["Country"]["D2"] = "Genmany"
        book["Country"]["D2"].comment = Comment("Was Germany.", "Ana")
        book["Country"]["A3"].comment = Comment("Ask Ben.", "Ana")

    sheet = _book(_marked(edited(edit)))["Country"]
    assert sheet["D2"].comment.text.startswith("Was Germany.\n\nLead allocator: ERROR T203")
    assert sheet["A3"].comment.text == "Ask Ben."
    assert sheet["A3"].comment.author == "Ana"


def test_parts_that_need_no_change_are_the_same_bytes() -> None:
    made = marked(SHIPPED, [BAD_COUNTRY])
    before, after = _parts(SHIPPED), _parts(made)
    touched = {name for name in before if before[name] != after[name]}
    country = next(n for n in before if b"Country_table" in before[n] and n.startswith("xl/tables/"))
    assert touched == {
        "[Content_Types].xml",
        "xl/styles.xml",
        "xl/workbook.xml",
        "xl/_rels/workbook.xml.rels",
        "xl/worksheets/sheet5.xml",
        "xl/worksheets/_rels/sheet5.xml.rels",
    }
    assert after[country] == before[country]
    assert {n for n in after if n not in before} == {
        MARKED_PART,
        "xl/comments1.xml",
        "xl/drawings/vmlDrawing1.vml",
    }


def test_dropdowns_messages_and_colours_of_the_sheet_stay_byte_for_byte() -> None:
    name = "xl/worksheets/sheet5.xml"
    before, after = _parts(SHIPPED)[name], _parts(marked(SHIPPED, [BAD_COUNTRY]))[name]
    behind = before[before.index(b"</sheetData>") :]
    kept = re.sub(rb"<legacyDrawing [^>]*>", b"", after)
    assert kept.endswith(behind)
    assert kept[: kept.index(b"<sheetData>")] == before[: before.index(b"<sheetData>")]
    assert after.index(b"<legacyDrawing") < after.index(b"<tableParts")


def test_the_copy_means_the_same_and_passes_the_check() -> None:
    made = marked(SHIPPED, [BAD_COUNTRY])
    assert not diff(load_bytes(SHIPPED), load_bytes(made))
    assert {p.code for p in check(made).problems} == {"T102"}


def test_problems_without_a_cell_are_on_a_last_sheet_beside_all_others_with_links() -> None:
    def edit(book: Workbook) -> None:
        book["Country"]["D2"] = "Genmany"
        book.create_sheet("Problems")["A1"] = "mine"

    book = _book(_marked(edited(edit)))
    sheet = book["Problems 2"]
    assert book.sheetnames[-1] == "Problems 2"
    rows = list(sheet.iter_rows(min_row=2, values_only=True))
    assert ("warning", "T102", "Problems") in {row[:3] for row in rows}
    (wrong,) = (n for n, row in enumerate(rows, start=2) if row[1] == "T203")
    assert sheet[f"D{wrong}"].hyperlink.location == "'Country'!D2"


def test_formats_of_cells_are_kept_beneath_the_colour() -> None:
    def edit(book: Workbook) -> None:
        book["Country"]["D2"].number_format = "@"
        book["Country"]["D2"].font = Font(bold=True)
        book["Country"]["D2"] = "Genmany"

    cell = _book(_marked(edited(edit)))["Country"]["D2"]
    assert (cell.number_format, cell.font.bold) == ("@", True)


def test_texts_of_a_message_are_texts_in_the_copy_whatever_they_hold() -> None:
    words = 'a<b>&"c" _x0041_ \x07 =1+1 \u2028 ü'
    problem = Problem("T203", "Country", words, "<fix>", cell="D2", value=words)
    book = _book(marked(changed({}), [problem]))
    shown = words.replace("\x07", "\ufffd")
    assert _plain(book["Country"]["D2"].comment.text) == f"ERROR T203: {shown}\nFix: <fix>."
    assert _plain(str(book["Problems"]["H2"].value)) == shown
    assert book["Problems"]["H2"].data_type == "s"


def test_prefixes_and_cells_without_addresses_are_understood() -> None:
    """As other programs write sheets: a prefix at every name, a byte order mark, no r at rows and cells."""
    parts = _parts(changed({"Country!D2": "Genmany"}))
    name = "xl/worksheets/sheet3.xml"
    text = parts[name].decode().replace("xmlns=", "xmlns:x=")
    text = re.sub(r"<(/?)(?=[a-zA-Z])", r"<\1x:", text)
    text = re.sub(r'(<x:(?:row|c)) r="\w+"', r"\1", text)
    parts[name] = b"\xef\xbb\xbf" + text.encode()
    cells = _book(marked(_zipped(parts), [BAD_COUNTRY]))["Country"]
    assert cells["D2"].fill.fgColor.rgb == FILLS["error"]
    assert cells["D2"].comment.text.startswith("ERROR T203")


def test_a_marked_copy_is_known_until_somebody_saves_it() -> None:
    made = marked(SHIPPED, [BAD_COUNTRY])
    buffer = io.BytesIO()
    _book(made).save(buffer)
    assert is_marked(made)
    assert not is_marked(buffer.getvalue())
    assert not is_marked(SHIPPED)


def test_marking_twice_gives_the_same_bytes() -> None:
    assert marked(SHIPPED, [BAD_COUNTRY]) == marked(SHIPPED, [BAD_COUNTRY])


def test_a_copy_that_is_marked_again_says_nothing_twice() -> None:
    once = _marked(changed({"Country!D2": "Genmany"}))
    buffer = io.BytesIO()
    _book(once).save(buffer)
    cell = _book(_marked(buffer.getvalue()))["Country"]["D2"]
    assert cell.comment.text.count("T203") == 1


@pytest.mark.libreoffice
def test_libreoffice_opens_the_copy_with_its_notes_and_dropdowns(tmp_path: Path) -> None:
    wrong = Problem("T402", "Teams", "There is no team.", "add it", cell="A30")
    (tmp_path / "copy.xlsx").write_bytes(marked(SHIPPED, [BAD_COUNTRY, wrong]))
    home = f"-env:UserInstallation={(tmp_path / 'home').as_uri()}"
    asked = [SOFFICE, home, "--headless", "--convert-to", "xlsx", "--outdir", "saved", "copy.xlsx"]
    subprocess.run([str(a) for a in asked], cwd=tmp_path, check=True, capture_output=True, timeout=240)
    book = _book((tmp_path / "saved" / "copy.xlsx").read_bytes())
    assert book["Country"]["D2"].comment.text.startswith("ERROR T203")
    assert book["Teams"]["A30"].comment.text.startswith("ERROR T402")
    assert book["Country"]["D2"].fill.fgColor.rgb == FILLS["error"]
    assert len(book["Country"].data_validations.dataValidation) > 5


def _marked(data: bytes) -> bytes:
    return marked(data, check(data).problems)


def _book(data: bytes) -> Workbook:
    return load_workbook(io.BytesIO(data))


def _plain(text: str) -> str:
    return text.replace("_x005F_", "_")


def _values(data: bytes, title: str) -> dict[str, object]:
    cells = (cell for row in _book(data)[title].iter_rows() for cell in row)
    return {c.coordinate: c.value for c in cells if isinstance(c, Cell) and c.value is not None}


def _addresses(data: bytes) -> list[str]:
    return re.findall(r'<c r="(\w+)"', _parts(data)["xl/worksheets/sheet3.xml"].decode())


def _row_and_column(address: str) -> tuple[int, int, str]:
    letters = address.rstrip("0123456789")
    return int(address[len(letters) :]), len(letters), letters


def _parts(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _zipped(parts: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()
