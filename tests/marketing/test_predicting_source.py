"""A marketing system in a dry run: what is written reads back, and the system itself hears nothing of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from allocator.adapters.marketing.memory import MemorySource
from allocator.adapters.marketing.predicting import PredictingSource
from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import SourceWrite

AT = datetime(2026, 11, 2, 9, tzinfo=UTC)


class Clock:
    at = AT

    def __call__(self) -> datetime:
        return self.at


def test_what_is_written_reads_back_as_the_system_would_show_it_and_is_written_nowhere() -> None:
    clock = Clock()
    real = MemorySource(now=clock)
    ada = real.add(firstname="Ada", phone="1")
    before = real.record(ada)
    dry = PredictingSource(real)
    clock.at += timedelta(hours=1)
    (answer,) = dry.write(
        [SourceWrite(ada, {"phone": None, "crm_lead_id": "00Q1", "born": date(1815, 12, 10)})]
    )
    assert (answer.result, answer.stamp) == (WriteResult.WRITTEN, clock.at)
    seen = dry.read([ada], stamps=True)[ada]
    assert seen.stamp == clock.at
    assert {name: seen.values[name] for name in ("firstname", "phone", "crm_lead_id", "born")} == {
        "firstname": "Ada", "phone": "", "crm_lead_id": "00Q1", "born": "1815-12-10",
    }  # fmt: skip
    assert (seen.stamps["phone"], seen.stamps["firstname"]) == (clock.at, AT)
    assert next(one for page in dry.pull(None) for one in page).values["crm_lead_id"] == "00Q1"
    assert real.record(ada) == before


def test_what_is_made_reads_back_and_nothing_is_put_away() -> None:
    real = MemorySource(now=lambda: AT)
    dry = PredictingSource(real)
    (made,) = dry.create([{"email": "ada@analytical.example"}])
    dry.taken()
    assert dry.read([made.id])[made.id].values == {"email": "ada@analytical.example"}
    assert (real.ids, real.puts_away) == ((), 0)


def test_everything_else_is_the_systems_own() -> None:
    real = MemorySource(now=lambda: AT, takes_writes=False)
    real.add_owner("ana@example.com")
    dry = PredictingSource(real)
    assert (dry.name, dry.takes_writes, dry.overlap) == (real.name, real.takes_writes, real.overlap)
    assert (dry.now(), dry.fields(), dry.owner_ids()) == (real.now(), real.fields(), real.owner_ids())
    assert dry.usage is real.usage
