"""Undo of a run: what it gave goes back, and its turns, where nobody has touched the lead since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from allocator.domain.lead import LeadKey
from allocator.domain.records import Lease, RunRow
from allocator.domain.slots import NO_SLOT
from allocator.domain.take_backs import NOT_BY_OWNER, Asked, Ended, Given, TakeBack, cannot
from allocator.errors import BusyError, ConfigError, FencedError, SourceError, UnknownName
from allocator.ports import Store
from allocator.service.handover import Watch
from allocator.service.heartbeat import Heartbeat
from allocator.service.next_turns import rotation_object
from allocator.service.run import Job, Outcome
from allocator.service.take_back import take_back
from rules.model import RoutingTables

BY = "undo"


@dataclass(frozen=True, slots=True)
class Left:
    """A lead that stays where it is, and why."""

    given: Given
    why: str


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo of `run` did: `back` are in intake again, `left` are not, `later` are not settled yet.

    Shown of a copy it is what an undo would do. `number` is the undo's own run; 0: there was nothing to do.
    """

    run: int
    back: tuple[Given, ...] = ()
    left: tuple[Left, ...] = ()
    later: tuple[Given, ...] = ()
    number: int = 0
    trouble: SourceError | None = None

    @property
    def turns(self) -> dict[tuple[str, str], int]:
        """(team, lane) -> turns given back."""
        found: dict[tuple[str, str], int] = {}
        for one in self.back:
            if one.turns and one.team:
                found[one.team, one.lane] = found.get((one.team, one.lane), 0) + one.turns
        return dict(sorted(found.items()))

    @property
    def shown(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "run": self.run,
            "undo": self.number or None,
            "back": [_lead(one) for one in self.back],
            "left": [{**_lead(one.given), "why": one.why} for one in self.left],
            "later": [_lead(one) for one in self.later],
            "turns": [{"team": t, "lane": lane, "given_back": n} for (t, lane), n in self.turns.items()],
        }


def undo(job: Job, number: int, *, said_by: str = "") -> Undone:
    """Undo run `number` under the lease, as a run of its own that answers for no hour.

    Raises UnknownName where there is no such run or it wrote nothing, ConfigError in observe mode, BusyError
    while a run works. What a crash leaves is carried on by the next run, or by the same call again.
    """
    check(job, number)
    given = job.store.given_in(number)
    if not given:
        return Undone(number)
    now = job.clock.now()
    lease = job.store.begin_run(slot=NO_SLOT, by=BY, at=now, live=True, seconds=job.lease_seconds)
    this = _Undo(job, lease, number, given)
    with Heartbeat(job.store, lease, job.lease_seconds), Watch(job.stop, this.leave):
        try:
            done = this.work(said_by)
        except BaseException as error:
            this.close("failed", {"error": type(error).__name__})
            raise
        state = "failed" if done.trouble else "handed_over" if done.later else "done"
        this.close(state, {"undo": done.shown})
    return done


def following(job: Job, tables: RoutingTables, done: Undone, n: int) -> list[dict[str, Any]]:
    """The next `n` turns of each team and lane that got turns back, as the job's store stands now."""
    found = []
    for team, lane in done.turns:
        if team in tables.team_by_name:
            now = job.clock.now()
            order = rotation_object(tables, tables.team_by_name[team], now=now, store=job.store, n=n)
            own = [one["next"] for one in order["lanes"] if one["lane"] == lane]
            found.append({"team": team, "lane": lane, "next": own[0] if own else []})
    return found


def check(job: Job, number: int) -> RunRow:
    """The run, if it can be undone now. Raises as `undo` does."""
    row = job.store.run(number)
    if row is None:
        raise UnknownName(f"There is no run {number}. See: allocator runs list")
    if not row.live:
        raise UnknownName(
            f"Run {number} was in observe mode: it wrote nothing to the CRM, so there is nothing to undo."
            " Its turns are dropped when live = true."
        )
    if not job.live:
        raise ConfigError("live = false: nothing is written to the CRM, so nothing can be undone.")
    active = job.store.active()
    if active is not None:
        who = f"run {number} itself" if active.run == number else f"run {active.run}"
        raise BusyError(f"busy: {who} is at work. Wait until it is over, or stop it, then undo again.")
    return row


