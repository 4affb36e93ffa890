"""The bytes of a workbook -> its cells as lists of plain values. Runs in the child process (child.py)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import asdict, astuple, dataclass
from typing import Final
from xml.etree import ElementTree
from xml.etree.ElementTree import Element
from xml.parsers import expat

from rules.errors import Problem, WorkbookError
from rules.workbook.areas import read_area
from rules.workbook.atoms import Atoms
from rules.workbook.gate import foreign_parts, gate, no_workbook
from rules.workbook.serials import Moment, moment_of
from rules.workbook.sheet_xml import Budget, SheetReader, shared_texts

MAX_SHEETS: Final = 100
_NONE: Final = b"<none/>"
_NO_MEMORY: Final = 1
_PER_CENT: Final = {"9": "0%", "10": "0.00%"}
"""Formats that every workbook has, by their number, as far as they change what a number means."""
_NONSENSE: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What comes of parts that do not fit together (ParseError, which XML raises, is caught apart)."""

Parts = Mapping[str, bytes]
Contents = dict[str, object]


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A sheet of cells as the workbook lists it, and the part that holds it."""

    title: str
    hidden: bool
    part: str


def contents_of(data: bytes) -> Contents:
    """Everything of a workbook that is read, as JSON can carry it; WorkbookError if it must not be used.

    `atoms` are the distinct things that stand in cells; rows refer to them: [row, column, atom, column, ...].
    """
    parts = gate(data)
    try:
        return _contents(parts)
    except (expat.ExpatError, SyntaxError) as error:
        if getattr(error, "code", 0) == _NO_MEMORY:
            raise MemoryError from error
        raise unreadable(error) from error
    except _NONSENSE as error:
        raise unreadable(error) from error


def unreadable(error: BaseException) -> WorkbookError:
    """W18, telling what kind of error it was."""
    return WorkbookError(
        [
            Problem(
                "W18",
                "(file)",
                "The workbook cannot be read: its parts do not fit together.",
                "open it in your spreadsheet program and save it as a new Excel workbook (.xlsx)",
                value=type(error).__name__,
            )
        ]
    )


def _contents(parts: Parts) -> Contents:
    main = _main_part(parts)
    book = ElementTree.fromstring(parts[main])
    if _plain(book.tag) != "workbook":
        raise no_workbook()
    _check_types(parts, main)
    relations = _relations(parts, main)
    atoms = Atoms(
        _shared(parts, relations),
        _formats(parts, relations),
        is_1904=any(e.get("date1904") in ("1", "true") for e in _all(book, "workbookPr")),
    )
    listed = list(_sheets(book, relations))
    sheets = _read_sheets(parts, listed, atoms)
    return {
        "atoms": atoms.found,
        "sheets": sheets,
        "saved_by": _saved_by(parts),
        "schema": _schema(parts),
        "warnings": [asdict(problem) for problem in foreign_parts(parts)],
    }


# --- the parts and how they point at each other -------------------------------------------------------------


def _main_part(parts: Parts) -> str:
    found = next((target for kind, target in _relations(parts, "").values() if kind == "officeDocument"), "")
    main = found or "xl/workbook.xml"
    if main not in parts:
        raise no_workbook()
    return main


def _check_types(parts: Parts, main: str) -> None:
    """A workbook whose list of contents does not name it opens in no spreadsheet program either."""
    types = ElementTree.fromstring(parts["[Content_Types].xml"])
    if not any(_names(element, main) for element in types):
        raise ValueError("the list of contents does not name the workbook")


def _names(element: Element, main: str) -> bool:
    """Whether an entry of the list of contents is the workbook's: by its part, or (as programs built with the
    Open XML SDK write) by the ending of its name."""
    if _plain(element.tag) == "Default":
        ending = (element.get("Extension") or "").casefold()
        is_book = (element.get("ContentType") or "").endswith("sheet.main+xml")
        return is_book and main.casefold().endswith(f".{ending}")
    return (element.get("PartName") or "").lstrip("/").casefold() == main.casefold()


def _relations(parts: Parts, source: str) -> dict[str, tuple[str, str]]:
    """Id -> kind (the last word of its address) and part, of everything that a part points at. The case of a
    part's name does not matter."""
    by_key = {name.casefold(): name for name in parts}
    folder, _, name = source.rpartition("/")
    path = posixpath.join(folder, "_rels", f"{name}.rels")
    found: dict[str, tuple[str, str]] = {}
    for element in ElementTree.fromstring(parts.get(path, _NONE)):
        target = element.get("Target") or ""
        if element.get("TargetMode") != "External":
            part = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            kind = (element.get("Type") or "").rpartition("/")[2]
            found[element.get("Id") or ""] = (kind, by_key.get(part.casefold(), part))
    return found


