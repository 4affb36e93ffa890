"""`allocator alerts list | ack | silence`: what is wrong now, who is told, and quiet for a while."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from rich.table import Table

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.domain.alerts import KINDS, Incident, Silence
from allocator.domain.lead import Reason
from allocator.domain.notices import headline
from allocator.domain.records import MailRow
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption, plain

app = typer.Typer(help="What is wrong, and who is told.", no_args_is_help=True)
LONGEST = timedelta(days=30)
KEYS = {name: () for name in KINDS if name != "person_unusable"} | {"leads_held": tuple(map(str, Reason))}
"""What --key may name; a person is named by a Person ID, which only the workbook knows."""
_SPAN = re.compile(r"(\d{1,4})\s*([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}
ForOption = Annotated[str, typer.Option("--for", help="For how long: 30m, 8h, 2d; 30 days at most.")]
ByOption = Annotated[str, typer.Option("--by", help="Who says so; shown in the list.")]


@app.command("list", epilog="Example:  allocator alerts list --json")
def list_alerts(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """Open incidents, mails that are not delivered (dead: given up after 7 days), and silences."""
    settings, clock = load_settings(config), clock_from()
    store = bootstrap.store_of(settings)
    try:
        found = [i for i in store.incidents(limit=200) if everything or i.resolved is None]
        mails, silences = store.mails(), store.silences(now=clock.now())
    finally:
        store.close()
    if as_json:
        console.emit({
            "incidents": [_incident(i) for i in found],
            "undelivered": [_mail(row) for row in mails],
            "silences": [_silence(s) for s in silences],
        })  # fmt: skip
        return console.OK
    _show(found, mails, silences, clock.now())
    return console.OK


@app.command("ack", epilog="Example:  allocator alerts ack INC-4F2A --for 8h")
def ack(
    incident: Annotated[str, typer.Argument(help="The id in the mail's subject.", metavar="INC")],
    span: ForOption = "8h",
    by: ByOption = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """You have seen it: no further mail of this incident until then, but the one that it is over."""
    settings, until = load_settings(config), clock_from().now() + span_of(span)
    store = bootstrap.store_of(settings)
    try:
        acked = store.acknowledge(incident, until=until, by=by)
    finally:
        store.close()
    if as_json:
        console.emit(_incident(acked))
    else:
        console.out.print(
            f"{acked.id}: nobody is mailed of it again before {until:%Y-%m-%d %H:%M} UTC, unless it is over."
        )
    return console.OK


@app.command("silence", epilog="Example:  allocator alerts silence leads_held --key no_rule --for 2d")
def silence(
    kind: Annotated[str, typer.Argument(help="A kind of alert, such as leads_held.")],
    key: Annotated[str, typer.Option(help="Only this one of its kind: a held reason, a Person ID.")] = "",
    span: ForOption = "8h",
    by: ByOption = "",
    reason: Annotated[str, typer.Option(help="Why; shown in the list.")] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    as_json: JsonOption = False,
) -> int:
    """No mail of this kind to anybody until then, not even a new one. What is still wrong is mailed then."""
    if kind not in KINDS:
        raise typer.BadParameter(f"{kind!r} is none of: {', '.join(KINDS)}", param_hint="KIND")
    if key and key not in KEYS.get(kind, (key,)):
        raise typer.BadParameter(
            f"{kind} has no {key!r}, but: {', '.join(KEYS[kind]) or 'no keys'}", param_hint="--key"
        )
    settings, until = load_settings(config), clock_from().now() + span_of(span)
    made = Silence(kind, key, until, by, reason)
    store = bootstrap.store_of(settings)
    try:
        store.silence(made)
    finally:
        store.close()
    if as_json:
        console.emit(_silence(made))
    else:
        console.out.print(f"{_named(made)}: nobody is mailed before {until:%Y-%m-%d %H:%M} UTC.")
    return console.OK


def span_of(text: str) -> timedelta:
    """30m, 8h, 2d as a span. Raises typer.BadParameter for anything else, or more than 30 days."""
    found = _SPAN.fullmatch(text.strip().lower())
    span = timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else timedelta(0)
    if not timedelta(0) < span <= LONGEST:
        raise typer.BadParameter("write it like 30m, 8h or 2d; 30 days at most", param_hint="--for")
    return span


def _show(found: list[Incident], mails: Any, silences: Any, now: datetime) -> None:
    if not found and not mails:
        console.out.print("Nothing is wrong, no mail waits.")
    table = Table(box=None, pad_edge=False, padding=(0, 2), show_header=bool(found))
    for header in ("Incident", "Level", "Kind", "Since (UTC)", "What", ""):
        table.add_column(header)
    for one in found:
        state = f"over {one.resolved:%m-%d %H:%M}" if one.resolved else _quiet(one, now)
        said = plain(headline(one.finding, one.count))
        table.add_row(one.id, one.level, one.finding.kind, f"{one.opened:%m-%d %H:%M}", said, state)
    if found:
        console.out.print(table)
    for row in mails:
        told = f"{row.state}  to {plain(row.mail.recipient)}  {_tries(row)}"
        console.hang("  mail  ", f"{told}  {plain(row.mail.subject)}")
    for one in silences:
        console.hang("  silent  ", f"{_named(one)} until {one.until:%Y-%m-%d %H:%M} UTC")


def _tries(row: MailRow) -> str:
    return f"{console.count(row.attempts, 'attempt')}, {plain(row.error)}" if row.error else "not tried yet"


def _named(silence: Silence) -> str:
    return f"{silence.kind} {plain(silence.key)}".strip()


def _quiet(incident: Incident, now: datetime) -> str:
    until = incident.acked_until
    return f"acknowledged until {until:%m-%d %H:%M}" if until and until > now else ""


def _incident(one: Incident) -> dict[str, Any]:
    return {
        "incident": one.id, "kind": one.finding.kind, "key": one.finding.key, "level": str(one.level),
        "headline": headline(one.finding, one.count), "count": one.count, "opened": _iso(one.opened),
        "seen": _iso(one.seen), "resolved": _iso(one.resolved), "acked_until": _iso(one.acked_until),
        "acked_by": one.acked_by, "causes": dict(one.finding.causes), "leads": list(one.finding.leads),
        "told": sorted(one.told),
    }  # fmt: skip


def _mail(row: MailRow) -> dict[str, Any]:
    return {
        "mail": row.id, "recipient": row.mail.recipient, "subject": row.mail.subject, "state": row.state,
        "incident": row.mail.incident, "attempts": row.attempts, "error": row.error,
        "created": _iso(row.mail.created), "due": _iso(row.due),
    }  # fmt: skip


def _silence(one: Silence) -> dict[str, Any]:
    return {
        "kind": one.kind, "key": one.key, "until": _iso(one.until), "by": one.by, "reason": one.reason,
    }  # fmt: skip


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
