"""The workbook on disk, and the last good version of it in the store."""

from __future__ import annotations

import hashlib
import platform
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from itertools import takewhile
from pathlib import Path
from typing import TypeVar

from allocator.domain.records import DraftLook, TablesLook, TablesVersion
from allocator.domain.versions import How, Standing
from allocator.ports import ExtraCheck, Store
from rules.errors import WorkbookError
from rules.model import RoutingTables
from rules.workbook import load_bytes
from rules.workbook.check import read_file
from rules.workbook.lock import opened_by

T = TypeVar("T")

HALF_SAVED = frozenset({"W01", "W05"})
"""What a file looks like while a spreadsheet program is writing it."""
AGAIN_FOR = HALF_SAVED | {"W19"}
"""What may be otherwise in a moment: also a reader that somebody else has stopped."""
GONE = "W00"
AGAIN = 3
KEPT = 4
"""The file, its draft, the last good version, and one that waits."""
PAUSE_SECONDS = 2.0


@lru_cache(maxsize=KEPT)
def tables_in(content: bytes, *, name: str) -> RoutingTables:
    """What a workbook means. It is asked for many times before it changes, and tables are values."""
    return load_bytes(content, name=name)


class WorkbookTables:
    """Reads the workbook at `path`, never writes it. The tables loaded last are kept."""

    def __init__(self, path: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self._sleep = sleep

    def look(self, store: Store, *, now: datetime, extra: ExtraCheck) -> TablesLook:
        """The file when it is good, else the last good version (ports.Tables)."""
        last = store.tables()
        try:
            content, tables = self._read(self.path, extra)
        except WorkbookError as error:
            return self._last_good(last, error, extra)
        sha = tables.version
        speaks = not store.tables_known(sha) or self._may_speak(store, last, sha)
        if last is not None and sha == last.sha256:
            return TablesLook(tables, last, speaks=speaks)
        if last is not None and not speaks:
            return TablesLook(self.check(last, extra=extra), last, note=self._lags(last), speaks=False)
        version = TablesVersion(
            sha, content, now, self._origin, tables.saved_by, Standing.NEXT,
            base=last.sha256 if last else "", warnings=sum(p.severity == "warning" for p in tables.warnings),
        )  # fmt: skip
        return TablesLook(tables, version, fresh=True)

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
        if not _outside(path):
            return None
        try:
            _, tables = self._read(path, extra)
        except WorkbookError as error:
            return DraftLook(path.name, error.version or "unreadable", None, error.problems)
        return DraftLook(path.name, tables.version, tables)

    def read(self, version: TablesVersion) -> RoutingTables | None:
        if not version.content:
            return None
        try:
            return self._patiently(lambda: self._load(version.content, lambda tables: ()))
        except WorkbookError:
            return None

    def check(self, version: TablesVersion, *, extra: ExtraCheck) -> RoutingTables:
        return self._patiently(lambda: self._load(version.content, extra))

    @property
    def _draft(self) -> Path:
        return self.path.with_name(f"{self.path.stem}.draft{self.path.suffix}")

    @property
    def _origin(self) -> str:
        """This very file: whoever puts an older version back here means it; another host's may just lag."""
        return f"{platform.node()}:{self.path}"

    def _may_speak(self, store: Store, last: TablesVersion | None, sha: str) -> bool:
        """Whether a file that holds a version which was seen before is the newest word all the same.

        What was seen before a rollback is not, for as long as that stands: else a copy with a new date would
        undo it.
        """
        rows = store.tables_versions()
        if rows[0].sha256 == sha:
            return True
        if last is not None and last.how is How.ROLLBACK and sha != last.sha256:
            since = takewhile(lambda version: version.how is not How.ROLLBACK, rows)
            if sha not in {version.sha256 for version in since}:
                return False
        return rows[0].origin == self._origin or self._saved_at() > rows[0].accepted_at

    def _lags(self, last: TablesVersion) -> str:
        if last.how is How.ROLLBACK:
            return f"{self.path.name} has no say until it is changed, since an earlier version was put back"
        return f"{self.path.name} is an older version"

    def _read(self, path: Path, extra: ExtraCheck) -> tuple[bytes, RoutingTables]:
        """The file's bytes and tables; a half-saved file is tried again three times, two seconds apart."""

        def once() -> tuple[bytes, RoutingTables]:
            content = read_file(path)
            return content, self._load(content, extra, name=path.name)

        return self._patiently(once)

    def _patiently(self, work: Callable[[], T]) -> T:
        for left in range(AGAIN, -1, -1):
            try:
                return work()
            except WorkbookError as error:
                if left == 0 or not {p.code for p in error.problems} & AGAIN_FOR:
                    raise
            self._sleep(PAUSE_SECONDS)
        raise AssertionError("unreachable")

    def _load(self, content: bytes, extra: ExtraCheck, *, name: str = "") -> RoutingTables:
        tables = tables_in(content, name=name or self.path.name)
        if problems := tuple(extra(tables)):
            raise WorkbookError(problems, version=hashlib.sha256(content).hexdigest())
        return tables

    def _last_good(self, last: TablesVersion | None, error: WorkbookError, extra: ExtraCheck) -> TablesLook:
        if last is None:
            raise error
        who = opened_by(self.path)
        note = f"{self.path.name} {_trouble(error)}{f' ({who} has it open)' if who else ''}"
        tables = self.check(last, extra=extra)
        return TablesLook(tables, last, refused=error.problems, note=note, edition=error.version)

    def _saved_at(self) -> datetime:
        try:
            return datetime.fromtimestamp(self.path.stat().st_mtime, UTC)
        except OSError:  # a network share that went away since
            return datetime.min.replace(tzinfo=UTC)


def _trouble(error: WorkbookError) -> str:
    """What is wrong with the file, in a few words."""
    codes = {problem.code for problem in error.problems}
    if GONE in codes:
        return "cannot be read"
    if codes & HALF_SAVED:
        return "is damaged or only half saved"
    count = len(error.problems)
    return f"is refused ({count} problem{'' if count == 1 else 's'})"


def _outside(path: Path) -> str:
    """Time and size; a network share that is away looks like a file that is not there."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}"
