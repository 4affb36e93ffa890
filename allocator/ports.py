"""Every port in one file: what the service needs from the world, and what it may rely on.

A port is a noun; an adapter is vendor + noun (`SalesforceCRM`, `SqlStore`). Every adapter and every shipped
fake passes the port's contract suite in tests/contracts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from allocator.domain.alerts import Changes, Incident, Mail, Silence, Think
from allocator.domain.by_hand import Charge
from allocator.domain.decision import TurnRow
from allocator.domain.lead import (
    CrmUser,
    LeadKey,
    LeadStatus,
    Match,
    OwnerWrite,
    Record,
    State,
    WriteAnswer,
)
from allocator.domain.past import Past
from allocator.domain.pauses import Pause, Paused
from allocator.domain.plan import Plan
from allocator.domain.records import (
    Beat,
    CrmUsage,
    DraftLook,
    LeadRow,
    Lease,
    Link,
    MailRow,
    PendingWrite,
    Post,
    RunRow,
    Settlement,
    TablesLook,
    TablesVersion,
)
from allocator.domain.slots import Active, SlotRow, SlotState
from allocator.domain.statement import Account, ExportRow
from allocator.domain.sync.intake import IntakeDoubt
from allocator.domain.sync.values import (
    ConflictRow,
    CrmRecord,
    CrmWrite,
    FieldInfo,
    LeftOut,
    Made,
    NewLead,
    SourceAnswer,
    SourceRecord,
    SourceWrite,
    SyncEnd,
    SyncRow,
    SyncStep,
    SyncWrite,
)
from allocator.domain.take_backs import Asked, BackEnd, Given, TakeBack
from allocator.domain.taken_turns import TakenTurn
from rules.errors import Problem
from rules.model import RoutingTables
from rules.rotation import Ledger


class Clock(Protocol):
    """The product's only source of time."""

    def now(self) -> datetime:
        """Aware UTC."""


# --- workbook ---


class Tables(Protocol):
    """The workbook: the file that marketing edits, and the last good version behind it."""

    @property
    def name(self) -> str:
        """The file's own name."""

    @property
    def place(self) -> str:
        """Where it is; the same for every host that sees the same path."""

    def touched(self) -> tuple[str, str]:
        """What the file and its draft look like from outside (time and size), empty where there is none."""

    def draft(self, *, extra: ExtraCheck) -> DraftLook | None:
        """NAME.draft.xlsx, checked like the workbook and never used. None when there is none."""

    def read(self, version: TablesVersion) -> RoutingTables | None:
        """The tables of a version; None where this program refuses them, or its content was forgotten."""

    def check(self, version: TablesVersion, *, extra: ExtraCheck) -> RoutingTables:
        """The tables of a version as if it were saved now. Raises WorkbookError with all that is wrong."""

    def look(self, store: Store, *, now: datetime, extra: ExtraCheck) -> TablesLook:
        """The file when it is good, else the last good version. Reads only; never saves the file.

        `extra` adds the problems that only the configuration and the CRM can show. Raises
        rules.errors.WorkbookError when the file is refused and there is no last good version.
        """


ExtraCheck = Callable[[RoutingTables], Sequence[Problem]]


# --- CRM ---


