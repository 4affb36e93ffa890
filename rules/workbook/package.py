"""The parts of a workbook file, how they refer to each other, and how new ones join them."""

from __future__ import annotations

import io
import posixpath
import zipfile
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import quoteattr

from rules.workbook.splice import Patch, elements

TYPES: Final = "[Content_Types].xml"
BOOK: Final = "xl/workbook.xml"
RELATION: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELATIONS: Final = "http://schemas.openxmlformats.org/package/2006/relationships"
_NEW: Final = (2026, 1, 1, 0, 0, 0)
_EMPTY: Final = f'<?xml version="1.0" encoding="UTF-8"?>\n<Relationships xmlns="{_RELATIONS}"/>'.encode()


@dataclass(frozen=True, slots=True)
class Relation:
    """One line of a part's relations: its id, the last word of its type, and the part it leads to."""

    id: str
    kind: str
    target: str


class Package:
    """A workbook's parts by name. Those that nobody sets stay byte for byte as they were."""

    def __init__(self, data: bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            self._infos = archive.infolist()
            self._parts = {info.filename: archive.read(info) for info in self._infos}

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def __getitem__(self, name: str) -> bytes:
        return self._parts[name]

    def __setitem__(self, name: str, content: bytes) -> None:
        self._parts[name] = content

    def relations(self, part: str) -> tuple[Relation, ...]:
        """What the part leads to inside the workbook. The case of a part's name does not matter."""
        by_key = {name.casefold(): name for name in self._parts}
        rels = self._parts.get(_relations_of(part), _EMPTY)
        found = (e.attributes for e in elements(rels, "Relationships/Relationship"))
        inside = [a for a in found if a.get("TargetMode") != "External"]
        targets = [_resolved(part, a.get("Target", "")) for a in inside]
        return tuple(
            Relation(a.get("Id", ""), a.get("Type", "").rpartition("/")[2], by_key.get(t.casefold(), t))
            for a, t in zip(inside, targets, strict=True)
        )

    def related(self, part: str, kind: str) -> str:
        """The first part of a kind that `part` leads to and that is there; empty if there is none."""
        targets = (r.target for r in self.relations(part) if r.kind == kind)
        return next((target for target in targets if target in self), "")

    def sheets(self) -> dict[str, str]:
        """The title of each sheet, and its part."""
        targets = {r.id: r.target for r in self.relations(BOOK)}
        found = {}
        for sheet in elements(self[BOOK], "workbook/sheets/sheet"):
            relation = next((v for k, v in sheet.attributes.items() if k.rpartition(":")[2] == "id"), "")
            found[sheet.attributes.get("name", "")] = targets.get(relation, "")
        return {title: part for title, part in found.items() if part in self}

    def add(self, stem: str, ending: str, content: bytes, content_type: str) -> str:
        """A new part of the first free name `stem`, a number, `ending`; its name."""
        taken = {name.casefold() for name in self._parts}
        number = next(n for n in range(1, len(taken) + 2) if f"{stem}{n}{ending}".casefold() not in taken)
        name = f"{stem}{number}{ending}"
        self.add_named(name, content, content_type)
        return name

    def add_named(self, name: str, content: bytes, content_type: str) -> None:
        self._parts[name] = content
        line = f"Override PartName={quoteattr('/' + name)} ContentType={quoteattr(content_type)}"
        if name.endswith(".vml"):  # spreadsheet programs declare these by their ending
            defaults = elements(self[TYPES], "Types/Default")
            if any(e.attributes.get("Extension", "").lower() == "vml" for e in defaults):
                return
            line = f'Default Extension="vml" ContentType={quoteattr(content_type)}'
        self._parts[TYPES] = _with_line(self[TYPES], "Types", line)

    def relate(self, part: str, target: str, kind: str) -> str:
        """Lead from a part to another one; the id of the new relation."""
        name = _relations_of(part)
        rels = self._parts.get(name, _EMPTY)
        taken = {relation.id for relation in self.relations(part)}
        taken |= {e.attributes.get("Id", "") for e in elements(rels, "Relationships/Relationship")}
        new = next(f"rId{n}" for n in range(1, len(taken) + 2) if f"rId{n}" not in taken)
        where = quoteattr("/" + target)
        line = f'Relationship Id="{new}" Type="{RELATION}/{kind}" Target={where}'
        self._parts[name] = _with_line(rels, "Relationships", line)
        return new

    def bytes(self) -> bytes:
        """The workbook as a file; new parts have one fixed date."""
        dates = {info.filename: info.date_time for info in self._infos}
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in self._parts.items():
                info = zipfile.ZipInfo(name, date_time=dates.get(name, _NEW))
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, content)
        return buffer.getvalue()


def _relations_of(part: str) -> str:
    folder, _, name = part.rpartition("/")
    return f"{folder}/_rels/{name}.rels" if folder else f"_rels/{name}.rels"


def _resolved(part: str, target: str) -> str:
    if target.startswith("/"):
        return target[1:]
    return posixpath.normpath(posixpath.join(posixpath.dirname(part), target))


def _with_line(part: bytes, root: str, line: str) -> bytes:
    (element,) = elements(part, root)
    patch = Patch(part)
    patch.append(element, f"<{element.prefix}{line}/>".encode())
    return patch.result()
