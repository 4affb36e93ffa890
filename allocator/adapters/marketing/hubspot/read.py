"""What is asked of HubSpot: definitions, owners, the search for new and changed contacts, batches of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import Any

from allocator.adapters.marketing.hubspot import shape
from allocator.adapters.marketing.hubspot.client import Client
from allocator.adapters.marketing.hubspot.errors import NoAnswer, Refused, listed
from allocator.adapters.marketing.hubspot.settings import HubspotSettings
from allocator.domain.lead import LeadKey
from allocator.domain.sync.values import FieldInfo, SourceRecord
from allocator.errors import SourceError

PAGE, BATCH, HISTORIES, OWNERS, MEMBERS = 200, 100, 50, 100, 250
"""Most contacts of a page of search, of a batch, of one with histories; most owners, members of a page."""
MOST_PAGES = 1_000
LONGEST_QUESTION = 2_900
"""HubSpot refuses a search whose body has more than 3,000 characters."""
Row = Mapping[str, Any]


class Reader:
    """`wanted` names the properties to read; None: every one that is not hidden."""

    def __init__(
        self, client: Client, settings: HubspotSettings, wanted: Callable[[], Collection[str] | None]
    ) -> None:
        self._client, self._settings, self._wanted = client, settings, wanted
        self._rows: dict[str, Row] | None = None
        self._known_owners: dict[bool, dict[str, str]] = {}
        self._known_members: dict[str, None] | None = None

    # --- definitions and owners ---

    def definitions(self) -> Mapping[str, Row]:
        """Definitions of the contacts' properties by name; asked once."""
        if self._rows is None:
            answer = self._client.get(self._settings.definitions, "describe")
            rows = [row for row in listed(answer, "results") if isinstance(row, dict) and row.get("name")]
            if not rows:
                raise NoAnswer("there are no definitions of properties")
            self._rows = {str(row["name"]): row for row in rows if row.get("archived") is not True}
        return self._rows

    def fields(self) -> Mapping[str, FieldInfo]:
        return {name: shape.field_info(row) for name, row in self.definitions().items()}

    def owners(self, *, archived: bool) -> Mapping[str, str]:
        """Owner id -> e-mail address in small letters."""
        if archived not in self._known_owners:
            found = {}
            for row in self._owner_rows(archived):
                email = row.get("email")
                if isinstance(email, str) and email:
                    found[str(row.get("id"))] = email.strip().lower()
            self._known_owners[archived] = found
        return self._known_owners[archived]

    def _owner_rows(self, archived: bool) -> Iterator[Row]:
        after: str | None = None
        for _ in range(MOST_PAGES):
            params = {
                "limit": OWNERS,
                "archived": str(archived).lower(),
                **({"after": after} if after else {}),
            }
            answer = self._client.get(self._settings.owners, "users", params)
            if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
                raise NoAnswer("a page of owners is not one")
            yield from (row for row in answer["results"] if isinstance(row, dict))
            after = _next(answer)
            if after is None:
                return
        raise NoAnswer("the pages of owners do not end")

    # --- list ---

    def members(self) -> Collection[str]:
        """Ids of who is in the list that intake goes by, asked once; nobody where it goes by none."""
        if not self._settings.list:
            return ()
        if self._known_members is None:
            self._known_members = dict.fromkeys(self._member_ids())
        return self._known_members

    def _member_ids(self) -> Iterator[str]:
        after: str | None = None
        for _ in range(MOST_PAGES):
            params = {"limit": MEMBERS, **({"after": after} if after else {})}
            try:
                answer = self._client.get(self._settings.members, "pull", params)
            except Refused as error:
                if error.status != 404:
                    raise
                raise SourceError(f"HubSpot has no list {self._settings.list}. See hubspot.list.") from None
            if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
                raise NoAnswer("a page of a list is not one")
            yield from (str(row["recordId"]) for row in answer["results"] if _is_member(row))
            after = _next(answer)
            if after is None:
                return
        raise NoAnswer("the pages of a list do not end")

    def _listed(self, shown: Collection[str]) -> Iterator[Sequence[SourceRecord]]:
        """The list's contacts that the search did not show."""
        left = [one for one in self.members() if one not in shown]
        for start in range(0, len(left), BATCH):
            read = self._batch(left[start : start + BATCH], stamps=False)
            yield [one for one in read.values() if not one.gone and one.merged_into is None]

    # --- search ---

    def pull(self, since: datetime | None) -> Iterator[Sequence[SourceRecord]]:
        """What the search shows; then who else is in the list, where intake goes by one."""
        shown: set[str] = set()
        for page in self._search(since):
            shown |= {one.key.source_id for one in page}
            yield page
        yield from self._listed(shown)

    def _search(self, since: datetime | None) -> Iterator[Sequence[SourceRecord]]:
        """By id, each page beyond the last one's ids: a contact that changes meanwhile moves between no
        pages, and the 10,000 results that one search shows are never reached."""
        last, conditions = "0", self._conditions(since)
        while True:
            body = self._question([_group(filters, last) for filters in conditions])
            path = f"{self._settings.contacts}/search"
            rows, more = self._client.ask(path, "pull", body, partial(_searched, last=last))
            yield [self._shown(row) for row in rows]
            if not more:
                return
            last = shape.identity(rows[-1])

    def _question(self, groups: list[dict[str, Any]]) -> dict[str, Any]:
        """With all properties where there is room for them. Whatever search shows is read again anyway."""
        body: dict[str, Any] = {
            "filterGroups": groups,
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": self._properties(),
            "limit": PAGE,
        }
        if len(json.dumps(body)) > LONGEST_QUESTION:
            body["properties"] = self._own_properties()
        return body

    def _conditions(self, since: datetime | None) -> list[list[dict[str, Any]]]:
        """In intake, or changed; every contact where there is no `since`."""
        intake = self._intake()
        if since is None:
            return [[]]
        unowned = [_lacks(self._settings.owner_field)] if self._settings.owner_field else []
        moment = str(int(since.timestamp() * 1000))
        changed = {"propertyName": shape.MODIFIED, "operator": "GTE", "value": moment}
        return [[changed]] if self._settings.list else [[*intake, *unowned], [changed]]

    def _intake(self) -> list[dict[str, Any]]:
        """In intake, whoever owns it. Raises SourceError where the account lacks what intake goes by."""
        own, known = self._settings, self.definitions()
        stage = "" if own.list else own.intake_field
        for key, name in (("intake_field", stage), ("owner_field", own.owner_field)):
            if name and name not in known:
                raise SourceError(
                    f'HubSpot has no contact property "{name}". Name one that it has: hubspot.{key}.'
                )
        unmarked = [_lacks(name) for name in own.marked if name in known]
        return [{"propertyName": own.intake_field, "operator": "IN", "values": list(own.intake)}, *unmarked]

    def owned(self) -> int:
        """How many are in no intake only because somebody owns them."""
        own = self._settings
        if not own.owner_field:
            return 0
        if own.list:
            return self._owned_members()
        filters = [*self._intake(), {"propertyName": own.owner_field, "operator": "HAS_PROPERTY"}]
        body = {"filterGroups": [{"filters": filters}], "properties": ["hs_object_id"], "limit": 1}
        return self._client.ask(f"{own.contacts}/search", "pull", body, _total)

    def _owned_members(self) -> int:
        own = self._settings
        shown = (one.values for page in self._listed(()) for one in page)
        return sum(bool(v.get(own.owner_field)) and not any(map(v.get, own.marked)) for v in shown)

    def _properties(self) -> list[str]:
        """Those that are wanted and that the account has, and those that we go by."""
        known, wanted = self.definitions(), self._wanted()
        if wanted is None:
            wanted = [name for name, row in known.items() if row.get("hidden") is not True]
        return [n for n in dict.fromkeys([*self._own_properties(), *sorted(wanted)]) if n in known]

    def _own_properties(self) -> list[str]:
        own = self._settings
        needed = (own.intake_field, own.owner_field, *own.marked, *own.written, "email")
        ours = (*needed, shape.MODIFIED, shape.MERGED)
        return [name for name in dict.fromkeys(ours) if name in self.definitions()]

    def _shown(self, row: Row) -> SourceRecord:
        return shape.record(row, self._settings, self.members())

    # --- batches ---

    def read(self, ids: Collection[str], *, stamps: bool) -> Mapping[str, SourceRecord]:
        found: dict[str, SourceRecord] = {}
        askable = [one for one in dict.fromkeys(ids) if one.isascii() and one.isdecimal()]
        size = HISTORIES if stamps else BATCH
        for start in range(0, len(askable), size):
            found |= self._batch(askable[start : start + size], stamps=stamps)
        return {one: found.get(one) or self._gone(one) for one in ids}

    def _batch(self, ids: Sequence[str], *, stamps: bool) -> dict[str, SourceRecord]:
        asked = self._properties()
        body: dict[str, Any] = {"properties": asked, "inputs": [{"id": one} for one in ids]}
        if stamps:
            body["propertiesWithHistory"] = asked
        rows = self._client.ask(f"{self._settings.contacts}/batch/read", "read", body, _by_id)
        found = {one: self._shown(rows[one]) for one in ids if one in rows}
        merged = {old: row for row in rows.values() for old in shape.merged_ids(row)}
        for one in ids:
            if one not in found:
                found[one] = self._merged(one, merged[one]) if one in merged else self._missing(one)
        return found

    def _missing(self, asked: str) -> SourceRecord:
        """One that a batch does not show is asked for alone: only then is it gone, and not merged."""
        try:
            row = self._client.get(
                f"{self._settings.contacts}/{asked}", "read", {"properties": ",".join(self._properties())}
            )
        except Refused as error:
            if error.status != 404:
                raise
            return self._gone(asked)
        return self._shown(row) if shape.identity(row) == asked else self._merged(asked, row)

    def _merged(self, asked: str, winner: Row) -> SourceRecord:
        record = self._shown(winner)
        return SourceRecord(
            LeadKey(shape.SOURCE, asked), record.created, record.stamp, merged_into=record.key.source_id
        )

    def _gone(self, asked: str) -> SourceRecord:
        now = self._client.now()
        return SourceRecord(LeadKey(shape.SOURCE, asked), now, now, gone=True)


