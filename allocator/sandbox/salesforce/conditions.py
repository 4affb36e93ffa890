"""Conditional requests: which headers let a row's read or write pass, and the answers when they do not."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from datetime import datetime

from allocator.sandbox.clock import parse_http_date, parse_iso
from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.schema import ObjectType
from allocator.sandbox.wire import ApiError, Request


def condition(request: Request, name: str) -> datetime | None:
    """The date of a conditional header; a bad one is 400."""
    text = request.headers.get(name)
    if text is None:
        return None
    try:
        return parse_http_date(text)
    except ValueError:
        raise ApiError(400, "INVALID_HEADER", f"{name}: not a valid date: {text}") from None


def changed_at(row: Row, default: datetime | None = None) -> datetime | None:
    """When a row was changed; the default where the control interface stored something that is no date."""
    try:
        return parse_iso(str(row.get("LastModifiedDate") or row.get("SystemModstamp")))
    except ValueError:
        return default


def stamped_in(row: Row, start: datetime, end: datetime) -> bool:
    """Does the row's SystemModstamp lie in this stretch of time?"""
    stamp = changed_at({"SystemModstamp": row.get("SystemModstamp")})
    return stamp is not None and start <= stamp < end


def check_unmodified(request: Request, row: Row) -> None:
    """ "Conditional Requests" (REST API Developer Guide): weak validation by LastModifiedDate, in seconds."""
    limit = condition(request, "If-Unmodified-Since")
    changed = changed_at(row)
    if limit is not None and changed is not None and changed.replace(microsecond=0) > limit:
        text = "The record was modified after the date of If-Unmodified-Since"
        raise ApiError(412, "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", text, [])


def entity_tag(kind: ObjectType, row: Row) -> str | None:
    """ "Conditional Request Headers" (REST API Developer Guide): entity tags exist for Account rows only."""
    if kind.name != "Account":
        return None
    text = json.dumps(row, sort_keys=True, default=str)
    return f'"{base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode()}"'


def tags(request: Request, name: str) -> list[str] | None:
    """The entity tags of a header."""
    text = request.headers.get(name)
    if text is None:
        return None
    found = re.findall(r'"[^"]*"|\*', text)
    if not found:
        raise ApiError(400, "INVALID_HEADER", f"{name}: not a list of entity tags: {text}")
    return found


def check_same_tag(kind: ObjectType, request: Request, row: Row) -> None:
    """If-Match lets only the row pass that the client has seen."""
    etag = entity_tag(kind, row)
    wanted = tags(request, "If-Match") if etag else None
    if wanted is not None and etag not in wanted and "*" not in wanted:
        raise ApiError(412, "PRECONDITION_FAILED", "The record does not match the entity tag of If-Match", [])
