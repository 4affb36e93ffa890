"""Sheet Settings: what holds for the whole workbook."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from rules.hours import show_hours
from rules.workbook import fields
from rules.workbook.hours_cell import own_hours
from rules.workbook.people import email
from rules.workbook.report import Report
from rules.workbook.sheets import Cell, Line, Spec, Table
from rules.workbook.text import key, split_list, split_quoted

SPEC: Final = Spec(required=("Setting", "Value"), optional=("Note",))
DEFAULTS: Final = {
    "contact": "",
    "editors": "",
    "time zone": "UTC",
    "blank means any": "no",
    "same e-mail": "owner",
    "known account": "ignore",
    "publish threshold": "",
    "accept version": "",
    "impact days": "14",
    "working hours": "",
    "match new leads by": "id, e-mail",
    "new lead needs": "LastName, Company, Email",
}
SPELLINGS: Final = {"contact for errors": "contact"}
"""Other names that a setting may go by."""
LATER: Final = ("de-duplication window",)
"""Settings of later releases: what stands there has no effect yet, and the check says so."""
_SAME_EMAIL: Final = {"owner": "owner", "hold": "hold", "ignore": "ignore"}
_KNOWN_ACCOUNT: Final = {"owner": "owner", "ignore": "ignore"}
_FIELD: Final = re.compile(r"\w+", re.ASCII)
_CODE: Final = re.compile(r"[0-9a-f]{8}")
MOST_DAYS: Final = 92


def read_settings(table: Table | None, report: Report) -> dict[str, str]:
    """Every setting by its folded name, with the default of those that are not given.

    Editors are e-mail addresses, with ", " between them.
    """
    settings = dict(DEFAULTS)
    given: dict[str, Line] = {}
    by_key = {key(name): name for name in DEFAULTS} | {key(a): name for a, name in SPELLINGS.items()}
    later = {key(name) for name in LATER}
    for line in table.lines if table else ():
        typed = fields.text(line["Setting"], report, required=True)
        if key(typed) in later:
            _warn_later(line, report)
            continue
        name = by_key.get(key(typed))
        if name is None or name in given:
            _unusable(line["Setting"], typed, name, report)
            continue
        given[name] = line
        settings[name] = _value(name, line["Value"], report)
    return settings


def _warn_later(line: Line, report: Report) -> None:
    cell = line["Value"]
    if not cell.blank:
        message = f'{line["Setting"].text} is not supported by this version: "{cell.text}" has no effect.'
        report.warn("T113", cell.place, message, "leave it blank")


def _unusable(cell: Cell, typed: str, name: str | None, report: Report) -> None:
    if not typed:
        return
    if name:
        report.error(
            "T105", cell.place, f'The setting "{typed}" is given twice.', "delete one of the two rows"
        )
        return
    meant = report.nearest(typed, DEFAULTS)
    hint = f"type {meant}, or delete the row" if meant else f"use one of: {', '.join(DEFAULTS)}"
    report.error("T105", cell.place, f'There is no setting "{typed}".', hint, suggestion=meant)


def _value(name: str, cell: Cell, report: Report) -> str:
    readers: dict[str, Callable[[], str]] = {
        "time zone": lambda: time_zone(cell, report) or "UTC",
        "blank means any": lambda: "yes" if fields.yes_or_no(cell, report, default=False) else "no",
        "same e-mail": lambda: fields.choice(cell, _SAME_EMAIL, report, default="owner", code="T106"),
        "known account": lambda: fields.choice(cell, _KNOWN_ACCOUNT, report, default="ignore", code="T106"),
        "contact": lambda: fields.text(cell, report),
        "editors": lambda: ", ".join(_emails(cell, report)),
        "publish threshold": lambda: _percent(cell, report),
        "accept version": lambda: _code(cell, report),
        "working hours": lambda: _working_hours(cell, report),
        "match new leads by": lambda: _match_by(cell, report),
        "new lead needs": lambda: _needs(cell, report),
        "impact days": lambda: str(fields.whole(cell, report, low=1, high=MOST_DAYS, default=14)),
    }
    return readers[name]()


def _percent(cell: Cell, report: Report) -> str:
    """A percentage such as "20 %", or nothing."""
    if cell.broken or cell.blank:
        return ""
    share = fields.percentage(cell)
    if share is not None and share <= 100:
        return f"{share:f} %"
    message = f'Publish threshold "{cell.text}" is not a percentage from 0 % to 100 %.'
    report.error("T106", cell.place, message, "type a percentage such as 20 %, or leave it blank for none")
    return ""


def _match_by(cell: Cell, report: Report) -> str:
    """What a new record's person is looked for by in the CRM: "id, e-mail" or "id"."""
    typed = fields.text(cell, report)
    words = {key(word) for item in split_list(typed) for word in re.split(r"\band\b|\+", item)}
    ways = {"id": "id", "ids": "id", "email": "e-mail", "emails": "e-mail"}
    found = {ways.get(word, "") for word in words}
    if not typed or found in ({"id"}, {"id", "e-mail"}):
        return DEFAULTS["match new leads by"] if not typed else ", ".join(sorted(found, reverse=True))
    message = f'Match new leads by "{typed}" cannot be used.'
    report.error("T106", cell.place, message, f"type {DEFAULTS['match new leads by']}, or id alone")
    return DEFAULTS["match new leads by"]


