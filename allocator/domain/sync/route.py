"""Where a linked marketing record writes to now: its links followed through a fresh read.

A link says where to begin, never what is there: a Lead that turns out converted leads to its Contact, the
loser of a merge to the winner, and only the end of the trail is written. Pure: what has to be read is asked
for by `missing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise

from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.sync.values import CrmRecord, Linked
from rules.conversion import Held, Plan, RecordState, choose_plan

Place = tuple[str, str]
"""An object of the CRM and an id."""

HOPS = 5
"""So many merges are followed; who was merged more often is held."""

_GONE_FOR = ("deleted", "contact_missing", "merged", "merged_into_several", "ambiguous_match")
"""Held for these reasons, a link to a deleted record says so."""


@dataclass(slots=True)
class Taken:
    """Which marketing record of one source has which live link; kept up to date while a batch is decided."""

    by_place: dict[Place, LeadKey] = field(default_factory=dict)
    by_key: dict[LeadKey, Link] = field(default_factory=dict)

    def put(self, links: Sequence[Link]) -> None:
        """Links as they stand from now on: those that end first, so that one may move."""
        for link in sorted(links, key=lambda link: link.state == Linked.LIVE):
            at = (link.object, link.crm_id)
            if link.state == Linked.LIVE:
                self.by_place[at] = link.key
                self.by_key[link.key] = link
                continue
            if self.by_place.get(at) == link.key:
                del self.by_place[at]
            held = self.by_key.get(link.key)
            if held is not None and (held.object, held.crm_id) == at:
                del self.by_key[link.key]

    def other(self, place: Place, key: LeadKey) -> LeadKey | None:
        """Whose it is, if it is somebody else's."""
        owner = self.by_place.get(place)
        return None if owner == key else owner


@dataclass(frozen=True, slots=True)
class Route:
    """The plan of a marketing record, the records that led to it, and the links that change with it."""

    plan: Plan
    trail: tuple[CrmRecord, ...]
    links: tuple[Link, ...] = ()
    detail: str = ""

    @property
    def end(self) -> CrmRecord:
        """The record that the plan is about."""
        return self.trail[-1]

    @property
    def lead(self) -> CrmRecord | None:
        """The Lead as it was read now, if one is on the trail."""
        return next((one for one in reversed(self.trail) if one.object == "Lead"), None)


def start_of(links: Sequence[Link]) -> Link | None:
    """The link to begin with: the live one, else the last that ended without leading to another."""
    ended = [x for x in links if x.state in (Linked.DELETED, Linked.MERGED)]
    live = [x for x in links if x.state == Linked.LIVE]
    return max(live or ended, key=lambda x: (x.since, x.object == "Contact"), default=None)


def missing(start: Link, records: Mapping[Place, CrmRecord]) -> Place | None:
    """What has to be read before `route_of` can answer; None when nothing."""
    trail = _trail((start.object, start.crm_id), records)
    at = _next(trail) if trail else (start.object, start.crm_id)
    return at if at is not None and at not in records else None


def route_of(
    key: LeadKey,
    links: Sequence[Link],
    records: Mapping[Place, CrmRecord],
    taken: Taken,
    *,
    at: datetime,
) -> Route:
    """The one plan of a marketing record that has links. `records` holds all that `missing` asked for."""
    start = start_of(links)
    if start is None:
        raise ValueError(f"{key} has no link to begin with")
    trail = _trail((start.object, start.crm_id), records)
    plan = choose_plan(state_of(trail, links))
    detail = ""
    if not isinstance(plan, Held):
        plan, detail = _unless_taken(plan, trail, key, taken)
    return Route(plan, trail, _changed(key, links, _standing(plan, trail, start), start.crm, at), detail)


def state_of(trail: Sequence[CrmRecord], links: Sequence[Link] = ()) -> RecordState:
    """What `choose_plan` needs to know of where a link led to; what was followed counts no more."""
    contact = next((one for one in reversed(trail) if one.object == "Contact"), None)
    lead = next((one for one in reversed(trail) if one.object == "Lead"), None)
    if lead is None:
        return _state_of_contact(trail[-1], links)
    if not lead.known:
        return RecordState(None, deleted=True, lead_id=lead.id)
    shown = lead if contact is None or not contact.known else contact
    return RecordState(
        converted=lead.converted,
        deleted=lead.deleted,
        master_id=lead.master_id or _odd_master(contact),
        lead_id=lead.id,
        contact_id=contact.id if contact else lead.contact_id,
        contact_deleted=_is_gone(contact) if contact else False,
        person_account=shown.person_account,
    )


