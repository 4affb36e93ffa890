"""Answers that no honest HubSpot gives are never read as "no leads"; recorded ones are read as they were."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hub import Reply, ScriptedOrg, Waits, contact, definition, found, pulled, scripted

from allocator.adapters.marketing.hubspot import HubspotSettings, HubspotSource
from allocator.adapters.marketing.hubspot.errors import refusal
from allocator.adapters.marketing.hubspot.shape import field_info, record
from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import SourceWrite
from allocator.errors import ConfigError, LoginError, SourceError

R = WriteResult
OWN = HubspotSettings(token="pat-canary")


@pytest.fixture
def org() -> Iterator[ScriptedOrg]:
    with ScriptedOrg() as made:
        yield made


@pytest.mark.parametrize(
    "page",
    [
        Reply(200, {}),
        Reply(200, []),
        Reply(200, None),
        Reply(200, {"results": []}),
        Reply(200, {"total": "0", "results": []}),
        Reply(200, {"total": 0}),
        Reply(200, b"<html>"),
        found(total=3),
        found(contact(1), total=2),
        found(contact(2), contact(1)),
        found(contact(1), contact(1)),
        found({"id": "x"}),
        found({**contact(1), "properties": None}),
        found({**contact(1), "createdAt": None}),
    ],
)
def test_a_page_that_is_short_or_malformed_is_no_page(org: ScriptedOrg, page: Reply) -> None:
    org.on("POST .*/search", page)
    with pytest.raises(SourceError, match="no usable answer"):
        pulled(scripted(org))


def test_a_page_that_comes_right_the_next_time_is_taken(org: ScriptedOrg) -> None:
    org.on("POST .*/search", found(contact(1), total=2), found(contact(1), contact(2)))
    assert [r.key.source_id for r in pulled(scripted(org))] == ["1", "2"]


def test_every_page_asks_beyond_the_last_id_within_the_limits_of_filters(org: ScriptedOrg) -> None:
    org.on("POST .*/search", found(*map(contact, range(1, 201)), total=201), found(contact(777)))
    since = datetime(2026, 3, 2, tzinfo=UTC)
    assert sum(len(page) for page in scripted(org).pull(since)) == 201
    first, second = (seen.body for seen in org.requests("/search"))
    assert first["sorts"] == [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    assert [group["filters"][-1]["value"] for group in second["filterGroups"]] == ["200", "200"]
    assert "after" not in second and second["limit"] == 200
    sizes = [len(group["filters"]) for group in first["filterGroups"]]
    assert len(sizes) == 2 and max(sizes) <= 6 and sum(sizes) <= 18
    assert first["filterGroups"][1]["filters"][0] == {
        "propertyName": "lastmodifieddate", "operator": "GTE", "value": str(int(since.timestamp() * 1000)),
    }  # fmt: skip


def test_the_token_travels_in_the_header_alone(org: ScriptedOrg) -> None:
    org.on("POST .*/search", found(contact(1)))
    pulled(scripted(org))
    assert all(seen.headers["Authorization"] == "Bearer pat-canary" for seen in org.seen)
    assert all("pat-canary" not in seen.target + json.dumps(seen.body) for seen in org.seen)


def update(org: ScriptedOrg, *replies: Reply, count: int = 3) -> list[tuple[WriteResult, str]]:
    org.on("POST .*/batch/update", *replies)
    writes = [SourceWrite(str(n), {"email": "x"}) for n in range(1, count + 1)]
    return [(answer.result, answer.detail) for answer in scripted(org, patience=2).write(writes)]


def test_results_are_matched_by_id_and_what_is_in_neither_list_is_unknown(org: ScriptedOrg) -> None:
    errors = [{"status": "error", "category": "OBJECT_NOT_FOUND", "context": {"ids": ["1"]}}]
    reply = Reply(207, {"status": "COMPLETE", "results": [contact(3)], "errors": errors, "numErrors": 1})
    assert update(org, reply) == [(R.GONE, "OBJECT_NOT_FOUND"), (R.UNKNOWN, ""), (R.WRITTEN, "")]


@pytest.mark.parametrize(
    "body", [None, [], {}, {"results": "x", "errors": 7}, {"results": [None, {"id": 1}, {}]}, b"<"]
)
def test_a_write_whose_answer_says_nothing_is_unknown(org: ScriptedOrg, body: Any) -> None:
    assert update(org, Reply(200, body)) == [(R.UNKNOWN, "")] * 3
    assert len(org.requests("batch/update")) == 1


def test_a_batch_that_one_wrong_input_refuses_is_halved_until_it_stands_alone(org: ScriptedOrg) -> None:
    def answer(seen: Any) -> Reply:
        ids = [int(one["id"]) for one in seen.body["inputs"]]
        wrong = {"status": "error", "category": "VALIDATION_ERROR", "errors": [{"code": "INVALID_EMAIL"}]}
        return Reply(400, wrong) if 2 in ids else Reply(200, {"results": [contact(n) for n in reversed(ids)]})

    usual = org.answer
    org.answer = lambda seen: answer(seen) if "batch/update" in seen.target else usual(seen)  # type: ignore[method-assign]
    found_out = scripted(org).write([SourceWrite(str(n), {"email": "x"}) for n in range(1, 9)])
    assert [a.result for a in found_out] == [R.WRITTEN, R.REJECTED, *[R.WRITTEN] * 6]
    assert found_out[1].detail == "INVALID_EMAIL"


@pytest.mark.parametrize(("status", "result"), [(404, R.UNSENT), (405, R.UNSENT), (302, R.UNKNOWN)])
def test_a_path_that_is_not_there_makes_no_record_gone(org: ScriptedOrg, status: int, result: R) -> None:
    assert {found[0] for found in update(org, Reply(status, b"<html>"))} == {result}
    assert len(org.requests("batch/update")) == 1


def test_a_search_never_asks_more_than_hubspot_reads(org: ScriptedOrg) -> None:
    many = [definition(f"property_number_{n}") for n in range(300)]
    many += [definition("lifecyclestage"), definition("hubspot_owner_id")]
    org.on("GET /crm/v3/properties", Reply(200, {"results": many}))
    org.on("POST .*/search", found(contact(1)))
    source = HubspotSource(HubspotSettings(token="t", url=org.url), sleep=Waits())
    assert len(pulled(source)) == 1
    [asked] = org.requests("/search")
    assert (
        asked.body["properties"] == ["lifecyclestage", "hubspot_owner_id"]
        and len(json.dumps(asked.body)) < 3_000
    )


def test_a_write_that_surely_never_left_is_unsent(org: ScriptedOrg) -> None:
    source = scripted(org)
    dead = HubspotSource(HubspotSettings(token="t", url="http://127.0.0.1:1"), sleep=Waits())
    assert [a.result for a in dead.write([SourceWrite("1", {})])] == [R.UNSENT]
    assert [a.result for a in dead.create([{}])] == [R.UNSENT]
    source.close()


def test_created_contacts_are_matched_by_trace_or_e_mail_and_never_by_order(org: ScriptedOrg) -> None:
    second = {**contact(22), "objectWriteTraceId": "new-1"}
    by_email = contact(11, email="ANA@a.example")
    stranger = contact(99, email="x@x.example")
    org.on("POST .*/batch/create", Reply(201, {"results": [second, stranger, by_email]}))
    made = scripted(org).create(
        [{"email": "ana@a.example"}, {"email": "ben@b.example"}, {"email": "chi@c.example"}]
    )
    assert [(one.result, one.id) for one in made] == [(R.WRITTEN, "11"), (R.WRITTEN, "22"), (R.UNKNOWN, "")]


def test_no_text_of_an_answer_gets_into_a_message(org: ScriptedOrg) -> None:
    said = {"status": "error", "category": "VALIDATION_ERROR", "message": "secret-in-answer", "errors": []}
    org.on("POST .*/search", Reply(400, said))
    with pytest.raises(SourceError, match="VALIDATION_ERROR") as error:
        pulled(scripted(org))
    assert "secret-in-answer" not in str(error.value) and error.value.__cause__ is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"url": "http://api.hubapi.com"}, "must begin with https"),
        ({"url": "https://10.0.0.7"}, "private host"),
        ({"url": "nonsense"}, "is no URL"),
        ({"token": "a\nb"}, "is no token"),
        ({"path": "/crm/v3"}, "hubspot.path"),
        ({"intake_field": "x y"}, "internal name"),
        ({"owner_field": "X"}, "internal name"),
        ({"intake": ()}, "hubspot.intake"),
    ],
)
def test_what_can_never_work_is_refused_before_anything_is_sent(changed: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        HubspotSource(HubspotSettings(**{"token": "t", **changed}))


# --- recorded answers ---


def recorded(shared: Path, name: str) -> list[tuple[int, Any]]:
    """Status and body of each answer of a cassette; bodies are single-quoted and folded at spaces."""
    text = (shared / "recorded/hubspot_v3_cassettes/spec/vcr_cassettes" / name).read_text(encoding="utf-8")
    answers = []
    for response in re.split(r"\n  response:\n", text)[1:]:
        status = int(re.search(r"code: (\d+)", response)[1])  # type: ignore[index]
        body = re.search(r"string: '((?:[^']|'')*)'", response)
        folded = re.sub(r"\s*\n\s*", " ", body[1]).replace("''", "'") if body else ""
        answers.append((status, json.loads(folded) if folded.startswith("{") else None))
    return answers


@pytest.mark.shared_data
@pytest.mark.parametrize(
    "name", ["contacts/find_by_id.yml", "contacts/patch_last_name.yml", "lifecycle/contacts/find.yml"]
)
def test_recorded_contacts_are_read(shared_data: Path, name: str) -> None:
    rows = [body for status, body in recorded(shared_data, name) if status in (200, 201) and body]
    assert rows
    for row in rows:
        read = record(row, OWN)
        assert read.key.source_id == row["id"] and read.created <= read.stamp and not read.gone
        assert read.values["hs_object_id"] == row["id"] and read.stamp.microsecond % 1000 == 0


@pytest.mark.shared_data
def test_recorded_searches_and_batches_are_read(org: ScriptedOrg, shared_data: Path) -> None:
    for name in ("contacts/search_by_email.yml", "contacts/search.yml"):
        for _, body in recorded(shared_data, name):
            if body and "total" in body and body["total"] == len(body["results"]):
                rows = sorted(body["results"], key=lambda row: int(row["id"]))
                with ScriptedOrg() as own:
                    own.on("POST .*/search", Reply(200, {**body, "results": rows}))
                    assert [r.key.source_id for r in pulled(scripted(own))] == [row["id"] for row in rows]
    [(status, made), *_] = recorded(shared_data, "lifecycle/contacts/batches/search.yml")
    assert status == 201 and made["status"] == "COMPLETE" and len(made["results"]) == 10
    org.on("POST .*/batch/create", Reply(201, made))
    emails = [row["properties"]["email"] for row in made["results"] if "email" in row["properties"]]
    answers = scripted(org).create([{"email": email} for email in emails])
    assert all(one.result is R.WRITTEN for one in answers)


@pytest.mark.shared_data
def test_recorded_refusals_are_what_they_mean(shared_data: Path) -> None:
    [(status, body)] = recorded(shared_data, "contacts/find_by_id_no_scope.yml")
    error = refusal(status, body, 0, 10)
    assert isinstance(error, LoginError) and "crm.objects.contacts.read" in str(error)


@pytest.mark.shared_data
def test_recorded_definitions_have_kinds(shared_data: Path) -> None:
    rows = json.loads(
        (shared_data / "recorded/hubspot_v3_cassettes/spec/fixtures/contact_properties.json").read_text(
            "utf-8"
        )
    )
    fields = {row["name"]: field_info(row) for row in rows}
    assert len(fields) == 354
    kinds = {
        name: fields[name].type.kind for name in ("lifecyclestage", "hubspot_owner_id", "closedate", "email")
    }
    assert kinds == {
        "lifecyclestage": "picklist",
        "hubspot_owner_id": "text",
        "closedate": "datetime",
        "email": "text",
    }
    assert "lead" in fields["lifecyclestage"].type.options and not fields["lastmodifieddate"].writable
    assert field_info(definition("x", "bool", "booleancheckbox")).type.kind == "flag"
