"""Search: filters over what the index shows, which lags behind the records, sorted and paged."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from allocator.sandbox.hubspot.answers import invalid
from allocator.sandbox.hubspot.definitions import Property
from allocator.sandbox.hubspot.portal import Settings
from allocator.sandbox.hubspot.records import Record, Records
from allocator.sandbox.hubspot.values import Values, moment_of, text_of

MOST, PAGE, ALL = 200, 10, 10_000
GROUPS, FILTERS, FILTERS_IN_ALL, QUERY = 5, 6, 18, 3_000
SEARCHED = ("firstname", "lastname", "email", "phone", "company", "name", "domain", "hs_additional_emails")
Key = float | str
Test = Callable[[Values], bool]
Hit = tuple[Record, Values]


def search(records: Records, settings: Settings, now: datetime, body: dict[str, Any]) -> dict[str, Any]:
    """The page that is asked for: `hits` with the number of all, and where the next page starts."""
    limit = _number(body.get("limit"), PAGE, "limit")
    start = _number(body.get("after"), 0, "after")
    if limit > MOST or limit < 1:
        raise invalid(f"Search limit should be between 1 and {MOST}, not {limit}")
    if start + limit > ALL:
        raise invalid(f"Paging through search results ends at {ALL}: after {start} with limit {limit}")
    wanted = _wanted(records, body)
    hits = [hit for hit in indexed(records, settings, now) if wanted(hit[1])]
    _sort(hits, records, body.get("sorts") or [])
    end = start + limit
    return {"total": len(hits), "hits": hits[start:end], "after": str(end) if end < len(hits) else None}


def _number(value: Any, default: int, name: str) -> int:
    text = str(default if value in (None, "") else value)
    if not text.isdigit():
        raise invalid(f"{name} must be a whole number, not {text}")
    return int(text)


def indexed(records: Records, settings: Settings, now: datetime) -> list[Hit]:
    """Live records as the index has them at that moment; one that it does not know yet is absent."""
    new, changed = settings.search_lag_create, settings.search_lag_update
    lags = {True: timedelta(seconds=new), False: timedelta(seconds=changed)}
    found = []
    for record in records.listed(archived=False):
        for moment, created, values in reversed(record.index):
            if moment + lags[created] <= now:
                found.append((record, values))
                break
    return found


def _wanted(records: Records, body: dict[str, Any]) -> Test:
    groups = body.get("filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
    _check_size(groups)
    tests = [[_test(records, one) for one in group.get("filters") or []] for group in groups]
    words = _words(body.get("query"))

    def wanted(values: Values) -> bool:
        found = not tests or any(all(test(values) for test in group) for group in tests)
        return found and all(_holds(values, word) for word in words)

    return wanted


def _check_size(groups: Any) -> None:
    if not isinstance(groups, list) or not all(isinstance(group, dict) for group in groups):
        raise invalid("Invalid input JSON: filterGroups must be a list of objects")
    filters = [group.get("filters") or [] for group in groups]
    if not all(isinstance(some, list) and all(isinstance(one, dict) for one in some) for some in filters):
        raise invalid("Invalid input JSON: filters must be a list of objects")
    sizes = [len(some) for some in filters]
    if len(groups) > GROUPS or max(sizes, default=0) > FILTERS or sum(sizes) > FILTERS_IN_ALL:
        text = f"at most {GROUPS} filterGroups with {FILTERS} filters each, and {FILTERS_IN_ALL} in all"
        raise invalid(f"There was a problem with the request: {text}")


def _words(query: Any) -> list[str]:
    text = str(query or "").lower()
    if len(text) > QUERY:
        raise invalid(f"The query is longer than {QUERY} characters")
    return text.split()


def _holds(values: Values, word: str) -> bool:
    return any(word in values.get(name, "").lower() for name in SEARCHED)


def _test(records: Records, given: dict[str, Any]) -> Test:
    name, operator = str(given.get("propertyName")), str(given.get("operator"))
    found = records.known.get(name)
    if found is None:
        raise invalid(f"There was a problem with the request: property {name} does not exist")
    if operator not in OPERATORS:
        raise invalid(f"Invalid input JSON: operator {operator} is not one of {', '.join(OPERATORS)}")
    return OPERATORS[operator](found, given)


def _key(found: Property, text: str) -> Key:
    """What is compared: a number, a moment in milliseconds, a text without case."""
    if found.type in ("date", "datetime"):
        moment = moment_of(text)
        if moment is not None:
            return moment.timestamp()
    if found.type == "number":
        try:
            return float(text)
        except ValueError:
            return text
    return text.lower()


def _given(found: Property, given: dict[str, Any], name: str = "value") -> Key:
    if given.get(name) in (None, ""):
        raise invalid(f"There was a problem with the request: operator {given['operator']} needs {name}")
    key = _key(found, text_of(given[name]))
    if found.type in ("date", "datetime", "number") and isinstance(key, str):
        raise invalid(f"There was a problem with the request: {given[name]} is no {found.type}")
    return key


def _compared(holds: Callable[[Any, Any], bool]) -> Callable[[Property, dict[str, Any]], Test]:
    def made(found: Property, given: dict[str, Any]) -> Test:
        wanted = _given(found, given)

        def test(values: Values) -> bool:
            text = values.get(found.name, "")
            key = _key(found, text)
            return bool(text) and type(key) is type(wanted) and holds(key, wanted)

        return test

    return made


def _between(found: Property, given: dict[str, Any]) -> Test:
    low = _compared(lambda key, wanted: key >= wanted)(found, given)
    high = _compared(lambda key, wanted: key <= wanted)(found, {**given, "value": given.get("highValue")})
    return lambda values: low(values) and high(values)


def _in(found: Property, given: dict[str, Any]) -> Test:
    listed = given.get("values")
    if not isinstance(listed, list) or not listed:
        raise invalid(f"There was a problem with the request: operator {given['operator']} needs values")
    keys = {_key(found, text_of(value)) for value in listed}
    return lambda values: bool(values.get(found.name)) and _key(found, values[found.name]) in keys


def _has(found: Property, given: dict[str, Any]) -> Test:
    return lambda values: bool(values.get(found.name))


def _token(found: Property, given: dict[str, Any]) -> Test:
    wanted = str(_given(found, given)).lower()
    return lambda values: _contains(values.get(found.name, "").lower(), wanted)


def _contains(text: str, wanted: str) -> bool:
    """The wanted words in a row among the text's; with a star, a pattern of one whole word."""
    if "*" in wanted:
        return any(fnmatchcase(word, wanted.replace("[", "[[]")) for word in (text, *text.split()))
    words, sought = re.findall(r"\w+", text), re.findall(r"\w+", wanted)
    places = range(len(words) - len(sought) + 1)
    return bool(sought) and any(words[place : place + len(sought)] == sought for place in places)


