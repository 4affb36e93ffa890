"""Batches in the HubSpot sandbox: up to 100 inputs, results in no order, 207 where some failed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hub_client import Hub, recorded, refusal

TRACE = "objectWriteTraceId"
NOBODY = "99999999999"


def change(record: str, trace: str = "", **properties: Any) -> dict[str, Any]:
    """One input of a batch update."""
    return {"id": record, "properties": properties, **({TRACE: trace} if trace else {})}


def test_a_batch_reads_by_id_and_by_e_mail_address(hub: Hub) -> None:
    ada, grace = hub.make(email="ada@example.com", city="Rome"), hub.make(email="grace@example.com")
    answer = hub.batch(
        "read", {"id": ada}, {"id": grace}, properties=["city"], propertiesWithHistory=["city"]
    )
    body = answer.json()
    assert (answer.status_code, body["status"], [one["id"] for one in body["results"]]) == (
        200, "COMPLETE", [grace, ada],
    )  # fmt: skip
    one = next(row for row in body["results"] if row["id"] == ada)
    assert one["propertiesWithHistory"]["city"][0]["value"] == one["properties"]["city"] == "Rome"
    found = hub.batch("read", {"id": "grace@example.com"}, idProperty="email").json()["results"]
    assert [row["id"] for row in found] == [grace]


def test_a_batch_read_names_all_that_is_not_there_in_one_error(hub: Hub) -> None:
    ada, gone = hub.make(email="ada@example.com"), hub.make(email="gone@example.com")
    hub.call("DELETE", gone)
    answer = hub.batch("read", {"id": ada}, {"id": gone}, {"id": NOBODY})
    body = answer.json()
    assert answer.status_code == 207 and [row["id"] for row in body["results"]] == [ada]
    assert [(one["category"], one["context"]) for one in body["errors"]] == [
        ("OBJECT_NOT_FOUND", {"ids": [gone, NOBODY]})
    ]
    assert body["numErrors"] == 1


def test_a_batch_creates_with_201_and_updates_with_200(hub: Hub) -> None:
    people = [{"properties": {"email": f"p{number}@example.com"}, TRACE: f"t{number}"} for number in range(3)]
    made = hub.batch("create", *people)
    assert made.status_code == 201
    ids = {row[TRACE]: row["id"] for row in made.json()["results"]}
    assert set(ids) == {"t0", "t1", "t2"}
    done = hub.batch("update", *(change(ids[trace], city=trace) for trace in ids))
    assert done.status_code == 200
    assert {row["id"]: row["properties"]["city"] for row in done.json()["results"]} == {
        ids[trace]: trace for trace in ids
    }
    by_mail = {"id": "p1@example.com", "idProperty": "email", "properties": {"city": "Rome"}}
    assert hub.batch("update", by_mail).json()["results"][0]["id"] == ids["t1"]


def test_an_upsert_says_which_are_new(hub: Hub) -> None:
    ada = hub.make(email="ada@example.com")
    inputs = [
        {"id": mail, "idProperty": "email", "properties": {"city": "Rome"}}
        for mail in ("ada@example.com", "grace@example.com")
    ]
    answer = hub.batch("upsert", *inputs)
    found = {row["new"]: row["id"] for row in answer.json()["results"]}
    assert answer.status_code == 200 and found[False] == ada
    assert hub.read(found[True], "email", "city")["email"] == "grace@example.com"


def test_inputs_with_a_trace_id_fail_one_by_one(hub: Hub) -> None:
    ada, grace = hub.make(email="ada@example.com"), hub.make(email="grace@example.com")
    answer = hub.batch(
        "update",
        change(ada, "a", city="Rome"),
        change(grace, "b", lifecyclestage="nonsense"),
        change(NOBODY, "c", city="Rome"),
        {
            "id": "ada@example.com",
            "idProperty": "email",
            "properties": {"email": "grace@example.com"},
            TRACE: "d",
        },
    )
    body = answer.json()
    assert (answer.status_code, [row[TRACE] for row in body["results"]]) == (207, ["a"])
    found = {one["context"][TRACE][0]: (one["category"], one["context"]["ids"]) for one in body["errors"]}
    assert found == {
        "b": ("VALIDATION_ERROR", [grace]),
        "c": ("OBJECT_NOT_FOUND", [NOBODY]),
        "d": ("CONFLICT", ["ada@example.com"]),
    }
    assert body["errors"][0]["errors"][0]["code"] == "INVALID_OPTION"
    assert hub.read(ada, "city")["city"] == "Rome"


@pytest.mark.parametrize("kind", ["create", "update", "upsert"])
def test_without_trace_ids_one_bad_input_refuses_all(hub: Hub, kind: str) -> None:
    ada, grace = hub.make(email="ada@example.com"), hub.make(email="grace@example.com")
    names = [{}, {}] if kind == "create" else [{"id": ada}, {"id": grace}]
    bodies = [{"properties": {"city": "Rome"}}, {"properties": {"no_such": "x"}}]
    before = hub.control("GET", "hubspot/contacts")
    answer = hub.batch(kind, *(name | body for name, body in zip(names, bodies, strict=True)))
    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert hub.control("GET", "hubspot/contacts") == before
    hub.settings(partial_batches="always")
    answer = hub.batch(kind, *(name | body for name, body in zip(names, bodies, strict=True)))
    assert (answer.status_code, len(answer.json()["results"])) == (207, 1)


def test_an_address_that_exists_refuses_a_batch_without_trace_ids_with_409(hub: Hub) -> None:
    hub.make(email="ada@example.com")
    new, known = {"properties": {"email": "new@example.com"}}, {"properties": {"email": "ada@example.com"}}
    assert refusal(hub.batch("create", new, known)) == (409, "CONFLICT")
    assert refusal(hub.batch("create", new, new)) == (409, "CONFLICT")
    assert len(hub.control("GET", "hubspot/contacts")) == 1


def test_a_batch_archives_what_is_there(hub: Hub) -> None:
    record = hub.make(email="ada@example.com")
    assert hub.batch("archive", {"id": int(record)}, {"id": NOBODY}).status_code == 204
    assert hub.row(record)["archived"]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("read", {"inputs": [{"id": str(n)} for n in range(101)]}),
        ("read", {"inputs": [{"id": str(n)} for n in range(51)], "propertiesWithHistory": ["city"]}),
        ("update", {"inputs": [change(str(n), city="x") for n in range(101)]}),
        ("update", {"inputs": [change("7", city="x"), change("7", city="y")]}),
        ("create", {"inputs": []}),
        ("create", {"inputs": [{"properties": ["email"]}]}),
        ("create", {}),
    ],
)
def test_a_batch_that_is_too_large_empty_or_twice_the_same_is_400(
    hub: Hub, kind: str, body: dict[str, Any]
) -> None:
    assert refusal(hub.call("POST", f"batch/{kind}", json=body)) == (400, "VALIDATION_ERROR")


def test_the_log_tells_each_record_that_a_batch_wrote(hub: Hub) -> None:
    ada = hub.make(email="ada@example.com")
    hub.batch("update", change(ada, "a", city="Rome"), change(NOBODY, "b", city="Rome"))
    made = hub.batch("create", {"properties": {"email": "new@example.com"}}).json()["results"][0]["id"]
    hub.batch("read", {"id": ada})
    first, update, create, read = hub.log()
    assert first["id"] == ada
    assert [(sub["method"], sub["id"], sub["status"], sub["done"]) for sub in update["sub"]] == [
        ("PATCH", ada, 200, 200), ("PATCH", NOBODY, 404, 404),
    ]  # fmt: skip
    assert update["sub"][0]["body"]["properties"] == {"city": "Rome"}
    assert [(sub["method"], sub["id"], sub["status"]) for sub in create["sub"]] == [("POST", made, 201)]
    assert read["sub"] == [] and read["body"]["inputs"] == [{"id": ada}]


@pytest.mark.shared_data
def test_a_batch_answers_as_recorded(hub: Hub) -> None:
    asked, said = recorded("lifecycle/contacts/batches/search.yml")[:2]
    answer = hub.call("POST", "batch/create", data=asked, headers={"Content-Type": "application/json"})
    want, got = json.loads(said), answer.json()
    assert answer.status_code == 201 and set(want) == set(got)
    emails = {row["properties"]["email"] for row in want["results"]}
    assert emails == {row["properties"]["email"] for row in got["results"]}
