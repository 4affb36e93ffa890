"""What salespeople do in the browser: take, edit, convert, merge, delete and undelete records."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from allocator.sandbox.salesforce import recycle_bin
from allocator.sandbox.salesforce.conversion import Conversion, Wish
from allocator.sandbox.salesforce.org import INTEGRATION_USER, RULE_ROBOT, Org
from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.schema import ObjectType, to18, valid_id
from allocator.sandbox.salesforce.writer import Writer
from allocator.sandbox.wire import ApiError

ACTS = ("take", "edit", "convert", "merge", "delete", "undelete")


class People:
    """Acts on behalf of a user, or of some active one where nobody is named."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def behind_the_back(self, kind: str, record: str, by: str | None, fields: Row) -> None:
        """Take, edit or convert, with no rule asked: for races. A record that is gone stays so."""
        found = self._org.records.type_of(record)
        row = self._org.records.get(found.name, record) if found else None
        if found is None or row is None:
            return
        person = to18(by) if by else self._somebody(row)
        if kind == "take":
            self._org.records.change(found, row, {"OwnerId": person}, person)
        elif kind == "edit":
            values = {(f.name if (f := found.field(name)) else name): fields[name] for name in fields}
            self._org.records.change(found, row, values, person)
        elif not row.get("IsConverted"):
            wish = Wish(lead=record, owner=_owner(row, person), no_opportunity=True)
            with suppress(ApiError):
                Conversion(Writer(self._org, person, rules=False), checks=False).convert(wish)

    def act(self, kind: str, body: Row) -> Row:
        """One act as the org's rules allow it, and what came of it; ApiError says why not."""
        found, row = self._named(str(body["record"]))
        person = self._person(body.get("by"), row)
        writer = Writer(self._org, person, rules=False)
        return {"do": kind, "record": row["Id"], "by": person, **_work(kind)(writer, found, row, body)}

    def _named(self, record: str) -> tuple[ObjectType, Row]:
        kind = self._org.records.type_of(to18(record)) if valid_id(record) else None
        row = self._org.records.get(kind.name, to18(record)) if kind else None
        if kind is None or row is None:
            raise ApiError(404, "NOT_FOUND", f"there is no record {record}")
        return kind, row

    def _person(self, by: Any, row: Row) -> str:
        """A user by id, user name, e-mail or full name."""
        if not by:
            return self._somebody(row)
        wanted = str(by).casefold()
        for user in self._org.records.live("User"):
            names = {str(user.get(key, "")).casefold() for key in ("Username", "Email", "Name")}
            if wanted in names or (valid_id(str(by)) and to18(str(by)) == user["Id"]):
                return str(user["Id"])
        raise ApiError(404, "NOT_FOUND", f"there is no user {by}")

    def _somebody(self, row: Row) -> str:
        users = (user["Id"] for user in self._org.records.live("User") if user.get("IsActive"))
        machines = (INTEGRATION_USER, RULE_ROBOT)
        return next((user for user in users if user not in machines), row.get("OwnerId") or INTEGRATION_USER)


def _work(kind: str) -> Any:
    return {
        "take": _take,
        "edit": _edit,
        "convert": _convert,
        "merge": _merge,
        "delete": _delete,
        "undelete": _undelete,
    }[kind]


def _take(writer: Writer, kind: ObjectType, row: Row, body: Row) -> Row:
    _update(writer, kind, row, {"OwnerId": writer.user_id})
    return {"owner": writer.user_id}


def _edit(writer: Writer, kind: ObjectType, row: Row, body: Row) -> Row:
    fields = body.get("fields")
    if not isinstance(fields, dict) or not fields:
        raise ValueError("edit needs fields")
    changed = _update(writer, kind, row, fields)
    names = [found.name for name in fields if (found := kind.field(name))]
    return {"fields": {name: changed.get(name) for name in names}}


def _update(writer: Writer, kind: ObjectType, row: Row, fields: Row) -> Row:
    return writer.update(kind, writer.find(kind, row["Id"]), fields)


def _convert(writer: Writer, kind: ObjectType, row: Row, body: Row) -> Row:
    if kind.name != "Lead":
        raise ApiError(400, "INVALID_TYPE", f"a {kind.name} cannot be converted")
    wish = Wish(
        lead=row["Id"],
        status=body.get("status"),
        account=body.get("account"),
        contact=body.get("contact"),
        opportunity=body.get("opportunity"),
        opportunity_name=body.get("opportunity_name"),
        no_opportunity=bool(body.get("no_opportunity")),
        overwrite_source=bool(body.get("overwrite_lead_source")),
        owner=_owner(row, writer.user_id),
    )
    done = Conversion(writer).convert(wish)
    return {name.removesuffix("Id"): done[name] for name in ("accountId", "contactId", "opportunityId")}


def _owner(lead: Row, person: str) -> str:
    """A lead that lies in a queue becomes the person's who converts it."""
    owner = str(lead.get("OwnerId"))
    return owner if owner.startswith("005") else person


def _merge(writer: Writer, kind: ObjectType, row: Row, body: Row) -> Row:
    others = body.get("others")
    if not isinstance(others, list):
        raise ValueError("merge needs a list of others")
    done = recycle_bin.merge(writer, kind, row["Id"], body.get("fields") or {}, [str(one) for one in others])
    return {"merged": done["mergedRecordIds"], "moved": done["updatedRelatedIds"]}


def _delete(writer: Writer, kind: ObjectType, row: Row, body: Row) -> Row:
    recycle_bin.delete_by_id(writer, row["Id"])
    return {}


def _undelete(writer: Writer, kind: ObjectType, row: Row, body: Row) -> Row:
    recycle_bin.undelete(writer, row["Id"])
    return {}
