"""A fairness statement as one page to read, print or send on: chart, tables, and how to recompute it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from allocator.domain.statement import Line, Statement
from allocator.entrypoints import fairness_chart
from allocator.entrypoints.fairness_chart import printable, signed
from allocator.entrypoints.fairness_words import besides, leads_in_words, plain_number
from allocator.service.statement import OfTeam, days, headline, title
from rules.shares import U


def page(found: Sequence[OfTeam], names: Mapping[str, str], *, at: datetime) -> str:
    """One page that loads nothing and runs nothing."""
    style = "\n" + _source("fairness.css")
    return (
        _environment()
        .get_template("fairness.html.j2")
        .render(
            at=at,
            parts=[_part(part, names) for one in found for part in one.parts],
            style=Markup(style),
            digests=" ".join(f"'sha256-{_digest(text)}'" for text in (style, fairness_chart.STYLE)),
            script=_source("recompute.txt"),
        )
    )


def picture(found: Sequence[OfTeam], names: Mapping[str, str]) -> str:
    """The charts alone, one under the other, as an SVG file."""
    return fairness_chart.chart(
        [(_with_days(part), headline(part), part) for one in found for part in one.parts], names
    )


def _with_days(one: Statement) -> str:
    return f"{fairness_chart.short(title(one), 44)}{days(one, begin=', ')}"


def _part(one: Statement, names: Mapping[str, str]) -> dict[str, Any]:
    columns, counts = besides(one)
    return {
        "team": printable(one.team),
        "title": printable(title(one)),
        "days": days(one).capitalize() or "No leads yet",
        "headline": printable(headline(one)),
        "chart": Markup(fairness_chart.chart([("", headline(one), one)], names)),
        "people": [_person(line, names) for line in one.lines],
        "limit": any(line.limit for line in one.lines),
        "columns": columns,
        "besides": [(_name(person, names), row) for person, row in counts],
        "leads": leads_in_words(one),
    }


def _person(line: Line, names: Mapping[str, str]) -> dict[str, str]:
    costs = {name: -getattr(line, name) / U for name in ("absence", "skill", "cap", "limit")}
    return {
        "name": _name(line.id, names),
        "could": f"{line.could_have:,}",
        "fair": plain_number(line.fair_share),
        "got": f"{line.got // U:,}",
        "difference": signed(line.difference / U),
        "opening": signed(line.opening / U),
        "closing": signed(line.closing / U),
        "all": plain_number(line.share_of_all),
        "totals": plain_number(line.totals_share),
        **{name: signed(leads) for name, leads in costs.items()},
    }


def _name(person: str, names: Mapping[str, str]) -> str:
    return printable(names.get(person) or person)


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("allocator.entrypoints", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _source(name: str) -> str:
    source: str = _environment().loader.get_source(_environment(), name)[0]  # type: ignore[union-attr]
    return source
