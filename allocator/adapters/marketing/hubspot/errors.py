"""What HubSpot's answers mean to us. No text of an answer but its codes and ids is ever kept.

"Error handling" and "API usage guidelines" (developers.hubspot.com): 429 by policyName, 423 locked, 477
migration in progress, 207 for a batch that was carried out in part.
"""

from __future__ import annotations

import re
from typing import Any

import requests
from urllib3.exceptions import ReadTimeoutError

from allocator.adapters.crm.http import was_sent
from allocator.errors import LoginError, QuotaError, SourceError

SECONDLY, ROLLING, LOCKED, MIGRATING = 1.0, 10.0, 2.0, 10.0
"""Seconds to stay away, by why we were sent away."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,79}", re.ASCII)
_EXISTING = re.compile(r"Existing ID: (\d{1,20})", re.ASCII)


class Refused(SourceError):
    """A whole request was refused, and nothing of it was carried out; `code` is HubSpot's."""

    def __init__(self, status: int, body: Any) -> None:
        self.status, self.code = status, code_of(body)
        self.existing = existing_ids(body)
        super().__init__(
            f"HubSpot refused a request: {self.code or 'no code'} (HTTP {status}). Check the private app's "
            "scopes and the property names under [hubspot]; the next run tries again."
        )


class NoAnswer(SourceError):
    """No usable answer. `sent` is False where surely nothing was carried out; `wait`: what it asks for."""

    def __init__(self, what: str, *, sent: bool = True, wait: float = 0.0) -> None:
        super().__init__(f"HubSpot gave no usable answer: {what}. The next run tries again.")
        self.sent, self.wait = sent, wait


def quota_error() -> QuotaError:
    return QuotaError(
        "HubSpot allows no more requests today: the account's daily limit is used up. The next run goes on."
    )


def refusal(status: int, body: Any, retry_after: float, interval: float) -> SourceError:
    """The error for an answer that is no success. `interval`: seconds of the rolling limit's window."""
    code = code_of(body)
    if status < 400:
        return NoAnswer(f"HTTP {status}, which is no answer of the API")
    if status == 401:
        return LoginError(
            "HubSpot refused the token (HTTP 401). Copy the private app's token again: hubspot.token_file."
        )
    if status == 403:
        return LoginError(
            "HubSpot does not let the private app do this (HTTP 403). Give it the scopes "
            "crm.objects.contacts.read, crm.objects.contacts.write, crm.schemas.contacts.read and "
            "crm.objects.owners.read."
        )
    if status == 429:
        return _limited(body, retry_after, interval)
    if status == 423:
        return NoAnswer("HTTP 423, locked for now", wait=max(LOCKED, retry_after))
    if status == 477:
        return NoAnswer("HTTP 477, the account is being moved", sent=False, wait=retry_after or MIGRATING)
    if status == 408 or status >= 500:
        return NoAnswer(f"HTTP {status}{' ' + code if code else ''}", wait=retry_after)
    return Refused(status, body)


def _limited(body: Any, retry_after: float, interval: float) -> SourceError:
    """Nothing of the request was carried out."""
    policy = str(body.get("policyName", "")).upper() if isinstance(body, dict) else ""
    if policy == "DAILY":
        return quota_error()
    wait = interval if "ROLLING" in policy else SECONDLY
    return NoAnswer(f"HTTP 429 {code_or_empty(policy)}".rstrip(), sent=False, wait=max(wait, retry_after))


def no_answer(error: Exception) -> NoAnswer:
    """The error for a request that ended without an answer, or with one that cannot be read."""
    if not isinstance(error, requests.RequestException) or isinstance(
        error, requests.exceptions.JSONDecodeError
    ):
        return NoAnswer("the answer is not JSON")
    sent = was_sent(error)
    if isinstance(error, requests.Timeout) or (error.args and isinstance(error.args[0], ReadTimeoutError)):
        return NoAnswer("it took too long" if sent else "no connection in time", sent=sent)
    if isinstance(error, requests.exceptions.SSLError):
        return NoAnswer("the TLS certificate or connection was not accepted (see ca_file)", sent=sent)
    if not sent:
        return NoAnswer("no connection (address, network or proxy)", sent=False)
    return NoAnswer("the connection was cut")


def code_of(body: Any) -> str:
    """The most exact code that an error names: of its first part, else its category."""
    if not isinstance(body, dict):
        return ""
    parts = [part for part in listed(body, "errors") if isinstance(part, dict)]
    found = [part.get("code") for part in parts] + [body.get("code"), body.get("category")]
    return next((code for one in found if (code := code_or_empty(one))), "")


def code_or_empty(text: Any) -> str:
    return text if isinstance(text, str) and _CODE.fullmatch(text) else ""


def existing_ids(body: Any) -> tuple[str, ...]:
    """Ids of contacts that an error says are there already."""
    message = body.get("message") if isinstance(body, dict) else None
    return tuple(dict.fromkeys(_EXISTING.findall(message))) if isinstance(message, str) else ()


def listed(body: Any, key: str) -> list[Any]:
    """The list under a key; empty where there is none."""
    found = body.get(key) if isinstance(body, dict) else None
    return found if isinstance(found, list) else []
