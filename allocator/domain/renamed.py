"""Teams that got another name: whose ledger can go where, and which ones look as if."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import Any

from allocator.errors import UnknownName
from rules.fold import fold
from rules.model import RoutingTables, Team
from rules.rotation import Ledger, U

Ledgers = Mapping[tuple[str, str], Ledger]
"""By team and lane."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """The ledger of a team that has gone, lane by lane, and the team that it goes to."""

    old: str
    new: str
    lanes: Mapping[str, Ledger]

    @property
    def turns(self) -> int:
        return _all(self.lanes)

    @property
    def shown(self) -> dict[str, Any]:
        lanes = [
            {
                "lane": lane,
                "turns": _turns(book),
                "credits": dict(book.credits),
                "vouchers": len(book.vouchers),
            }
            for lane, book in self.lanes.items()
        ]
        return {"old": self.old, "new": self.new, "turns": self.turns, "lanes": lanes, "unit": U}


def renaming(ledgers: Ledgers, tables: RoutingTables, old: str, new: str) -> Renaming:
    """What goes from the team that was called `old` to team `new` of the tables.

    `old` is as it was spelled, or in any case and accents. Raises UnknownName for what cannot be moved.
    """
    books = _books(ledgers)
    name = _gone(books, tables, old)
    lanes = books.get(name, {})
    refuse(name, new, old_turns=_all(lanes), new_turns=_all(books.get(new, {})))
    return Renaming(name, new, lanes)


def refuse(old: str, new: str, *, old_turns: int, new_turns: int) -> None:
    """Raises UnknownName where one has no turns to move, or the other has turns of its own."""
    if not old_turns:
        raise UnknownName(f"No team {old!r} has taken a turn. Nothing was moved.")
    if new_turns:
        raise UnknownName(
            f"Team {new} has taken turns of its own ({new_turns:,}), and two ledgers cannot become one."
            f" Nothing was moved. To go on with the ledger of {old}, call the team so again in the workbook."
        )


def perhaps_renamed(ledgers: Ledgers, tables: RoutingTables) -> Iterator[tuple[str, Team]]:
    """Each team that has gone while somebody owed or was owed, and the team without a turn that it may be:
    the one with the most of these people, then the one whose name is nearest. None where none of them is.
    """
    books = _books(ledgers)
    new = [team for team in tables.teams if team.name not in books]
    for name, lanes in books.items():
        people = {person for book in lanes.values() for person, credit in book.credits.items() if credit}
        likely = [(_likeness(team, name, people), team) for team in new]
        if name not in tables.team_by_name and likely:
            (same, _), team = max(likely, key=lambda one: one[0])
            if same:
                yield name, team


def _likeness(team: Team, name: str, people: set[str]) -> tuple[int, float]:
    same = len(people & {person.id for person in team.people})
    return same, SequenceMatcher(None, fold(name), fold(team.name)).ratio()


def advice(old: str, new: str) -> str:
    """What to do about one of them."""
    return (
        "If it was renamed, ask the administrator to say before the next run:"
        f' allocator rotation rename "{old}" "{new}"'
    )


def _gone(books: Mapping[str, Mapping[str, Ledger]], tables: RoutingTables, text: str) -> str:
    """The team of the ledgers that `text` means, if the tables have it no more."""
    known = [name for name in books if name not in tables.team_by_name]
    found = [text] if text in known else [name for name in known if fold(name) == fold(text)]
    if len(found) == 1:
        return found[0]
    if found:
        raise UnknownName(f"{text!r} may be any of {', '.join(sorted(found))}: write it exactly so.")
    if same := next((team.name for team in tables.teams if fold(team.name) == fold(text)), ""):
        raise UnknownName(
            f"{same} is a team of the tables, so its ledger stays with it. Rename it in the workbook first; a"
            " version that is refused or waits does not count (allocator tables check). Nothing was moved."
        )
    near = get_close_matches(fold(text), [fold(name) for name in known], n=1, cutoff=0.3)
    meant = next((name for name in known if near and fold(name) == near[0]), "")
    hint = f" Did you mean {meant}?" if meant else ""
    raise UnknownName(f"No team {text!r} with a ledger has gone from the tables.{hint}")


def _books(ledgers: Ledgers) -> dict[str, dict[str, Ledger]]:
    """By team and lane; ledgers in which no turn was ever taken are none."""
    found: dict[str, dict[str, Ledger]] = defaultdict(dict)
    for (team, lane), book in sorted(ledgers.items()):
        if _turns(book):
            found[team][lane] = book
    return dict(found)


def _turns(book: Ledger) -> int:
    """Every turn that was taken, given back or not."""
    return book.next_number - 1


def _all(lanes: Mapping[str, Ledger]) -> int:
    return sum(map(_turns, lanes.values()))
