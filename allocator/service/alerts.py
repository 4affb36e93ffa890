"""Stage alerts: what is wrong now, as findings; from the end of a run, and from the clock.

What follows from them (who is told, how often) is `domain.incidents`; what the mails say is `domain.notices`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from allocator.domain import incidents
from allocator.domain.alerts import (
    DAY,
    EDITORS_REASONS,
    HIGH_SHARE,
    UNDELIVERED_AFTER,
    Book,
    Changes,
    Finding,
    Level,
    Policy,
    Reader,
    Scene,
    Think,
    reader_of_reason,
)
from allocator.domain.lead import CrmUser, LeadKey, Reason
from allocator.domain.notices import writer
from allocator.domain.records import LeadRow, Post, TablesLook
from allocator.domain.slots import next_due
from allocator.errors import LoginError, QuotaError, SourceError, StoreError
from allocator.ports import Store
from rules.errors import Problem, WorkbookError
from rules.model import RoutingTables

ALIVE = timedelta(minutes=2)
"""A process that serves gives a sign of life more often than that."""
MISSED_AFTER = timedelta(minutes=75)
"""An hour, and the quarter of an hour that a run may take or wait for."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,60}")
"""What a vendor's code looks like: nothing else of a hold's detail goes into a mail."""
_DETAILS = 20
INACTIVE, UNKNOWN, REFUSED = "inactive_user", "unknown_user", "owner_refused"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where alerts are written: who is told, and what a mail says about this machine.

    `serving`: this process starts the runs, or another one that gave a sign of life just now; then it is
    known when the next one is due, `minute` past the hour.
    """

    policy: Policy = field(default_factory=Policy)
    host: str = ""
    program: str = ""
    lead_url: str = ""
    minute: int = 0
    serving: bool = False

    def scene(
        self, now: datetime, *, run: int | None, look: TablesLook | None, last_done: datetime | None
    ) -> Scene:
        version = look.version if look else None
        return Scene(
            host=self.host, program=self.program, run=run, last_done=last_done, lead_url=self.lead_url,
            tables_version=version.sha256 if version else "", saved_by=version.saved_by if version else "",
            next_run=next_due(now, minute=self.minute) if self.serving else None,
        )  # fmt: skip

    def as_served(self, store: Store, now: datetime) -> Desk:
        """The same, knowing whether some process serves this store."""
        beats = store.beats()
        return replace(self, serving=self.serving or bool(beats and now - beats[0].at <= ALIVE))

    def with_editors(self, tables: RoutingTables | None) -> Desk:
        """The same, with the editors that the workbook names too."""
        named = editors_of(tables) if tables else ()
        both = tuple(dict.fromkeys((*self.policy.editors, *named)))
        return replace(self, policy=replace(self.policy, editors=both))

    def think(
        self,
        find: Callable[[Book], Iterable[Finding]],
        scene: Scene,
        now: datetime,
        *,
        covers: Collection[str],
    ) -> Think:
        """What a store runs in its transaction: the findings taken in, the mails written."""
        write = writer(scene, self.policy, now)

        def think(book: Book) -> Changes:
            found = tuple(find(book))
            return incidents.update(book, found, covers=covers, policy=self.policy, write=write, now=now)

        return think


def editors_of(tables: RoutingTables) -> tuple[str, ...]:
    """The addresses on the sheet Settings."""
    return tuple(filter(None, re.split(r"[,;\s]+", tables.settings.get("editors", ""))))


# --- the end of a run -------------------------------------------------------------------------------------


@dataclass(slots=True)
class Seen:
    """What a run saw that may be worth an alert. A stage that it did not reach leaves its part None."""

    look: TablesLook | None = None
    in_intake: int | None = None
    took_up: int = 0
    held: int = 0
    users: Mapping[str, CrmUser] | None = None
    refused_owners: frozenset[str] = frozenset()
    refused_leads: dict[str, tuple[LeadKey, ...]] = field(default_factory=dict)
    """Person ID -> the leads that the CRM would not let them own."""
    given: frozenset[str] = frozenset()
    """Person IDs that were given a lead in this run."""
    fallback: tuple[LeadKey, ...] = ()
    contested: tuple[LeadKey, ...] = ()
    delivered: bool = False
    """Whether the CRM answered to the end."""
    apart: Mapping[str, Exception] | None = None
    """What kept marketing systems from being used, by name; None where none was tried."""


def findings(
    seen: Seen, error: BaseException | None, held: Sequence[LeadRow], book: Book, now: datetime
) -> list[Finding]:
    """All that a run found wrong. `error` is what ended it, or the CRM's trouble; `held`: all that waits."""
    found = list(_of_error(error))
    found += _of_tables(seen.look, error, book, now)
    if seen.in_intake is not None:
        found += _of_held(held, seen)
        found += _of_people(seen, book)
    found += _of_sources(seen.apart or {})
    found += [_some("fallback_used", seen.fallback), _some("owner_contested", seen.contested)]
    return found


