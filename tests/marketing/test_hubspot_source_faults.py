"""HubSpot when things go wrong: limits, outages, lost replies, inputs that fail, records that move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hub import CREATE, READ, SEARCH, UPDATE, HubspotWorld, fault, pulled

from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import SourceWrite
from allocator.errors import LoginError, QuotaError, SourceError
from allocator.sandbox.app import Sandbox

R = WriteResult


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed="empty") as made:
        yield made


@pytest.fixture
def world(sandbox: Sandbox) -> HubspotWorld:
    return HubspotWorld(sandbox)


def write(world: HubspotWorld, *ids: str) -> list[WriteResult]:
    return [a.result for a in world.source.write([SourceWrite(id, {"lastname": "Neu"}) for id in ids])]


def names(world: HubspotWorld, *ids: str) -> list[str | None]:
    return [world.source.read(ids)[id].values["lastname"] for id in ids]


# --- reads ---


@pytest.mark.parametrize(("policy", "least", "most"), [("SECONDLY", 1, 2), ("TEN_SECONDLY_ROLLING", 10, 11)])
def test_a_limit_is_waited_for_by_its_policy(
    world: HubspotWorld, policy: str, least: float, most: float
) -> None:
    id = world.add("ana@a.example")
    fault(world, "status", {**SEARCH, "times": 2}, status=429, policy=policy)
    assert [record.key.source_id for record in pulled(world.source)] == [id]
    assert len(world.waits) == 2 and all(least <= wait <= most for wait in world.waits)
    assert world.source.usage.by_kind["pull"] == 3


def test_the_days_limit_ends_the_run_and_nothing_more_is_sent(world: HubspotWorld) -> None:
    id = world.add("ana@a.example")
    fault(world, "status", READ, status=429, policy="DAILY")
    with pytest.raises(QuotaError, match="daily limit"):
        world.source.read([id])
    asked = world.source.usage.requests
    [answer] = world.source.write([SourceWrite(id, {"lastname": "Neu"})])
    assert (answer.result, answer.detail) == (R.UNSENT, "DAILY")
    assert world.source.usage.requests == asked and world.waits == []


@pytest.mark.parametrize(
    ("status", "seconds", "least"), [(423, None, 2), (477, 7, 7), (503, 4, 4), (502, None, 0)]
)
def test_what_passes_is_asked_again(
    world: HubspotWorld, status: int, seconds: float | None, least: float
) -> None:
    id = world.add("ana@a.example")
    fault(world, "status", {**READ, "times": 1}, status=status, **({"seconds": seconds} if seconds else {}))
    assert not world.source.read([id])[id].gone
    assert len(world.waits) == 1 and world.waits[0] >= least


def test_an_outage_ends_after_a_few_tries_and_is_no_empty_answer(world: HubspotWorld) -> None:
    fault(world, "status", {"path": "/crm/", "times": 0}, status=500)
    for ask in (
        lambda: pulled(world.source),
        lambda: world.source.read(["1"]),
        lambda: world.source.fields(),
    ):
        with pytest.raises(SourceError, match="gave no usable answer: HTTP 500"):
            ask()
    assert world.source.usage.requests == 15


def test_whoever_asks_to_stay_away_for_long_is_not_waited_for(world: HubspotWorld) -> None:
    fault(world, "status", {**READ, "times": 0}, status=503, seconds=200)
    world.source.fields()
    with pytest.raises(SourceError):
        world.source.read(["1"])
    assert world.waits == []


@pytest.mark.parametrize(("status", "said"), [(401, "refused the token"), (403, "scopes")])
def test_a_refused_token_is_said_once_and_without_it(world: HubspotWorld, status: int, said: str) -> None:
    fault(world, "status", {"path": "/crm/", "times": 0}, status=status)
    with pytest.raises(LoginError, match=said) as error:
        pulled(world.source)
    assert world.token not in str(error.value) and world.source.usage.requests == 1
    [answer] = world.source.write([SourceWrite("1", {"lastname": "x"})])
    assert (answer.result, answer.detail) == (R.UNSENT, "NOT_ALLOWED")


@pytest.mark.parametrize("do", ["html", "truncate", "reset", "drop"])
def test_a_torn_page_is_asked_for_again(world: HubspotWorld, do: str) -> None:
    id = world.add("ana@a.example")
    fault(
        world, do, {**SEARCH, "times": 1}, **({} if do in ("html", "truncate") else {"when": "after_commit"})
    )
    assert [record.key.source_id for record in pulled(world.source)] == [id]


# --- writes ---


@pytest.mark.parametrize("when", ["before", "after_commit"])
@pytest.mark.parametrize("do", ["drop", "reset", "status"])
def test_a_write_without_an_answer_is_unknown_and_sent_once(world: HubspotWorld, do: str, when: str) -> None:
    ids = [world.add("ana@a.example"), world.add("ben@b.example")]
    fault(world, do, {**UPDATE, "times": 0}, when=when, **({"status": 500} if do == "status" else {}))
    assert write(world, *ids) == [R.UNKNOWN, R.UNKNOWN]
    assert world.source.usage.by_kind["write"] == 1
    assert names(world, *ids) == (["Neu", "Neu"] if when == "after_commit" else [None, None])


def test_a_limit_on_a_write_is_waited_for_and_sent_again(world: HubspotWorld) -> None:
    id = world.add("ana@a.example")
    fault(world, "status", {**UPDATE, "times": 2}, status=429)
    assert write(world, id) == [R.WRITTEN] and len(world.waits) == 2
    fault(world, "status", {**UPDATE, "times": 0}, status=429)
    assert write(world, id) == [R.UNSENT]


def test_an_account_that_is_being_moved_took_no_write(world: HubspotWorld) -> None:
    id = world.add("ana@a.example")
    fault(world, "status", {**UPDATE, "times": 0}, status=477, seconds=120)
    assert write(world, id) == [R.UNSENT] and names(world, id) == [None]


def test_inputs_that_fail_alone_are_told_apart_in_a_207(world: HubspotWorld) -> None:
    ids = [world.add(f"p{i}@a.example") for i in range(5)]
    fault(world, "status", {**UPDATE, "record": ids[1], "times": 1}, status=409)
    fault(world, "status", {**UPDATE, "record": ids[3], "times": 1}, status=400, code="INVALID_DATE")
    answers = world.source.write([SourceWrite(id, {"lastname": "Neu"}) for id in ids])
    assert [a.result for a in answers] == [R.WRITTEN, R.REJECTED, R.WRITTEN, R.REJECTED, R.WRITTEN]
    assert (answers[1].detail, answers[3].detail) == ("CONFLICT", "INVALID_DATE")
    assert names(world, *ids) == ["Neu", None, "Neu", None, "Neu"]


def test_a_record_that_was_merged_after_the_read_is_unknown_until_it_is_read_again(
    world: HubspotWorld,
) -> None:
    loser, winner = world.add("ana@a.example"), world.add("ben@b.example")
    world.merge(winner, loser)
    assert write(world, loser) == [R.UNKNOWN]
    assert world.source.read([loser])[loser].merged_into == winner


def test_a_lost_reply_to_a_creation_is_unknown_and_not_sent_again(world: HubspotWorld) -> None:
    fault(world, "reset", {**CREATE, "times": 1}, when="after_commit")
    [made] = world.source.create([{"email": "new@a.example"}])
    assert made.result is R.UNKNOWN and world.source.usage.by_kind["create"] == 1
    [again] = world.source.create([{"email": "new@a.example"}])
    assert again.result is R.REJECTED and len(again.matches) == 1


# --- search ---


def test_more_than_search_shows_in_all_are_found(
    world: HubspotWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cap on what one search shows is lowered from 10,000 to two pages."""
    monkeypatch.setattr("allocator.sandbox.hubspot.search.ALL", 400)
    made = world.source.create([{"email": f"p{i}@a.example", "lifecyclestage": "lead"} for i in range(650)])
    assert sorted(r.key.source_id for r in pulled(world.source)) == sorted(one.id for one in made)
    assert world.source.usage.by_kind["pull"] == 4


