"""Lock files tell who has the workbook open, and are never in the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.workbook.lock import opened_by


def excel_lock(name: str, *, wide: bool = True) -> bytes:
    narrow = name.encode("cp1252", "replace")
    head = bytes([len(narrow)]) + narrow.ljust(54)
    if not wide:
        return head
    return head + len(name).to_bytes(2, "little") + name.encode("utf-16-le")


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    return tmp_path / "routing_tables.xlsx"


def test_nobody_has_a_file_open_that_has_no_lock_file(workbook: Path) -> None:
    assert opened_by(workbook) == ""


@pytest.mark.parametrize("name", ["Ana Alvarez", "Zoë Grün", "Łucja Ż."])
def test_excel_tells_the_name_of_its_user(workbook: Path, name: str) -> None:
    workbook.with_name("~$routing_tables.xlsx").write_bytes(excel_lock(name))
    assert opened_by(workbook) == name


def test_an_excel_that_gives_the_name_only_once_is_understood(workbook: Path) -> None:
    workbook.with_name("~$routing_tables.xlsx").write_bytes(excel_lock("Zoë Grün", wide=False))
    assert opened_by(workbook) == "Zoë Grün"


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Ana Alvarez,ana,pc-7,16.11.2026 09:00,file:///data/ana;", "Ana Alvarez"),
        (",ana,pc-7,16.11.2026 09:00,file:///data/ana;", "ana"),
        (r"Alvarez\, Ana,ana,pc-7,16.11.2026 09:00,file:///data/ana;", "Alvarez, Ana"),
        (",,pc-7,16.11.2026 09:00,;", ""),
    ],
)
def test_libreoffice_tells_the_name_or_else_the_account(workbook: Path, line: str, name: str) -> None:
    workbook.with_name(".~lock.routing_tables.xlsx#").write_text(line, encoding="utf-8")
    assert opened_by(workbook) == name


@pytest.mark.parametrize("content", [b"", b"\0", b"\xff" * 9_000, b"\x05ab", b"\x1b[31mred\n\x07,x;"])
def test_a_lock_file_that_makes_no_sense_is_no_trouble(workbook: Path, content: bytes) -> None:
    for name in ("~$routing_tables.xlsx", ".~lock.routing_tables.xlsx#"):
        workbook.with_name(name).write_bytes(content)
        found = opened_by(workbook)
        assert found.isprintable() and len(found) <= 80
