"""Mails to the editors about one version of the workbook: live, waiting, accepted, put back, a draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from allocator.domain import answers, impact
from allocator.domain.alerts import Book, Changes, Scene, Think
from allocator.domain.impact import Impact
from allocator.domain.records import DraftLook, TablesLook, TablesVersion
from allocator.domain.slots import next_due
from allocator.domain.tables import perhaps_renamed
from allocator.domain.versions import How, Standing, must_wait, threshold_of
from allocator.ports import Store, Tables
from allocator.service.alerts import Desk
from allocator.service.impact import Unmeasured
from allocator.service.versions import Judge, Verdict, moves_of
from rules.model import RoutingTables
from rules.workbook.days_ahead import days_without_anybody
from rules.workbook.diff import diff, in_words

Sections = Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers what was saved or commanded. What was answered is remembered, so that nobody answers twice."""

    store: Store
    tables: Tables
    desk: Desk
    live: bool = True

    def remember(self, verdict: str, seen: str, think: Think, now: datetime) -> None:
        """That `seen` (a sha256) was answered as `verdict`, with what `think` writes; once."""
        place = f"{verdict} {self.tables.place}"
        before = self.store.answered(place)
        if before != seen:
            self.store.answer(place, seen, before, think, now=now)

    def answered(self, verdict: str) -> str:
        return self.store.answered(f"{verdict} {self.tables.place}")

    def forget(self, verdict: str, now: datetime) -> None:
        self.remember(verdict, "", nothing, now)

    def waits(self, verdict: Verdict, judge: Judge, now: datetime) -> None:
        """The file waits: what would move, its code, and both ways to accept it. Ends a refusal, too."""
        look, own = verdict.look, verdict.own
        if look.waiting is None or own is None:
            return
        told, refused = self.answered("waiting") == look.waiting.sha256, self.answered("refused")
        if told and not refused:
            return
        tried = of_impact(verdict.impact) or _tried(judge, look.tables, own, now)[1]
        answer = answers.waiting(
            edition=look.waiting.sha256, saved_by=look.waiting.saved_by, moves=look.waiting.moves,
            threshold=look.tables.settings.get("publish threshold", ""), runs=look.version.sha256,
            why_not=verdict.why_not, sections=(*tried, *self._different(look.tables, own, now)),
        )  # fmt: skip
        think = self.over(look, now, answer)
        if told:
            self.remember("refused", "", think, now)
        else:
            self.remember("waiting", look.waiting.sha256, think, now)
            self.forget("refused", now)

    def is_live(self, look: TablesLook, now: datetime) -> answers.Answer:
        """What is different from what editors were last told is live, else from what ran before."""
        due = next_due(now, minute=self.desk.minute)
        before = self._before(look.version.sha256)
        return answers.live(
            when=f"{due:%H:%M} UTC" if look.fresh else "", edition=look.version.sha256,
            saved_by=look.version.saved_by, observe=not self.live,
            sections=self._different(before, look.tables, now),
        )  # fmt: skip

    def draft(self, found: DraftLook, running: TablesLook | None, judge: Judge, now: datetime) -> None:
        """The check of the draft, and its impact."""
        tables, base = found.tables, running.tables if running else None
        tried, said = _tried(judge, base, tables, now) if tables and base else (None, ())
        different = self._different(base, tables, now) if tables else ()
        answer = answers.draft(
            edition=found.edition, saved_by=tables.saved_by if tables else "", problems=found.problems,
            warnings=tables.warnings if tables else (), would_wait=_would_wait(base, tried),
            different=bool(different), sections=(*said, *different),
        )  # fmt: skip
        think = self._plain(answer, found.name, running, base, now)
        self.remember("draft", found.edition, think, now)

    def commanded(
        self, version: TablesVersion, tables: RoutingTables, instead_of: TablesVersion,
        before: RoutingTables | None, now: datetime,
    ) -> None:  # fmt: skip
        """A person made this version live by a command, `instead_of` another one. Its editors are told."""
        due = f"{next_due(now, minute=self.desk.minute):%H:%M} UTC"
        sections = self._different(before, tables, now)
        if version.how is How.ROLLBACK:
            answer = answers.rolled_back(
                when=due, edition=version.sha256, instead_of=instead_of.sha256,
                saved_by=version.saved_by, sections=sections,
            )  # fmt: skip
        else:
            answer = answers.accepted(
                when=due, edition=version.sha256, saved_by=version.saved_by, sections=sections
            )
        look = TablesLook(tables, version)
        self.store.change_alerts(self._plain(answer, self.tables.name, look, before, now), now=now)
        self.remember("live", version.sha256, nothing, now)
        self.forget("waiting", now)

    def over(
        self, look: TablesLook, now: datetime, answer: answers.Answer, *, only_then: bool = False
    ) -> Think:
        """An open refusal is over; editors hear it in the answer to the new version, in its thread.
        `only_then`: without such a refusal nobody is told anything."""
        desk = self.desk.with_editors(look.tables)
        scene = self._scene(desk, look, now)
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

    def _plain(
        self, answer: answers.Answer, name: str, look: TablesLook | None, editors: RoutingTables | None,
        now: datetime,
    ) -> Think:  # fmt: skip
        """The mail alone, to the editors that these tables name."""
        desk = self.desk.with_editors(editors)
        scene = self._scene(desk, look, now)
        return lambda book: Changes((), answers.mails(answer, book, desk.policy, scene, name, now))

    def _scene(self, desk: Desk, look: TablesLook | None, now: datetime) -> Scene:
        return desk.scene(now, run=None, look=look, last_done=self.store.last_done())

    def _different(self, before: RoutingTables | None, after: RoutingTables, now: datetime) -> Sections:
        """What is different, first of all teams that may have been renamed."""
        renamed = [f"{one.message} {one.fix}" for one in perhaps_renamed(after, self.store.ledgers())]
        first = [("Perhaps renamed", renamed)] if renamed else []
        return [*first, *of_diff(before, after, now)]

    def _before(self, sha256: str) -> RoutingTables | None:
        told = self.store.tables_version(self.answered("live"))
        if told is None or told.sha256 == sha256:
            rows = self.store.tables_versions(limit=10)
            others = (v.sha256 for v in rows if v.sha256 != sha256 and v.state is Standing.ACCEPTED)
            told = self.store.tables_version(next(others, ""))
        return self.tables.read(told) if told else None


