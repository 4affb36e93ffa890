"""The store's tables as SQLAlchemy Core sees them; the schema itself is made by the migrations.

Times are ISO-8601 UTC text with microseconds ("2026-01-05T09:00:00.000000Z"), which sorts as time does, on
both databases. JSON is ASCII text, so no character of a lead can be refused by a database. What is text but
not JSON goes through `Words`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

_NUL, _MARK = "\x00", "␀"


def escape(text: str) -> str:
    """A text that every database and encoding accepts; `unescape` gives the original back.

    PostgreSQL refuses NUL, UTF-8 refuses lone surrogates. Both become the symbol ␀ and four hex digits; a ␀
    that was there is doubled. Everything else is left as it is.
    """
    if text.isascii():
        return text.replace(_NUL, f"{_MARK}0000") if _NUL in text else text
    text = text.replace(_MARK, _MARK * 2).replace(_NUL, f"{_MARK}0000")
    try:
        text.encode()
    except UnicodeEncodeError:
        return "".join(f"{_MARK}{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)
    return text


def unescape(text: str) -> str:
    """The text that was given to `escape`."""
    if text.isascii() or _MARK not in text:
        return text
    first, *rest = text.split(_MARK)
    out, doubled = [first], False
    for part in rest:
        if doubled:
            out.append(part)
            doubled = False
        elif part == "":
            out.append(_MARK)
            doubled = True
        else:
            out.append(chr(int(part[:4], 16)) + part[4:])
    return "".join(out)


class Words(TypeDecorator[str]):
    """Text that may hold anything, compared and sorted by code point."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(sa.Text(collation=collation))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else escape(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else unescape(value)


