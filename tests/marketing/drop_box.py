"""A drop folder, somebody who puts files there, and a clock that stands still."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl

from allocator.adapters.clock import FixedClock
from allocator.adapters.marketing.drop import DropSource
from allocator.domain.sync.values import SourceRecord

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Box:
    """`source` is made anew by every pull, as by every run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.at = MONDAY
        self.waits: list[float] = []
        self.meanwhile: Callable[[], object] = lambda: None
        """What happens while the source waits."""
        self.own: Mapping[str, str] = {}
        folder.mkdir(exist_ok=True)

    def put(self, name: str, content: bytes | str) -> Path:
        """A file that was left alone for a while."""
        file = self.folder / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        os.utime(file, (1_000_000_000, 1_000_000_000))
        return file

    def open(self) -> DropSource:
        return DropSource(self.folder, clock=FixedClock(self.at), own=self.own, sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.meanwhile()

    def pull(self, *, take: bool = True) -> list[SourceRecord]:
        source = self.open()
        found = [record for page in source.pull(None) for record in page]
        if take:
            source.taken()
        return found

    def emails(self) -> list[Any]:
        return [record.values.get("Email") for record in self.pull()]

    def rejected(self, name: str) -> list[list[str]]:
        """Rows of NAME.rejected.csv, without its header; none where there is no such file."""
        file = self.folder / f"{name}.rejected.csv"
        if not file.exists():
            return []
        return list(csv.reader(io.StringIO(file.read_text("utf-8-sig"), newline="")))[1:]

    def done(self) -> list[str]:
        folder = self.folder / "done"
        return sorted(file.name.split("-", 2)[2] for file in folder.iterdir()) if folder.exists() else []

    def lying(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir() if file.is_file())


def book(*rows: tuple[Any, ...], **sheets: list[tuple[Any, ...]]) -> bytes:
    """An XLSX file of one sheet, and more of them by name."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    for name, more in sheets.items():
        sheet = made.create_sheet(name)
        for row in more:
            sheet.append(row)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()