def covered(seen: Seen, error: BaseException | None) -> frozenset[str]:
    """The kinds that this run could see: what it did not find of them is over."""
    kinds = set()
    if seen.look is not None and not isinstance(error, WorkbookError):
        kinds |= {"tables_refused"}
    if seen.in_intake is not None:
        kinds |= {"leads_held", "fallback_used", "owner_contested", "crm_refused"}
    if seen.users is not None:
        kinds |= {"person_unusable"}
    if seen.apart is not None:
        kinds |= {"source_unreachable"}
    if error is None and seen.delivered:
        kinds |= {"run_failed", "run_missed"}
    return frozenset(kinds)


def _of_error(error: BaseException | None) -> Iterable[Finding]:
    if error is None or isinstance(error, WorkbookError) or not isinstance(error, Exception):
        return
    code = code_of(error)
    crm = isinstance(error, SourceError) and not isinstance(error, StoreError)
    yield Finding(kind="crm_refused" if crm else "run_failed", causes=((code, 1),))


def _of_sources(apart: Mapping[str, Exception]) -> Iterable[Finding]:
    """One finding a marketing system."""
    for name, error in sorted(apart.items()):
        yield Finding(kind="source_unreachable", key=name, causes=((code_of(error), 1),))


def code_of(error: BaseException) -> str:
    """A word of our own for what failed: messages may quote what must not be mailed."""
    if isinstance(error, LoginError):
        return "login_refused"
    if isinstance(error, QuotaError):
        return "quota_used_up"
    if isinstance(error, StoreError):
        return "store_unusable"
    return "unreachable" if isinstance(error, SourceError) else type(error).__name__


def may_pass(error: BaseException) -> bool:
    """Whether another run within the hour may succeed where this one failed."""
    return isinstance(error, SourceError) and not isinstance(error, LoginError | QuotaError)


def _of_tables(
    look: TablesLook | None, error: BaseException | None, book: Book, now: datetime
) -> Iterable[Finding]:
    if isinstance(error, WorkbookError):
        edition = error.version or codes_of(error.problems)
        yield refused_tables(error.problems, edition=edition, book=book, now=now, last=False)
    elif look is not None and look.refused:
        edition = look.edition or codes_of(look.refused)
        yield refused_tables(look.refused, edition=edition, book=book, now=now, last=True)


def refused_tables(
    problems: Sequence[Problem], *, edition: str, book: Book, now: datetime, last: bool
) -> Finding:
    """`last`: an earlier version goes on deciding. Without one, or after a day, on-call hears of it too."""
    open_ = next((i for i in book.incidents if i.finding.place == ("tables_refused", "")), None)
    urgent = not last or (open_ is not None and open_.resolved is None and now - open_.opened >= DAY)
    return Finding(
        kind="tables_refused",
        count=len(problems),
        level=None if last else Level.HIGH,
        readers=frozenset(Reader) if urgent else frozenset(),
        causes=_counted(p.code for p in problems),
        details=tuple(map(str, problems[:_DETAILS])),
        edition=edition,
    )


def codes_of(problems: Sequence[Problem]) -> str:
    """Names a set of problems where there are no bytes to name it by."""
    return ",".join(f"{p.code}{p.sheet}{p.cell}" for p in problems)[:500] or "refused"


def _of_held(rows: Sequence[LeadRow], seen: Seen) -> Iterable[Finding]:
    """One finding per reason, over all that waits."""
    by_reason: dict[str, list[LeadRow]] = {}
    for row in rows:
        by_reason.setdefault(row.reason or Reason.NO_RULE, []).append(row)
    high = seen.took_up > 0 and seen.held > HIGH_SHARE * seen.took_up
    for reason, held in sorted(by_reason.items()):
        yield Finding(
            kind="leads_held",
            key=reason,
            count=len(held),
            total=max(seen.in_intake or 0, len(held)),
            level=Level.HIGH if high else None,
            readers=frozenset({reader_of_reason(reason)}),
            causes=_counted(_code_in(row) for row in held),
            leads=tuple(str(row.key) for row in held[:10]),
        )


