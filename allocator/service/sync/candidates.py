"""Which linked records have to be looked at in a cycle, from the store and two searches that may lag."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from allocator.domain.lead import LeadKey
from allocator.domain.sync.base import is_of_other_rules
from allocator.domain.sync.look import differs
from allocator.domain.sync.mapping import EXTERNAL_ID, FieldMap
from allocator.domain.sync.route import Taken
from allocator.domain.sync.values import CrmRecord, Linked, SyncRow, SyncWrite
from allocator.ports import CRM, Store
from allocator.service.sync.marks import Pulled, crm_changes

FORGOTTEN = timedelta(days=30)
"""So long a held record is looked at in every cycle; later only with all the others."""


@dataclass(slots=True)
class Known:
    """What the store knows of a source's linked records."""

    taken: Taken = field(default_factory=Taken)
    rows: dict[LeadKey, SyncRow] = field(default_factory=dict)
    pending: dict[LeadKey, list[SyncWrite]] = field(default_factory=dict)


def known_of(store: Store, crm: str, source: str) -> Known:
    """Live links, rows and writes that were not settled."""
    known = Known()
    live = store.links(state=Linked.LIVE, source=source)
    known.taken.put([link for link in live if link.crm == crm])
    known.rows = {row.key: row for row in store.syncs(source=source)}
    for write in store.pending_sync(source=source):
        known.pending.setdefault(write.key, []).append(write)
    return known


def changed_in(crm: CRM, store: Store, source: str) -> list[CrmRecord]:
    """What the CRM says has changed since the mark. Raises SourceError."""
    since = store.mark(crm_changes(crm.name, source))
    if since is None:
        return []
    return [one for object in ("Lead", "Contact") for page in crm.changed(object, since, ()) for one in page]


def due(
    known: Known, pulled: Pulled, changed: Iterable[CrmRecord], mapping: FieldMap, *, at: datetime
) -> list[LeadKey]:
    """The records to look at, those with a Lead first: a batch then reads one object of the CRM."""
    linked, rows = known.taken.by_key, known.rows
    found = {key for key, row in rows.items() if row.again or _is_held(row, pulled, at) or _is_hidden(row)}
    found |= {
        key for key in linked if pulled.full or key not in rows or is_of_other_rules(rows[key], mapping)
    }
    found |= known.pending.keys()
    found |= {key for key in pulled.records.keys() & rows.keys() if _ours_moved(rows[key], pulled, mapping)}
    places = known.taken.by_place
    for one in changed:
        key = places.get((one.object, one.id))
        if key is not None and (key not in rows or rows[key].their_stamp != one.moved):
            found.add(key)
    return sorted((key for key in found if key in linked or key in rows), key=lambda key: _order(known, key))


def _is_held(row: SyncRow, pulled: Pulled, at: datetime) -> bool:
    return row.plan == "held" and (pulled.full or at - row.since < FORGOTTEN)


def _is_hidden(row: SyncRow) -> bool:
    """Whether the CRM's record could not be given its external id: the search finds only those with one."""
    return row.plan != "held" and any(problem.rule == EXTERNAL_ID for problem in row.problems)


def _ours_moved(row: SyncRow, pulled: Pulled, mapping: FieldMap) -> bool:
    """Whether a search shows what the row does not know: a newer stamp, or under ours somebody else's value.

    A person's edit between our read and our write has our own write's stamp on top of it.
    """
    if row.plan == "held":
        return False
    one = pulled.records[row.key]
    if row.our_stamp is None or one.stamp > row.our_stamp:
        return True
    return differs(row, one, mapping.rules_for("lead" if row.plan == "lead" else "contact"))


def _order(known: Known, key: LeadKey) -> tuple[Sequence[str], LeadKey]:
    link = known.taken.by_key.get(key)
    return ("" if link is None else "Lead" if link.object == "Lead" else "Z"), key
