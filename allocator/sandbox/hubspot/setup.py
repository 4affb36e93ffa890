"""What an account is made of beside its records: property definitions, owners, associations."""

from __future__ import annotations

from typing import Any

from allocator.sandbox.hubspot.answers import HubError, NotThere, answer, invalid, read_body, stamp
from allocator.sandbox.hubspot.calls import Call, wrong_method
from allocator.sandbox.hubspot.definitions import read_property
from allocator.sandbox.hubspot.lists import members
from allocator.sandbox.hubspot.portal import Portal
from allocator.sandbox.hubspot.records import Records
from allocator.sandbox.wire import Response

TYPES = {("contacts", "companies"): 279, ("companies", "contacts"): 280}
"""The association types that a default association of the two makes, one for each direction."""
OWNERS_PAGE, OWNERS_MOST = 100, 500


class Setup:
    """Serves properties, owners and associations. Its callers hold the portal's lock."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal

    def serve(self, call: Call) -> Response:
        if call.resource == "properties" and call.parts:
            return self._properties(call, self._portal.records(call.parts[0]))
        if call.resource == "owners":
            return self._owners(call)
        if call.resource == "lists":
            return members(self._portal, call)
        if call.resource == "objects" and call.parts[2:3] == ("associations",):
            return self._associations(call)
        raise NotThere

    def _properties(self, call: Call, records: Records) -> Response:
        made = self._portal.made
        match call.method, call.parts[1:]:
            case "GET", ():
                found = [one.shown(made) for one in records.known.values()]
                return answer(200, {"results": found})
            case "POST", ():
                return self._add_property(call, records)
            case "GET", (name,):
                return answer(200, self._property(records, name).shown(made))
            case "DELETE", (name,):
                if not self._property(records, name).own:
                    raise invalid(f"Property {name} is defined by HubSpot and cannot be archived")
                del records.known[name]
                return Response(204)
        raise wrong_method(call)

    def _property(self, records: Records, name: str) -> Any:
        if name not in records.known:
            raise HubError(404, "OBJECT_NOT_FOUND", f'Property "{name}" does not exist')
        return records.known[name]

    def _add_property(self, call: Call, records: Records) -> Response:
        found = read_property(read_body(call.request))
        if found.name in records.known:
            raise HubError(409, "CONFLICT", f"A property named '{found.name}' already exists.")
        records.known[found.name] = found
        return answer(201, found.shown(stamp(self._portal.clock.exact())))

    def _owners(self, call: Call) -> Response:
        if call.method != "GET" or len(call.parts) > 1:
            raise wrong_method(call)
        archived = call.flag("archived")
        owners = [one for one in self._portal.owners.values() if one.archived is archived]
        if call.parts:
            found = [one for one in owners if one.id == call.parts[0]]
            if not found:
                raise NotThere
            return answer(200, found[0].shown())
        email = (call.one("email") or "").lower()
        found = [one for one in owners if not email or one.email.lower() == email]
        return answer(200, _page([one.shown() for one in found], call))

    def _associations(self, call: Call) -> Response:
        """GET .../contact/1/associations/company, PUT .../contact/1/associations/default/company/2."""
        here = self._portal.records(call.parts[0])
        own = here.find(call.parts[1]).id
        match call.method, call.parts[3:]:
            case "PUT", ("default", kind, other):
                there = self._portal.records(kind)
                return self._associate(here, own, there, there.find(other).id)
            case "GET", (kind,):
                there = self._portal.records(kind)
                return answer(200, {"results": self._associated(here, own, there)})
        raise wrong_method(call)

    def _associate(self, here: Records, own: str, there: Records, other: str) -> Response:
        if (here.kind.name, there.kind.name) not in TYPES:
            raise invalid(f"No default association of {here.kind.name} and {there.kind.name}")
        made = []
        for one, from_id, two, to_id in ((here, own, there, other), (there, other, here, own)):
            pair = (one.kind.name, from_id, two.kind.name, to_id)
            if pair not in self._portal.associations:
                self._portal.associations.append(pair)
            number = TYPES[one.kind.name, two.kind.name]
            spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}
            made.append({"from": {"id": from_id}, "to": {"id": to_id}, "associationSpec": spec})
        now = stamp(self._portal.clock.exact())
        return answer(200, {"status": "COMPLETE", "results": made, "startedAt": now, "completedAt": now})

    def _associated(self, here: Records, own: str, there: Records) -> list[dict[str, Any]]:
        kinds = (here.kind.name, there.kind.name)
        number = TYPES.get(kinds)
        label = {"category": "HUBSPOT_DEFINED", "typeId": number, "label": None}
        return [
            {"toObjectId": int(to_id), "associationTypes": [label]}
            for one, from_id, two, to_id in self._portal.associations
            if (one, two) == kinds and here.winner(from_id) == own
        ]


def _page(rows: list[dict[str, Any]], call: Call) -> dict[str, Any]:
    limit, after = call.one("limit") or str(OWNERS_PAGE), call.one("after") or "0"
    if not limit.isdigit() or not 1 <= int(limit) <= OWNERS_MOST or not after.isdigit():
        raise invalid(f"limit must be between 1 and {OWNERS_MOST}, after as an answer gave it")
    end = int(after) + int(limit)
    page: dict[str, Any] = {"results": rows[int(after) : end]}
    if end < len(rows):
        page["paging"] = {"next": {"after": str(end)}}
    return page
