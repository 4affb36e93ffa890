"""Who is out, why and until when, in words; times on the clock of the team."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from rules.eligibility import Why

_WORDS: Mapping[str, tuple[str, str]] = {
    Why.NOT_STARTED: ("not started", "starts on"),
    Why.HOLIDAY: ("public holiday", "on"),
    Why.OUTSIDE_HOURS: ("outside working hours", "until"),
    Why.LANGUAGE: ("lacks the language", "until"),
    Why.TAGS: ("lacks a tag", "until"),
    Why.WEEKLY_CAP: ("weekly cap reached", "counts afresh on"),
    Why.DAILY_CAP: ("daily cap reached", "counts afresh on"),
    Why.CRM_INACTIVE: ("inactive in the CRM", "until"),
    "crm_unknown": ("unknown to the CRM", "until"),
    Why.NOT_FIRST: ("had this lead before", "until"),
}
"""Reason -> what is said of it, and what stands before its end; the others are said as they are, until."""


def out(one: Mapping[str, Any], zone: str | None = None) -> str:
    """ "absent until 2026-11-27", "daily cap reached, counts afresh on 2026-11-24; also language"."""
    said, before_end = _WORDS.get(one["why"], (one["why"], "until"))
    if one["until"]:
        comma = "," if before_end not in ("until", "on") else ""
        said = f"{said}{comma} {before_end} {moment(one['until'], zone)}"
    also = ", ".join(_WORDS.get(why, (why, ""))[0] for why in one.get("also", ()))
    return f"{said}; also {also}" if also else said


def moment(text: str, zone: str | None = None) -> str:
    """A day as it is; an instant by the clock of `zone`, else by its own: "Tue 2026-11-24 09:00"."""
    if "T" not in text:
        return date.fromisoformat(text).isoformat()
    at = datetime.fromisoformat(text)
    local = at.astimezone(ZoneInfo(zone)) if zone else at
    return f"{local:%a %Y-%m-%d %H:%M} {zone or local.tzname()}"
