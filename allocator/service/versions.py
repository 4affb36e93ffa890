"""Which version runs: a new good one goes live by itself, or waits for somebody to accept it.

The decision is made once, by whoever meets the file first, and kept in the store with the bytes: a run, and
every other host, goes by it for as long as the same version runs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from allocator.domain import versions
from allocator.domain.facts import FactFields
from allocator.domain.impact import Impact
from allocator.domain.records import Lease, TablesLook, TablesVersion
from allocator.domain.versions import How, Moves, Standing, code_of
from allocator.errors import AllocatorError, StoreError
from allocator.ports import ExtraCheck, Store, Tables
from allocator.service.impact import MOST_UNASKED, Unmeasured, measure
from rules.errors import WorkbookError
from rules.model import RoutingTables
from rules.workbook.diff import diff

TRIES = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """The tables to use, and why: `impact` where it was just measured, `why_not` where a code did not count.

    `own` are the tables of the file that waits.
    """

    look: TablesLook
    impact: Impact | None = None
    why_not: str = ""
    own: RoutingTables | None = None


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides about looks at the workbook."""

    store: Store
    tables: Tables
    fact_fields: FactFields
    measure: Callable[..., Impact | None] = measure
    extra: ExtraCheck = lambda tables: ()
    """What only the configuration and the CRM can show of a version that a look did not check with it."""

    def settle(self, look: Callable[[], TablesLook], now: datetime, *, lease: Lease | None = None) -> Verdict:
        """The verdict, kept in the store; with a lease, what goes live is accepted. What `look` raises."""
        for _ in range(TRIES):
            verdict = self._judged(look(), now)
            if self._kept(verdict.look, now, lease):
                return replace(verdict, look=_noted(verdict.look, now))
        raise StoreError("another version of the tables went live again and again meanwhile. Run it again")

    def impact(self, before: RoutingTables, after: RoutingTables, now: datetime) -> Impact | None:
        """On the past leads of as many days as the version before says. Raises Unmeasured."""
        try:
            return self.measure(
                self.store, before, after, read=self._read, fact_fields=self.fact_fields, now=now,
                days=versions.impact_days(before), most=MOST_UNASKED,
            )  # fmt: skip
        except AllocatorError:
            raise
        except Exception as error:  # noqa: BLE001
            # The measure only informs, over leads of every shape that was ever recorded: a fault in it may
            # hold back this version until a person accepts it, but never stop the run with the one before.
            raise Unmeasured(error) from None

    def _judged(self, look: TablesLook, now: datetime) -> Verdict:
        newest = next(iter(self.store.tables_versions(limit=1)), None)
        if look.fresh:
            return self._of_new(look, newest, now)
        if newest is None or not newest.open:
            return Verdict(look)
        if look.speaks and not look.refused:
            self.store.withdraw_tables(newest.sha256)  # the file is again what runs
            return Verdict(look)
        if newest.state is Standing.NEXT:
            return Verdict(self._as_next(look, newest))
        return Verdict(replace(look, waiting=newest))

    def _of_new(self, look: TablesLook, newest: TablesVersion | None, now: datetime) -> Verdict:
        last = self.store.tables_version(look.version.base) if look.version.base else None
        known = newest if newest and newest.open and _same(newest, look.version) else None
        before = self.tables.read(last) if last else None
        if last and known and known.state is Standing.WAITING and before is None:
            before = self.tables.check(last, extra=self.extra)  # raises: what waits does not run instead
        if last is None or before is None:
            return Verdict(look)
        if known:
            return _told(look, replace(known, content=look.version.content), before, last)
        how, why_not = self._by_code(look.tables, newest)
        threshold = versions.threshold_of(before)
        free = how is How.CODE or threshold is None
        impact, moves = None, None
        try:
            impact = None if free else self.impact(before, look.tables, now)
            moves = moves_of(impact)
            waits = versions.must_wait(moves, threshold)
        except Unmeasured:
            waits = True  # a person sees in the answer why, and may accept it all the same
        state = Standing.WAITING if waits else Standing.NEXT
        rows = versions.rows_of(diff(before, look.tables))
        version = replace(look.version, how=how, moves=moves, rows=rows, state=state)
        return replace(_told(look, version, before, last), impact=impact, why_not=why_not)

    def _by_code(self, tables: RoutingTables, newest: TablesVersion | None) -> tuple[How, str]:
        """CODE if this save only accepts the version that waits; else why its code does not count, if any."""
        code = tables.settings.get("accept version", "")
        if not code:
            return How.FILE, ""
        if newest is None or newest.state is not Standing.WAITING or code_of(newest.sha256) != code:
            return How.FILE, f"The code {code} in Accept version names no version that waits."
        waiting = self._read(newest.sha256)
        if waiting is None:
            return How.FILE, f"The version {code} that waited can no longer be read."
        others = versions.besides_the_code(diff(waiting, tables))
        if not others:
            return How.CODE, ""
        return How.FILE, (
            f"The code {code} in Accept version did not count: it accepts a version as it was, and in this "
            f"save something else is different too: {versions.named(others)}."
        )

    def _as_next(self, look: TablesLook, newest: TablesVersion) -> TablesLook:
        """What was good and next is so still where a file lags or is refused, if it passes today's check."""
        version = self.store.tables_version(newest.sha256)
        if version is None or not version.content or newest.base != look.version.sha256:
            return look
        try:
            tables = self.tables.check(version, extra=self.extra)
        except WorkbookError:
            fails = f"{code_of(newest.sha256)}, which was to be next, does not pass the check any more"
            return look if look.edition == newest.sha256 else replace(look, note=_joined(look.note, fails))
        return replace(look, tables=tables, version=version, fresh=True)

    def _kept(self, look: TablesLook, now: datetime, lease: Lease | None) -> bool:
        """False when another version has gone live since the look."""
        if look.fresh:
            version = look.version
            if lease is None:
                return self.store.put_tables(version, after=version.base)
            accepted = replace(version, state=Standing.ACCEPTED, accepted_at=now)
            return self.store.accept_tables(lease, accepted, after=version.base)
        if look.waiting is not None and look.waiting.content:
            return self.store.put_tables(look.waiting, after=look.waiting.base)
        return True

    def _read(self, sha256: str) -> RoutingTables | None:
        version = self.store.tables_version(sha256)
        return self.tables.read(version) if version else None


