"""Stage pull: every lead in intake, and what happened to those that left it while they waited."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from allocator.domain.lead import Closed, LeadKey, LeadStatus, Record, State
from allocator.domain.records import Lease, Settlement
from allocator.ports import CRM, Progress, Store
from allocator.service.settling import Settle
from rules.conversion import ContactPlan, RecordState, choose_plan

OVERLAP = timedelta(minutes=15)
"""How far the mark stays behind the CRM's clock: records become visible at commit, stamped earlier."""


@dataclass(frozen=True, slots=True)
class Pulled:
    """What is in intake now. `new` counts the leads never seen before, `switched` the links that moved."""

    records: tuple[Record, ...]
    new: int
    switched: int


def pull(crm: CRM, store: Store, lease: Lease, *, at: datetime, progress: Progress) -> Pulled:
    """Read all of intake before anything is decided; rows and mark are committed together.

    Level-triggered: the mark only bounds the look at conversions. Raises SourceError with nothing stored when
    the CRM's answer is not whole.
    """
    mark = crm.now() - OVERLAP  # before any reading: what changes while we read is looked at again
    switched = switch_converted(crm, store, lease, at=at)
    records = _read_intake(crm, progress)
    new = store.add_pulled(lease, crm.name, records, mark)
    return Pulled(records=records, new=new, switched=switched)


def _read_intake(crm: CRM, progress: Progress) -> tuple[Record, ...]:
    found: dict[LeadKey, Record] = {}
    for page in crm.pull():
        found.update((record.key, record) for record in page)
        progress("pull", len(found), None)
    return tuple(found.values())


def switch_converted(crm: CRM, store: Store, lease: Lease, *, at: datetime) -> int:
    """Move the link of each lead we gave and that was converted since to its Contact. Returns how many."""
    mark = store.mark(crm.name)
    if mark is None:
        return 0
    contacts = _contacts(crm.name, crm.converted_since(mark))
    return store.switch_links(lease, contacts, at=at) if contacts else 0


def _contacts(source: str, statuses: Sequence[LeadStatus]) -> dict[LeadKey, str]:
    """The Contact of each Lead whose plan is now the contact plan; the store knows which of them are ours."""
    plans = {LeadKey(source, s.id): choose_plan(record_state(s)) for s in statuses}
    return {key: plan.contact_id for key, plan in plans.items() if isinstance(plan, ContactPlan)}


def record_state(status: LeadStatus) -> RecordState:
    """What `choose_plan` needs to know of a Lead."""
    return RecordState(
        converted=status.converted,
        deleted=status.deleted or not status.known,
        master_id=status.master_id,
        lead_id=status.id,
        contact_id=status.contact_id,
    )


def settle_absent(
    crm: CRM, store: Store, settle: Settle, *, seen: Collection[LeadKey]
) -> tuple[Settlement, ...]:
    """Leads that waited or were held and have left intake: somebody took, converted or deleted them.

    One that is in intake after all (it moved between two pages) is left for the next run.
    """
    waiting = store.leads(states=(State.WAITING, State.HELD))
    absent = {row.key: row for row in waiting if row.key not in seen and row.key.source == crm.name}
    if not absent:
        return ()
    statuses = crm.status([key.source_id for key in absent])
    intake = crm.intake_ids()
    found = [fate(row.key, row.epoch, statuses[row.key.source_id], intake) for row in absent.values()]
    settlements = tuple(s for s in found if s is not None)
    settle(settlements)
    return settlements


def fate(key: LeadKey, epoch: int, status: LeadStatus, intake: Collection[str]) -> Settlement | None:
    """What a fresh read says became of a lead that is not ours to give any more; None if it still is."""
    closed = closed_reason(status)
    if closed is not None:
        return Settlement(key, epoch, State.CLOSED, reason=str(closed), give_back=True)
    if status.owner not in intake:
        return Settlement(key, epoch, State.TAKEN, detail=status.owner, give_back=True)
    return None


def closed_reason(status: LeadStatus) -> Closed | None:
    """Why this Lead is closed to us, if it is. Deleted into a winner is merged."""
    if status.deleted or not status.known:
        return Closed.MERGED if status.master_id else Closed.DELETED
    return Closed.CONVERTED if status.converted else None
