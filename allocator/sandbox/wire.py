"""What passes between the socket and the resources: a request, a response, and the errors' shape."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

JSON_TYPE = "application/json;charset=UTF-8"


class ApiError(Exception):
    """An answer that refuses: HTTP status, the vendor's code, a sentence, the fields at fault, and `more`
    keys that a few errors have."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        fields: list[str] | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.fields = status, code, message, fields
        self.more = more or {}

    def body(self) -> list[dict[str, Any]]:
        """The list shape that "Status Codes and Error Responses" (REST API Developer Guide) shows."""
        error: dict[str, Any] = {**self.more, "message": self.message, "errorCode": self.code}
        if self.fields is not None:
            error["fields"] = self.fields
        return [error]

    def response(self) -> Response:
        return Response(self.status, self.body())

    def row_error(self) -> dict[str, Any]:
        """The same error inside a collection's result, where the key is statusCode."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or [], **self.more}


@dataclass
class Response:
    """`body` is JSON unless it is bytes; None sends no body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = JSON_TYPE
    truncate: bool = False

    def payload(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        try:
            return json.dumps(self.body, ensure_ascii=False).encode()
        except UnicodeEncodeError:  # half of a surrogate pair can only be shown escaped
            return json.dumps(self.body).encode()


class Headers(Mapping[str, str]):
    """Headers looked up without case; the original names are kept for the log."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self.original = {str(name): str(value) for name, value in pairs.items()}
        self._lower = {name.lower(): value for name, value in self.original.items()}

    def __getitem__(self, name: str) -> str:
        return self._lower[name.lower()]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self.original)

    def __len__(self) -> int:
        return len(self.original)


@dataclass
class Request:
    """One call, from the socket or from inside a composite; `target` is path and query as they came."""

    method: str
    target: str
    headers: Headers
    body: bytes = b""
    value: Any = None  # a sub-request's body arrives parsed
    alive: Callable[[], bool] = lambda: True
    entry: dict[str, Any] = field(default_factory=dict)
    outer: Request | None = None
    user_id: str | None = None
    session: str | None = None  # where it is not in a header: the SOAP interface's is in its envelope

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.target).path)

    @property
    def raw_path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def json(self) -> Any:
        """The parsed body, or JSON_PARSER_ERROR as the vendor words it."""
        if self.outer is not None:
            return self.value
        content_type = self.headers.get("Content-Type", "application/json")
        if "json" not in content_type.lower():
            raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type {content_type} is not supported")
        return parse_json(self.body)


def flag(value: Any) -> bool:
    """A switch in a body or a parameter: true, or the text of it."""
    return value.strip().lower() == "true" if isinstance(value, str) else bool(value)


def parse_json(body: bytes) -> Any:
    try:
        return json.loads(body.decode("utf-8")) if body.strip() else None
    except (ValueError, RecursionError) as error:
        line, column = getattr(error, "lineno", 1), getattr(error, "colno", 1)
        text = f"Unexpected character or end of input at [line:{line}, column:{column}]"
        raise ApiError(400, "JSON_PARSER_ERROR", text) from None


def logged_body(body: bytes) -> Any:
    """A body as the request log keeps it: parsed where it is JSON, text otherwise."""
    if not body:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def missing_resource() -> ApiError:
    return ApiError(404, "NOT_FOUND", "The requested resource does not exist")


def wrong_method(method: str, allowed: str) -> ApiError:
    text = f"HTTP Method '{method}' not allowed. Allowed are {allowed}"
    return ApiError(405, "METHOD_NOT_ALLOWED", text)