class Time(TypeDecorator[datetime]):
    """Aware UTC in Python, ISO-8601 text in the table."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(sa.Text(collation=collation))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:
        return None if value is None else time_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:
        return None if value is None else datetime.fromisoformat(value).astimezone(UTC)


class Json(TypeDecorator[Any]):
    """Any JSON value as compact ASCII text."""

    impl = sa.Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        collation = "C" if dialect.name == "postgresql" else None
        return dialect.type_descriptor(sa.Text(collation=collation))

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return json_text(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def _plain(value: object) -> object:
    return dict(value) if isinstance(value, Mapping) else str(value)


_encode = json.JSONEncoder(separators=(",", ":"), default=_plain).encode


def json_text(value: Any) -> str:
    """Compact JSON in ASCII, where NUL and lone surrogates are escapes. What JSON knows not becomes text."""
    return _encode(value)


def time_text(value: datetime) -> str:
    """ISO-8601 UTC with microseconds. Raises ValueError for a time without a zone."""
    if value.tzinfo is None:
        raise ValueError("the store takes aware times only")
    return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


metadata = sa.MetaData()


def _words(name: str, *, null: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Words, nullable=null, primary_key=key)


def _number(name: str, *, null: bool = False, key: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger, nullable=null, primary_key=key, autoincrement=False)


def _time(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Time, nullable=null)


def _json(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Json, nullable=null)


def _flag(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Boolean, nullable=False)


lease = sa.Table(
    "lease", metadata,
    _number("one", key=True), _number("token"), _number("run", null=True), _words("claim"),
    _words("host"), _words("boot"), _number("pid"), _words("process_start"),
    _time("acquired", null=True), _time("renewed", null=True), _time("expires", null=True),
)  # fmt: skip

slots = sa.Table(
    "slots", metadata,
    _words("slot", key=True), _words("state"), _time("opened"), _number("done_by_run", null=True),
)  # fmt: skip

runs = sa.Table(
    "runs", metadata,
    _number("run", key=True), _words("slot"), _words("started_by"), _words("state"),
    _time("started"), _time("finished", null=True), _flag("live"), _words("tables_version", null=True),
    _number("token"), _words("host"), _number("pid"), _json("summary"), _json("seen", null=True),
)  # fmt: skip

tables_versions = sa.Table(
    "tables_versions", metadata,
    _number("number", key=True), _words("sha256"), sa.Column("content", sa.LargeBinary, nullable=False),
    _time("accepted_at"), _words("origin"), _words("saved_by"), _words("state"), _words("how"),
    _words("base"), _number("warnings", null=True), _number("added", null=True),
    _number("changed", null=True), _number("removed", null=True), _number("leads", null=True),
    _number("moved", null=True),
)  # fmt: skip

marks = sa.Table("marks", metadata, _words("source", key=True), _time("mark"))

leads = sa.Table(
    "leads", metadata,
    _words("source", key=True), _words("source_id", key=True),
    _time("created"), _time("stamp"), _words("crm_owner"), _json("fields"), _words("unreadable"),
    _words("state"), _number("epoch"), _words("reason", null=True), _words("detail"),
    _words("decided_by", null=True), _words("team", null=True), _words("lane"), _words("person", null=True),
    _words("owner", null=True), _time("since", null=True), _words("basis"), _words("last_person", null=True),
    _number("run", null=True), _flag("live"), _number("hops"), _words("taker", null=True),
    _words("taker_team", null=True), _time("settled_stamp", null=True),
)  # fmt: skip

shapes = sa.Table("shapes", metadata, _words("sha256", key=True), _json("content"))

decisions = sa.Table(
    "decisions", metadata,
    _words("source", key=True), _words("source_id", key=True), _number("epoch", key=True),
    _time("at"), _number("run"), _words("state"), _words("reason", null=True), _words("detail"),
    _words("decided_by", null=True), _words("team", null=True), _words("lane"), _words("person", null=True),
    _words("owner", null=True), _words("basis"), _words("tables_version"), _flag("live"), _flag("given_back"),
    _time("settled_at", null=True), _json("trace"), _json("seen", null=True),
    _number("settled_run", null=True), _words("ended", null=True), _time("ended_at", null=True),
    _words("ended_why"), _words("shape", null=True), _words("effect", null=True),
)  # fmt: skip

eligibility = sa.Table("eligibility", metadata, _words("sha256", key=True), _json("content"))

turns = sa.Table(
    "turns", metadata,
    _words("team", key=True), _words("lane", key=True), _number("number", key=True), _number("sequence"),
    _words("kind"), _words("owner"), _words("payer"), _number("paid"), _number("credit_limit", null=True),
    _json("before"), _json("team_before"), _json("last_before"), _words("eligibility"),
    _words("source"), _words("source_id"), _number("epoch"), _number("run"), _time("at"), _flag("live"),
    _json("vouchers", null=True), _json("due", null=True),
)  # fmt: skip

refunds = sa.Table(
    "refunds", metadata,
    _words("team", key=True), _words("lane", key=True), _number("number", key=True),
    _time("at"), _number("run"), _words("reason"),
)  # fmt: skip

ledger = sa.Table(
    "ledger", metadata,
    _words("team", key=True), _words("lane", key=True), _words("person", key=True), _number("credit"),
)  # fmt: skip

last_turns = sa.Table(
    "last_turns", metadata, _words("team", key=True), _words("person", key=True), _number("sequence")
)

vouchers = sa.Table(
    "vouchers", metadata,
    _words("team", key=True), _words("lane", key=True), _words("person", key=True),
    _words("absence", key=True), _number("amount"), _number("earned"), _words("expires"),
)  # fmt: skip

pauses = sa.Table(
    "pauses", metadata,
    _words("kind", key=True), _words("name", key=True), _time("since"), _time("until", null=True),
    _words("said_by"), _words("reason"),
)  # fmt: skip

take_backs = sa.Table(
    "take_backs", metadata,
    _words("source", key=True), _words("source_id", key=True), _number("epoch", key=True), _words("why"),
    _number("of_run", null=True), _words("reason"), _words("said_by"), _time("asked"), _words("state"),
    _number("attempts"), _time("done", null=True), _words("detail"),
)  # fmt: skip

outbox = sa.Table(
    "outbox", metadata,
    _number("id", key=True), _words("kind"), _words("idempotency_key"),
    _words("source"), _words("source_id"), _number("epoch"), _words("owner"), _words("state"),
    _number("attempts"), _time("created"), _time("last_attempt", null=True), _time("done", null=True),
    _words("object"), _words("object_id"),
)  # fmt: skip

links = sa.Table(
    "links", metadata,
    _words("source", key=True), _words("source_id", key=True), _words("crm", key=True),
    _words("object", key=True), _words("crm_id", key=True), _words("state"), _time("since"),
)  # fmt: skip

syncs = sa.Table(
    "syncs", metadata,
    _words("source", key=True), _words("source_id", key=True), _words("plan"), _words("reason"),
    _words("detail"), _time("since"), _time("at"), _json("agreed"), _time("our_stamp", null=True),
    _time("their_stamp", null=True), _flag("again"), _json("problems"), _words("claim"),
)  # fmt: skip

sync_writes = sa.Table(
    "sync_writes", metadata,
    _number("id", key=True), _words("source"), _words("source_id"), _words("side"), _words("object"),
    _words("object_id"), _json("writes"), _json("agreed"), _words("state"), _number("attempts"),
    _number("run"), _time("created"), _time("done", null=True), _words("detail"), _flag("rerouted"),
)  # fmt: skip

conflicts = sa.Table(
    "conflicts", metadata,
    _number("number", key=True), _words("source"), _words("source_id"), _number("run"), _time("at"),
    _json("conflict"),
)  # fmt: skip

incidents = sa.Table(
    "incidents", metadata,
    _number("number", key=True), _words("id"), _words("kind"), _words("place"), _time("opened"),
    _time("seen"), _number("count"), _time("resolved", null=True), _flag("live"), _json("told"),
    _json("finding"), _time("acked_until", null=True), _words("acked_by"),
)  # fmt: skip

mails = sa.Table(
    "mails", metadata,
    _number("id", key=True), _words("message_id"), _words("thread"), _words("recipient"), _words("kind"),
    _words("incident"), _words("phase"), _words("subject"), _json("content"), _time("created"),
    _flag("answer"), _words("state"), _number("attempts"), _time("due"), _words("error"),
    _time("sent", null=True),
)  # fmt: skip

silences = sa.Table(
    "silences", metadata,
    _words("kind", key=True), _words("place", key=True), _time("until"), _words("said_by"), _words("reason"),
)  # fmt: skip

beats = sa.Table(
    "beats", metadata,
    _words("host", key=True), _number("pid", key=True), _time("started"), _time("at"), _words("program"),
)  # fmt: skip

answers = sa.Table("answers", metadata, _words("place", key=True), _words("seen"), _time("at"))