def _tried(
    judge: Judge, before: RoutingTables, after: RoutingTables, now: datetime
) -> tuple[Impact | None, Sections]:
    """The impact and what is told of it, also where it could not be measured."""
    try:
        found = judge.impact(before, after, now)
    except Unmeasured as fault:
        return None, [("Impact on past leads", (str(fault),))]
    return found, of_impact(found)


def of_impact(found: Impact | None) -> Sections:
    """What would move; nothing where there were no leads to try it on."""
    tried = found is not None and (found.leads or found.older)
    return [(s.title, s.lines) for s in impact.in_words(found)] if found and tried else []


def of_diff(before: RoutingTables | None, after: RoutingTables, now: datetime) -> Sections:
    """What is different, and days ahead with nobody in a team; without a version before, what it holds."""
    today = now.astimezone(ZoneInfo(after.time_zone)).date()
    gaps = days_without_anybody(after, today)
    sections = [(s.title, s.lines) for s in in_words(diff(before or after, after), gaps)]
    return sections if before is not None else [("What it holds", _holds(after)), *sections]


def nothing(book: Book) -> Changes:
    return Changes()


def _would_wait(base: RoutingTables | None, tried: Impact | None) -> str:
    if base is None or tried is None:
        return ""
    waits = must_wait(moves_of(tried), threshold_of(base))
    return base.settings["publish threshold"] if waits else ""


def _holds(tables: RoutingTables) -> tuple[str, ...]:
    rules = _count(sum(len(layer.rows) for layer in tables.layers), "rule", "rules")
    people = _count(len(tables.people_by_id), "salesperson", "salespeople")
    layers, teams = _count(len(tables.layers), "layer", "layers"), _count(len(tables.teams), "team", "teams")
    return (f"{rules} in {layers}", f"{people} in {teams}")


def _count(number: int, one: str, many: str) -> str:
    return f"{number:,} {one if number == 1 else many}"
