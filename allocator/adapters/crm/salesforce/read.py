"""What is read of the org by queries: intake, Leads, users, memberships."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from allocator.adapters.crm.salesforce.client import Client, Row
from allocator.adapters.crm.salesforce.shape import MEMBER, Shape, value_at
from allocator.adapters.crm.salesforce.soql import chunks, instant, listed, matchable, select, to18
from allocator.domain.lead import CrmUser, LeadKey, LeadStatus, Record
from allocator.errors import ConfigError, SourceError

SOURCE = "salesforce"
ALWAYS = ("Id", "OwnerId", "CreatedDate", "LastModifiedDate", "SystemModstamp")
QUEUE = ("QueueId", "Queue.Name", "Queue.DeveloperName")
STATUS = (
    "Id", "OwnerId", "LastModifiedDate", "LastModifiedById", "IsConverted", "IsDeleted", "MasterRecordId",
    "ConvertedContactId",
)  # fmt: skip
IDS_AT_ONCE = 200
OLDEST_FIRST = "CreatedDate ASC, Id ASC"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Reader:
    """Every look at the org; each method says how many requests it takes."""

    def __init__(self, client: Client, shape: Shape) -> None:
        self._client, self._shape = client, shape

    def intake(self, names: Sequence[str]) -> frozenset[str]:
        """Ids of the queues that serve Leads, or users, of these names: a request, two if users are named."""
        soql = select(QUEUE, "QueueSobject", "SobjectType = 'Lead'")
        queues = list(self._rows("describe", soql))
        found = {
            name: _named(name, queues, "QueueId", ("Queue.Name", "Queue.DeveloperName")) for name in names
        }
        others = [name for name, ids in found.items() if not ids]
        found |= self._users_named(others)
        for name, ids in found.items():
            if len(ids) != 1:
                what = f"{len(ids)} queues or users" if ids else "no queue that serves Leads and no user"
                raise ConfigError(f'salesforce.intake names "{name}": {what} of that name. Name exactly one.')
        return frozenset(one for ids in found.values() for one in ids)

    def queues(self) -> frozenset[str]:
        """Ids of the queues that serve Leads: one request."""
        rows = self._rows("describe", select(("QueueId",), "QueueSobject", "SobjectType = 'Lead'"))
        return frozenset(one for row in rows if (one := to18(row.get("QueueId"))))

    def _users_named(self, names: Sequence[str]) -> dict[str, set[str]]:
        askable = [name for name in names if matchable(name, 255)]
        if not askable:
            return {name: set() for name in names}
        among = listed(askable)
        fields = ("Name", "Username", "Email")
        where = " OR ".join(f"{field} IN {among}" for field in fields)
        rows = list(self._rows("describe", select(("Id", *fields), "User", where)))
        return {name: _named(name, rows, "Id", fields) for name in names}

    def open_leads(self, intake: frozenset[str]) -> Iterator[Sequence[Record]]:
        """Pages of open Leads, oldest first: one request each."""
        fields = self._shape.lead_fields()
        names = dict.fromkeys((*ALWAYS, *fields.values()))
        where = f"IsConverted = false AND OwnerId IN {listed(sorted(intake))}"
        soql = select(names, "Lead", where, OLDEST_FIRST)
        for rows in self._client.pages("pull", soql):
            yield [_record(row, fields) for row in rows]

    def converted_since(self, mark: datetime) -> list[LeadStatus]:
        """One request a page."""
        soql = select(STATUS, "Lead", f"IsConverted = true AND SystemModstamp >= {instant(mark)}")
        found = {status.id: status for status in map(_status, self._rows("read", soql))}
        return list(found.values())

    def status(self, ids: Collection[str]) -> dict[str, LeadStatus]:
        """One request per 200 ids, at most four at a time; they may use the reserve of the daily limit."""
        wanted = {asked: to18(asked) for asked in ids}
        known = sorted({one for one in wanted.values() if one})
        parts = self._client.each(self._status_of, chunks(known, IDS_AT_ONCE))
        found = {one: status for part in parts for one, status in part.items()}
        return {asked: found.get(one or "") or _unknown(one or asked) for asked, one in wanted.items()}

    def _status_of(self, ids: Sequence[str]) -> dict[str, LeadStatus]:
        soql = select(STATUS, "Lead", f"Id IN {listed(ids)}")
        rows = self._rows("read", soql, deleted=True, reserve=True)
        return {status.id: status for status in map(_status, rows)}

    def users(self) -> dict[str, CrmUser]:
        """One request per 2,000 users."""
        rows = self._rows("users", select(("Id", "Name", "Email", "IsActive"), "User"))
        users = (
            CrmUser(one, text_of(row.get("Name")), row.get("IsActive") is True, text_of(row.get("Email")))
            for row in rows
            if (one := to18(row.get("Id")))
        )
        return {user.id: user for user in users}

    def campaigns_of(self, ids: Collection[str]) -> dict[str, dict[str, object]]:
        """The newest membership of each Lead: one request per 200 Leads, at most four at a time."""
        fields = self._shape.member_fields()
        wanted = {asked: one for asked in ids if (one := to18(asked))}
        if not fields or not wanted:
            return {}
        parts = self._client.each(self._members, chunks(sorted(set(wanted.values())), IDS_AT_ONCE))
        newest = {lead: row for part in parts for lead, row in part.items()}
        return {
            asked: {path: value_at(newest[one], name) for path, name in fields.items()}
            for asked, one in wanted.items()
            if one in newest
        }

    def _members(self, ids: Sequence[str]) -> dict[str, Row]:
        names = dict.fromkeys(("Id", "LeadId", "CreatedDate", *self._shape.member_fields().values()))
        soql = select(names, MEMBER, f"LeadId IN {listed(ids)}", OLDEST_FIRST)
        return {one: row for row in self._rows("members", soql) if (one := to18(row.get("LeadId")))}

    def _rows(self, kind: str, soql: str, *, deleted: bool = False, reserve: bool = False) -> Iterator[Row]:
        for rows in self._client.pages(kind, soql, deleted=deleted, reserve=reserve):
            yield from rows


def _record(row: Row, fields: Mapping[str, str]) -> Record:
    """A row as a Record, unreadable where we rely on a field; a missing Id spoils the whole answer."""
    lead = to18(row.get("Id"))
    if lead is None:
        raise SourceError("Salesforce sent a Lead without a valid Id. The next run asks again.")
    created, stamp = moment(row.get("CreatedDate")), moment(row.get("LastModifiedDate"))
    owner = to18(row.get("OwnerId"))
    read = {"CreatedDate": created, "LastModifiedDate": stamp, "OwnerId": owner}
    bad = [name for name, value in read.items() if value is None]
    values = {path: value_at(row, name) for path, name in fields.items()}
    return Record(
        key=LeadKey(SOURCE, lead),
        created=created or stamp or NEVER,
        stamp=stamp or created or NEVER,
        owner=owner or "",
        fields=values,
        unreadable=f"Salesforce sent no readable {' and '.join(bad)}" if bad else "",
    )


def _status(row: Row) -> LeadStatus:
    one, converted = to18(row.get("Id")), row.get("IsConverted")
    if one is None:
        raise SourceError("Salesforce sent a Lead without a valid Id. The next run asks again.")
    return LeadStatus(
        id=one,
        owner=to18(row.get("OwnerId")) or "",
        stamp=moment(row.get("LastModifiedDate")),
        converted=converted if isinstance(converted, bool) else None,
        deleted=row.get("IsDeleted") is True,
        master_id=to18(row.get("MasterRecordId")),
        contact_id=to18(row.get("ConvertedContactId")),
        modified_by=to18(row.get("LastModifiedById")) or "",
    )


def _unknown(lead: str) -> LeadStatus:
    return LeadStatus(id=lead, owner="", stamp=None, converted=None, known=False)


def _named(name: str, rows: Iterable[Row], key: str, fields: Sequence[str]) -> set[str]:
    """Ids of the rows that carry this name: as written first, without case otherwise."""
    for same in (str.strip, lambda text: text.strip().casefold()):
        wanted = same(name)
        found = {
            one
            for row in rows
            if any(isinstance(text := value_at(row, field), str) and same(text) == wanted for field in fields)
            if (one := to18(row.get(key)))
        }
        if found:
            return found
    return set()


def moment(value: object, *, whole: bool = True) -> datetime | None:
    """Salesforce's datetime (2013-05-20T20:49:32.000+0000) as aware UTC; `whole`: to the second."""
    if not isinstance(value, str):
        return None
    try:
        read = datetime.fromisoformat(value)
        found = read.astimezone(UTC) if read.tzinfo else None
    except (ValueError, OverflowError):
        return None
    return found.replace(microsecond=0) if found and whole else found


def text_of(value: object) -> str:
    return value if isinstance(value, str) else ""
