"""A marketing system for dry runs: reads are real, writes are remembered and read back as if made."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from allocator.adapters.marketing.wire import as_text
from allocator.domain.lead import LeadKey, WriteResult
from allocator.domain.records import CrmUsage
from allocator.domain.sync.intake import IntakeDoubt
from allocator.domain.sync.values import FieldInfo, LeftOut, Made, SourceAnswer, SourceRecord, SourceWrite
from allocator.ports import LeadSource


class PredictingSource:
    """Wraps a marketing system; nothing it does changes it, and no file is put away."""

    def __init__(self, inner: LeadSource) -> None:
        self.name = inner.name
        self._inner = inner
        self._written: dict[str, dict[str, str]] = {}
        self._stamps: dict[str, datetime] = {}
        self._made: dict[str, SourceRecord] = {}
        self._numbers = count(1)

    @property
    def usage(self) -> CrmUsage:
        return self._inner.usage

    @property
    def takes_writes(self) -> bool:
        return self._inner.takes_writes

    @property
    def overlap(self) -> timedelta:
        return self._inner.overlap

    def now(self) -> datetime:
        return self._inner.now()

    def fields(self) -> Mapping[str, FieldInfo]:
        return self._inner.fields()

    def owner_ids(self) -> Mapping[str, str]:
        return self._inner.owner_ids()

    def pull(self, since: datetime | None) -> Iterator[Sequence[SourceRecord]]:
        for page in self._inner.pull(since):
            yield [self._seen(one) for one in page]

    def read(self, ids: Collection[str], *, stamps: bool = False) -> Mapping[str, SourceRecord]:
        real = [one for one in ids if one not in self._made]
        found = self._inner.read(real, stamps=stamps) if real else {}
        return {one: self._seen(found[one] if one in found else self._made[one]) for one in ids}

    def write(self, writes: Sequence[SourceWrite]) -> Sequence[SourceAnswer]:
        at = self.now()
        for write in writes:
            texts = {name: as_text(value) for name, value in write.fields.items()}
            self._written.setdefault(write.id, {}).update(texts)
            self._stamps[write.id] = at
        return [SourceAnswer(write.id, WriteResult.WRITTEN, stamp=at) for write in writes]

    def create(self, records: Sequence[Mapping[str, object]]) -> Sequence[Made]:
        return [Made(WriteResult.WRITTEN, self._make(values)) for values in records]

    def intake_doubt(self) -> IntakeDoubt | None:
        return self._inner.intake_doubt()

    def taken(self) -> None:
        """It stays where it is."""

    def left_out(self) -> Sequence[LeftOut]:
        return self._inner.left_out()

    def _make(self, values: Mapping[str, object]) -> str:
        made, at = f"dry-run-{next(self._numbers)}", self.now()
        texts = {name: as_text(value) for name, value in values.items()}
        self._made[made] = SourceRecord(LeadKey(self.name, made), at, at, texts)
        return made

    def _seen(self, one: SourceRecord) -> SourceRecord:
        texts = self._written.get(one.key.source_id)
        if not texts:
            return one
        stamp = max(one.stamp, self._stamps[one.key.source_id])
        stamps = {**one.stamps, **dict.fromkeys(texts, stamp)} if one.stamps else one.stamps
        return replace(one, values={**one.values, **texts}, stamp=stamp, stamps=stamps)