def _code_in(row: LeadRow) -> str:
    """The vendor's code where the hold's detail is one; texts of leads and rows stay where they are."""
    found = _CODE.match(row.detail) if row.reason not in EDITORS_REASONS else None
    return found[0] if found else str(row.reason)


def _of_people(seen: Seen, book: Book) -> Iterable[Finding]:
    """One finding a person; of one that the CRM refuses it counts the leads, over all runs since."""
    if seen.users is None or seen.look is None:
        return
    tables = seen.look.tables
    earlier = {
        i.finding.key: i.count
        for i in book.incidents
        if i.resolved is None
        and i.finding.kind == "person_unusable"
        and i.finding.causes[:1] == ((REFUSED, 1),)
    }
    for crm_user, person in sorted(tables.person_by_crm_user.items(), key=lambda pair: pair[1]):
        if not any(row.active for row in tables.people_by_id[person]):
            continue
        refused = crm_user in seen.refused_owners or (person in earlier and person not in seen.given)
        cause = _unusable(seen.users.get(crm_user), refused=refused)
        if cause:
            leads = tuple(map(str, seen.refused_leads.get(person, ())))
            count = earlier.get(person, 0) + len(leads) if cause == REFUSED else 1
            yield Finding(
                kind="person_unusable",
                key=person,
                count=max(count, 1),
                causes=((cause, 1),),
                leads=leads[:10],
            )


def _unusable(user: CrmUser | None, *, refused: bool) -> str:
    if user is None:
        return UNKNOWN
    if not user.active:
        return INACTIVE
    return REFUSED if refused else ""


def _some(kind: str, keys: Sequence[LeadKey]) -> Finding:
    return Finding(kind=kind, count=len(keys), leads=tuple(str(key) for key in keys[:10]))


def _counted(codes: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple(Counter(codes).most_common())


# --- the clock --------------------------------------------------------------------------------------------


def of_the_clock(
    store: Store, now: datetime, *, since: datetime | None
) -> tuple[list[Finding], frozenset[str]]:
    """What only time shows: no run, no mail. `since` is when looking began, where no run was ever done."""
    mails, covers = of_the_mails(store, now)
    return [*_missed(store, now, since), *mails], covers | {"run_missed"}


def of_the_mails(store: Store, now: datetime) -> tuple[list[Finding], frozenset[str]]:
    """Whether mails wait for too long."""
    return list(_undelivered(store.post(), now)), frozenset({"alerts_undelivered"})


def is_missed(last_done: datetime | None, since: datetime | None, now: datetime) -> bool:
    start = last_done or since
    return start is not None and now - start > MISSED_AFTER


def is_stuck(post: Post, now: datetime) -> bool:
    """Whether a mail waits for longer than it may."""
    return post.oldest is not None and now - post.oldest > UNDELIVERED_AFTER


def _missed(store: Store, now: datetime, since: datetime | None) -> Iterable[Finding]:
    last = store.last_done()
    if not is_missed(last, since, now):
        return
    start = last or since
    assert start is not None
    yield Finding(
        kind="run_missed",
        count=int((now - start).total_seconds()) // 60,
        causes=((_why_missed(store, now), 1),),
    )


def _why_missed(store: Store, now: datetime) -> str:
    """What the store shows of the reason: nobody serves or runs, a run that takes long, or runs that fail."""
    if store.active() is not None:
        return "run_takes_long"
    beats = store.beats()
    if beats:
        return "service_silent" if now - beats[0].at > ALIVE else "runs_fail"
    tried = store.runs(1)
    return "runs_fail" if tried and now - tried[0].started <= MISSED_AFTER else "service_silent"


def _undelivered(post: Post, now: datetime) -> Iterable[Finding]:
    """Its own mails do not count: they would keep it open."""
    if post.oldest_alert is not None and now - post.oldest_alert > UNDELIVERED_AFTER:
        yield Finding(kind="alerts_undelivered", count=post.pending)