def _not(made: Callable[[Property, dict[str, Any]], Test]) -> Callable[[Property, dict[str, Any]], Test]:
    def negated(found: Property, given: dict[str, Any]) -> Test:
        test = made(found, given)
        return lambda values: not test(values)

    return negated


_equal = _compared(lambda key, wanted: key == wanted)
OPERATORS: dict[str, Callable[[Property, dict[str, Any]], Test]] = {
    "EQ": _equal,
    "NEQ": _not(_equal),
    "LT": _compared(lambda key, wanted: key < wanted),
    "LTE": _compared(lambda key, wanted: key <= wanted),
    "GT": _compared(lambda key, wanted: key > wanted),
    "GTE": _compared(lambda key, wanted: key >= wanted),
    "BETWEEN": _between,
    "IN": _in,
    "NOT_IN": _not(_in),
    "HAS_PROPERTY": _has,
    "NOT_HAS_PROPERTY": _not(_has),
    "CONTAINS_TOKEN": _token,
    "NOT_CONTAINS_TOKEN": _not(_token),
}


def _sort(hits: list[Hit], records: Records, sorts: Any) -> None:
    """By one property, records without it last; else by creation. Equal ones in the order of their ids."""
    if not isinstance(sorts, list) or len(sorts) > 1:
        raise invalid("There was a problem with the request: only one sort is allowed")
    one = sorts[0] if sorts else {"propertyName": "createdate"}
    if isinstance(one, str):
        one = {
            "propertyName": one.lstrip("-"),
            "direction": "DESCENDING" if one.startswith("-") else "ASCENDING",
        }
    found = records.known.get(str(one.get("propertyName"))) if isinstance(one, dict) else None
    if found is None:
        raise invalid(f"There was a problem with the request: cannot sort by {one}")
    valued = [hit for hit in hits if hit[1].get(found.name)]
    empty = [hit for hit in hits if not hit[1].get(found.name)]
    descending = one.get("direction") == "DESCENDING"
    valued.sort(key=lambda hit: _ordered(_key(found, hit[1][found.name])), reverse=descending)
    hits[:] = valued + empty


def _ordered(key: Key) -> tuple[bool, float, str]:
    return (True, 0.0, key) if isinstance(key, str) else (False, key, "")
