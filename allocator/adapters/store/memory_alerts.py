"""The part of `MemoryStore` that keeps incidents, mails, silences, pauses, slots and signs of life."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from allocator.domain.alerts import (
    GIVE_UP_AFTER,
    Book,
    Changes,
    Incident,
    Silence,
    Think,
    claimed_until,
    retry_at,
)
from allocator.domain.pauses import Pause, Paused, in_force
from allocator.domain.records import Beat, MailRow, Post, RunRow
from allocator.domain.slots import SlotRow, SlotState, Try, catches_up
from allocator.errors import SlotTaken, UnknownName

_KEEP_BEATS = timedelta(days=7)


@dataclass(slots=True)
class Watched:
    """What the unattended service keeps, beside the leads."""

    slots: dict[str, SlotState] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    mails: dict[int, MailRow] = field(default_factory=dict)
    silences: dict[tuple[str, str], Silence] = field(default_factory=dict)
    beats: dict[tuple[str, int], Beat] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    pauses: dict[tuple[Paused, str], Pause] = field(default_factory=dict)

    def copied(self) -> Watched:
        return Watched(*(dict(getattr(self, name)) for name in self.__dataclass_fields__))  # type: ignore[arg-type]

    # slots

    def refuse_unless_open(self, slot: str) -> None:
        state = self.slots.get(slot, SlotState.OPEN)
        if state is not SlotState.OPEN:
            raise SlotTaken(f"the hour {slot} needs no run any more: it is {state}")

    def done(self, slot: str, runs: Iterable[RunRow]) -> None:
        self.slots[slot] = SlotState.DONE
        earlier = [row for row in self.rows(runs) if row.slot < slot]
        self.slots.update(catches_up(slot, earlier))

    def rows(self, runs: Iterable[RunRow]) -> list[SlotRow]:
        """The newest slot and the open ones, newest first."""
        newest = max(self.slots, default="")
        names = [s for s, state in self.slots.items() if s == newest or state is SlotState.OPEN]
        tries: dict[str, list[Try]] = {name: [] for name in names if self.slots[name] is SlotState.OPEN}
        for run in runs if tries else ():
            if run.slot in tries and run.state == "failed" and run.finished is not None:
                one = Try(run.finished, again=bool(run.summary.get("again")), silent=not run.summary)
                tries[run.slot].append(one)
        return [SlotRow(n, self.slots[n], tuple(tries.get(n, ()))) for n in sorted(names, reverse=True)]

    # alerts

    def change(self, think: Think, now: datetime) -> Changes:
        changes = think(self.book(now))
        for incident in changes.incidents:
            self.incidents[incident.id] = incident
        for mail in changes.mails:
            number = max(self.mails, default=0) + 1
            self.mails[number] = MailRow(number, mail, due=mail.created)
        return changes

    def book(self, now: datetime) -> Book:
        day = now.astimezone(UTC).date()
        today = [r.mail for r in self.mails.values() if r.mail.created.astimezone(UTC).date() == day]
        return Book(
            incidents=tuple(i for i in self.incidents.values() if i.resolved is None or i.told),
            silences=tuple(s for s in self.silences.values() if s.until > now),
            mailed_today=Counter(mail.recipient for mail in today if not mail.answer),
            answered_today=Counter(mail.recipient for mail in today if mail.answer),
            last_number=len(self.incidents),
        )


class MemoryAlerts(ABC):
    """`AlertStore`, `PauseStore` and `SlotStore` on the shared state of a `MemoryStore`."""

    _state: Any

    @abstractmethod
    def _changing(self) -> AbstractContextManager[Any]:
        """A copy of the state that replaces it when the block ends well."""

    @property
    def _watched(self) -> Watched:
        watched: Watched = self._state.watched
        return watched

    def change_alerts(self, think: Think, *, now: datetime) -> Changes:
        with self._changing() as s:
            changes: Changes = s.watched.change(think, now)
        return changes

    def incidents(self, *, limit: int = 50) -> Sequence[Incident]:
        newest = list(reversed(self._watched.incidents.values()))
        return sorted(newest, key=lambda i: i.resolved is not None)[:limit]

    def acknowledge(self, incident: str, *, until: datetime, by: str) -> Incident:
        with self._changing() as s:
            known: Incident | None = s.watched.incidents.get(incident.upper())
            if known is None or known.resolved is not None:
                raise UnknownName(f"No open incident is called {incident}. See: allocator alerts list")
            acked = replace(known, acked_until=until, acked_by=by)
            s.watched.incidents[known.id] = acked
        return acked

    def silence(self, silence: Silence) -> None:
        with self._changing() as s:
            s.watched.silences[silence.kind, silence.key] = silence

    def silences(self, *, now: datetime) -> Sequence[Silence]:
        return [s for _, s in sorted(self._watched.silences.items()) if s.until > now]

    def pause(self, pause: Pause) -> None:
        with self._changing() as s:
            s.watched.pauses[pause.key] = pause

    def resume(self, kind: Paused, name: str) -> None:
        with self._changing() as s:
            s.watched.pauses.pop((kind, name), None)

    def pauses(self, *, now: datetime) -> Sequence[Pause]:
        return in_force(self._watched.pauses.values(), now)

    def claim_mails(self, *, now: datetime, limit: int = 20) -> Sequence[MailRow]:
        with self._changing() as s:
            waiting = sorted(
                (r for r in s.watched.mails.values() if r.state == "pending"), key=lambda r: r.id
            )
            first = {(r.mail.recipient, r.mail.thread): r for r in reversed(waiting)}
            rows = [r for r in first.values() if r.due <= now]
            chosen = sorted(rows, key=lambda r: (r.due, r.id))[:limit]
            claimed = [
                replace(r, attempts=r.attempts + 1, due=claimed_until(now, r.attempts + 1)) for r in chosen
            ]
            s.watched.mails.update((r.id, r) for r in claimed)
        return claimed

    def settle_mail(self, number: int, *, now: datetime, error: str = "", final: bool = False) -> None:
        with self._changing() as s:
            row: MailRow = s.watched.mails[number]
            if row.state != "pending":
                return
            given_up = final or now - row.mail.created >= GIVE_UP_AFTER
            state = "sent" if not error else "dead" if given_up else "pending"
            due = retry_at(now, row.attempts) if state == "pending" else row.due
            sent = None if error else now
            s.watched.mails[number] = replace(row, state=state, error=error, sent=sent, due=due)

    def mails(self, *, states: Collection[str] = ("pending", "dead"), limit: int = 50) -> Sequence[MailRow]:
        rows = [row for _, row in sorted(self._watched.mails.items(), reverse=True) if row.state in states]
        return rows[:limit]

    def post(self) -> Post:
        rows = list(self._watched.mails.values())
        counts = Counter(row.state for row in rows)
        waiting = [row.mail for row in rows if row.state == "pending"]
        alerts = [mail for mail in waiting if mail.kind != "alerts_undelivered"]
        return Post(
            counts["pending"], counts["sent"], counts["dead"],
            min((mail.created for mail in waiting), default=None),
            min((mail.created for mail in alerts), default=None),
        )  # fmt: skip

    def slots(self, *, limit: int = 48) -> Sequence[SlotRow]:
        rows = self._watched.rows(self._state.runs.values())
        closed = bool(rows) and rows[0].state is not SlotState.OPEN
        return rows[: limit + closed]

    def mark_slots(
        self, *, add: Collection[str] = (), close: Mapping[str, SlotState] | None = None, at: datetime
    ) -> None:
        with self._changing() as s:
            for slot in (*add, *(close or {})):
                s.watched.slots.setdefault(slot, SlotState.OPEN)
            for slot, state in (close or {}).items():
                if s.watched.slots[slot] is SlotState.OPEN:
                    s.watched.slots[slot] = state

    def last_done(self) -> datetime | None:
        ends = [r.finished for r in self._state.runs.values() if r.state == "done" and r.finished and r.slot]
        return max(ends, default=None)

    def beat(self, beat: Beat) -> None:
        with self._changing() as s:
            kept = {p: b for p, b in s.watched.beats.items() if b.at >= beat.at - _KEEP_BEATS}
            s.watched.beats = {**kept, (beat.host, beat.pid): beat}

    def beats(self) -> Sequence[Beat]:
        return sorted(self._watched.beats.values(), key=lambda b: b.at, reverse=True)

    def answered(self, place: str) -> str:
        return self._watched.answers.get(place, "")

    def answer(self, place: str, seen: str, before: str, think: Think, *, now: datetime) -> bool:
        with self._changing() as s:
            if s.watched.answers.get(place, "") != before:
                return False
            s.watched.answers[place] = seen
            s.watched.change(think, now)
        return True
