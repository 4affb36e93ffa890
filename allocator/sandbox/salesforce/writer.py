"""What a create, an update or a delete may do: the checks, the assignment rule and the order they come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from allocator.sandbox.salesforce import duplicates, recycle_bin
from allocator.sandbox.salesforce.org import ASSIGNMENT_RULE, RULE_ROBOT, Org
from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.schema import Field, ObjectType, to18, valid_id
from allocator.sandbox.salesforce.values import stored
from allocator.sandbox.wire import ApiError, Headers, missing_resource

NO_QUEUE_OWNER = ("Contact", "Account", "Opportunity", "Campaign")
ACTIVE_OWNER = ("Lead", "Contact", "Opportunity", "Campaign")


@dataclass(frozen=True)
class Writer:
    """Writes on behalf of one user; `rules` tells whether the active assignment rule runs."""

    org: Org
    user_id: str
    rules: bool = True
    request: int | None = None
    choice: duplicates.Choice = duplicates.NOTHING_SAID

    def find(self, kind: ObjectType, record_id: str) -> Row:
        """The live row with this id, or the error that the API gives for it."""
        if not (len(record_id) in (15, 18) and record_id.isalnum()):
            text = f"Provided external ID field does not exist or is not accessible: {record_id}"
            raise ApiError(404, "NOT_FOUND", text)
        if not valid_id(record_id):
            raise ApiError(400, "MALFORMED_ID", f"malformed id {record_id}")
        row = self.org.records.get(kind.name, to18(record_id))
        if row is None:
            raise missing_resource()
        if row.get("IsDeleted"):
            raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted", [])
        return row

    def create(self, kind: ObjectType, body: Any, *, apart_from: str = "") -> Row:
        """A new row. The record that it is made from does not count as its duplicate."""
        given = _fields_of(kind, body)
        if "Id" in given:
            text = "cannot specify Id in an insert call"
            raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, ["Id"])
        values = self._checked(kind, given, creating=True)
        _require(kind, values)
        with self.org.records.lock:
            self._unique(kind, values, None)
            if kind.field("OwnerId") and not values.get("OwnerId"):
                values["OwnerId"] = self.user_id
            self._owner(kind, values)
            self._campaign_member(kind, values)
            duplicates.check(self.org, kind, values, self.choice, {apart_from})
            return self._insert(kind, self._by_rule(kind, values))

    def _insert(self, kind: ObjectType, values: Row) -> Row:
        kept = {name: value for name, value in values.items() if value is not None}
        return self.org.records.insert(kind, kept, self.user_id, request=self.request)

    def update(self, kind: ObjectType, row: Row, body: Any) -> Row:
        given = _fields_of(kind, body)
        if "Id" in given:
            text = "The Id field should not be specified in the sobject data."
            raise ApiError(400, "INVALID_FIELD", text, ["Id"])
        with self.org.records.lock:
            row = self.org.records.get(kind.name, row["Id"]) or row
            self._convertible(kind, row)
            values = self._checked(kind, given, creating=False)
            self._unique(kind, values, row["Id"])
            if "OwnerId" in values and values["OwnerId"] != row.get("OwnerId"):
                self._owner(kind, values)
            if self.org.settings.duplicate_rules == "block" and duplicates.matters(kind, values):
                duplicates.check(self.org, kind, {**row, **values}, self.choice, {row["Id"]})
            values = self._by_rule(kind, values)
            return self.org.records.change(kind, row, values, self.user_id, request=self.request)

    def delete(self, kind: ObjectType, row: Row) -> None:
        """Into the recycle bin: the row stays and only queryAll shows it."""
        recycle_bin.delete(self, kind, row)

    def _convertible(self, kind: ObjectType, row: Row) -> None:
        """With "View and Edit Converted Leads" an org lets the write land on the dead lead."""
        if kind.name == "Lead" and row.get("IsConverted") and not self.org.settings.permissive_converted:
            raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])

    def _checked(self, kind: ObjectType, given: dict[str, Any], *, creating: bool) -> Row:
        fields = {name: self._resolve(kind, name, value) for name, value in given.items()}
        _writable(kind, [found for found, _ in fields.values()], creating=creating)
        values = {found.name: stored(found, value) for found, value in fields.values()}
        for found, _ in fields.values():
            values[found.name] = self._not_blank(found, values[found.name], creating=creating)
            self._reference(kind, found, values[found.name])
        return values

    def _resolve(self, kind: ObjectType, name: str, value: Any) -> tuple[Field, Any]:
        """A field by name; or a relationship whose nested object names its target by external id."""
        found = kind.field(name)
        if found is not None:
            return found, value
        if (found := kind.relationship(name)) is not None:
            return found, self._by_external_id(found, value)
        raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {kind.name}")

    def _by_external_id(self, found: Field, value: Any) -> str | None:
        if value is None:
            return None
        if not isinstance(value, dict):
            text = f"The {found.relationship_name} relationship must be an object"
            raise ApiError(400, "JSON_PARSER_ERROR", text)
        wanted = named_type(value) or found.reference_to[0]
        target = self.org.records.type(wanted)
        keys = [(name, key) for name, key in value.items() if name != "attributes"]
        if len(keys) != 1:
            text = f"The {found.relationship_name} relationship needs exactly one external id field"
            raise ApiError(400, "INVALID_FIELD", text)
        rows = self.matches(target, keys[0][0], str(keys[0][1]))
        if len(rows) != 1:
            name, key = keys[0]
            text = f"Foreign key external ID: {key} not found for field {name} in entity {target.name}"
            raise ApiError(400, "INVALID_FIELD", text, [])
        return str(rows[0]["Id"])

    def matches(self, kind: ObjectType, name: str, value: str) -> list[Row]:
        """Live rows whose external id (or Id) equals the value, without case as the vendor compares."""
        found = kind.field(name)
        if found is None or not (found.external_id or found.id_lookup or found.name == "Id"):
            text = f"Provided external ID field does not exist or is not accessible: {name}"
            raise ApiError(404, "NOT_FOUND", text)
        if found.name == "Id":
            return [self.find(kind, value)]
        wanted = value.strip().casefold()
        return [row for row in self.org.records.live(kind.name) if _key(row.get(found.name)) == wanted]

    def _not_blank(self, found: Field, value: Any, *, creating: bool) -> Any:
        if value is not None or found.nillable:
            return value
        if found.name == "OwnerId" and not creating:
            raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", "Owner ID: owner cannot be blank", ["OwnerId"])
        if found.type == "boolean":
            return False
        if not creating and not found.defaulted_on_create:
            raise _missing([found.name])
        return found.default_value

    def _reference(self, kind: ObjectType, found: Field, value: Any) -> None:
        """A reference names a row of an allowed object that exists."""
        if found.type != "reference" or value is None or found.name == "OwnerId":
            return
        target = self.org.records.type_of(value)
        if target is None or (found.reference_to and target.name not in found.reference_to):
            raise _wrong_type(found, value)
        self._exists(target, value, found)
        if target.name == "Lead" and kind.name == "CampaignMember":
            self._convertible(target, self.org.records.get("Lead", value) or {})

    def _exists(self, target: ObjectType, value: str, found: Field) -> Row:
        row = self.org.records.get(target.name, value)
        if row is None or row.get("IsDeleted"):
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [found.name])
        return row

    def _owner(self, kind: ObjectType, values: Row) -> None:
        """Who may own: an active user, or for a Lead a queue that serves leads."""
        found = kind.field("OwnerId")
        if found is None:
            return
        owner = values.get("OwnerId")
        if owner is None:
            raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", "Owner ID: owner cannot be blank", ["OwnerId"])
        target = self.org.records.type_of(owner)
        if target is None or target.name not in ("User", "Group"):
            raise _wrong_type(found, owner)
        if target.name == "Group" and kind.name in NO_QUEUE_OWNER:
            raise ApiError(400, "INVALID_OWNER", f"Owner ID: a queue cannot own a {kind.name}", ["OwnerId"])
        row = self._exists(target, owner, found)
        if target.name == "Group":
            self._queue(kind, row)
        elif not row.get("IsActive") and kind.name in ACTIVE_OWNER:
            text = f"operation performed with inactive user [{owner[:15]}]"
            raise ApiError(400, "INACTIVE_OWNER_OR_USER", text, ["OwnerId"])

    def _queue(self, kind: ObjectType, group: Row) -> None:
        served = {
            row.get("QueueId")
            for row in self.org.records.live("QueueSobject")
            if row.get("SobjectType") == kind.name
        }
        if group.get("Type") != "Queue" or group["Id"] not in served:
            text = "Queue not associated with this SObject type"
            raise ApiError(400, "FIELD_INTEGRITY_EXCEPTION", text, ["OwnerId"])

    def _unique(self, kind: ObjectType, values: Row, own_id: str | None) -> None:
        for name, value in values.items():
            found = kind.field(name)
            if value is None or found is None or not found.unique:
                continue
            twin = next(
                (row for row in self.org.records.live(kind.name) if _key(row.get(name)) == _key(value)), None
            )
            if twin is not None and twin["Id"] != own_id:
                text = f"duplicate value found: {name} duplicates value on record with id: {twin['Id'][:15]}"
                raise ApiError(400, "DUPLICATE_VALUE", text, [])

    def _campaign_member(self, kind: ObjectType, values: Row) -> None:
        if kind.name == "CampaignMember" and not (values.get("LeadId") or values.get("ContactId")):
            raise _missing(["LeadId"])

    def _by_rule(self, kind: ObjectType, values: Row) -> Row:
        """The org's active assignment rule gives the lead to its own pick; the API answers success."""
        if kind.name == "Lead" and self.rules and self.org.settings.assignment_rule:
            return {**values, "OwnerId": RULE_ROBOT}
        return values


