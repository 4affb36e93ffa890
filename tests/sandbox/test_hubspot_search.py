"""Search in the HubSpot sandbox: operators, sorting, the end at 10,000, and an index that lags."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hub_client import Hub, recorded, refusal, where

PEOPLE = [
    {
        "email": "ada@engines.example",
        "firstname": "Ada",
        "city": "London",
        "closedate": "2026-01-01T00:00:00Z",
    },
    {"email": "grace@navy.example", "firstname": "Grace", "city": "New York", "jobtitle": "Rear admiral"},
    {"email": "alan@engines.example", "firstname": "Alan", "city": "", "closedate": "2026-03-01T00:00:00Z"},
]
FIRST, SECOND, THIRD = "101", "102", "103"


@pytest.fixture
def people(hub: Hub) -> Hub:
    """Three contacts that the index knows."""
    rows = [{"id": str(101 + place), "properties": person} for place, person in enumerate(PEOPLE)]
    hub.control("PUT", "hubspot/contacts", rows)
    return hub


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (where("firstname", "EQ", "ADA"), [FIRST]),
        (where("firstname", "NEQ", "Ada"), [SECOND, THIRD]),
        (where("hs_object_id", "GT", FIRST), [SECOND, THIRD]),
        (where("hs_object_id", "GTE", SECOND), [SECOND, THIRD]),
        (where("hs_object_id", "LT", SECOND), [FIRST]),
        (where("hs_object_id", "LTE", SECOND), [FIRST, SECOND]),
        (where("closedate", "GT", "1767225600000"), [THIRD]),
        (where("closedate", "GTE", "2026-01-01T00:00:00.000Z"), [FIRST, THIRD]),
        (where("closedate", "BETWEEN", "1767225599999", highValue="1767225600001"), [FIRST]),
        (where("firstname", "IN", values=["ada", "alan"]), [FIRST, THIRD]),
        (where("firstname", "NOT_IN", values=["ada", "alan"]), [SECOND]),
        (where("city", "HAS_PROPERTY"), [FIRST, SECOND]),
        (where("city", "NOT_HAS_PROPERTY"), [THIRD]),
        (where("email", "CONTAINS_TOKEN", "engines.example"), [FIRST, THIRD]),
        (where("email", "CONTAINS_TOKEN", "*@navy.example"), [SECOND]),
        (where("email", "CONTAINS_TOKEN", "engine"), []),
        (where("email", "NOT_CONTAINS_TOKEN", "engines.example"), [SECOND]),
    ],
)
def test_an_operator_finds_what_it_says(people: Hub, one: dict[str, Any], found: list[str]) -> None:
    assert people.found(one) == found


def test_groups_are_alternatives_and_the_filters_of_one_all_hold(people: Hub) -> None:
    engines = where("email", "CONTAINS_TOKEN", "engines.example")
    assert people.found(engines, where("city", "HAS_PROPERTY")) == [FIRST]
    groups = [
        {"filters": [engines, where("firstname", "EQ", "alan")]},
        {"filters": [where("city", "EQ", "new york")]},
    ]
    assert people.found(filterGroups=groups) == [SECOND, THIRD]
    assert people.found(query="engines alan") == [THIRD]
    assert people.found() == [FIRST, SECOND, THIRD]


def test_one_sort_either_way_and_what_has_no_value_comes_last(people: Hub) -> None:
    sort = {"propertyName": "closedate", "direction": "DESCENDING"}
    assert people.found(sorts=[sort]) == [THIRD, FIRST, SECOND]
    assert people.found(sorts=["closedate"]) == [FIRST, THIRD, SECOND]
    assert people.found(sorts=["-hs_object_id"]) == [THIRD, SECOND, FIRST]
    assert refusal(people.search(sorts=["city", "email"])) == (400, "VALIDATION_ERROR")


def test_a_search_shows_the_properties_that_are_asked_for(people: Hub) -> None:
    page = people.search(limit=1, properties=["city"]).json()
    assert (page["total"], page["paging"]) == (3, {"next": {"after": "1"}})
    assert set(page["results"][0]["properties"]) == {"city", "createdate", "hs_object_id", "lastmodifieddate"}
    assert people.found(limit=1, after="1") == [SECOND]
    assert "paging" not in people.search(limit=2, after="1").json()


@pytest.mark.parametrize(
    "body",
    [
        {"limit": 201},
        {"limit": 0},
        {"after": "-1"},
        {"query": "x" * 3001},
        {"filterGroups": [{"filters": [where("city", "EQ", "x")]}] * 6},
        {"filterGroups": [{"filters": [where("city", "EQ", "x")] * 7}]},
        {"filterGroups": [{"filters": [where("city", "EQ", "x")] * 5}] * 4},
        {"filterGroups": [{"filters": [where("no_such", "EQ", "x")]}]},
        {"filterGroups": [{"filters": [where("city", "LIKE", "x")]}]},
        {"filterGroups": [{"filters": [where("city", "EQ")]}]},
        {"filterGroups": [{"filters": [where("city", "IN", "x")]}]},
        {"filterGroups": [{"filters": [where("closedate", "GT", "soon")]}]},
        {"filterGroups": ["x"]},
        {"filterGroups": [{"filters": ["x"]}]},
        {"sorts": ["no_such"]},
        {"sorts": [7]},
    ],
)
def test_a_search_beyond_the_limits_is_400(people: Hub, body: dict[str, Any]) -> None:
    assert refusal(people.search(**body)) == (400, "VALIDATION_ERROR")


def test_a_search_ends_at_10000_and_goes_on_behind_the_last_id(hub: Hub) -> None:
    rows = [{"id": str(number), "properties": {"city": "Rome"}} for number in range(1, 10_051)]
    hub.control("PUT", "hubspot/contacts", rows)
    sort = [{"propertyName": "hs_object_id", "direction": "ASCENDING"}]
    last = hub.search(sorts=sort, limit=200, after="9800").json()
    assert (last["total"], last["results"][-1]["id"], last["paging"]["next"]["after"]) == (
        10_050,
        "10000",
        "10000",
    )
    assert refusal(hub.search(sorts=sort, limit=200, after="10000")) == (400, "VALIDATION_ERROR")
    assert hub.search(where("hs_object_id", "GT", "10000"), sorts=sort).json()["total"] == 50


def test_the_index_knows_a_new_contact_after_ten_seconds_and_a_change_after_sixty(hub: Hub) -> None:
    record = hub.make(email="ada@example.com", city="Rome")
    assert hub.found() == []
    assert hub.read(record, "city")["city"] == "Rome"
    hub.later(10)
    assert hub.found(where("city", "EQ", "rome")) == [record]
    hub.patch(record, city="Bath")
    hub.later(50)
    stale = hub.search(properties=["city"]).json()["results"][0]
    assert stale["properties"]["city"] == "Rome" and stale["updatedAt"] == stale["createdAt"]
    hub.later(10)
    assert hub.found(where("city", "EQ", "bath")) == [record]


def test_the_lag_is_a_setting(hub: Hub) -> None:
    hub.settings(search_lag_create=3600, search_lag_update=0)
    record = hub.make(city="Rome")
    assert hub.found() == []
    hub.no_lag()
    assert hub.found() == [record]
    hub.patch(record, city="Bath")
    assert hub.found(where("city", "EQ", "bath")) == [record]


def test_archived_and_merged_contacts_are_never_found(people: Hub) -> None:
    people.call("DELETE", FIRST)
    assert people.found() == [SECOND, THIRD]
    people.control("POST", "hubspot/merge", {"id": SECOND, "others": [THIRD]})
    assert people.found() == [SECOND]
    people.control("POST", "hubspot/restore", {"id": FIRST})
    assert people.found() == [SECOND]
    people.later(60)
    assert people.found() == [FIRST, SECOND]


@pytest.mark.shared_data
def test_a_search_answers_as_recorded(hub: Hub) -> None:
    rows = [
        {
            "properties": {
                "email": f"test{number}@example.org",
                "firstname": f"Test {number}",
                "lastname": "User",
            }
        }
        for number in range(1, 11)
    ]
    hub.control("PUT", "hubspot/contacts", rows)
    for name in ("search.yml", "search_by_email.yml", "search_by_string.yml"):
        asked, said = (json.loads(text) for text in recorded(f"contacts/{name}")[:2])
        answer = hub.search(**asked)
        mine = answer.json()
        assert (mine["total"], mine.get("paging")) == (said["total"], said.get("paging")), name
        assert [set(one["properties"]) for one in mine["results"]] == [
            set(one["properties"]) for one in said["results"]
        ]
        assert "X-HubSpot-RateLimit-Daily" in answer.headers
        assert "X-HubSpot-RateLimit-Max" not in answer.headers
