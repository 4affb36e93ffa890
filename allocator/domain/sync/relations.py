"""What every store of links and of the sync holds to, as functions of values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.sync.values import Linked, SyncEnd, SyncRow, SyncStep
from allocator.errors import AllocatorError

Place = tuple[LeadKey, str, str, str]
"""What a link is known by: record, CRM, object, CRM id."""


def place(link: Link) -> Place:
    return (link.key, link.crm, link.object, link.crm_id)


def is_own(link: Link) -> bool:
    """Whether it is a CRM's lead that is linked to itself, or to what became of it."""
    return link.key.source == link.crm


def self_link(key: LeadKey) -> tuple[str, str, str]:
    """CRM, object and CRM id of a CRM's own lead."""
    return key.source, "Lead", key.source_id


def refuse_doubles(links: Iterable[Link]) -> None:
    """Raises AllocatorError when a record has two live links to a CRM, or an object two live records of one
    source. A CRM's own leads are let be: two of them may have become one Contact."""
    live = {place(one): one for one in links if one.state == Linked.LIVE and not is_own(one)}
    records = Counter((one.key, one.crm) for one in live.values())
    objects = Counter((one.key.source, one.crm, one.object, one.crm_id) for one in live.values())
    for (key, crm), count in records.items():
        if count > 1:
            raise AllocatorError(f"{key} would have {count} live links to {crm}: nothing was changed")
    for (source, crm, name, crm_id), count in objects.items():
        if count > 1:
            raise AllocatorError(
                f"{name} {crm_id} of {crm} would be linked to {count} records of {source}:"
                " nothing was changed"
            )


def means(crm_id: str, text: str) -> bool:
    """Whether a text is this id: one of 18 characters may be said by its first 15."""
    return text == crm_id or (len(crm_id) == 18 and text == crm_id[:15])


def each_once(steps: Sequence[SyncStep]) -> set[LeadKey]:
    """The records of the steps. Raises AllocatorError where one is decided twice."""
    keys = {step.row.key for step in steps}
    if len(keys) < len(steps):
        raise AllocatorError("a record is decided twice in one commit: nothing was changed")
    return keys


def after(row: SyncRow, end: SyncEnd) -> SyncRow:
    """The row of a record once one of its writes has ended so."""
    return replace(
        row,
        agreed={**row.agreed, **end.agreed},
        our_stamp=end.our_stamp or row.our_stamp,
        their_stamp=end.their_stamp or row.their_stamp,
        again=row.again if end.again is None else end.again,
        problems=(*row.problems, *end.problems),
    )
