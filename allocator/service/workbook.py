"""The loop of a person with a spreadsheet and a mailbox: a saved file is looked at and answered by mail.

Nothing is accepted here: a run does that, under its lease. What was answered is remembered in the store, so
that neither a restart nor a second server answers twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from allocator.domain import answers
from allocator.domain.alerts import Book, Changes, Think
from allocator.domain.facts import FactFields
from allocator.domain.slots import next_due
from allocator.domain.tables import problems_with
from allocator.ports import Clock, Store, Tables, TablesLook
from allocator.service.alerts import Desk, codes_of, refused_tables
from rules.errors import Problem, WorkbookError
from rules.model import RoutingTables
from rules.workbook.diff import days_without_anybody, diff, in_words


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
    _last: RoutingTables | None = field(default=None)
    """The tables of the last answer, to tell what is different now."""
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
            look = self.tables.look(self.store, now=now, extra=self._extra)
        except WorkbookError as error:
            edition = error.version or codes_of(error.problems)
            self._refuse(error.problems, edition, None, now)
            return
        if look.refused:
            self._refuse(look.refused, look.edition or codes_of(look.refused), look, now)
        elif not look.note:  # else another host has a newer one: what it answered stands
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
        self._answer(f"refused {self.tables.place}", edition, think, now)

    def _accept(self, look: TablesLook, now: datetime) -> None:
        """Tell from which run on it decides. A version that was told already, or runs without anybody having
        been told of another, is told again only where a refusal ends."""
        place, seen = self.tables.place, look.version.sha256
        refused, known = self.store.answered(f"refused {place}"), self.store.answered(f"live {place}")
        if refused == seen and not self._asked:
            return  # what was wrong with it may be what only the CRM shows
        answer = self._live(look, now)
        if known == seen or (not known and not look.fresh):
            self._answer(f"refused {place}", "", self._over(look, now, answer, only_then=True), now)
            self._answer(f"live {place}", seen, _nothing, now)
        else:
            self._answer(f"live {place}", seen, self._over(look, now, answer), now)
            self._answer(f"refused {place}", "", _nothing, now)

    def _live(self, look: TablesLook, now: datetime) -> answers.Answer:
        before = self._last or self._running(look)
        self._last = look.tables
        due = next_due(now, minute=self.desk.minute)
        return answers.live(
            when=f"{due:%H:%M} UTC" if look.fresh else "", edition=look.version.sha256,
            saved_by=look.version.saved_by, observe=not self.live,
            sections=_sections(before, look.tables, now),
        )  # fmt: skip

    def _over(
        self, look: TablesLook, now: datetime, answer: answers.Answer, *, only_then: bool = False
    ) -> Think:
        """An open refusal is over; editors hear it in the mail that says what is live, in its thread.
        `only_then`: without such a refusal nobody is told anything."""
        desk = self.desk.with_editors(look.tables)
        scene = desk.scene(now, run=None, look=look, last_done=self.store.last_done())
        over = desk.think(lambda book: (), scene, now, covers=("tables_refused",))

        def think(book: Book) -> Changes:
            changes = over(book)
            if only_then and not changes.mails:
                return changes
            thread = next((m.thread for m in changes.mails if m.kind == "tables_refused"), "")
            told = answers.mails(answer, book, desk.policy, scene, self.tables.name, now, thread)
            editors = {mail.recipient for mail in told}
            others = tuple(m for m in changes.mails if m.recipient not in editors)
            return Changes(changes.incidents, (*others, *told))

        return think

    # the draft beside it

    def _look_at_draft(self) -> None:
        now = self.clock.now()
        found = self.tables.draft(extra=self._extra)
        if found is None:
            return
        try:
            running: TablesLook | None = self.tables.look(self.store, now=now, extra=self._extra)
        except WorkbookError:
            running = None
        tables, base = found.tables, running.tables if running else None
        answer = answers.draft(
            edition=found.edition, saved_by=tables.saved_by if tables else "", problems=found.problems,
            warnings=tables.warnings if tables else (),
            sections=_sections(base, tables, now) if tables else (),
        )  # fmt: skip
        desk = self.desk.with_editors(base)
        scene = desk.scene(now, run=None, look=running, last_done=self.store.last_done())

        def think(book: Book) -> Changes:
            return Changes((), answers.mails(answer, book, desk.policy, scene, found.name, now))

        self._answer(f"draft {self.tables.place}", found.edition, think, now)

    def _forget_draft(self, file: str) -> None:
        """It was removed, and is answered when it is there again. A share that is away has neither file."""
        if file:
            self._answer(f"draft {self.tables.place}", "", _nothing, self.clock.now())

    # shared

    def _answer(self, place: str, seen: str, think: Think, now: datetime) -> None:
        before = self.store.answered(place)
        if before != seen:
            self.store.answer(place, seen, before, think, now=now)

    def _extra(self, tables: RoutingTables) -> tuple[Problem, ...]:
        intake = self.intake()
        self._asked = intake is not None
        return problems_with(tables, fact_names=self.fact_fields, intake=intake or frozenset())

    def _running(self, look: TablesLook) -> RoutingTables | None:
        """The version before this one, as the store has it."""
        last = self.store.tables()
        if last is None or last.sha256 == look.version.sha256:
            return None
        return self.tables.read(last)


def _sections(
    before: RoutingTables | None, after: RoutingTables, now: datetime
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    today = now.astimezone(ZoneInfo(after.time_zone)).date()
    gaps = days_without_anybody(after, today)
    sections = tuple((s.title, s.lines) for s in in_words(diff(before or after, after), gaps))
    return sections if before is not None else (("What it holds", _holds(after)), *sections)


def _holds(tables: RoutingTables) -> tuple[str, ...]:
    rules = _count(sum(len(layer.rows) for layer in tables.layers), "rule", "rules")
    people = _count(len(tables.people_by_id), "salesperson", "salespeople")
    layers, teams = _count(len(tables.layers), "layer", "layers"), _count(len(tables.teams), "team", "teams")
    return (f"{rules} in {layers}", f"{people} in {teams}")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"


def _nothing(book: Book) -> Changes:
    return Changes()