def _state_of_contact(contact: CrmRecord, links: Sequence[Link]) -> RecordState:
    came_from = tuple(x.crm_id for x in links if (x.object, x.state) == ("Lead", Linked.CONVERTED))
    return RecordState(
        converted=None,
        found="contact",
        contact_id=contact.id,
        contact_deleted=_is_gone(contact),
        master_id=contact.master_id if contact.known else None,
        person_account=contact.person_account if contact.known else False,
        lead_id=came_from,
    )


def _odd_master(contact: CrmRecord | None) -> str | None:
    """The winner of a merge that a Contact is said to have lost, and which it is alive after all the same."""
    return contact.master_id if contact is not None and not _is_gone(contact) else None


def _is_gone(contact: CrmRecord) -> bool | None:
    return contact.deleted if contact.known else True


def _trail(start: Place, records: Mapping[Place, CrmRecord]) -> tuple[CrmRecord, ...]:
    """The records from the start on, as far as they were read."""
    found: list[CrmRecord] = []
    at: Place | None = start
    while at is not None and at in records:
        found.append(records[at])
        at = _next(found)
    return tuple(found)


def _next(trail: Sequence[CrmRecord]) -> Place | None:
    """Where the last record of a trail leads to, if it leads on."""
    last = trail[-1]
    if not last.known:
        return None
    if last.deleted and last.master_id:
        at = (last.object, last.master_id)
        seen = {(one.object, one.id) for one in trail}
        merges = sum(1 for one in trail if one.deleted and one.master_id)
        return None if at in seen or merges > HOPS else at
    if last.object == "Lead" and last.converted is True and not last.deleted and last.contact_id:
        return ("Contact", last.contact_id)
    return None


def _unless_taken(plan: Plan, trail: Sequence[CrmRecord], key: LeadKey, taken: Taken) -> tuple[Plan, str]:
    """Another marketing record that has the end of the trail keeps it: none is guessed."""
    end = trail[-1]
    other = taken.other((end.object, end.id), key)
    if other is not None:
        was_merged = any(one.deleted and one.object == end.object for one in trail[:-1])
        detail = f"{end.object} {end.id} is linked to {other}"
        return Held("merged" if was_merged else "ambiguous_match"), detail
    said = key_in(end.external_id)
    if said is not None and said != key and said.source == key.source and said in taken.by_key:
        detail = f"{end.object} {end.id} says that it belongs to {said}, which has a link of its own"
        return Held("ambiguous_match"), detail
    return plan, ""


def key_in(text: str) -> LeadKey | None:
    """The marketing record that an external id names; None where it names none."""
    source, colon, id = text.partition(":")
    return LeadKey(source, id) if colon and id else None


def _standing(plan: Plan, trail: Sequence[CrmRecord], start: Link) -> dict[Place, Linked]:
    """How the links to the records of a trail stand under a plan."""
    if isinstance(plan, Held):
        first = trail[0]
        if plan.reason not in _GONE_FOR or (first.known and not first.deleted):
            return {}
        merged = first.known and first.master_id
        return {(first.object, first.id): Linked.MERGED if merged else Linked.DELETED}
    found: dict[Place, Linked] = {}
    for one, after in pairwise(trail):
        is_conversion = one.object != after.object
        found[(one.object, one.id)] = Linked.CONVERTED if is_conversion else Linked.MERGED
    end = trail[-1]
    return {**found, (end.object, end.id): Linked.LIVE}


def _changed(
    key: LeadKey, links: Sequence[Link], standing: Mapping[Place, Linked], crm: str, at: datetime
) -> tuple[Link, ...]:
    """The links that do not stand so yet."""
    known = {(x.object, x.crm_id): x for x in links}
    made = []
    for place, state in standing.items():
        old = known.get(place)
        if old is None:
            made.append(Link(key, crm, *place, state, at))
        elif old.state != state:
            made.append(replace(old, state=state, since=at))
    return tuple(made)
