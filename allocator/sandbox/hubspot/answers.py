"""What HubSpot answers when it refuses: its error object, its page for what is not there, its 429.

Shapes from the public API specification (HubSpot-public-api-spec-collection) and from recorded answers.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

from allocator.sandbox.wire import ApiError, Request, Response, parse_json

JSON_TYPE = "application/json;charset=utf-8"
NO_CREDENTIALS = (
    "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find more "
    "details at https://developers.hubspot.com/docs/methods/auth/oauth-overview"
)
PAGE = b"""<html>
<head>
<meta http-equiv="Content-Type" content="text/html;charset=utf-8"/>
<title>Error 404 Not Found</title>
</head>
<body><h2>HTTP ERROR 404</h2>
<p>Resource not found</p>
</body>
</html>
"""
FAULTS = {
    400: ("VALIDATION_ERROR", "Invalid input (details will vary based on the error)"),
    401: ("INVALID_AUTHENTICATION", NO_CREDENTIALS),
    403: ("MISSING_SCOPES", "This app hasn't been granted all required scopes to make this call."),
    409: ("CONFLICT", "The request conflicts with another one"),
    423: ("LOCKED", "The resource is locked by another request, try again in 2 seconds"),
    477: ("MIGRATION_IN_PROGRESS", "A migration of this account between data centres is in progress"),
    500: ("INTERNAL_ERROR", "internal error"),
    502: ("BAD_GATEWAY", "Bad gateway"),
    503: ("SERVICE_UNAVAILABLE", "Service temporarily unavailable"),
    504: ("GATEWAY_TIMEOUT", "Gateway timeout"),
}
Errors = list[dict[str, Any]]


class HubError(Exception):
    """An answer that refuses; `errors` are its details, one for each property at fault."""

    def __init__(
        self,
        status: int,
        category: str,
        message: str,
        errors: Errors | None = None,
        context: dict[str, list[str]] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.category, self.message = status, category, message
        self.errors, self.context = errors, context or {}

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"status": "error", "message": self.message, "correlationId": correlation()}
        if self.errors:
            body["errors"] = self.errors
        if self.context:
            body["context"] = self.context
        return {**body, "category": self.category}

    def response(self) -> Response:
        return answer(self.status, self.body())

    def item(self, ids: dict[str, list[str]]) -> dict[str, Any]:
        """The same refusal for one input of a batch: `ids` say which one."""
        entry = {"status": "error", "category": self.category, "message": self.message}
        details = {"errors": self.errors} if self.errors else {}
        return {**entry, "context": {**self.context, **ids}, **details}


class NotThere(HubError):
    """An id, or a path, that leads to nothing: alone it is answered by a page, in a batch by an entry."""

    def __init__(self, kind: str = "") -> None:
        text = (
            f"Could not get some {kind} objects, they may be deleted or not exist. Check that ids are valid."
        )
        super().__init__(404, "OBJECT_NOT_FOUND", text if kind else "resource not found")

    def response(self) -> Response:
        page = "text/html;charset=iso-8859-1"
        return Response(404, PAGE, {"X-HubSpot-NotFound": "true"}, content_type=page)


def answer(status: int, body: Any) -> Response:
    return Response(status, body, content_type=JSON_TYPE)


def correlation() -> str:
    return str(uuid.uuid4())


def invalid(message: str, errors: Errors | None = None) -> HubError:
    return HubError(400, "VALIDATION_ERROR", message, errors)


def conflict(existing: str) -> HubError:
    return HubError(409, "CONFLICT", f"Contact already exists. Existing ID: {existing}")


def too_many(policy: str) -> Response:
    """The 429 of one policy; it does not say when to come back."""
    body = {
        "status": "error",
        "message": f"You have reached your {policy.lower()} limit.",
        "errorType": "RATE_LIMIT",
        "correlationId": correlation(),
        "policyName": policy,
    }
    return answer(429, body)


def fault_answer(options: dict[str, Any], request: Request) -> Response:
    """What an armed fault has HubSpot say: `status`, and where given message, code, policy and seconds."""
    status = int(options.get("status") or 500)
    if status == 429:
        searching = request.raw_path.rstrip("/").endswith("/search")
        response = too_many(
            str(options.get("policy") or ("SECONDLY" if searching else "TEN_SECONDLY_ROLLING"))
        )
    elif status == 404:
        response = NotThere().response()
    else:
        category, message = FAULTS.get(status, ("UNKNOWN", "An unexpected error occurred"))
        said = (options.get("code") or category, options.get("message") or message)
        response = HubError(status, str(said[0]), str(said[1])).response()
    seconds = options.get("seconds") or (10 if status == 477 else None)
    if seconds is not None:
        response.headers["Retry-After"] = str(seconds)
    return response


def read_body(request: Request) -> dict[str, Any]:
    """The JSON object of a request."""
    if "json" not in request.headers.get("Content-Type", "application/json").lower():
        raise HubError(415, "VALIDATION_ERROR", "Unsupported media type: send application/json")
    try:
        body = parse_json(request.body)
    except ApiError as error:
        raise invalid(f"Invalid input JSON: {error.message}") from None
    if not isinstance(body, dict):
        raise invalid("Invalid input JSON on line 1, column 1: Cannot build the request from this value")
    return body


def stamp(moment: datetime) -> str:
    """A moment as HubSpot writes it: UTC, milliseconds, Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
