"""What every source of leads promises, held by the fake, by HubSpot through the sandbox, and by a folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from source_worlds import DropWorld, HubspotWorld, MemoryWorld, Readable, World

from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import SourceAnswer, SourceRecord, SourceWrite
from allocator.sandbox.app import Sandbox

R = WriteResult


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed="empty") as made:
        yield made


@pytest.fixture(params=["memory", "hubspot"])
def world(request: pytest.FixtureRequest) -> World:
    if request.param == "memory":
        return MemoryWorld()
    return HubspotWorld(request.getfixturevalue("sandbox"))


@pytest.fixture(params=["memory", "hubspot", "drop"])
def readable(request: pytest.FixtureRequest, tmp_path: Path) -> Readable:
    if request.param == "drop":
        return DropWorld(tmp_path)
    if request.param == "memory":
        return MemoryWorld()
    return HubspotWorld(request.getfixturevalue("sandbox"))


def pulled(world: Readable, since: datetime | None = None) -> dict[str, SourceRecord]:
    return {record.key.source_id: record for page in world.source.pull(since) for record in page}


def one(world: Readable, id: str) -> SourceRecord:
    return world.source.read([id])[id]


def write(world: World, id: str, **fields: object) -> SourceAnswer:
    return world.source.write([SourceWrite(id, fields)])[0]


# --- every source ---


def test_pull_shows_what_is_in_intake(readable: Readable) -> None:
    first, second = readable.add("ana@a.example"), readable.add("ben@b.example")
    found = pulled(readable, readable.source.now() + timedelta(hours=1))
    assert set(found) == {first, second} and all(record.in_intake for record in found.values())
    assert found[first].values[readable.email] == "ana@a.example"
    assert found[first].key == (readable.source.name, first)
    assert found[first].created <= found[first].stamp and found[first].stamp.tzinfo is not None


def test_an_empty_source_is_no_error(readable: Readable) -> None:
    assert pulled(readable) == {} and readable.source.read([]) == {}
    assert readable.source.write([]) == readable.source.create([]) == []
    readable.source.taken()


def test_a_fresh_read_shows_the_record_as_pull_did(readable: Readable) -> None:
    id = readable.add("ana@a.example")
    assert pulled(readable)[id] == one(readable, id)


def test_taking_changes_no_record(readable: Readable) -> None:
    id = readable.add("ana@a.example")
    before = pulled(readable)[id]
    readable.source.taken()
    assert one(readable, id) == before


def test_its_fields_and_its_clock_are_told(readable: Readable) -> None:
    assert readable.source.fields()[readable.email].type.kind == "text"
    assert readable.source.now().tzinfo is not None and readable.source.overlap >= timedelta()


# --- systems that keep records ---


def test_a_record_that_carries_a_lead_id_is_not_in_intake(world: World) -> None:
    marked, other = world.add("ana@a.example"), world.add("ben@b.example")
    write(world, marked, crm_lead_id="00Q000000000001AAA")
    assert set(pulled(world, world.source.now() + timedelta(hours=1))) == {other}
    assert not one(world, marked).in_intake and one(world, other).in_intake


def test_the_answer_to_a_write_tells_what_the_record_holds_then(world: World) -> None:
    id = world.add("ana@a.example")
    answer = write(world, id, email="Ana@New.example", firstname="Ana", lastname=None)
    assert answer.values == {x: one(world, id).values[x] for x in ("email", "firstname", "lastname")}
    assert answer.values["email"].lower() == "ana@new.example" and world.source.fields()["email"].any_case


def test_a_change_since_is_shown_also_outside_intake(world: World) -> None:
    changed, still = world.add("ana@a.example"), world.add("ben@b.example")
    world.leave_intake(changed), world.leave_intake(still)
    world.later(60)
    world.edit(changed, firstname="Anna")
    since = one(world, changed).stamp
    assert set(pulled(world, since)) == {changed} and not pulled(world, since)[changed].in_intake
    assert set(pulled(world)) == {changed, still}


def test_the_search_may_lag_and_a_read_does_not(world: World) -> None:
    id = world.add("ana@a.example")
    world.edit(id, firstname="Ana")
    world.later(100)
    world.lag(30)
    world.edit(id, firstname="Anna")
    new = world.add("ben@b.example")
    assert pulled(world)[id].values["firstname"] == "Ana" and new not in pulled(world)
    assert one(world, id).values["firstname"] == "Anna" and not one(world, new).gone
    world.later(31)
    assert pulled(world)[id].values["firstname"] == "Anna" and new in pulled(world)


def test_archived_and_unknown_records_are_gone(world: World) -> None:
    id, other = world.add("ana@a.example"), world.add("ben@b.example")
    world.archive(id)
    found = world.source.read([id, "99999999", "no id", other])
    assert [found[x].gone for x in (id, "99999999", "no id", other)] == [True, True, True, False]
    assert id not in pulled(world)
    world.restore(id)
    assert not one(world, id).gone and id in pulled(world)


def test_a_merged_record_names_the_one_that_lives_on(world: World) -> None:
    first, second, third = (world.add(f"{name}@a.example") for name in ("ana", "ben", "chi"))
    world.merge(second, first)
    world.merge(third, second)
    found = world.source.read([first, second, third])
    assert [found[x].merged_into for x in (first, second, third)] == [third, third, None]
    assert not found[first].gone and not found[first].values
    assert one(world, first).merged_into == third
    assert set(pulled(world)) == {third}


def test_a_write_shows_and_tells_the_new_stamp(world: World) -> None:
    id = world.add("ana@a.example")
    answer = write(world, id, firstname="Ana", lastname="Alt")
    record = one(world, id)
    assert (answer.result, answer.stamp) == (R.WRITTEN, record.stamp)
    assert (record.values["firstname"], record.values["lastname"]) == ("Ana", "Alt")
    write(world, id, firstname=None)
    assert not one(world, id).values["firstname"] and one(world, id).values["lastname"] == "Alt"
    assert one(world, id).stamp > record.stamp


def test_every_write_has_its_own_answer_in_order(world: World) -> None:
    ids = [world.add(f"p{i}@a.example") for i in range(4)]
    world.archive(ids[2])
    writes = [SourceWrite(id, {"hs_language": "de"}) for id in ids]
    writes[1] = SourceWrite(ids[1], {"hs_language": "klingon", "firstname": "Ana"})
    answers = world.source.write([*writes, SourceWrite(ids[0], {"hs_language": "en"})])
    assert [answer.id for answer in answers] == [*ids, ids[0]]
    assert [answer.result for answer in answers] == [R.WRITTEN, R.REJECTED, R.GONE, R.WRITTEN, R.WRITTEN]
    assert answers[1].detail == "INVALID_OPTION" and not one(world, ids[1]).values["firstname"]
    assert one(world, ids[0]).values["hs_language"] == "en"


def test_an_unknown_field_is_refused_with_its_code(world: World) -> None:
    answer = write(world, world.add("ana@a.example"), nothing_here="x")
    assert (answer.result, answer.detail) == (R.REJECTED, "PROPERTY_DOESNT_EXIST")


def test_a_record_is_made_once(world: World) -> None:
    made, again = world.source.create(
        [{"email": "new@a.example"}, {"email": "other@a.example", "lastname": "Alt"}]
    )
    assert made.result is again.result is R.WRITTEN
    assert one(world, made.id).values["email"] == "new@a.example"
    assert one(world, again.id).values["lastname"] == "Alt"
    refused, fine = world.source.create([{"email": "NEW@a.example"}, {"email": "third@a.example"}])
    assert (refused.result, refused.detail, refused.matches) == (R.REJECTED, "CONFLICT", (made.id,))
    assert fine.result is R.WRITTEN and one(world, fine.id).values["email"] == "third@a.example"


def test_single_fields_have_stamps_of_their_own(world: World) -> None:
    id = world.add("ana@a.example")
    write(world, id, firstname="Ana")
    world.later(60)
    write(world, id, firstname="Ana", lastname="Alt")
    assert not one(world, id).stamps
    record = world.source.read([id], stamps=True)[id]
    assert record.stamps["lastname"] - record.stamps["firstname"] >= timedelta(seconds=59)


def test_owners_are_found_by_e_mail_and_back(world: World) -> None:
    ana = world.owner("Ana@us.example")
    assert world.source.owner_ids()["ana@us.example"] == ana  # type: ignore[attr-defined]
    assert world.source.owner_emails()[ana] == "ana@us.example"  # type: ignore[attr-defined]


def test_more_records_than_a_page_come_once_each_in_hundreds(world: World) -> None:
    many = [{"email": f"p{i}@a.example", "lifecyclestage": "lead"} for i in range(405)]
    ids = [made.id for made in world.source.create(many)]
    before = world.source.usage.requests
    found = [record.key.source_id for page in world.source.pull(None) for record in page]
    assert sorted(found) == sorted(ids)
    assert len(world.source.read(ids)) == 405
    assert all(
        a.result is R.WRITTEN for a in world.source.write([SourceWrite(x, {"lastname": "x"}) for x in ids])
    )
    kinds = world.source.usage.by_kind
    assert (kinds["pull"], kinds["read"], kinds["write"], kinds["create"]) == (3, 5, 5, 5)
    assert sum(kinds.values()) == world.source.usage.requests >= before + 13


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "2026-03-02T09:30:00Z"),
        (date(2026, 3, 2), "2026-03-02"),
        (None, ""),
    ],
)
def test_values_are_written_as_texts(world: World, value: object, text: str) -> None:
    id = world.add("ana@a.example")
    write(world, id, lastname=value)
    assert (one(world, id).values["lastname"] or "") == text