def rules_run(headers: Headers) -> bool:
    """ "Assignment Rule Header" (REST API Developer Guide): without the header the active rule runs."""
    value = headers.get("Sforce-Auto-Assign", "TRUE").strip()
    if value.upper() in ("TRUE", "FALSE"):
        return value.upper() == "TRUE"
    if valid_id(value) and to18(value) == ASSIGNMENT_RULE:
        return True
    raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", f"invalid assignment rule id: {value}")


def named_type(body: dict[str, Any]) -> str | None:
    """The object that a body's attributes name, if they name one."""
    attributes = body.get("attributes")
    named = attributes.get("type") if isinstance(attributes, dict) else None
    return named if isinstance(named, str) else None


def _fields_of(kind: ObjectType, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        text = (
            f"The HTTP entity body is required, but this request has no entity body or no {kind.name} in it."
        )
        raise ApiError(400, "JSON_PARSER_ERROR", text)
    named = named_type(body)
    if named and named.lower() != kind.name.lower():
        raise ApiError(400, "INVALID_TYPE", f"type {named} does not match the resource {kind.name}")
    return {("Id" if name.lower() == "id" else name): body[name] for name in body if name != "attributes"}


def _writable(kind: ObjectType, fields: list[Field], *, creating: bool) -> None:
    wrong = [found.name for found in fields if not (found.createable if creating else found.updateable)]
    if wrong:
        text = (
            f"Unable to create/update fields: {', '.join(wrong)}. Please check the security settings of "
            "this field and verify that it is read/write for your profile or permission set."
        )
        raise ApiError(400, "INVALID_FIELD_FOR_INSERT_UPDATE", text, wrong)


def _require(kind: ObjectType, values: Row) -> None:
    missing = [
        found.name
        for found in kind.fields
        if found.createable and not (found.nillable or found.defaulted_on_create or found.type == "boolean")
        if values.get(found.name) is None
    ]
    if missing:
        raise _missing(missing)


def _missing(names: list[str]) -> ApiError:
    return ApiError(
        400, "REQUIRED_FIELD_MISSING", f"Required fields are missing: [{', '.join(names)}]", names
    )


def _wrong_type(found: Field, value: str) -> ApiError:
    return ApiError(
        400, "MALFORMED_ID", f"{found.label or found.name}: id value of incorrect type: {value}", [found.name]
    )


def _key(value: Any) -> str | None:
    return None if value is None else str(value).strip().casefold()