class CrmRecords(Protocol):
    """The Leads and Contacts behind marketing records. Reads are fresh, never from a cache.

    `object` is "Lead" or "Contact". `fields` are names of its fields; of a Contact also "Account.Name". What
    the CRM lacks or hides is left out of every query and absent from `CrmRecord.values`.
    """

    @property
    def external_id(self) -> str:
        """The field on Lead and Contact that holds the marketing record, "source:id"; empty: none is set."""

    def describe(self, object: str) -> Mapping[str, FieldInfo]:
        """The fields of Lead, Contact or Account as this user sees them, by name. Asked once."""

    def records(self, object: str, ids: Collection[str], fields: Sequence[str]) -> Mapping[str, CrmRecord]:
        """One entry per id asked, deleted and unknown ones included: a request per 200 ids."""

    def records_of(
        self, wanted: Mapping[str, Collection[str]], fields: Mapping[str, Sequence[str]]
    ) -> Mapping[tuple[str, str], CrmRecord]:
        """`records` of several objects, by object and id: a request per 200 ids, whatever their objects."""

    def changed(self, object: str, since: datetime, fields: Sequence[str]) -> Iterator[Sequence[CrmRecord]]:
        """Pages of those with an external id that were changed, deleted or undeleted at or after `since`."""

    def members(
        self, object: str, campaigns: Collection[str], fields: Sequence[str]
    ) -> Iterator[Sequence[CrmRecord]]:
        """Pages of those in campaigns of these names that have no external id; Leads only while they are not
        converted. Fresh as `records`, each once."""

    def matching(
        self,
        object: str,
        *,
        external_ids: Collection[str] = (),
        emails: Collection[str] = (),
        fields: Sequence[str] = (),
        deleted: bool = False,
    ) -> Sequence[CrmRecord]:
        """Those that have one of these external ids or e-mails (any case), each once.

        `deleted`: also those in the recycle bin and those that lost a merge."""

    def create(self, leads: Sequence[NewLead]) -> Sequence[Made]:
        """Make Leads with their owners, the vendor's own assignment rules off: an upsert each, at most 25 in
        a request, sent at most once. One answer each, in order; raises nothing for one record.

        Only for Leads that a fresh read by external id did not find: an upsert would write to one that it
        finds.
        """

    def write(self, writes: Sequence[CrmWrite]) -> Sequence[WriteAnswer]:
        """Set fields, each on its own condition, at most 25 in a request, sent at most once. As `give`:
        CHANGED when the condition failed, CONVERTED when the Lead is dead, GONE, LOCKED, REJECTED with the
        vendor's code, UNKNOWN, UNSENT."""


