"""Who has a workbook open, as the lock files of spreadsheet programs tell. It is shown and blocks nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_LONGEST: Final = 4_096
_SHOWN: Final = 80
_EXCEL_WIDE: Final = 55
"""Where Excel's lock file repeats the name in UTF-16, behind its length."""
_FIELD: Final = re.compile(r"((?:[^,;\\]|\\.)*)[,;]")


def opened_by(path: Path) -> str:
    """The name of whoever has the file open in Excel or LibreOffice; nothing if nobody has, or none says so.

    A program that broke down leaves its lock file behind, so this is what seems to be, not what is.
    """
    if not path.name:
        return ""
    excel = _read(path.with_name(f"~${path.name}"))
    office = _read(path.with_name(f".~lock.{path.name}#"))
    return _clean(_of_excel(excel) if excel else _of_libreoffice(office))


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(_LONGEST)
    except OSError:
        return b""


def _of_excel(content: bytes) -> str:
    """A byte of length and the name in the machine's own code page, then the same in UTF-16."""
    wide = int.from_bytes(content[_EXCEL_WIDE : _EXCEL_WIDE + 2], "little")
    name = content[_EXCEL_WIDE + 2 : _EXCEL_WIDE + 2 + 2 * wide].decode("utf-16-le", "replace")
    if 0 < wide <= _EXCEL_WIDE and len(name) >= wide and name.isprintable() and "\ufffd" not in name:
        return name
    return content[1 : 1 + content[0]].decode("cp1252", "replace")


def _of_libreoffice(content: bytes) -> str:
    """Fields between commas: the name given to the program, the account, the machine, the time, a folder."""
    fields = [re.sub(r"\\(.)", r"\1", field) for field in _FIELD.findall(content.decode("utf-8", "replace"))]
    return next((field for field in fields[:2] if field.strip()), "")


def _clean(name: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in name).split())[:_SHOWN]
