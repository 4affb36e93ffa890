"""What a fairness statement says besides shares: who has which leads by which way, in words and columns."""

from __future__ import annotations

from collections.abc import Mapping

from allocator.domain.statement import Statement
from rules.shares import U

BESIDES: Mapping[str, str] = {
    "catch-up": "Catch-up",
    "delegated": "Served by a delegate",
    "served for others": "Served for others",
    "by hand": "Taken by hand",
    "override": "Override",
    "free": "Free of charge",
    "beyond the limit": "Beyond the limit",
    "given up": "Charged, then gone",
    "given back": "Turn given back",
}
"""What a person's leads are counted by, beside turns; shown where there is one."""

PLACES: Mapping[str, str] = {
    "turn": "by a turn",
    "delegated": "by a turn that a delegate served",
    "catch-up": "to catch up",
    "by hand": "taken by hand",
    "override": "by an override or a look-up",
    "beyond the limit": "beyond the limit",
    "queue": "in the fallback queue",
    "held": "held",
    "given back": "given back",
    "gone": "gone before anybody got them",
}


def besides(one: Statement) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Headers, and a row for each person; columns and people that have nothing are left out."""
    used = [name for name in BESIDES if any(line.counts[name] for line in one.lines)]
    if not used:
        return [], []
    rows = [
        (line.id, [*(_count(line.counts[name]) for name in used), f"{line.has:,}"])
        for line in one.lines
        if line.has or any(line.counts[name] for name in used)
    ]
    return [*(BESIDES[name] for name in used), "Has now"], rows


def leads_in_words(one: Statement) -> str:
    """Every lead of the team once: where it is."""
    parts = [f"{one.leads[name]:,} {words}" for name, words in PLACES.items() if one.leads[name]]
    if not parts:
        return "No lead of this team was decided."
    noun = "lead" if one.total == 1 else "leads"
    return f"{one.total:,} {noun} of the team: {', '.join(parts)}."


def plain_number(units: int) -> str:
    """Units as leads, with one digit."""
    text = f"{units / U:,.1f}"
    return "0.0" if text == "-0.0" else text


def _count(number: int) -> str:
    return f"{number:,}" if number else "–"
