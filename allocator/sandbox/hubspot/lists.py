"""Lists of contacts: who is in them, a page at a time."""

from __future__ import annotations

from allocator.sandbox.hubspot.answers import HubError, NotThere, answer, invalid, stamp
from allocator.sandbox.hubspot.calls import Call, wrong_method
from allocator.sandbox.hubspot.portal import Portal
from allocator.sandbox.wire import Response

PAGE, MOST = 100, 250


def members(portal: Portal, call: Call) -> Response:
    """GET .../lists/7/memberships?limit=&after=. Who is archived or merged away is in no list."""
    if call.method != "GET":
        raise wrong_method(call)
    if len(call.parts) != 2 or call.parts[1] != "memberships":
        raise NotThere
    if call.parts[0] not in portal.lists:
        raise HubError(404, "OBJECT_NOT_FOUND", f"List does not exist with ID {call.parts[0]}.")
    limit, after = call.one("limit") or str(PAGE), call.one("after") or "0"
    if not limit.isdigit() or not 1 <= int(limit) <= MOST or not after.isdigit():
        raise invalid(f"limit must be between 1 and {MOST}, after as an answer gave it")
    rows = portal.contacts.rows
    there = [one for one in portal.lists[call.parts[0]] if one in rows and rows[one].archived is None]
    left = sorted((one for one in there if int(one) > int(after)), key=int)
    page = left[: int(limit)]
    at = stamp(portal.clock.exact())
    found = {"results": [{"recordId": one, "membershipTimestamp": at} for one in page]}
    paging = {"paging": {"next": {"after": page[-1]}}} if len(left) > len(page) else {}
    return answer(200, {**found, **paging})
