"""Adds notes to cells of a sheet: to its comments, and to the old drawing that shows them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from openpyxl.utils.cell import column_index_from_string, coordinate_from_string

from rules.workbook.package import RELATION, Package
from rules.workbook.splice import Patch, elements, text_of

AUTHOR: Final = "Lead allocator"
_BEHIND: Final = frozenset({
    "legacyDrawingHF", "drawingHF", "picture", "oleObjects", "controls", "webPublishItems", "tableParts",
    "extLst",
})  # fmt: skip
"""What may follow a sheet's legacyDrawing."""
_MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_NO_COMMENTS: Final = (
    f'<?xml version="1.0" encoding="UTF-8"?>\n<comments xmlns="{_MAIN}"><authors/><commentList/></comments>'
).encode()
_COMMENTS_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.comments+xml"
_VML_TYPE: Final = "application/vnd.openxmlformats-officedocument.vmlDrawing"
_NO_SHAPES: Final = (
    b'<xml xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    b'xmlns:x="urn:schemas-microsoft-com:office:excel"><o:shapelayout v:ext="edit">'
    b'<o:idmap v:ext="edit" data="1"/></o:shapelayout></xml>'
)
_TYPE: Final = (
    '<v:shapetype id="_x0000_t202" coordsize="21600,21600" o:spt="202" path="m,l,21600r21600,l21600,xe">'
    '<v:stroke joinstyle="miter"/><v:path gradientshapeok="t" o:connecttype="rect"/></v:shapetype>'
)
_NAMES: Final = (
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:x="urn:schemas-microsoft-com:office:excel"'
)
_SHAPE: Final = (
    '<v:shape {names} id="_x0000_s{number}" type="#_x0000_t202" '
    'style="position:absolute;visibility:hidden;width:260pt;height:{height}pt" fillcolor="#ffffe1" '
    'o:insetmode="auto"><v:fill color2="#ffffe1"/><v:shadow color="black" obscured="t"/>'
    '<v:path o:connecttype="none"/><v:textbox style="mso-direction-alt:auto"><div '
    'style="text-align:left"></div></v:textbox><x:ClientData ObjectType="Note"><x:MoveWithCells/>'
    "<x:SizeWithCells/><x:Anchor>{anchor}</x:Anchor><x:AutoFill>False</x:AutoFill><x:Row>{row}</x:Row>"
    "<x:Column>{column}</x:Column></x:ClientData></v:shape>"
)
_SHAPE_ID: Final = re.compile(rb"_x0000_s(\d{1,9})\b")
_LETTERS_A_LINE: Final = 46


def add_notes(package: Package, part: str, sheet: Patch, notes: Mapping[str, str]) -> None:
    """Put a note at each cell of the sheet `part`; a comment that stands there is continued.

    `sheet` is the patch of the same part, which may have to name a drawing.
    """
    if not notes:
        return
    name = package.related(part, "comments")
    comments = package[name] if name else _NO_COMMENTS
    there = {e.attributes.get("ref", "") for e in elements(comments, "comments/commentList/comment")}
    new = {cell: text for cell, text in notes.items() if cell not in there}
    if new and not _add_shapes(package, part, sheet, list(new.items())):
        notes = {cell: text for cell, text in notes.items() if cell in there}
    written = _with_notes(comments, notes)
    if name:
        package[name] = written
    elif notes:
        name = package.add("xl/comments", ".xml", written, _COMMENTS_TYPE)
        package.relate(part, name, "comments")


def _with_notes(comments: bytes, notes: Mapping[str, str]) -> bytes:
    patch = Patch(comments)
    found = elements(
        comments,
        "comments/authors",
        "comments/authors/author",
        "comments/commentList",
        "comments/commentList/comment",
        "comments/commentList/comment/text",
    )
    (authors,) = (e for e in found if e.name == "authors")
    (listed,) = (e for e in found if e.name == "commentList")
    prefix = authors.prefix
    cell, texts = "", {}
    for element in found:
        if element.name == "comment":
            cell = element.attributes.get("ref", "")
        elif element.name == "text":
            texts[cell] = element
    author = sum(e.name == "author" for e in found)
    patch.append(authors, f"<{prefix}author>{AUTHOR}</{prefix}author>".encode())
    new = []
    for address, words in notes.items():
        if address in texts:
            there = texts[address]
            if text_of(words).encode() not in comments[there.inside : there.close]:  # of an earlier marking
                patch.append(there, _run(prefix, f"\n\n{AUTHOR}: {words}"))
        else:
            head = f'<{prefix}comment ref="{address}" authorId="{author}"><{prefix}text>'
            new.append(head.encode() + _run(prefix, words) + f"</{prefix}text></{prefix}comment>".encode())
    if new:
        patch.append(listed, b"".join(new))
    return patch.result()


def _run(prefix: str, words: str) -> bytes:
    p = prefix
    return f'<{p}r><{p}t xml:space="preserve">{text_of(words)}</{p}t></{p}r>'.encode()


def _add_shapes(package: Package, part: str, sheet: Patch, notes: list[tuple[str, str]]) -> bool:
    """Draw a hidden box for each note; False when the sheet's drawing cannot be read."""
    name = package.related(part, "vmlDrawing") if _has_drawing(sheet.part) else ""
    drawing = package[name] if name else _NO_SHAPES
    end = drawing.rfind(b"</xml>")
    if end < 0:
        return False
    number = max((int(n) for n in _SHAPE_ID.findall(drawing)), default=1024) + 1
    shapes = "".join(_shape(number + n, cell, text) for n, (cell, text) in enumerate(notes))
    if b"_x0000_t202" not in drawing:
        shapes = _TYPE.replace("<v:shapetype", f"<v:shapetype {_NAMES}") + shapes
    drawing = drawing[:end] + shapes.encode() + drawing[end:]
    if name:
        package[name] = drawing
    else:
        name = package.add("xl/drawings/vmlDrawing", ".vml", drawing, _VML_TYPE)
        _name_drawing(sheet, package.relate(part, name, "vmlDrawing"))
    return True


def _shape(number: int, cell: str, text: str) -> str:
    letters, row = coordinate_from_string(cell)
    column = column_index_from_string(letters)
    lines = sum(1 + len(line) // _LETTERS_A_LINE for line in text.splitlines())
    anchor = f"{column}, 12, {max(row - 2, 0)}, 6, {column + 4}, 12, {row + lines}, 6"
    return _SHAPE.format(
        names=_NAMES, number=number, height=14 * lines + 12, anchor=anchor, row=row - 1, column=column - 1
    )


def _has_drawing(part: bytes) -> bool:
    return bool(elements(part, "worksheet/legacyDrawing"))


def _name_drawing(sheet: Patch, relation: str) -> None:
    root, *children = elements(sheet.part, "worksheet", "worksheet/*")
    after = next((e.start for e in children if e.name in _BEHIND), root.close)
    line = f'<{root.prefix}legacyDrawing xmlns:r="{RELATION}" r:id="{relation}"/>'
    sheet.insert(after, line.encode())