def _of_kind(relations: Mapping[str, tuple[str, str]], kind: str) -> list[str]:
    return [part for found, part in relations.values() if found == kind]


def _all(root: Element, name: str) -> Iterator[Element]:
    """Every element of this name, whatever its namespace."""
    return (element for element in root.iter() if _plain(element.tag) == name)


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


# --- the sheets -------------------------------------------------------------------------------------------


def _sheets(book: Element, relations: Mapping[str, tuple[str, str]]) -> Iterator[SheetPart]:
    """The sheets in their order, without those that hold charts or dialogs."""
    for element in _all(book, "sheet"):
        relation = next((v for k, v in element.items() if k.startswith("{") and _plain(k) == "id"), "")
        kind, part = relations[relation]
        if kind == "worksheet":
            yield SheetPart(element.get("name") or part, element.get("state", "visible") != "visible", part)


def _read_sheets(parts: Parts, listed: list[SheetPart], atoms: Atoms) -> list[Contents]:
    """Every sheet; all that are too large are told at once. None is read when there are too many."""
    budget = Budget()
    problems: list[Problem] = []
    found: list[Contents] = []
    for sheet in listed:
        reader = SheetReader(sheet.title, atoms, budget)
        try:
            if len(listed) <= MAX_SHEETS:
                reader.read(parts[sheet.part])
        except WorkbookError as error:
            problems += error.problems
        found.append(_sheet(parts, sheet, reader))
    if problems:
        raise WorkbookError(sorted(problems, key=lambda problem: problem.code != "W14")[:MAX_SHEETS])
    return found


def _sheet(parts: Parts, sheet: SheetPart, reader: SheetReader) -> Contents:
    tables = [
        ElementTree.fromstring(parts[name]) for name in _of_kind(_relations(parts, sheet.part), "table")
    ]
    filtered = reader.filtered or any(True for table in tables for _ in _all(table, "filterColumn"))
    return {
        "title": sheet.title,
        "hidden": sheet.hidden,
        "rows": [[number, *cells] for number, cells in reader.rows.items() if cells],
        "hidden_rows": reader.hidden_rows,
        "hidden_columns": sorted(reader.hidden_columns),
        "filtered": filtered,
        "merged": [astuple(area) for area in reader.merged],
        "tables": [astuple(read_area(table.get("ref") or "")) for table in tables],
    }


# --- what cells refer to ------------------------------------------------------------------------------------


def _shared(parts: Parts, relations: Mapping[str, tuple[str, str]]) -> list[str]:
    return [text for name in _of_kind(relations, "sharedStrings")[:1] for text in shared_texts(parts[name])]


def _formats(parts: Parts, relations: Mapping[str, tuple[str, str]]) -> dict[str, tuple[Moment, str]]:
    """Number of a style -> what it shows, and its format where it is the workbook's own or a per cent."""
    found: dict[str, tuple[Moment, str]] = {}
    for name in _of_kind(relations, "styles")[:1]:
        styles = ElementTree.fromstring(parts[name])
        own = {e.get("numFmtId"): e.get("formatCode") or "" for e in styles.iterfind("{*}numFmts/{*}numFmt")}
        for number, style in enumerate(styles.iterfind("{*}cellXfs/{*}xf")):
            format_id = style.get("numFmtId") or "0"
            code = own.get(format_id, _PER_CENT.get(format_id))
            found[str(number)] = (moment_of(int(format_id), code), code or "")
    return found


# --- who saved it, and for which version of the tables ----------------------------------------------------


def _saved_by(parts: Parts) -> str:
    core = _properties(parts, "core-properties", "docProps/core.xml")
    names = {_plain(element.tag): element.text or "" for element in core}
    return names.get("lastModifiedBy") or names.get("creator") or ""


def _schema(parts: Parts) -> str:
    for element in _properties(parts, "custom-properties", "docProps/custom.xml"):
        if element.get("name") == "Schema version":
            return "".join(element.itertext()).strip().removesuffix(".0")  # LibreOffice saves 1 as 1.0
    return ""


def _properties(parts: Parts, kind: str, usual: str) -> Element:
    name = next(iter(_of_kind(_relations(parts, ""), kind)), usual)
    return ElementTree.fromstring(parts.get(name, _NONE))
