"""The loop of a person with a spreadsheet and a mailbox: a saved file is looked at and answered by mail.

Nothing is accepted here: a run does that, under its lease. What was answered is remembered in the store, so
that neither a restart nor a second server answers twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from allocator.domain.facts import FactFields
from allocator.domain.records import TablesLook
from allocator.domain.tables import problems_with
from allocator.ports import Clock, Store, Tables
from allocator.service.alerts import Desk, codes_of, refused_tables
from allocator.service.answering import Answering, nothing
from allocator.service.versions import Judge, Verdict
from rules.errors import Problem, WorkbookError
from rules.model import RoutingTables


@dataclass(slots=True)
class Workbook:
    """Looks at the file and its draft whenever they changed and then stood still for one look."""

    tables: Tables
    store: Store
    desk: Desk
    clock: Clock
    fact_fields: FactFields
    intake: Callable[[], frozenset[str] | None]
    """Ids of the intake owners, None when the CRM cannot be asked now."""
    live: bool = True
    _seen: tuple[str, str] = ("", "")
    _answered: tuple[str, str] = ("", "")
    _asked: bool = False
    """Whether the CRM answered at the last check."""

    def look(self) -> None:
        """One look. Costs two file attributes when nothing changed."""
        now_seen = self.tables.touched()
        steady, self._seen = now_seen == self._seen, now_seen
        if not steady:
            return
        file, draft = now_seen
        if file != self._answered[0]:
            self._look_at_file()
        if draft != self._answered[1]:
            self._look_at_draft() if draft else self._forget_draft(file)
        self._answered = now_seen

    # the workbook itself

    def _look_at_file(self) -> None:
        now = self.clock.now()
        try:
            verdict = self.judged(now)
        except WorkbookError as error:
            edition = error.version or codes_of(error.problems)
            self._refuse(error.problems, edition, None, now)
            return
        look = verdict.look
        if look.refused:
            self._refuse(look.refused, look.edition or codes_of(look.refused), look, now)
        elif verdict.own is not None:
            self._answering.waits(verdict, self._judge, now)
        elif look.speaks:  # else another host has a newer one: what it answered stands
            self._accept(look, now)

    def _refuse(
        self, problems: Sequence[Problem], edition: str, look: TablesLook | None, now: datetime
    ) -> None:
        desk = self.desk.with_editors(look.tables if look else None)
        scene = desk.scene(now, run=None, look=look, last_done=self.store.last_done())

        think = desk.think(
            lambda book: [
                refused_tables(problems, edition=edition, book=book, now=now, last=look is not None)
            ],
            scene,
            now,
            covers=(),
        )
        self._answering.remember("refused", edition, think, now)

    def _accept(self, look: TablesLook, now: datetime) -> None:
        """Tell from which run on it decides. A version that was told already, or runs without anybody having
        been told of another, is told again only where a refusal or waiting ends."""
        answering, seen = self._answering, look.version.sha256
        refused, known = answering.answered("refused"), answering.answered("live")
        waited = answering.answered("waiting")
        if refused == seen and not self._asked:
            return  # what was wrong with it may be what only the CRM shows
        answer = answering.is_live(look, now)
        told = known == seen or (not known and not look.fresh)
        if told and not waited:
            answering.remember("refused", "", answering.over(look, now, answer, only_then=True), now)
            answering.remember("live", seen, nothing, now)
            return
        if told:
            answering.remember("waiting", "", answering.over(look, now, answer), now)
        answering.remember("live", seen, answering.over(look, now, answer), now)
        answering.forget("refused", now)
        answering.forget("waiting", now)

    # the draft beside it

    def _look_at_draft(self) -> None:
        now = self.clock.now()
        found = self.tables.draft(extra=self._extra)
        if found is None or found.edition == self._answering.answered("draft"):
            return
        try:
            running: TablesLook | None = self.judged(now).look
        except WorkbookError:
            running = None
        self._answering.draft(found, running, self._judge, now)

    def _forget_draft(self, file: str) -> None:
        """It was removed, and is answered when it is there again. A share that is away has neither file."""
        if file:
            self._answering.forget("draft", self.clock.now())

    # shared

    def judged(self, now: datetime) -> Verdict:
        """Which tables run next, kept in the store. Raises WorkbookError where none can."""
        return self._judge.settle(lambda: self._look_once(now), now)

    @property
    def _judge(self) -> Judge:
        return Judge(self.store, self.tables, self.fact_fields, extra=self._extra)

    @property
    def _answering(self) -> Answering:
        return Answering(self.store, self.tables, self.desk, self.live)

    def _look_once(self, now: datetime) -> TablesLook:
        return self.tables.look(self.store, now=now, extra=self._extra)

    def _extra(self, tables: RoutingTables) -> tuple[Problem, ...]:
        intake = self.intake()
        self._asked = intake is not None
        return problems_with(tables, fact_names=self.fact_fields, intake=intake or frozenset())