def _needs(cell: Cell, report: Report) -> str:
    """The Lead fields without which a new record is held, with ", " between them; or "nothing"."""
    typed = fields.text(cell, report)
    names = tuple({name.casefold(): name for name in split_list(typed)}.values())
    if [name.casefold() for name in names] == ["nothing"]:
        return "nothing"
    for name in names:
        if not _FIELD.fullmatch(name) or name.casefold() == "nothing":
            message = f'New lead needs "{name}", which is no name of a Lead field.'
            fix = "type names as the CRM's settings show them, such as LastName; or the one word nothing"
            report.error("T106", cell.place, message, fix)
            return DEFAULTS["new lead needs"]
    return ", ".join(names) or DEFAULTS["new lead needs"]


def _working_hours(cell: Cell, report: Report) -> str:
    hours = own_hours(cell, report)
    return show_hours(hours) if hours else ""


def _code(cell: Cell, report: Report) -> str:
    """The first 8 characters of a version, as the mail about it says, in lower case; or nothing."""
    typed = cell.text if cell.raw.kind == "number" and not cell.broken else fields.text(cell, report)
    code = typed.casefold()
    if not code or _CODE.fullmatch(code):
        return code
    message = f'Accept version "{typed}" is not the code of a version: those are 8 of 0-9 and a-f.'
    fix = "format the cell as text and type the code as it stands in the mail, or leave it blank"
    report.error("T106", cell.place, message, fix)
    return ""


def _emails(cell: Cell, report: Report) -> tuple[str, ...]:
    """The e-mail addresses in a cell, each once, whatever stands between them."""
    if not fields.text(cell, report):
        return ()
    items = (replace(cell, place=replace(cell.place, text=item)) for item in split_quoted(cell.place.text))
    found: dict[str, str] = {}
    for item in items:
        address = email(item, report)
        found.setdefault(address.casefold(), address)
    return tuple(filter(None, found.values()))


@cache
def _zones() -> dict[str, str]:
    return {key(zone): zone for zone in available_timezones()}


def time_zone(cell: Cell, report: Report) -> str:
    """The name of a time zone as the tz database writes it; nothing if blank or unknown."""
    typed = fields.text(cell, report)
    if not typed:
        return ""
    zone = _zones().get(key(typed))
    if zone:
        return ZoneInfo(zone).key
    city = {z.rsplit("/", 1)[-1].replace("_", " "): z for z in sorted(available_timezones())}
    meant = city.get(report.nearest(typed, city), "") or report.nearest(typed, available_timezones())
    report.error(
        "T410",
        cell.place,
        f'There is no time zone "{typed}".',
        f"type {meant}" if meant else "type one such as Europe/Berlin",
        suggestion=meant,
    )
    return ""
