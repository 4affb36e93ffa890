"""The workbook on disk, and the last good version of it in the store."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from allocator.ports import DraftLook, ExtraCheck, Store, TablesLook, TablesVersion
from rules.errors import WorkbookError
from rules.model import RoutingTables
from rules.workbook import load_bytes
from rules.workbook.check import read_file

HALF_SAVED = frozenset({"W01", "W05"})
"""What a file looks like while a spreadsheet program is writing it."""
AGAIN = 3
PAUSE_SECONDS = 2.0


class WorkbookTables:
    """Reads the workbook at `path`, never writes it. Loaded tables are kept by their sha256."""

    def __init__(self, path: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self._sleep = sleep
        self._loaded: dict[str, RoutingTables] = {}

    def look(self, store: Store, *, now: datetime, extra: ExtraCheck) -> TablesLook:
        """The file when it is good, else the last good version (ports.Tables)."""
        last = store.tables()
        try:
            content, tables = self._read(extra)
        except WorkbookError as error:
            return self._last_good(last, error, extra)
        sha = tables.version
        if last is not None and sha == last.sha256:
            return TablesLook(tables, last)
        elsewhere = last is not None and last.origin != self._origin and store.tables_known(sha)
        if last is not None and elsewhere and self._saved_at() <= last.accepted_at:
            note = (
                f"{self.path.name} is an older version; {last.sha256[:8]} of {last.accepted_at:%Y-%m-%d} runs"
            )
            return TablesLook(self._load(last.content, extra), last, note=note)
        return TablesLook(tables, TablesVersion(sha, content, now, self._origin, tables.saved_by), fresh=True)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def place(self) -> str:
        return str(self.path)

    def touched(self) -> tuple[str, str]:
        return _outside(self.path), _outside(self._draft)

    def draft(self, *, extra: ExtraCheck) -> DraftLook | None:
        """The draft beside the workbook (ports.Tables)."""
        path = self._draft
        if not path.exists():
            return None
        try:
            content = read_file(path)
            tables = load_bytes(content, name=path.name)
            problems = tuple(extra(tables))
        except WorkbookError as error:
            return DraftLook(path.name, error.version or "unreadable", None, error.problems)
        return DraftLook(path.name, tables.version, None if problems else tables, problems)

    def read(self, version: TablesVersion) -> RoutingTables | None:
        try:
            return load_bytes(version.content, name=self.path.name)
        except WorkbookError:
            return None

    @property
    def _draft(self) -> Path:
        return self.path.with_name(f"{self.path.stem}.draft{self.path.suffix}")

    @property
    def _origin(self) -> str:
        """This very file: whoever puts an older version back here means it; another host's may just lag."""
        return f"{platform.node()}:{self.path}"

    def _read(self, extra: ExtraCheck) -> tuple[bytes, RoutingTables]:
        """The file's bytes and tables; a half-saved file is tried again three times, two seconds apart."""
        for left in range(AGAIN, -1, -1):
            content = read_file(self.path)
            try:
                return content, self._load(content, extra)
            except WorkbookError as error:
                if left == 0 or not {p.code for p in error.problems} & HALF_SAVED:
                    raise
            self._sleep(PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def _load(self, content: bytes, extra: ExtraCheck) -> RoutingTables:
        sha = hashlib.sha256(content).hexdigest()
        tables = self._loaded.get(sha) or load_bytes(content, name=self.path.name)
        problems = extra(tables)
        if problems:
            raise WorkbookError(problems, version=sha)
        self._loaded = {sha: tables}
        return tables

    def _last_good(self, last: TablesVersion | None, error: WorkbookError, extra: ExtraCheck) -> TablesLook:
        if last is None:
            raise error
        note = (
            f"{self.path.name} is refused ({len(error.problems)} problems); "
            f"{last.sha256[:8]} of {last.accepted_at:%Y-%m-%d %H:%M} runs. See: allocator tables check"
        )
        tables = self._load(last.content, extra)
        return TablesLook(tables, last, refused=error.problems, note=note, edition=error.version)

    def _saved_at(self) -> datetime:
        return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)


def _outside(path: Path) -> str:
    """Time and size; a network share that is away looks like a file that is not there."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}"
