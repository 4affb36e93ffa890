"""Files of leads as people make them: encodings, delimiters, broken rows, workbooks, bombs."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from datetime import date

import pytest
from drop_box import Box, book
from hypothesis import given, settings
from hypothesis import strategies as st

from allocator.adapters.marketing.drop.content import read_content
from allocator.adapters.marketing.drop.headers import Headers
from allocator.adapters.marketing.drop.rejected import as_csv, harmless

HEADERS = Headers()
UMLAUT = "Last Name{0}Email\nMüller{0}m@x.example\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_encodings_and_delimiters_are_found(box: Box, encoding: str, delimiter: str) -> None:
    box.put("a.csv", UMLAUT.format(delimiter).encode(encoding))
    assert [dict(record.values) for record in box.pull()] == [{"LastName": "Müller", "Email": "m@x.example"}]


def test_na_and_null_are_names(box: Box) -> None:
    box.put("a.csv", "Last Name,Country\nNA,NA\nNull,\nNaN,None\n001,1e5\n")
    assert [tuple(record.values.values()) for record in box.pull()] == [
        ("NA", "NA"), ("Null", ""), ("NaN", "None"), ("001", "1e5"),
    ]  # fmt: skip


def test_a_delimiter_named_by_the_file_is_believed(box: Box) -> None:
    box.put("a.csv", "sep=;\nEmail;City\na@x.example;Ulm\n")
    assert [record.values["City"] for record in box.pull()] == ["Ulm"]


def test_the_map_comes_first_then_names_in_any_spelling(box: Box) -> None:
    box.own = {"Your e-mail?": "Email", "City": "Street"}
    box.put(
        "a.csv",
        "your E-MAIL,last_name,City,Campaign Code,Visitor__c,Remarks\na@x.example,Alt,Way 1,C1,yes,hm\n",
    )
    assert dict(box.pull()[0].values) == {
        "Email": "a@x.example", "LastName": "Alt", "Street": "Way 1", "Campaign_Code__c": "C1",
        "Visitor__c": "yes",
    }  # fmt: skip


def test_bad_rows_come_back_with_number_and_reason_and_the_others_go_on(box: Box) -> None:
    box.put(
        "a.csv",
        'Email,City\na@x.example,Ulm\nshort\nb@x.example,"Bonn\nat the Rhine"\nc@x.example,x,y\n,\n" ",z\n',
    )
    assert box.emails() == ["a@x.example", "b@x.example", ""]
    assert [(row[0], row[2:]) for row in box.rejected("a.csv")] == [
        ("3", ["short"]),
        ("6", ["c@x.example", "x", "y"]),
    ]
    assert all("cells where the header has 2" in row[1] for row in box.rejected("a.csv"))


def test_an_open_quote_swallows_no_row(box: Box) -> None:
    box.put("a.csv", 'Email,City\na@x.example,"Ulm\nb@x.example,Bonn\nc@x.example,Kiel\n')
    assert box.emails() == ["b@x.example", "c@x.example"]
    assert [(row[0], row[2:]) for row in box.rejected("a.csv")] == [("2", ['a@x.example,"Ulm'])]


def test_a_row_with_nothing_in_known_columns_comes_back(box: Box) -> None:
    box.put("a.csv", "Email,Remarks\n,please call\n")
    assert box.pull() == []
    assert box.rejected("a.csv") == [["2", "has nothing in the columns that are carried", "", "please call"]]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.csv", b"", "it is empty"),
        ("a.csv", b"\n \n", "it is empty"),
        ("a.csv", b"Colour,Size\nred,9\n", "none of its columns is known"),
        ("a.csv", b"E-mail,email\na,b\n", "two of its columns are the field Email"),
        ("a.csv", b'"Email,City\na,b\n', "first row"),
        ("a.pdf", b"%PDF-1.7", "neither CSV nor XLSX"),
        ("a.xlsx", b"Email\na@x.example\n", "not an .xlsx workbook"),
        ("a.xlsx", b"PK\x03\x04 broken", "damaged"),
        ("a.csv", b"Email\n" + b"x\n" * 200_001, "more than 200,000 rows"),
        ("a.csv", b"Email\n" + b"\n" * 2_000_001, "too many empty lines"),
        ("a.csv", b",".join(b"Email" for _ in range(501)), "more than 500 columns"),
    ],
)
def test_a_file_that_cannot_be_used_says_why_in_one_row(
    box: Box, name: str, content: bytes, why: str
) -> None:
    box.put(name, content)
    assert box.pull() == []
    [row] = box.rejected(name)
    assert row[0] == "" and why in row[1] and box.done() == [name]


def test_a_file_of_more_than_fifty_mebibytes_is_not_read(box: Box) -> None:
    with box.put("a.csv", b"").open("r+b") as file:
        file.truncate(50 * 1024 * 1024 + 1)
    os.utime(box.folder / "a.csv", (1_000_000_000, 1_000_000_000))
    assert box.pull() == [] and "50 MiB" in box.rejected("a.csv")[0][1]


def test_a_workbook_is_read_as_a_person_sees_it(box: Box) -> None:
    rows = [
        ("Last Name", "Phone", "Created__c", "City"),
        ("NA", 49123, date(2026, 3, 1), None),
        (),
        ("Bär", 1.5, True, "x"),
    ]
    box.put("a.xlsx", book(*rows))
    assert [tuple(record.values.values()) for record in box.pull()] == [
        ("NA", "49123", "2026-03-01", ""), ("Bär", "1.5", "true", "x"),
    ]  # fmt: skip


def test_a_cell_with_an_error_rejects_its_row_alone(box: Box) -> None:
    made = book(("Last Name", "City"), ("Alt", "#N/A"), ("Bär", "Ulm"))
    box.put("a.xlsx", made)
    assert [record.values["LastName"] for record in box.pull()] == ["Bär"]
    [row] = box.rejected("a.xlsx")
    assert row[0] == "2" and "error" in row[1] and row[2:] == ["Alt", "(error)"]


def test_a_workbook_with_two_full_sheets_is_not_half_read(box: Box) -> None:
    box.put("a.xlsx", book(("Email",), ("a@x.example",), More=[("Email",), ("b@x.example",)]))
    assert box.pull() == [] and "more than one of its sheets" in box.rejected("a.xlsx")[0][1]


def test_a_cell_in_the_last_corner_makes_no_table_of_billions(box: Box) -> None:
    made = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(book(("Email",), ("a@x.example",)))) as old,
        zipfile.ZipFile(made, "w") as new,
    ):
        for part in old.namelist():
            content = old.read(part)
            if part.endswith("sheet1.xml"):
                corner = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
                content = content.replace(b"</sheetData>", corner)
            new.writestr(part, content)
    box.put("a.xlsx", made.getvalue())
    assert box.pull() == [] and "beyond row 200,000" in box.rejected("a.xlsx")[0][1]


def test_a_zip_bomb_is_refused_before_it_is_unpacked(box: Box) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/workbook.xml", b" " * 30_000_000)
    box.put("a.xlsx", made.getvalue())
    assert box.pull() == [] and "packed more than 100 times" in box.rejected("a.xlsx")[0][1]


@pytest.mark.parametrize("cell", ["=cmd()", "+49", "-1", "@x", "\tx", "\rx"])
def test_no_rejected_cell_becomes_a_formula(box: Box, cell: str) -> None:
    assert harmless(cell) == f"'{cell}" and harmless("a=b") == "a=b"
    content = read_content("a.csv", f'Email,City\n"{cell}"\n'.encode(), HEADERS)
    assert not content.leads and f"'{cell}".encode() in as_csv(content.header, content.rejected)


CELLS = st.text(alphabet='ab"\n\r,;\t =ü', max_size=6)


@settings(max_examples=150)
@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=8), delimiter=st.sampled_from(",;\t"))
def test_what_is_written_properly_is_read_as_it_was(rows: list[tuple[str, str]], delimiter: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows([("Email", "City"), *rows])
    found = read_content("a.csv", out.getvalue().encode(), HEADERS)
    assert list(map(tuple, (one.values() for one in found.leads.values()))) == [
        (a.strip(), b.strip()) for a, b in rows if a.strip() or b.strip()
    ]
    assert not found.rejected


@settings(max_examples=150)
@given(lines=st.lists(st.text(alphabet='x",; \t', max_size=5), max_size=10))
def test_whatever_the_quotes_no_row_disappears(lines: list[str]) -> None:
    """Each line carries its own word: it is in a lead or in a rejected row."""
    named = [f"row{i}{line}" for i, line in enumerate(lines)]
    content = read_content("a.csv", "\n".join(["Email,City", *named]).encode(), HEADERS)
    kept = [text for values in content.leads.values() for text in values.values()]
    kept += [text for row in content.rejected for text in row.cells]
    assert all(any(f"row{i}" in text for text in kept) for i in range(len(lines)))
