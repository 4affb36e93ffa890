"""What people do with versions of the tables by a command: name one, list all, accept one, go back to one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from allocator.domain.records import TablesVersion
from allocator.domain.versions import (
    How,
    Standing,
    code_of,
    is_prefix,
    matching,
    rows_of,
)
from allocator.errors import UnknownName
from allocator.ports import ExtraCheck, Store, Tables
from allocator.service.answering import Answering
from rules.workbook.diff import diff

EVERY = 1_000_000
LIVE = "live"
SEE = "See: allocator tables history"


@dataclass(frozen=True, slots=True)
class Done:
    """A version that a person made live from the next run on, and the one it takes the place of."""

    version: TablesVersion
    instead_of: TablesVersion


@dataclass(frozen=True, slots=True)
class Shelf:
    """The versions in the store. `extra` is what only the configuration and the CRM can show of one."""

    store: Store
    tables: Tables
    answering: Answering
    extra: ExtraCheck

    def history(self, *, limit: int) -> Sequence[tuple[TablesVersion, str]]:
        """Newest first, without content, each with its state as people are told it."""
        rows = self.store.tables_versions(limit=limit)
        live = next((n for n, v in enumerate(rows) if v.state is Standing.ACCEPTED), -1)
        return [(v, LIVE if n == live else _state(v)) for n, v in enumerate(rows)]

    def named(self, text: str) -> TablesVersion:
        """The version that this names: `live`, or at least 4 characters of its beginning.

        Raises UnknownName when it names none or several.
        """
        if text.casefold() == LIVE:
            return self._live()
        prefix = text.casefold()
        if not is_prefix(prefix):
            raise UnknownName(
                f"{text!r} names no version: type live, or at least 4 characters of its name. {SEE}"
            )
        found = matching(prefix, (v.sha256 for v in self.store.tables_versions(limit=EVERY)))
        if len(found) > 1:
            raise UnknownName(f"{text} may be any of {_told_apart(found)}: type more of it")
        version = self.store.tables_version(found[0]) if found else None
        if version is None:
            raise UnknownName(f"No version begins with {text}. {SEE}")
        return version

    def runs(self, text: str) -> bool:
        """Whether this names the version that runs. Raises UnknownName when it names none."""
        return self.named(text).sha256 == self._live().sha256

    def accept(self, text: str, now: datetime) -> Done:
        """The version that waits is live from the next run on. Its editors are told.

        Raises UnknownName when it does not wait, WorkbookError when it no longer passes.
        """
        version = self.named(text)
        if version.state is not Standing.WAITING:
            state = next(said for v, said in self.history(limit=EVERY) if v.sha256 == version.sha256)
            raise UnknownName(f"{code_of(version.sha256)} does not wait: it is {state}. {SEE}")
        return self._put(replace(version, how=How.COMMAND), now, state="accepted")

    def roll_back(self, text: str, now: datetime) -> Done:
        """An earlier accepted version is live from the next run on. Editors are told.

        Raises UnknownName when it never ran or runs, WorkbookError when it no longer passes.
        """
        version, live = self.named(text), self._live()
        code = code_of(version.sha256)
        if version.sha256 == live.sha256:
            raise UnknownName(f"{code} is what runs already: there is nothing to go back to. {SEE}")
        rows = self.store.tables_versions(limit=EVERY)
        if not any(v.sha256 == version.sha256 and v.state is Standing.ACCEPTED for v in rows):
            raise UnknownName(f"{code} never ran, so nobody can go back to it. {SEE}")
        return self._put(replace(version, how=How.ROLLBACK, moves=None), now, state="put back")

    def _put(self, version: TablesVersion, now: datetime, *, state: str) -> Done:
        live = self._live()
        tables = self.tables.check(version, extra=self.extra)
        before = self.tables.read(live)
        version = replace(
            version, state=Standing.ACCEPTED, accepted_at=now, base=live.sha256,
            warnings=sum(p.severity == "warning" for p in tables.warnings),
            rows=rows_of(diff(before, tables)) if before else None,
        )  # fmt: skip
        if not self.store.put_tables(version, after=live.sha256):
            code = code_of(version.sha256)
            raise UnknownName(f"Another version went live just now, so {code} was not {state}. {SEE}")
        self.answering.commanded(version, tables, live, before, now)
        return Done(version, live)

    def _live(self) -> TablesVersion:
        live = self.store.tables()
        if live is None:
            raise UnknownName("No version was accepted yet. The first run does it: allocator run")
        return live


def _state(version: TablesVersion) -> str:
    back = version.state is Standing.ACCEPTED and version.how is How.ROLLBACK
    return "rolled back to" if back else version.state.value


def _told_apart(names: Sequence[str]) -> str:
    """Each cut to as many characters as tell them apart."""
    size = next(n for n in range(8, 65) if len({name[:n] for name in names}) == len(names))
    return ", ".join(name[:size] for name in names)