def test_no_record_is_lost_between_pages_while_others_move(world: HubspotWorld) -> None:
    made = world.source.create([{"email": f"p{i}@a.example", "lifecyclestage": "lead"} for i in range(450)])
    ids = sorted((one.id for one in made), key=int)
    pages = world.source.pull(datetime(2030, 1, 1, tzinfo=UTC))
    seen = [record.key.source_id for record in next(pages)]
    world.leave_intake(ids[0]), world.archive(ids[1]), world.edit(ids[-1], firstname="late")
    seen += [record.key.source_id for page in pages for record in page]
    assert seen == ids


def test_an_intake_property_that_is_not_there_stops_the_source_with_the_fix(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox, intake_field="lead_stage")
    with pytest.raises(SourceError, match=r'no contact property "lead_stage"\. Name one.*intake_field'):
        pulled(world.source)


def test_write_back_properties_that_are_not_there_are_left_out_of_the_question(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox, marked=("crm_lead_id", "never_made"), written=("nowhere",))
    id = world.add("ana@a.example")
    [record] = pulled(world.source)
    assert record.key.source_id == id and "never_made" not in record.values


def test_dated_paths_are_the_same_account(sandbox: Sandbox) -> None:
    world = HubspotWorld(sandbox, path="/crm/objects/2026-03")
    id = world.add("ana@a.example")
    assert [record.key.source_id for record in pulled(world.source)] == [id]
    assert write(world, id) == [R.WRITTEN] and world.source.owner_ids() == {}


def test_all_properties_are_read_where_none_are_named(world: HubspotWorld) -> None:
    from allocator.adapters.marketing.hubspot import HubspotSettings, HubspotSource

    id = world.add("ana@a.example")
    source = HubspotSource(HubspotSettings(token=world.token, url=world.url))
    values = source.read([id])[id].values
    assert {"jobtitle", "crm_lead_id", "email"} <= values.keys() and "hs_is_contact" not in values


def test_fields_are_told_with_their_kinds(world: HubspotWorld) -> None:
    world.property("shoe_size", type="number", fieldType="number")
    world.property("wishes", type="enumeration", fieldType="checkbox", options=[{"value": "a", "label": "A"}])
    world.property("met_on", type="date", fieldType="date")
    fields = world.source.fields()
    kinds = {name: fields[name].type.kind for name in ("shoe_size", "wishes", "met_on", "closedate", "email")}
    assert kinds == {
        "shoe_size": "number", "wishes": "multi_picklist", "met_on": "date", "closedate": "datetime",
        "email": "text",
    }  # fmt: skip
    assert fields["hs_language"].type.restricted and "de" in fields["hs_language"].type.options
    assert fields["hubspot_owner_id"].type.kind == "text" and not fields["lastmodifieddate"].writable
