"""DropSource: a folder of files as a source of leads, each file taken once by its content.

A lead's id is the first 16 hexadecimal digits of the file's SHA-256 and the row's number: the same content
under any name is the same leads, so nothing need be remembered. A file that was taken is in done/, under a
name that begins with the moment at which it was read and those digits. A lead's moments are that moment, a
microsecond later for each row: they keep the order of rows and files, and are the same whenever the file in
done/ is read again. A file's own time of change says nothing here, since it comes from another machine.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from allocator.adapters.marketing.drop.content import read_content
from allocator.adapters.marketing.drop.headers import LEAD_FIELDS, Headers
from allocator.adapters.marketing.drop.parts import MAX_BYTES, Content, Rejected
from allocator.adapters.marketing.drop.rejected import is_rejected, write_rejected
from allocator.domain.lead import LeadKey, WriteResult
from allocator.domain.records import CrmUsage
from allocator.domain.sync.intake import IntakeDoubt
from allocator.domain.sync.values import FieldInfo, LeftOut, Made, SourceAnswer, SourceRecord, SourceWrite
from allocator.errors import SourceError
from allocator.ports import Clock
from rules.field_values import FieldType

DONE = "done"
PAGE = 1_000
SETTLED = 2.0
"""Seconds for which a file must have been left alone."""
_UNFINISHED = (".part", ".tmp", ".crdownload", ".filepart", ".partial")
LONGEST_NAME = 200
_STAMP = "%Y%m%dT%H%M%S%fZ"
_KEPT = re.compile(r"(\d{8}T\d{12}Z)-([0-9a-f]{16})-(.+)", re.DOTALL)
_ID = re.compile(r"([0-9a-f]{16})-(\d{1,9})")
Look = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Taken:
    """A file that was read, and the moment from which its rows count."""

    file: Path
    look: Look
    digest: str
    content: Content
    moment: datetime
    stays: bool = False
    """It could not even be opened: it is looked at again the next time."""


class DropSource:
    """The files in `folder`. `own` maps headers to Lead fields, `known` are the fields found by name."""

    name = "drop"
    takes_writes = False
    overlap = timedelta()

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        own: Mapping[str, str] | None = None,
        known: Collection[str] = LEAD_FIELDS,
        sleep: Callable[[float], object] = time.sleep,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._clock, self._sleep, self._wall = folder, clock, sleep, wall
        self._headers = Headers(own, known)
        self.usage = CrmUsage()
        self._taken: list[Taken] = []
        self._read: dict[str, Taken | None] = {}
        self._left: dict[Path, LeftOut] = {}

    def now(self) -> datetime:
        return self._clock.now()

    def fields(self) -> Mapping[str, FieldInfo]:
        return {name: FieldInfo(FieldType(), writable=False) for name in self._headers.fields}

    def pull(self, since: datetime | None) -> Iterator[Sequence[SourceRecord]]:
        """Every row of every file that lies there, whenever it came. Changes nothing in the folder."""
        self._taken, moment, known = [], self.now(), set[str]()
        self._left = {}
        for file in self._settled():
            found = self._open(file, moment)
            if found is None:
                continue
            self._taken.append(found)
            if found.content.rejected:
                self._left[file] = _left_out(found)
            moment += timedelta(microseconds=1 + max(found.content.leads, default=0))
            if found.digest not in known:
                known.add(found.digest)
                self._read[found.digest] = found
                records = _records(found)
                yield from (records[i : i + PAGE] for i in range(0, len(records), PAGE))
        if not known:
            yield ()

    def read(self, ids: Collection[str], *, stamps: bool = False) -> Mapping[str, SourceRecord]:
        """From the files that lie there and those in done/. A lead whose file is not there any more is not
        gone: it cannot be read."""
        wanted = {match[1] for one in ids if (match := _ID.fullmatch(one))}
        for digest in sorted(wanted - self._read.keys()):
            self._read[digest] = self._find(digest)
        return {one: self._record(one) for one in ids}

    def write(self, writes: Sequence[SourceWrite]) -> Sequence[SourceAnswer]:
        return [SourceAnswer(one.id, WriteResult.REJECTED, "READ_ONLY") for one in writes]

    def create(self, records: Sequence[Mapping[str, object]]) -> Sequence[Made]:
        return [Made(WriteResult.REJECTED, detail="READ_ONLY") for _ in records]

    def owner_ids(self) -> Mapping[str, str]:
        return {}

    def intake_doubt(self) -> IntakeDoubt | None:
        return None

    def taken(self) -> None:
        """Rejected rows are written beside their file, then it goes to done/. One for which that does not
        work stays where it is, and is the same leads the next time."""
        taken, self._taken = self._taken, []
        for one in taken:
            try:
                if one.content.rejected:
                    place = write_rejected(one.file, one.content.header, one.content.rejected)
                    self._left[one.file] = replace(_left_out(one), listed=place.name)
                self._put_away(one)
            except OSError:
                continue

    def left_out(self) -> Sequence[LeftOut]:
        return tuple(self._left.values())

    # --- files ---

    def _settled(self) -> list[Path]:
        """Files that nobody writes at: looked at twice where they are fresh."""
        first = self._look()
        if any(abs(self._wall() - changed / 1e9) < SETTLED for _, changed in first.values()):
            self._sleep(SETTLED)
            second = self._look()
            first = {file: look for file, look in first.items() if second.get(file) == look}
        return sorted(first)

    def _look(self) -> dict[Path, Look]:
        """Size and time of change of each file that may be one of leads."""
        try:
            with os.scandir(self._folder) as entries:
                found = [(Path(e.path), e.stat(follow_symlinks=False)) for e in entries if _wanted(e.name)]
        except OSError as error:
            raise SourceError(
                f"The drop folder {self._folder} cannot be read: {error.strerror}. Make it, and let the "
                "allocator's user read and write there."
            ) from None
        return {file: _look(seen) for file, seen in found if stat.S_ISREG(seen.st_mode)}

    def _open(self, file: Path, moment: datetime) -> Taken | None:
        """The file's content; None where it is gone, or changes under our hands."""
        self._count("pull")
        try:
            look = _look(file.lstat())
            if look[0] > MAX_BYTES:
                return _refused(file, look, moment, f"it has more than {MAX_BYTES >> 20} MiB. Divide it")
            data = file.read_bytes()
            if _look(file.lstat()) != look or len(data) != look[0]:
                return None
        except FileNotFoundError:
            return None
        except OSError as error:
            why = f"{error.strerror}. Let the allocator's user read it"
            return _refused(file, (0, 0), moment, why, stays=True)
        content = read_content(file.name, data, self._headers)
        return Taken(file, look, _digest(data), content, moment)

    def _put_away(self, one: Taken) -> None:
        """A file that was replaced since it was read comes back: its rows were not."""
        if one.stays:
            return
        done = self._folder / DONE
        done.mkdir(exist_ok=True)
        place = done / _kept_name(one)
        os.replace(one.file, place)
        if _look(place.lstat()) != one.look:
            os.rename(
                place, one.file if not one.file.exists() else one.file.with_name(f"again-{one.file.name}")
            )

    def _find(self, digest: str) -> Taken | None:
        """The file with this content: the one that was taken first, else one that lies there."""
        done = self._folder / DONE
        kept = sorted(done.glob(f"*Z-{digest}-*")) if done.is_dir() else []
        for file in kept:
            match = _KEPT.fullmatch(file.name)
            if match:
                moment = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
                return self._again(file, match[3], digest, moment)
        waiting = (self._open(file, self.now()) for file in sorted(self._look()))
        return next((one for one in waiting if one is not None and one.digest == digest), None)

    def _again(self, file: Path, name: str, digest: str, moment: datetime) -> Taken | None:
        self._count("read")
        try:
            data = file.read_bytes() if file.stat().st_size <= MAX_BYTES else b""
        except OSError:
            return None
        if _digest(data) != digest:
            return None
        return Taken(file, (0, 0), digest, read_content(name, data, self._headers), moment)

    def _record(self, one: str) -> SourceRecord:
        match = _ID.fullmatch(one)
        found = self._read.get(match[1]) if match else None
        if match and found is not None:
            values = found.content.leads.get(int(match[2]))
            if values is not None:
                return _one(found, int(match[2]), values)
        return SourceRecord(
            LeadKey(self.name, one), self.now(), self.now(), in_intake=True,
            unreadable="its file is not in the drop folder any more",
        )  # fmt: skip

    def _count(self, kind: str) -> None:
        self.usage.requests += 1
        self.usage.by_kind[kind] = self.usage.by_kind.get(kind, 0) + 1


