"""Names that people type, as what the tables call them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from allocator.errors import UnknownName
from rules.fold import fold
from rules.model import RoutingTables, Team


def person_named(tables: RoutingTables, text: str) -> str:
    """The Person ID of whoever has this Person ID, e-mail or full name, whatever case and accents.

    Raises UnknownName with the nearest one, or with the Person IDs of all who have the name.
    """
    if text in tables.people_by_id:
        return text
    known: dict[str, set[str]] = {}
    for person, rows in tables.people_by_id.items():
        for name in {person, *(row.email for row in rows), *(row.name for row in rows)}:
            known.setdefault(fold(name), set()).add(person)
    found = sorted(known.get(fold(text), ()))
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownName(f"{text!r} is the name of {', '.join(found)}. Say which by Person ID.")
    near = nearest(fold(text), known)
    hint = f" Did you mean {', '.join(sorted(known[near]))}?" if near else " See sheet Salespeople."
    raise UnknownName(f"There is nobody {text!r}.{hint}")


def team_named(tables: RoutingTables, text: str) -> Team:
    """The team of that name, whatever case and accents. Raises UnknownName with the nearest name."""
    names = {fold(t.name): t for t in tables.teams}
    if fold(text) in names:
        return names[fold(text)]
    near = difflib.get_close_matches(fold(text), names, n=1, cutoff=0.3)
    hint = f" Did you mean {names[near[0]].name}?" if near else ""
    raise UnknownName(f"There is no team {text!r}.{hint}")


def nearest(text: str, known: Iterable[str]) -> str | None:
    found = difflib.get_close_matches(text, list(known), n=1, cutoff=0.5)
    return found[0] if found else None