def _lacks(name: str) -> dict[str, Any]:
    return {"propertyName": name, "operator": "NOT_HAS_PROPERTY"}


def _group(filters: Sequence[Row], last: str) -> dict[str, Any]:
    beyond = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
    return {"filters": [*filters, beyond]}


def _by_id(answer: Any) -> dict[str, Row]:
    if not isinstance(answer, dict) or not isinstance(answer.get("results"), list):
        raise NoAnswer("a batch of contacts is not one")
    return {shape.identity(row): row for row in answer["results"]}


def _searched(answer: Any, last: str) -> tuple[list[Row], bool]:
    """The rows of a page and whether there are more. A page that is short or out of order is NoAnswer."""
    rows, total = listed(answer, "results"), _total(answer)
    numbers = [int(last), *(int(shape.identity(row)) for row in rows)]
    if any(a >= b for a, b in pairwise(numbers)):
        raise NoAnswer("a page of search is not in the order of ids")
    if len(rows) < min(total, PAGE):
        raise NoAnswer("a page of search is shorter than it says")
    return rows, total > len(rows)


def _total(answer: Any) -> int:
    total = answer.get("total") if isinstance(answer, dict) else None
    if not isinstance(total, int) or isinstance(total, bool) or not isinstance(answer.get("results"), list):
        raise NoAnswer("a page of search is not one")
    return total


def _is_member(row: Any) -> bool:
    return isinstance(row, dict) and str(row.get("recordId", "")).isdecimal()


def _next(answer: Mapping[str, Any]) -> str | None:
    paging = answer.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    after = following.get("after") if isinstance(following, dict) else None
    return after if isinstance(after, str) and after else None
