"""What Salesforce's codes and broken answers mean to us. No text of an answer but its code is ever kept.

Codes: "Status Codes and Error Responses" (REST API Developer Guide, errorcodes.htm) and the StatusCode
enumeration of the SOAP API. Conditional rows: "Conditional Requests" (intro_rest_conditional_requests.htm).
"""

from __future__ import annotations

import re
from typing import Any

import requests
from urllib3.exceptions import ReadTimeoutError

from allocator.adapters.crm.http import was_sent
from allocator.adapters.crm.salesforce.soql import to18
from allocator.domain.lead import WriteResult
from allocator.errors import LoginError, QuotaError, SourceError

OWNER_REFUSED = frozenset({
    "INACTIVE_OWNER_OR_USER", "INVALID_OWNER", "OP_WITH_INVALID_USER_TYPE_EXCEPTION",
    "TRANSFER_REQUIRES_READ", "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
})  # fmt: skip
ABOUT_OWNER = frozenset({"INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID", "FIELD_INTEGRITY_EXCEPTION"})
"""These mean the owner when the answer's fields name OwnerId."""
GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID"})
UNSENT = frozenset({"PROCESSING_HALTED", "BATCH_PROCESSING_HALTED", "REQUEST_LIMIT_EXCEEDED"})
CHANGED = frozenset({"ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE", "PRECONDITION_FAILED"})
UNKNOWN = frozenset({"UNKNOWN_EXCEPTION", "SERVER_UNAVAILABLE", "INVALID_SESSION_ID"})
TRANSIENT = frozenset({"QUERY_TIMEOUT", "SERVER_UNAVAILABLE", "UNABLE_TO_LOCK_ROW", "UNKNOWN_EXCEPTION"})
NOT_EXPIRED = (
    "This session is not valid for use with the REST API",
    "Connected app is not attached to Agent",
)
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,79}", re.ASCII)
_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}", re.ASCII)
MOST_FIELDS = 10
_PERSON = re.compile(r"\b00[Q3][A-Za-z0-9]{12}(?:[A-Z0-5]{3})?\b", re.ASCII)


class Refused(SourceError):
    """A whole request was refused; `code` is Salesforce's."""

    def __init__(self, code: str, status: int) -> None:
        shown = code or "no code"
        super().__init__(
            f"Salesforce refused a request: {shown} (HTTP {status}). Check the integration user's "
            "permissions and the API version; the next run tries again."
        )
        self.code, self.status = code, status


class NoAnswer(SourceError):
    """No usable answer. `sent` is False where surely nothing arrived; `timeout` where it took too long."""

    def __init__(self, what: str, *, sent: bool = True, timeout: bool = False) -> None:
        super().__init__(f"Salesforce gave no usable answer: {what}. The next run tries again.")
        self.sent, self.timeout = sent, timeout


class Expired(SourceError):
    """The session has expired: nothing of the request was executed."""

    def __init__(self) -> None:
        super().__init__("Salesforce says that the session has expired.")


def quota_error() -> QuotaError:
    return QuotaError(
        "Salesforce allows no more requests for now: the org's daily limit (or our share of it, "
        "salesforce.usage_limit) is used up. Confirmations are finished; the next run goes on."
    )


def refusal(status: int, content: Any) -> SourceError:
    """The error for a whole request that was answered with a status of 300 or more."""
    code = code_of(content)
    if status == 401:
        return _unauthorised(code, content)
    if status in (408, 420, 429) or status >= 500:
        return NoAnswer(f"HTTP {status}{' ' + code if code else ''}")
    if code == "REQUEST_LIMIT_EXCEEDED":
        return quota_error()
    if code in TRANSIENT:
        return NoAnswer(f"HTTP {status} {code}")
    return Refused(code or ("REDIRECT" if status < 400 else ""), status)


def _unauthorised(code: str, content: Any) -> SourceError:
    text = str(first(content).get("message", ""))
    if code == "INVALID_SESSION_ID" and not any(words in text for words in NOT_EXPIRED):
        return Expired()
    return LoginError(
        "Salesforce does not accept our session for the REST API. Check the connected app's scopes (api) and "
        "that the integration user may use the API."
    )


def no_answer(error: Exception) -> NoAnswer:
    """The error for a request that ended without an answer, or with one that cannot be read."""
    if isinstance(error, requests.exceptions.JSONDecodeError) or not isinstance(
        error, requests.RequestException
    ):
        return NoAnswer("the answer is not JSON")
    sent = was_sent(error)
    if isinstance(error, requests.Timeout) or _slow(error):
        return NoAnswer("it took too long" if sent else "no connection in time", sent=sent, timeout=sent)
    if isinstance(error, requests.exceptions.SSLError):
        return NoAnswer("the TLS certificate or connection was not accepted (see ca_file)", sent=sent)
    if not sent:
        return NoAnswer("no connection (address, network or proxy)", sent=False)
    return NoAnswer("the connection was cut")


