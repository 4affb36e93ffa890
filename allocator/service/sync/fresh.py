"""Fresh reads of linked records on both sides: what a cycle decides by, never a search's answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta

from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.sync.mapping import FieldMap
from allocator.domain.sync.route import Place, missing
from allocator.domain.sync.values import CrmRecord, SourceRecord
from allocator.ports import CRM, LeadSource


class Fresh:
    """Reads both sides. `asking` names the system that was asked last: whose trouble an error is."""

    def __init__(self, crm: CRM, source: LeadSource, mapping: FieldMap, now: Callable[[], datetime]) -> None:
        self.crm, self.source, self._now = crm, source, now
        self._fields = {"Lead": mapping.lead_fields(), "Contact": mapping.contact_fields()}
        self.asking = source.name
        self.ours_ahead = self.theirs_ahead = timedelta()

    def ours(self, keys: Collection[LeadKey], *, stamps: bool = False) -> dict[LeadKey, SourceRecord]:
        """The marketing records, gone ones included."""
        self.asking = self.source.name
        read = self.source.read([key.source_id for key in keys], stamps=stamps)
        self.ours_ahead = self.source.now() - self._now()
        return {key: read[key.source_id] for key in keys}

    def theirs(self, starts: Iterable[Link]) -> dict[Place, CrmRecord]:
        """Everything that the links lead to: the objects, what they became, who won their merges."""
        found: dict[Place, CrmRecord] = {}
        links = tuple(starts)
        while wanted := {at for link in links if (at := missing(link, found)) is not None}:
            found |= self.records(wanted)
        return found

    def records(self, places: Collection[Place]) -> Mapping[Place, CrmRecord]:
        """These, with the fields of the mapping; one entry for each."""
        if not places:
            return {}
        self.asking = self.crm.name
        wanted: dict[str, list[str]] = {}
        for object, id in sorted(set(places)):
            wanted.setdefault(object, []).append(id)
        read = self.crm.records_of(wanted, self._fields)
        self.theirs_ahead = self.crm.now() - self._now()
        return read
