"""Leads, Contacts and Accounts as the sync reads them: fresh, deleted ones too, with the fields it asks for.

"QueryAll" (REST API Developer Guide, resources_queryall.htm) also shows what is in the recycle bin, merge
losers included. SystemModstamp, unlike LastModifiedDate, moves with changes that the system makes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from urllib.parse import quote_plus

from allocator.adapters.crm.salesforce.client import Client, Row
from allocator.adapters.crm.salesforce.fields import infos
from allocator.adapters.crm.salesforce.lookup import LONGEST_EMAIL, QUERIES_AT_ONCE, ask_together, fold_email
from allocator.adapters.crm.salesforce.read import IDS_AT_ONCE, moment, text_of
from allocator.adapters.crm.salesforce.shape import Shape, value_at
from allocator.adapters.crm.salesforce.soql import (
    ROOM,
    chunks,
    encoded,
    instant,
    listed,
    matchable,
    packed,
    select,
    to18,
)
from allocator.domain.sync.external_id import need_fit, unfit
from allocator.domain.sync.values import CrmRecord, FieldInfo
from allocator.errors import SourceError

COMMON = ("Id", "OwnerId", "LastModifiedDate", "SystemModstamp", "IsDeleted", "MasterRecordId")
OWN = {
    "Lead": ("Email", "IsConverted", "ConvertedContactId", "ConvertedAccountId", "Status"),
    "Contact": ("Email", "AccountId", "IsPersonAccount", "Account.OwnerId", "Account.LastModifiedDate"),
    "Account": (),
}
ID_COST = 26
"""Encoded characters of an id in a list."""
LONGEST_KEY = 255
CHANGES = "SystemModstamp ASC, Id ASC"
AMONG_ACCOUNTS = "Account."


class Records:
    """`external_id` is the field that holds the marketing record's key; empty: none is set."""

    def __init__(self, client: Client, shape: Shape, external_id: str) -> None:
        self._client, self._shape, self._external_id = client, shape, external_id
        self._infos: dict[str, Mapping[str, FieldInfo]] = {}

    @property
    def external_id(self) -> str:
        return self._external_id

    def describe(self, kind: str) -> Mapping[str, FieldInfo]:
        if kind not in self._infos:
            self._infos[kind] = infos(self._shape.described(kind))
        return self._infos[kind]

    def records(self, kind: str, ids: Collection[str], fields: Sequence[str]) -> dict[str, CrmRecord]:
        """A request per 200 ids, at most four at a time; more where the fields' names fill the URL."""
        wanted = {asked: to18(asked) for asked in ids}
        known = sorted({one for one in wanted.values() if one})
        if not known:
            return {asked: _unknown(kind, asked) for asked in ids}
        columns = self._columns(kind, fields)
        room = max(ROOM - len(quote_plus(", ".join(columns))), ID_COST)
        groups = [
            group
            for some in chunks(known, IDS_AT_ONCE)
            for group in packed(some, [ID_COST] * len(some), room)
        ]
        parts = self._client.each(lambda group: self._by_id(kind, group, columns), groups)
        found = {one.id: one for part in parts for one in self._read(kind, part, fields)}
        return {asked: found.get(one or "") or _unknown(kind, one or asked) for asked, one in wanted.items()}

    def records_of(
        self, wanted: Mapping[str, Collection[str]], fields: Mapping[str, Sequence[str]]
    ) -> dict[tuple[str, str], CrmRecord]:
        """As `records`; where a request is about several objects, their queries go in one composite."""
        asked = {(kind, one): to18(one) for kind, ids in wanted.items() for one in ids}
        places = sorted({(kind, one) for (kind, _), one in asked.items() if one})
        parts = self._client.each(lambda some: self._some(some, fields), chunks(places, IDS_AT_ONCE))
        found = {(one.object, one.id): one for part in parts for one in part}
        return {
            place: found.get((place[0], one or "")) or _unknown(place[0], one or place[1])
            for place, one in asked.items()
        }

    def _some(
        self, places: Sequence[tuple[str, str]], fields: Mapping[str, Sequence[str]]
    ) -> list[CrmRecord]:
        ids: dict[str, list[str]] = {}
        for kind, one in places:
            ids.setdefault(kind, []).append(one)
        if len(ids) == 1:
            ((kind, some),) = ids.items()
            return list(self.records(kind, some, fields[kind]).values())
        queries = [
            select(self._columns(kind, fields[kind]), kind, f"Id IN {listed(some)}")
            for kind, some in ids.items()
        ]
        rows: dict[str, list[Row]] = {kind: [] for kind in ids}
        for row, _ in ask_together(self._client, "read", queries, deleted=True):
            rows[_kind(row, ids)].append(row)
        return [one for kind, some in rows.items() for one in self._read(kind, some, fields[kind])]

    def _by_id(self, kind: str, ids: Sequence[str], columns: Sequence[str]) -> list[Row]:
        soql = select(columns, kind, f"Id IN {listed(ids)}")
        return [row for rows in self._client.pages("read", soql, deleted=True) for row in rows]

    def changed(self, kind: str, since: datetime, fields: Sequence[str]) -> Iterator[list[CrmRecord]]:
        """One request a page; where a page was lost, records may come twice."""
        self.need_external_id(kind)
        where = f"SystemModstamp >= {instant(since)} AND {self._external_id} != null"
        soql = select(self._columns(kind, fields), kind, where, CHANGES)
        for rows in self._client.pages("read", soql, deleted=True):
            yield self._read(kind, rows, fields)

    def matching(
        self,
        kind: str,
        external_ids: Collection[str],
        emails: Collection[str],
        fields: Sequence[str],
        *,
        deleted: bool,
    ) -> list[CrmRecord]:
        """One request per 1,000 of them, less where they are long; their texts are in no URL."""
        if external_ids:
            self.need_external_id(kind)
        columns = self._columns(kind, fields)
        keys = _askable(external_ids, LONGEST_KEY)
        addresses = _askable(emails, LONGEST_EMAIL) if "Email" in columns else set()
        queries = [
            select(columns, kind, f"{field} IN {listed(group)}")
            for field, texts in ((self._external_id, keys), ("Email", addresses))
            for some in chunks(sorted(texts), IDS_AT_ONCE)
            for group in packed(some, [encoded([text]) for text in some])
        ]
        calls = self._client.each(
            lambda some: ask_together(self._client, "read", some, deleted=deleted),
            chunks(queries, QUERIES_AT_ONCE),
        )
        read = self._read(kind, [row for rows in calls for row, _ in rows], fields)
        found = {one.id: one for one in read}
        return [
            one
            for one in found.values()
            if fold_email(one.external_id) in keys or fold_email(one.email) in addresses
        ]

    def need_external_id(self, kind: str) -> None:
        """SourceError, which says what to do, where the org has no field that can serve."""
        need_fit(self._external_id, self.describe, (kind,))

    def _key_of(self, kind: str) -> str:
        """The field, where it can serve; another one says nothing of marketing records."""
        info = self.describe(kind).get(self._external_id)
        return "" if unfit(self._external_id, {kind: info}) else self._external_id

    # columns

    def _columns(self, kind: str, fields: Sequence[str]) -> list[str]:
        """What of these the org shows, in its own spelling, each once."""
        names = (*COMMON, *OWN[kind], self._key_of(kind), *fields)
        shown = (name for name in map(self._speller(kind), names) if name)
        return list(dict.fromkeys(("Id", *shown)))

    def _speller(self, kind: str) -> Callable[[str], str]:
        """A field's name, or "Account." and one, as the org writes it; empty where it does not show it."""
        own = {name.lower(): name for name in self.describe(kind)}

        def spell(name: str) -> str:
            if not name.startswith(AMONG_ACCOUNTS):
                return own.get(name.lower(), "")
            if kind != "Contact" or "accountid" not in own:
                return ""
            theirs = {one.lower(): one for one in self.describe("Account")}
            found = theirs.get(name.removeprefix(AMONG_ACCOUNTS).lower())
            return f"{AMONG_ACCOUNTS}{found}" if found else ""

        return spell

    # rows

    def _read(self, kind: str, rows: Iterable[Row], fields: Sequence[str]) -> list[CrmRecord]:
        spell = self._speller(kind)
        shown = {name: found for name in fields if (found := spell(name))}
        people = "IsPersonAccount" in self.describe(kind)
        key = self._key_of(kind)
        return [self._record(kind, row, shown, key, people=people) for row in rows]

    def _record(self, kind: str, row: Row, shown: Mapping[str, str], key: str, *, people: bool) -> CrmRecord:
        one = to18(row.get("Id"))
        if one is None:
            raise SourceError(f"Salesforce sent a {kind} without a valid Id. The next run asks again.")
        lead = kind == "Lead"
        return CrmRecord(
            kind,
            one,
            deleted=_flag(row.get("IsDeleted")),
            master_id=to18(row.get("MasterRecordId")),
            converted=_flag(row.get("IsConverted")) if lead else None,
            contact_id=to18(row.get("ConvertedContactId")) if lead else None,
            account_id=to18(row.get("ConvertedAccountId" if lead else "AccountId")),
            person_account=_flag(row.get("IsPersonAccount")) if people else False,
            owner=to18(row.get("OwnerId")) or "",
            account_owner=to18(value_at(row, "Account.OwnerId")) or "",
            status=text_of(row.get("Status")) if lead else "",
            external_id=text_of(row.get(key)),
            email=text_of(row.get("Email")),
            stamp=moment(row.get("LastModifiedDate")),
            moved=moment(row.get("SystemModstamp"), whole=False),
            account_stamp=moment(value_at(row, "Account.LastModifiedDate")),
            values={name: value_at(row, found) for name, found in shown.items()},
        )


def _askable(texts: Collection[str], longest: int) -> set[str]:
    """Folded as the org compares them; what no field can hold is never asked and matches nothing."""
    return {folded for text in texts if matchable(folded := fold_email(text), longest)}


def _kind(row: Row, kinds: Collection[str]) -> str:
    """The object that a row is of: one that cannot be told would pass for a record that is not there."""
    attributes = row.get("attributes")
    kind = attributes.get("type") if isinstance(attributes, dict) else None
    if kind not in kinds:
        raise SourceError("Salesforce sent a record without the name of its object. The next run asks again.")
    return str(kind)


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _unknown(kind: str, one: str) -> CrmRecord:
    return CrmRecord(kind, one, known=False, deleted=None, person_account=None)