def _look(seen: os.stat_result) -> Look:
    return seen.st_size, seen.st_mtime_ns


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _refused(file: Path, look: Look, moment: datetime, why: str, *, stays: bool = False) -> Taken:
    """A file whose content was not read: it goes by its name."""
    content = Content(rejected=(Rejected(0, f"The file cannot be used: {why}."),))
    return Taken(file, look, _digest(os.fsencode(file.name)), content, moment, stays)


def _left_out(one: Taken) -> LeftOut:
    """A file of which nothing can be used has one row, of number 0."""
    return LeftOut(one.file.name, tuple(row.number for row in one.content.rejected if row.number))


def _kept_name(one: Taken) -> str:
    """In done/: as long as a name may be, cut at its beginning."""
    name = one.file.name
    while len(os.fsencode(name)) > LONGEST_NAME:
        name = name[1:]
    return f"{one.moment.strftime(_STAMP)}-{one.digest}-{name}"


def _wanted(name: str) -> bool:
    unfinished = name.startswith((".", "~$")) or name.casefold().endswith(_UNFINISHED)
    return not unfinished and not is_rejected(name) and name.casefold() not in ("thumbs.db", "desktop.ini")


def _records(taken: Taken) -> list[SourceRecord]:
    return [_one(taken, number, values) for number, values in taken.content.leads.items()]


def _one(taken: Taken, number: int, values: Mapping[str, str]) -> SourceRecord:
    at = taken.moment + timedelta(microseconds=number)
    key = LeadKey(DropSource.name, f"{taken.digest}-{number}")
    return SourceRecord(key, at, at, values, in_intake=True)