class _Undo:
    """One undo under its lease."""

    def __init__(self, job: Job, lease: Lease, number: int, given: Sequence[Given]) -> None:
        self.job, self.lease, self.number, self.given = job, lease, number, given

    def work(self, said_by: str) -> Undone:
        """Ask for all that can be asked for, then carry out what is asked for, also by an earlier undo."""
        refused = self._ask(said_by)
        job = self.job
        pending = job.store.take_backs(states=[Asked.PENDING], of_run=self.number)
        taken = take_back(
            job.crm, job.store, self.lease, pending, refunding=(), now=job.clock.now,
            progress=job.progress, stop=job.stop,
        )  # fmt: skip
        by_place = {(one.key, one.epoch): one for one in self.given}
        left = [Left(by_place[one.key, one.epoch], why) for one, why in taken.dropped]
        return Undone(
            self.number,
            back=tuple(by_place[one.key, one.epoch] for one in taken.done),
            left=tuple(sorted((*left, *refused), key=lambda one: one.given.key)),
            later=tuple(by_place[one.key, one.epoch] for one in taken.left),
            number=self.lease.run,
            trouble=taken.trouble,
        )

    def _ask(self, said_by: str) -> list[Left]:
        """What cannot be asked for, with why; the rest is asked for durably."""
        store, now = self.job.store, self.job.clock.now()
        rows = {row.key: row for row in store.leads([one.key for one in self.given])}
        known = {(t.key, t.epoch): t for t in store.take_backs(keys=[one.key for one in self.given])}
        left = [
            Left(one, why)
            for one in self.given
            if (why := _over(one, known.get((one.key, one.epoch))) or cannot(rows.get(one.key), one.epoch))
        ]
        out = {one.given.key for one in left}
        mine = {t.key for t in known.values() if t.state is Asked.PENDING and t.why is Ended.UNDONE}
        asked = [
            TakeBack(
                one.key, one.epoch, Ended.UNDONE, now, f"run {self.number} was undone", said_by, self.number
            )
            for one in self.given
            if one.key not in out and one.key not in mine
        ]
        refused = _named(store, store.ask_back(asked))
        return [*left, *(Left(one, refused[one.key]) for one in self.given if one.key in refused)]

    def close(self, state: str, summary: Mapping[str, Any]) -> None:
        """Close the run's row. Who took over closed it already."""
        at = self.job.clock.now()
        try:
            self.job.store.end_run(self.lease, at=at, state=state, summary=summary)
        except FencedError:
            if state != "failed":
                raise

    def leave(self) -> None:
        """Hand over from here and end the process, whatever the CRM still keeps us waiting for."""
        if self.job.leave is not None:
            self.close("handed_over", {})
            self.job.leave(Outcome(summary={}, state="handed_over"))


def _over(one: Given, known: TakeBack | None) -> str:
    """Why it was taken back, or came back, already."""
    if one.ended is None:
        return ""
    run = f" (run {known.of_run} was undone)" if known and known.of_run else ""
    said = {Ended.UNDONE: f"taken back already{run}", Ended.REJECTED: "rejected and taken back already"}
    return said.get(one.ended, "somebody put it back into intake already")


def _lead(one: Given) -> dict[str, Any]:
    return {
        "lead": str(one.key), "person": one.person, "team": one.team, "lane": one.lane, "turns": one.turns,
    }  # fmt: skip


def _named(store: Store, refused: Mapping[LeadKey, str]) -> dict[LeadKey, str]:
    """Why these are not taken back; of one that a marketing system brought, with what it is in the CRM."""
    made = [key for key, why in refused.items() if why == NOT_BY_OWNER]
    live = {link.key: link for link in store.links(keys=made, state="live")} if made else {}
    said = {
        key: f"it is {link.object} {link.crm_id} of the CRM now: change its owner there"
        + (", or put it into an intake queue to have it decided again" if link.object == "Lead" else "")
        for key, link in live.items()
    }
    return {**refused, **said}


# --- rejecting --------------------------------------------------------------------------------------------


def reject(store: Store, asked: Iterable[TakeBack]) -> None:
    """Note that these leads are rejected: the next run takes them back and decides them again.

    Raises UnknownName, and notes nothing, when one of them is with nobody or was rejected already.
    """
    wanted = [replace(one, why=Ended.REJECTED) for one in asked]
    rows = {row.key: row for row in store.leads([one.key for one in wanted])}
    pending = {one.key: one for one in store.take_backs(states=[Asked.PENDING], keys=list(rows))}
    wrong = {one.key: why for one in wanted if (why := cannot(rows.get(one.key), one.epoch))}
    wrong |= {key: f"it was {one.why} already: the next run takes it back" for key, one in pending.items()}
    refused = wrong or _named(store, store.ask_back(wanted))
    if refused:
        said = "; ".join(f"{key}: {why}" for key, why in sorted(refused.items()))
        raise UnknownName(f"Only a lead that somebody was given can be rejected. {said}. Nothing was noted.")