def _slow(error: requests.RequestException) -> bool:
    """A body that stops in the middle until the time is over is a timeout too; requests says otherwise."""
    return bool(error.args) and isinstance(error.args[0], ReadTimeoutError)


def code_of(content: Any) -> str:
    """The first error's code, where it looks like one."""
    code = first(content).get("errorCode")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def fields_in(content: Any) -> tuple[str, ...]:
    """The names of fields that the first error gives, where they look like some."""
    named = first(content).get("fields")
    names = [one for one in named if isinstance(one, str)] if isinstance(named, list) else []
    return tuple(dict.fromkeys(one for one in names if _FIELD.fullmatch(one)))[:MOST_FIELDS]


def first(content: Any) -> dict[str, Any]:
    if isinstance(content, list) and content and isinstance(content[0], dict):
        return content[0]
    return {}


def written(status: Any, body: Any) -> tuple[WriteResult, str]:
    """What one sub-request's status and body say of its write, and the code as detail."""
    if not isinstance(status, int) or isinstance(status, bool):
        return WriteResult.UNKNOWN, ""
    if status in (200, 201, 204):
        return WriteResult.WRITTEN, ""
    code = code_of(body)
    fields = first(body).get("fields")
    return _meaning(status, code, "OwnerId" in fields if isinstance(fields, list) else False), code


def _meaning(status: int, code: str, about_owner: bool) -> WriteResult:
    if code in OWNER_REFUSED or (about_owner and code in ABOUT_OWNER):
        return WriteResult.REFUSED_OWNER
    for codes, meaning in _MEANINGS:
        if code in codes:
            return meaning
    if status == 412:
        return WriteResult.CHANGED
    if status == 404:
        return WriteResult.GONE
    if 400 <= status < 500 and status not in (401, 408, 429):
        return WriteResult.REJECTED
    return WriteResult.UNKNOWN


_MEANINGS = (
    (UNSENT, WriteResult.UNSENT),
    (frozenset({"CANNOT_UPDATE_CONVERTED_LEAD"}), WriteResult.CONVERTED),
    (GONE, WriteResult.GONE),
    (frozenset({"UNABLE_TO_LOCK_ROW"}), WriteResult.LOCKED),
    (CHANGED, WriteResult.CHANGED),
    (UNKNOWN, WriteResult.UNKNOWN),
)


def made(status: Any, body: Any, field: str) -> tuple[WriteResult, str, str, tuple[str, ...]]:
    """What one upsert's status and body say: result, code, the record's id, ids of records in its way.

    The upsert's own field taken since (DUPLICATE_VALUE) means that the record may be there: it is unknown.
    """
    if status == 300:
        return WriteResult.REJECTED, "DUPLICATE_EXTERNAL_ID", "", _ids_in(body)
    result, code = written(status, body)
    if result is WriteResult.WRITTEN:
        return result, code, (to18(body.get("id")) or "") if isinstance(body, dict) else "", ()
    if code == "DUPLICATE_VALUE":
        text = first(body).get("message")
        ours = isinstance(text, str) and field.lower() in text.lower()
        return WriteResult.UNKNOWN if ours else WriteResult.REJECTED, code, "", _ids_in(text)
    if result in (WriteResult.GONE, WriteResult.CHANGED):
        result = WriteResult.REJECTED
    return result, code, "", _matches(body) if code == "DUPLICATES_DETECTED" else ()


def _matches(body: Any) -> tuple[str, ...]:
    """Ids of the records that a duplicate rule found, wherever the answer nests its duplicateResult."""
    found: list[str] = []
    todo = [first(body)]
    while todo:
        one = todo.pop(0)
        record = one.get("record")
        if isinstance(record, dict) and (match := to18(record.get("Id"))):
            found.append(match)
        inner = [value if isinstance(value, list) else [value] for value in one.values()]
        todo += [value for values in inner for value in values if isinstance(value, dict)]
    return tuple(dict.fromkeys(found))


def _ids_in(value: Any) -> tuple[str, ...]:
    """Ids of people in a text, or in URLs."""
    texts = [one for one in (value if isinstance(value, list) else [value]) if isinstance(one, str)]
    found = (to18(one) for text in texts for one in _PERSON.findall(text))
    return tuple(dict.fromkeys(one for one in found if one))