def standing(store: Store, now: datetime) -> str:
    """The last good version, how old it is and what waits, for one line; nothing before the first."""
    last = store.tables()
    if last is None:
        return ""
    newest = next(iter(store.tables_versions(limit=1)), last)
    waits = f"; {_waits(newest)}" if newest.state is Standing.WAITING else ""
    return f"The last good version is {versions.said(last.sha256, last.accepted_at, now)}{waits}"


def moves_of(impact: Impact | None) -> Moves | None:
    return Moves(impact.leads, impact.weight) if impact else None


def _same(newest: TablesVersion, version: TablesVersion) -> bool:
    return (newest.sha256, newest.base) == (version.sha256, version.base)


def _told(look: TablesLook, version: TablesVersion, before: RoutingTables, last: TablesVersion) -> Verdict:
    if version.state is not Standing.WAITING:
        return Verdict(replace(look, version=version))
    return Verdict(TablesLook(before, last, waiting=version), own=look.tables)


def _noted(look: TablesLook, now: datetime) -> TablesLook:
    """With the note complete: what is wrong with the file, what waits, what runs and how old it is."""
    said = _joined(look.note, _waits(look.waiting) if look.waiting is not None else "")
    if not said:
        return look
    runs = f"{versions.said(look.version.sha256, look.version.accepted_at, now)}, runs"
    see = ". See: allocator tables check" if look.refused else ""
    return replace(look, note=_joined(said, runs) + see)


def _joined(*said: str) -> str:
    return "; ".join(filter(None, said))


def _waits(waiting: TablesVersion) -> str:
    code, moves = code_of(waiting.sha256), waiting.moves
    would = f", since it would move {moves.moved:,} of {moves.leads:,} past leads" if moves else ""
    return f"{code} waits to be accepted{would} (allocator tables accept {code})"