class CRM(CrmRecords, Protocol):
    """A CRM that holds Leads. Ids are in the vendor's canonical form (Salesforce: 18 characters).

    Any method may raise SourceError (LoginError, QuotaError): the system cannot be used now, and nothing
    half-read is returned. Malformed or short answers are never read as "no leads".
    """

    name: str
    """The source's name: "salesforce"."""
    usage: CrmUsage

    @property
    def missing_fields(self) -> Collection[str]:
        """Configured paths that the CRM lacks or hides, as far as it was asked; they are left out."""

    def intake_ids(self) -> frozenset[str]:
        """Ids of the configured intake owners. Raises ConfigError naming one that does not exist."""

    def queue_ids(self) -> frozenset[str]:
        """Ids of every queue that Leads can be given to."""

    def now(self) -> datetime:
        """The CRM's own clock as of its last answer (its Date header), aware UTC."""

    def pull(self) -> Iterator[Sequence[Record]]:
        """Every open Lead in intake, page by page, oldest first; a record seen twice may come twice."""

    def converted_since(self, mark: datetime) -> Sequence[LeadStatus]:
        """Leads whose record says converted, changed at or after `mark` (CRM time)."""

    def status(self, ids: Collection[str]) -> Mapping[str, LeadStatus]:
        """A fresh read of these Leads, never from a cache, deleted ones included. One entry per id asked."""

    def users(self) -> Mapping[str, CrmUser]:
        """Every user by id, active or not. Cached for the run."""

    def campaigns_of(self, ids: Collection[str]) -> Mapping[str, Mapping[str, object]]:
        """Lead id -> fields "CampaignMember.<path>" of its newest campaign membership; absent when none."""

    def people_by_email(self, emails: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        """Folded e-mail -> open Leads (not converted) and Contacts with it, each once. Cached for the run."""

    def accounts_by_domain(self, domains: Collection[str]) -> Mapping[str, tuple[Match, ...]]:
        """Company domain -> Accounts whose web site is that domain. Cached for the run."""

    def give(self, writes: Sequence[OwnerWrite]) -> Sequence[WriteAnswer]:
        """Set owners, each on its own condition, the vendor's own assignment rules switched off.

        One answer per write, in order. Never raises for one record; an answer that did not arrive is UNKNOWN.
        Invalidates what the cache holds of these Leads.
        """


# --- marketing systems ---


class LeadSource(Protocol):
    """A system that leads come from, other than the CRM: a marketing system or a folder of files.

    Any method may raise SourceError (LoginError, QuotaError): the system cannot be used now, and nothing
    half-read is returned. A short or malformed answer is never "no leads".
    """

    name: str
    """What its lead keys begin with: "hubspot", "drop"."""
    usage: CrmUsage

    @property
    def takes_writes(self) -> bool:
        """Whether records can be written: False for files, whose leads are created and never kept in step."""

    @property
    def overlap(self) -> timedelta:
        """How late its search may show a change: marks stay this far behind."""

    def now(self) -> datetime:
        """The system's own clock as of its last answer, aware UTC."""

    def fields(self) -> Mapping[str, FieldInfo]:
        """Its fields by name. Asked once."""

    def pull(self, since: datetime | None) -> Iterator[Sequence[SourceRecord]]:
        """Pages of every record in intake, and of every one changed at or after `since` (None: all).

        Found by a search that may lag: to be read again before anything is concluded from their values.
        A record may come twice.
        """

    def read(self, ids: Collection[str], *, stamps: bool = False) -> Mapping[str, SourceRecord]:
        """A fresh read, one entry per id asked: gone and merged ones included.

        `stamps`: with those of single fields where the system has them."""

    def write(self, writes: Sequence[SourceWrite]) -> Sequence[SourceAnswer]:
        """Set fields. One answer per write, in order; raises nothing for one record. GONE, REJECTED with the
        vendor's code, UNKNOWN, UNSENT; never a half-written record taken for a whole one. `values` only from
        the answer to this very write."""

    def create(self, records: Sequence[Mapping[str, object]]) -> Sequence[Made]:
        """Make records, one answer each, in order.

        One that is there already (same e-mail) is REJECTED, its id in `matches`.
        """

    def owner_ids(self) -> Mapping[str, str]:
        """E-mail address in small letters -> its own id of that owner; empty where records have no owners."""

    def intake_doubt(self) -> IntakeDoubt | None:
        """What of its own condition for new leads names nothing that the system has, by its fields."""

    def taken(self) -> None:
        """What was pulled is in the store: a folder puts its files away."""

    def left_out(self) -> Sequence[LeftOut]:
        """What the last pull found and could not use; only files have such rows."""


# --- Store ---


class SyncStore(Protocol):
    """Links between marketing records and CRM objects, what both sides agreed on, and the writes of fields.

    Like every other write of the store, those here are fenced by the lease.
    """

    def links_to(
        self, objects: Collection[tuple[str, str]], *, source: str | None = None
    ) -> Mapping[tuple[str, str], LeadKey]:
        """(object, CRM id) -> the marketing record with a live link to it; absent where none has.

        Each source may have one: without `source`, the first by key. A CRM's own leads are not among them.
        """

    def links_of(self, text: str) -> Sequence[Link]:
        """Links of marketing records to the object with this CRM id (15 or 18 characters), in any state."""

    def save_links(self, lease: Lease, links: Sequence[Link]) -> None:
        """Add these, or bring them to the state given. Raises AllocatorError, and changes nothing, when a
        record would have two live links to a CRM, or an object two live records of one source."""

    def syncs(
        self, keys: Collection[LeadKey] | None = None, *, source: str | None = None, again: bool | None = None
    ) -> Sequence[SyncRow]:
        """By key, source or mark, ordered by key."""

    def commit_sync(self, lease: Lease, steps: Sequence[SyncStep], *, at: datetime) -> Sequence[SyncWrite]:
        """Rows, links, conflicts and pending writes in one transaction; the writes come back with their ids.
        Earlier writes of these records that are still pending are dropped."""

    def pending_sync(self, *, source: str | None = None) -> Sequence[SyncWrite]:
        """Writes not settled yet, in order."""

    def attempt_sync(self, lease: Lease, ids: Sequence[int]) -> None:
        """Record durably that these writes are about to be sent."""

    def settle_sync(self, lease: Lease, ends: Sequence[SyncEnd], *, at: datetime) -> None:
        """Final states, and what the sides agree on now. What is settled already stays as it is."""

    def sync_writes(self, key: LeadKey) -> Sequence[SyncWrite]:
        """Every write of fields of a record, oldest first."""

    def conflicts(
        self, keys: Collection[LeadKey] | None = None, *, limit: int = 100
    ) -> Sequence[ConflictRow]:
        """Newest first."""

    def set_mark(self, lease: Lease, name: str, to: datetime) -> None:
        """Move a mark forward (`mark(name)` reads it); one that is ahead already stays."""


class AlertStore(Protocol):
    """Incidents, mails and silences. Needs no lease: `think` runs inside the transaction."""

    def change_alerts(self, think: Think, *, now: datetime) -> Changes:
        """Show `think` the book as it stands, write what it returns; one transaction. Returns that."""

    def incidents(self, *, limit: int = 50) -> Sequence[Incident]:
        """Open ones first, then the newest of the others."""

    def acknowledge(self, incident: str, *, until: datetime, by: str) -> Incident:
        """No mail of this open incident until then, but RESOLVED. Raises UnknownName when none is open so."""

    def silence(self, silence: Silence) -> None:
        """Replaces one for the same kind and key."""

    def silences(self, *, now: datetime) -> Sequence[Silence]: ...

    def claim_mails(self, *, now: datetime, limit: int = 20) -> Sequence[MailRow]:
        """Pending mails that are due, each counted as tried and due again later: no two senders get one.

        Of one thread to one recipient only the earliest that waits: they arrive in order.
        One that is older than seven days is dead after this try.
        """

    def settle_mail(self, number: int, *, now: datetime, error: str = "", final: bool = False) -> None:
        """Sent when there is no error. With one it stays pending, or is dead when `final` or too old."""

    def mails(self, *, states: Collection[str] = ("pending", "dead"), limit: int = 50) -> Sequence[MailRow]:
        """Newest first."""

    def post(self) -> Post: ...


class SlotStore(Protocol):
    """The hours that need a run, and the processes that look after them."""

    def slots(self, *, limit: int = 48) -> Sequence[SlotRow]:
        """The newest slot, and every open one up to `limit`, newest first."""

    def mark_slots(
        self, *, add: Collection[str] = (), close: Mapping[str, SlotState] | None = None, at: datetime
    ) -> None:
        """Make open rows where there are none; close rows that are open, making them where there are none."""

    def active(self) -> Active | None:
        """The run that holds the lease now; None when it is free, has run out or its holder is dead."""

    def last_done(self) -> datetime | None:
        """When a run last ended as done."""

    def beat(self, beat: Beat) -> None:
        """Replaces this process's last one; beats older than a week go."""

    def beats(self) -> Sequence[Beat]:
        """Newest first."""

    def answered(self, place: str) -> str:
        """What was last seen and answered at `place` (a file): "verdict sha256", or empty."""

    def answer(self, place: str, seen: str, before: str, think: Think, *, now: datetime) -> bool:
        """Remember `seen` for `place` and write what `think` returns, unless `before` is not known any
        more: then somebody else answered, nothing is written and False is returned."""


class PauseStore(Protocol):
    """Who and what stands still. Needs no lease; a run that works sees a new pause at its next batch."""

    def pause(self, pause: Pause) -> None:
        """Replaces one of the same person, team or service."""

    def resume(self, kind: Paused, name: str) -> None:
        """The pause is over; nothing happens when there is none."""

    def pauses(self, *, now: datetime) -> Sequence[Pause]:
        """Those in force at `now`, in the order of domain.pauses.in_force."""


class TakeBackStore(Protocol):
    """Leads that come back: returned by a person's hand, rejected, or undone with their run."""

    def ask_back(self, asked: Sequence[TakeBack]) -> Mapping[LeadKey, str]:
        """Note that these decisions' leads are to be taken back. Needs no lease.

        Returns why for those that cannot be: not given to anybody, decided again since, or asked for already.
        One that was dropped may be asked for again.
        """

    def take_backs(
        self,
        *,
        states: Collection[Asked] | None = None,
        keys: Collection[LeadKey] | None = None,
        of_run: int | None = None,
    ) -> Sequence[TakeBack]:
        """By state, lead or undone run; in the order in which they were asked for."""

    def try_back(self, lease: Lease, places: Sequence[tuple[LeadKey, int]]) -> None:
        """Record durably that these (lead, epoch) are about to be written."""

    def settle_back(self, lease: Lease, ends: Sequence[BackEnd], *, at: datetime) -> None:
        """Done ones wait again at the same epoch, their decision ended, their turns given back where said;
        the others are dropped. Nothing happens to what is settled already."""

    def return_leads(
        self, lease: Lease, rows: Sequence[LeadRow], *, at: datetime, refund: Collection[LeadKey] = ()
    ) -> None:
        """Leads found in intake again become waiting; last_person is who had them. The turns of those in
        `refund` are given back."""

    def given_in(self, run: int) -> Sequence[Given]:
        """What a live run gave to somebody, by lead; observe mode gave nothing."""


class StatementStore(Protocol):
    """What fairness statements are made of. Reads only."""

    def accounts(
        self, begin: datetime | None, end: datetime | None, *, team: str | None = None
    ) -> Mapping[str, Account]:
        """Team -> its turns, leads and opening credits between two instants (the second one excluded), of
        every team that has any, or of one."""

    def export_turns(self) -> Iterator[Sequence[ExportRow]]:
        """Every turn there is at the first look, by team, lane and number, in pages.

        Each page is a transaction of its own, so that no run has to wait for a long export.
        """


class TurnStore(Protocol):
    """Turns one by one, to explain them. Reads only."""

    def turns_of(self, key: LeadKey) -> Sequence[TakenTurn]:
        """Every turn that a lead took or cost, also those given back, in the order they were taken."""

    def ledger_before(self, row: TurnRow) -> Ledger | None:
        """The ledger that this turn was taken from; None where the turns before it do not lead to the
        turn's own numbers. Adds up every turn of the team: for one lead, not for many."""


class Store(SyncStore, TakeBackStore, AlertStore, SlotStore, PauseStore, StatementStore, TurnStore, Protocol):
    """What must survive a crash. Every method is one transaction; every write checks the lease's token in it.

    A write under a lease that was taken over raises FencedError and changes nothing. Times are aware UTC.
    """

    def close(self) -> None: ...

    # runs and the lease
    def begin_run(
        self, *, slot: str, by: str, at: datetime, live: bool, seconds: int, once: bool = False
    ) -> Lease:
        """Take the lease for `seconds` and open a run row. Raises BusyError "busy: run N since T ...".

        A `slot` of NO_SLOT: this run answers for no hour, and counts as none.

        An expired lease, or one whose holder process on this boot is dead, is taken over; its run row is
        closed as `failed`. The slot's row is made or kept: a slot is done when one of its runs is. With
        `once`, a slot that is not open raises BusyError too.
        """

    def renew(self, lease: Lease, *, seconds: int) -> Lease:
        """Keep the lease. Raises FencedError when it is no longer ours."""

    def end_run(
        self,
        lease: Lease,
        *,
        at: datetime,
        state: str,
        summary: Mapping[str, Any],
        think: Think | None = None,
    ) -> None:
        """Close the run (done, failed, handed_over), free the lease and change the alerts; one transaction.

        A done run does its slot; earlier open slots are caught up, or have failed if they were tried.
        """

    def runs(self, limit: int = 20) -> Sequence[RunRow]:
        """Newest first."""

    def run(self, number: int) -> RunRow | None: ...

    def last_run_number(self) -> int:
        """0 when none."""

    # tables
    def tables(self) -> TablesVersion | None:
        """The newest accepted version: the one that runs."""

    def accept_tables(self, lease: Lease, version: TablesVersion, *, after: str = "") -> bool:
        """`put_tables` by a run."""

    def put_tables(self, version: TablesVersion, *, after: str = "") -> bool:
        """Make this the newest version, in the state that it says. Needs no lease.

        One that waits, or would be accepted next, is superseded by it, or becomes it where they are the same.
        Nothing happens when the newest is this one in this state already. False, and nothing is written, when
        another version runs than `after` (any, when empty): then it was judged against the wrong one; or when
        somebody else judged the same one otherwise meanwhile.
        """

    def withdraw_tables(self, sha256: str) -> None:
        """This version, if it waits or would be accepted next, is superseded. Needs no lease."""

    def tables_versions(self, *, limit: int = 50) -> Sequence[TablesVersion]:
        """Newest first, without their content."""

    def tables_version(self, sha256: str) -> TablesVersion | None:
        """The newest row of this version; its content is empty where a superseded one was forgotten."""

    def tables_known(self, sha256: str) -> bool:
        """Whether this version was ever seen (a host whose file is older never replaces a newer one)."""

    # pull
    def mark(self, source: str) -> datetime | None: ...

    def add_pulled(self, lease: Lease, source: str, records: Iterable[Record], mark: datetime | None) -> int:
        """Insert new leads as waiting, refresh the records of known ones, move the mark forward; one
        transaction. A known lead's state and epoch never change here. Returns how many are new."""

    # what the planner needs
    def leads(
        self, keys: Collection[LeadKey] | None = None, *, states: Collection[State] | None = None
    ) -> Sequence[LeadRow]:
        """By key, by state, or both; ordered by (created, key)."""

    def find(self, text: str) -> Sequence[LeadRow]:
        """Leads by "source:id" or bare source id (15 or 18 characters); where there is none, leads of
        marketing systems by the id of a CRM object that they have or had a link to."""

    def ledgers(self) -> Mapping[tuple[str, str], Ledger]:
        """(team, lane) -> ledger; team credits and last turns are over all lanes."""

    def given_since(self, at: datetime) -> Sequence[tuple[str, str, datetime]]:
        """(team, Person ID, when) of each lead decided since and not given back, or taken by hand since."""

    def rename_team(self, old: str, new: str) -> int:
        """Whatever counts by the name of team `old` counts by `new` from now on: ledgers, vouchers, last
        turns, turns with their numbers, caps, a pause. Needs no lease. Returns how many turns were moved.

        Changes nothing and raises BusyError while a run is at work, UnknownName where `old` has taken no turn
        or `new` has taken one.
        """

    # decide
    def commit_plan(self, lease: Lease, plan: Plan, *, at: datetime, tables_version: str) -> None:
        """Decisions with their trace, turns, ledger, outbox rows and lead states, in one transaction.

        Raises an error and changes nothing if any (lead, epoch) is already decided.
        """

    # deliver
    def pending(self) -> Sequence[PendingWrite]:
        """What is not settled yet, in order of decision; those of observe mode are not among them."""

    def attempt(self, lease: Lease, ids: Sequence[int]) -> None:
        """Record durably that these writes are about to be sent."""

    def settle(
        self,
        lease: Lease,
        settlements: Sequence[Settlement],
        *,
        at: datetime,
        charge: Charge | None = None,
    ) -> None:
        """Final states; outbox rows done; turns given back at most once; links made for confirmed leads:
        the settlement's own, else that of a CRM's lead to itself.

        Then `charge` is shown the ledgers and the leads that were settled now, and the turns that it returns
        are booked; all in one transaction.
        """

    def past(self, since: datetime, *, most: int) -> Past | None:
        """The runs that began since then, with at most so many decisions, as a replay needs them, and how
        things stood before the first; None when none of them says what it saw."""

    def drop_observed(self, lease: Lease) -> int:
        """Forget what observe mode decided: decisions, turns, ledger. Leads wait again. Returns how many."""

    # links
    def links(
        self,
        *,
        keys: Collection[LeadKey] | None = None,
        state: str | None = None,
        source: str | None = None,
    ) -> Sequence[Link]:
        """By record, state or source; ordered by record, CRM and date."""

    def switch_links(self, lease: Lease, contacts: Mapping[LeadKey, str], *, at: datetime) -> int:
        """Lead key -> Contact id: the live Lead link becomes `converted`, a live Contact link is made.

        Returns how many were switched; one that is already switched is not counted.
        """

    # answers
    def held(self) -> Sequence[LeadRow]: ...

    def held_count(self) -> int: ...

    def decisions(self, key: LeadKey) -> Sequence[Mapping[str, Any]]:
        """All epochs of a lead, newest first: epoch, at, run, state, reason, detail, by, team, lane, person,
        owner, tables_version, trace (dict), turn (TurnRow | None), given_back (bool), settled_at,
        ended, ended_at, ended_why, effect."""

    def retry_held(self, keys: Collection[LeadKey] | None, *, at: datetime) -> int:
        """Held leads (all when None) are decided again by the next run, whatever their reason; how many.

        Needs no lease: it only forgets what their hold depended on.
        """

    def backup(self, path: str) -> None:
        """A consistent copy of the store in one file; works while a run is on."""


class Mailer(Protocol):
    """Sends mails, one recipient each."""

    def send(self, mail: Mail) -> None:
        """Returns only when the server took it for this recipient (250 after DATA).

        Raises MailError: `final` when trying again cannot help, with a code and nothing of the server's text.
        """


class Ping(Protocol):
    """An outside watch that misses us when we are silent (healthchecks.io convention)."""

    def __call__(self, event: str) -> None:
        """event: start, success, fail. Never raises: a watch that is down must not stop a run."""


Progress = Callable[[str, int, int | None], None]
"""Told as work goes on: stage, how many done, how many in all (None when not known)."""
