"""Links by hand: import of a table, and repair after a look at the CRM."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from allocator.domain.lead import LeadKey
from allocator.domain.records import Lease, Link
from allocator.domain.slots import NO_SLOT
from allocator.domain.sync.external_id import unfit
from allocator.domain.sync.link_file import LinkRow, RowProblem, clashes
from allocator.domain.sync.relations import is_own, place
from allocator.domain.sync.route import Place, Taken, missing, route_of
from allocator.domain.sync.values import CrmRecord, Linked
from allocator.ports import CrmRecords, Store
from allocator.service.heartbeat import Heartbeat
from rules.conversion import Held

MENDED = ("merged", "converted", "deleted")
"""What has one answer; the rest is for a person."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did: links that are new, that changed their state, that stood so already; or, with
    problems, nothing."""

    added: int = 0
    changed: int = 0
    same: int = 0
    problems: tuple[RowProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """A live link with which something is wrong: `what`, in words, and the links that put it right."""

    link: Link
    what: str
    said: str
    fix: str
    mends: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Repaired:
    """`looked_at` live links; what is wrong with them; whether what has one answer was mended."""

    looked_at: int
    findings: tuple[Finding, ...] = ()
    applied: bool = False

    @property
    def left(self) -> tuple[Finding, ...]:
        """What still waits."""
        return tuple(one for one in self.findings if not (self.applied and one.mends))


@dataclass(slots=True)
class Hand:
    """What work on the links by hand needs."""

    store: Store
    now: Callable[[], datetime]
    lease_seconds: int
    live: bool

    @contextmanager
    def lease(self, by: str, summary: dict[str, object]) -> Iterator[Lease]:
        """The lease for as long as the block takes, as a run that answers for no hour. Raises BusyError while
        another one works."""
        lease = self.store.begin_run(
            slot=NO_SLOT, by=by, at=self.now(), live=self.live, seconds=self.lease_seconds
        )
        with Heartbeat(self.store, lease, self.lease_seconds):
            try:
                yield lease
            except BaseException as error:
                failed = {"error": type(error).__name__}
                self.store.end_run(lease, at=self.now(), state="failed", summary=failed)
                raise
            self.store.end_run(lease, at=self.now(), state="done", summary=summary)


def import_links(hand: Hand, rows: Sequence[LinkRow]) -> Imported:
    """All of the rows, or none of them."""
    summary: dict[str, object] = {}
    with hand.lease("links import", summary) as lease:
        known = hand.store.links()
        problems = clashes(rows, known)
        if problems:
            return Imported(problems=tuple(problems))
        states = {place(link): link.state for link in known}
        new = [one.link for one in rows if states.get(place(one.link)) != one.link.state]
        added = sum(1 for link in new if place(link) not in states)
        hand.store.save_links(lease, new)
        done = Imported(added, len(new) - added, len(rows) - len(new))
        summary["links"] = {"added": done.added, "changed": done.changed, "same": done.same}
    return done


def repair(
    hand: Hand, crm: CrmRecords, keys: Collection[LeadKey] | None = None, *, apply: bool = False
) -> Repaired:
    """Read each live link of a marketing record afresh; mend what has one answer where `apply` says so."""
    if not apply:
        return _look(hand, crm, keys)
    summary: dict[str, object] = {}
    with hand.lease("links repair", summary) as lease:
        found = _look(hand, crm, keys)
        hand.store.save_links(lease, [link for one in found.findings for link in one.mends])
        done = Repaired(found.looked_at, found.findings, applied=True)
        summary["links"] = {"mended": len(done.findings) - len(done.left), "left": len(done.left)}
    return done


def _look(hand: Hand, crm: CrmRecords, keys: Collection[LeadKey] | None) -> Repaired:
    every = [link for link in hand.store.links() if not is_own(link)]
    look = _Look(crm, hand.now(), every)
    named = None if keys is None else set(keys)
    live = (link for link in every if link.state == Linked.LIVE)
    wanted = [link for link in live if named is None or link.key in named]
    look.read(wanted)
    found = [finding for link in wanted if (finding := look.at(link)) is not None]
    return Repaired(len(wanted), tuple(found))


@dataclass(slots=True)
class _Look:
    """One look at the CRM; what a mended link takes is not free for the next one."""

    crm: CrmRecords
    now: datetime
    every: Sequence[Link]
    records: dict[Place, CrmRecord] = field(default_factory=dict)
    taken: dict[str, Taken] = field(default_factory=dict)
    own: dict[LeadKey, list[Link]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for link in self.every:
            self.taken.setdefault(link.key.source, Taken()).put([link])
            self.own.setdefault(link.key, []).append(link)

    def read(self, links: Sequence[Link]) -> None:
        """The objects of these links and whatever those lead to, in as few requests as there are steps."""
        while wanted := {at for link in links if (at := missing(link, self.records)) is not None}:
            for kind in sorted({kind for kind, _ in wanted}):
                ids = [crm_id for of, crm_id in wanted if of == kind]
                found = self.crm.records(kind, ids, ())
                self.records.update({(kind, crm_id): found[crm_id] for crm_id in ids})

    def at(self, link: Link) -> Finding | None:
        """What is wrong with a link, if anything is."""
        record = self.records[link.object, link.crm_id]
        what = self._wrong(link, record)
        if not what:
            return None
        mends, detail = self._mends(link, what) if what in MENDED else ((), "")
        said = _SAID[what].format(**_words(link, record)) + (f": {detail}" if detail else "")
        fix = "allocator links repair --apply" if mends else _FIX[what]
        return Finding(link, what, said, fix, mends)

    def _wrong(self, link: Link, record: CrmRecord) -> str:
        if not record.known:
            return "gone"
        if record.deleted:
            return "merged" if record.master_id else "deleted"
        if record.object == "Lead" and record.converted:
            return "converted"
        if not self._is_keyed(link.object) or record.external_id.casefold() == str(link.key).casefold():
            return ""
        return "other_external_id" if record.external_id else "no_external_id"

    def _is_keyed(self, kind: str) -> bool:
        """Whether the CRM has a field that can say which marketing record an object belongs to."""
        name = self.crm.external_id
        return unfit(name, {kind: self.crm.describe(kind).get(name)}) is None

    def _mends(self, link: Link, what: str) -> tuple[tuple[Link, ...], str]:
        """The links that put it right, where there is one answer; else why there is none."""
        taken = self.taken[link.key.source]
        route = route_of(link.key, self.own[link.key], self.records, taken, at=self.now)
        if isinstance(route.plan, Held) and what != "deleted":
            return (), route.detail or str(route.plan.reason).replace("_", " ")
        taken.put(route.links)
        return route.links, ""


_SAID = {
    "gone": "{object} {id} is not known to the CRM: it was purged, or is hidden from the allocator's user",
    "deleted": "{object} {id} is in the recycle bin",
    "merged": "{object} {id} was merged into {master}",
    "converted": "Lead {id} was converted into Contact {contact}",
    "no_external_id": "{object} {id} does not say which marketing record it belongs to",
    "other_external_id": "{object} {id} says that it belongs to {external}, not to {key}",
}
_FIX = {
    "gone": "see whether it is hidden; if it was purged, import the link with the state deleted",
    "deleted": "restore it in the CRM, or import the link with the state deleted",
    "merged": "decide which marketing record the winner belongs to, and import the links as they should be",
    "converted": "find the Contact in the CRM, and import the links as they should be",
    "no_external_id": "nothing, where the sync runs: the next cycle writes it; else write it in the CRM",
    "other_external_id": "decide whose it is: mend the field in the CRM, or import the link as it should be",
}


def _words(link: Link, record: CrmRecord) -> dict[str, str]:
    return {
        "object": link.object, "id": link.crm_id, "master": record.master_id or "",
        "contact": record.contact_id or "", "external": record.external_id, "key": str(link.key),
    }  # fmt: skip
