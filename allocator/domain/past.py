"""What is kept of decisions and runs so that other tables can be tried on them; past runs as read back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from allocator.domain.decision import Inputs, Work
from allocator.domain.facts import EMAIL, company_of, is_filled
from allocator.domain.lead import LeadKey, Match, Record
from allocator.domain.pauses import Pause, Paused
from rules.rotation import Booking, Ledger

LONGEST: Final = 2_000
"""Characters of a field that are kept."""
MATCHES: Final = 50
"""Records of a look-up that are kept."""


class Noting:
    """What the leads of one run showed, as JSON: the raw fields that facts read, and what was looked up.

    Raw, since other tables may read them otherwise. Nothing that the leads' own rows do not hold.
    """

    def __init__(self, inputs: Inputs) -> None:
        self._lookups = inputs.lookups
        self._paths = tuple(sorted({EMAIL, *(path for some in inputs.fact_fields.values() for path in some)}))

    def seen(self, work: Work, email: str | None) -> dict[str, Any]:
        """Of one lead. What is empty is left out."""
        record = work.record
        stored: dict[str, Any] = {
            "created": _micros(record.created),
            "stamp": _micros(record.stamp),
            "fields": self._filled(record.fields),
        }
        if record.unreadable:
            stored["unreadable"] = record.unreadable[:LONGEST]
        if work.held:
            stored["held"] = True
        if work.stood_back:
            stored["back"] = sorted(work.stood_back)
        if work.last:
            stored["last"] = work.last
        if work.hops:
            stored["hops"] = work.hops
        if email and (people := self._lookups.people.get(email)):
            stored["people"] = _kept(people)
        accounts = self._lookups.accounts
        if email and accounts and (found := accounts.get(company_of(email) or "")):
            stored["accounts"] = _kept(found)
        return stored

    def _filled(self, fields: Mapping[str, object]) -> dict[str, object]:
        return {
            path: value[:LONGEST] if type(value) is str else value
            for path in self._paths
            if (value := fields.get(path)) is not None and value != "" and is_filled(value)
        }


def run_seen(inputs: Inputs, *, asked: bool, unusable: Mapping[str, str]) -> dict[str, Any]:
    """What a run itself saw: its instant, whether e-mails were looked up, whom the CRM would refuse, intake,
    and who was paused.

    `unusable` maps Person IDs to why; None is stored when the CRM was not asked.
    """
    users = {crm: unusable[p] for crm, p in inputs.tables.person_by_crm_user.items() if p in unusable}
    stored: dict[str, Any] = {
        "now": inputs.now.astimezone(UTC).isoformat(),
        "asked": asked,
        "unusable": None if inputs.lookups.users is None else users,
        "intake": sorted(inputs.lookups.intake),
    }
    if inputs.pauses:
        stored["paused"] = [(str(p.kind), p.name) for p in inputs.pauses]
    return stored


# --- read back --------------------------------------------------------------------------------------------


class PastDecision(NamedTuple):
    """A decision on one lead as it ended: `state`, `reason`, `detail` and `owner` say how; `run` made it.

    `settled_run` is the run that found how it ended, None while it stands as decided.
    """

    key: LeadKey
    epoch: int
    run: int
    state: str
    reason: str | None
    detail: str
    person: str | None
    owner: str | None
    basis: str
    settled_run: int | None
    version: str
    seen: Mapping[str, Any]
    ended: str | None = None
    """How it came to hold no more once it was carried out (domain.take_backs)."""
    left: int | None = None
    """The run that found that it had left intake, where its delivery had been held before (`stopped`)."""
    stopped: str | None = None

    @property
    def hops(self) -> int:
        """How often the lead had been rejected or returned."""
        return int(self.seen.get("hops", 0))

    @property
    def last(self) -> str | None:
        """Who had it last and gave it back."""
        found = self.seen.get("last")
        return str(found) if found else None

    @property
    def held(self) -> bool:
        """Whether it was held before."""
        return bool(self.seen.get("held"))

    @property
    def back(self) -> frozenset[str]:
        """Who stood back."""
        return frozenset(self.seen.get("back", ()))

    @property
    def unreadable(self) -> str:
        return str(self.seen.get("unreadable", ""))

    @property
    def second(self) -> int:
        """The record's stamp as a basis says it."""
        return int(self.seen["stamp"]) // 1_000_000

    @property
    def record(self) -> Record:
        """The lead as that run read it."""
        seen = self.seen
        return Record(
            key=self.key,
            created=_moment(seen["created"]),
            stamp=_moment(seen["stamp"]),
            owner="",
            fields=seen["fields"],
            unreadable=self.unreadable,
        )


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run that decided, or had nothing to decide: its instant, and what it saw (see `run_seen`)."""

    run: int
    now: datetime
    live: bool
    version: str
    asked: bool
    unusable: Mapping[str, str] | None
    intake: frozenset[str]
    decisions: tuple[PastDecision, ...] = ()
    pauses: tuple[Pause, ...] = ()
    """Who and which teams were paused; their ends and reasons are not kept."""
    matched: frozenset[LeadKey] = frozenset()
    """Leads of marketing systems that it linked, or held, without choosing anybody: the CRM knew them."""


@dataclass(frozen=True, slots=True)
class PastRefund:
    """A lead given before the first of the runs and given back in one of them, with any turn it had."""

    run: int
    team: str
    person: str
    at: datetime
    booking: Booking | None = None


@dataclass(frozen=True, slots=True)
class PastBack:
    """A lead that somebody had before the first of the runs, and that was in intake again in one of them.

    Whether its turn was given back depends on the column Reject. `by_hand`: they had taken it themselves.
    """

    key: LeadKey
    team: str
    person: str
    at: datetime
    booking: Booking | None = None
    by_hand: bool = False
    ended: str | None = None


@dataclass(frozen=True, slots=True)
class Past:
    """Past runs, oldest first, and how things stood before the first of them.

    `held` are leads that were held then. `recent` has live turns by (team, payer): the last one, and as many
    more as `refunds` and `backs` may give back. `tails` has the last live automatic turns of lanes with
    vouchers, each with whether it was a catch-up: back to one that was none, whatever is given back. `older`
    leads were decided in these days too, without what a replay needs; `cut`: there were more leads, and whole
    runs were left out to stay within the most. No runs at all: none says what it saw.
    """

    runs: tuple[PastRun, ...]
    held: tuple[PastDecision, ...] = ()
    ledgers: Mapping[tuple[str, str], Ledger] = field(default_factory=dict)
    recent: Mapping[tuple[str, str], tuple[int, ...]] = field(default_factory=dict)
    given: tuple[tuple[str, str, datetime], ...] = ()
    refunds: tuple[PastRefund, ...] = ()
    backs: tuple[PastBack, ...] = ()
    tails: Mapping[tuple[str, str], tuple[tuple[int, bool], ...]] = field(default_factory=dict)
    older: int = 0
    cut: bool = False


def past_run(run: int, live: bool, version: str, seen: Mapping[str, Any]) -> PastRun:
    """A run as `run_seen` said it."""
    now = datetime.fromisoformat(seen["now"])
    return PastRun(
        run=run,
        now=now,
        live=live,
        version=version,
        asked=seen["asked"],
        unusable=seen["unusable"],
        intake=frozenset(seen["intake"]),
        pauses=tuple(Pause(Paused(kind), name, since=now) for kind, name in seen.get("paused", ())),
    )


def run_at(started: Iterable[tuple[datetime, int]], at: datetime | None, least: int) -> int | None:
    """The run in which something happened, None where that is no later one than `least`; by when each run
    started, and of those that started at one moment the first."""
    if at is None:
        return None
    _, run = max(((start, -run) for start, run in started if start <= at), default=(at, 0))
    return -run if -run > least else None


def _kept(matches: Sequence[Match]) -> list[tuple[str, str, str]]:
    return sorted((m.object, m.id, m.owner) for m in matches)[:MATCHES]


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


def _micros(at: datetime) -> int:
    gone = at - _EPOCH
    return (gone.days * 86_400 + gone.seconds) * 1_000_000 + gone.microseconds
