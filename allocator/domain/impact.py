"""What other tables would have meant for past leads: who would have them, and because of which cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Final

from rules.workbook.diff import Section

LINES: Final = 20
"""Lines of one section; a last one counts the rest."""
NAMED: Final = 10
"""Rule IDs in one line."""


Names = Mapping[str, str]
"""Person ID -> full name."""
NOBODY: Final[Names] = {}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a lead stands in the end: with a person of a team, in a team's queue (no person), or held.

    `held` is the reason; "taken" and "closed" are leads that somebody took out of intake by hand.
    """

    team: str | None = None
    person: str | None = None
    held: str = ""

    def said(self, names: Names = NOBODY) -> str:
        if self.held:
            return f"out of intake ({self.held})" if self.held in _OUT else f"held ({self.held})"
        person = names.get(self.person, self.person) if self.person else ""
        return f"{self.team}, {person or 'its queue'}" if self.team else person or "nobody"


_OUT: Final = ("taken", "closed")


@dataclass(frozen=True, slots=True)
class Because:
    """Why a lead moves: the cell that decides or changed, and its rule.

    `why` is "rule"; "turn" when the rules say the same and only the rotation or who can take a lead differs;
    "person_match", "override" or "account" when a look-up decides.
    """

    sheet: str = ""
    cell: str = ""
    rule_id: str = ""
    why: str = "rule"

    @property
    def said(self) -> str:
        if said := _WHYS.get(self.why):
            return said
        place = self.cell or self.sheet
        return f"{place}, rule {self.rule_id}" if self.rule_id else place


_TURN: Final = "turn"
_WHYS: Final[Mapping[str, str]] = {
    _TURN: "the turns shift",
    "person_match": "somebody has the same person's lead",
    "account": "the account's owner",
}


@dataclass(frozen=True, slots=True)
class Moved:
    """One lead (SOURCE:ID) whose team or person would be another."""

    lead: str
    before: Place
    after: Place
    because: Because


Counts = tuple[int, int]
"""Leads under the tables before, and under those after."""


@dataclass(frozen=True, slots=True)
class Impact:
    """Past leads decided and shared out under two versions of the tables.

    `leads` were tried under both. `rows_hit` counts leads by Rule ID, `rows_never` are rules of the new
    tables that no lead hit; `shares` counts leads by team and Person ID. `older` leads were decided before
    what a replay needs was kept; `cut`: there were more leads, and only the newest were tried.
    """

    leads: int
    moved: tuple[Moved, ...]
    rows_hit: Mapping[str, Counts]
    rows_never: tuple[str, ...]
    shares: Mapping[str, Mapping[str, Counts]]
    days: int
    since: datetime
    until: datetime
    older: int = 0
    cut: bool = False
    held: Counts = (0, 0)

    @property
    def share(self) -> Fraction:
        """The part of the leads that would move."""
        return Fraction(len(self.moved), self.leads) if self.leads else Fraction(0)

    @property
    def weight(self) -> int:
        """How many leads the publish threshold counts: those that other rules move, and of those that only
        change hands because turns shift, as many as somebody has more of in the end. A small change early in
        the days shifts nearly every turn after it, one for one; that is no reason to ask anybody."""
        turned = [m for m in self.moved if m.because.why == _TURN]
        gained = Counter(m.after for m in turned)
        gained.subtract(m.before for m in turned)
        return len(self.moved) - len(turned) + sum(n for n in gained.values() if n > 0)


def in_words(impact: Impact, names: Names = NOBODY) -> tuple[Section, ...]:
    """For a mail or a terminal, at most LINES lines a section; leads are only counted.

    Persons by Person ID, which is all that a mail tells of them, or by these names.
    """
    sections = (
        Section("Impact on past leads", tuple(_summary(impact))),
        Section("Who would have them", _capped([*_moves(impact, names)])),
        Section("Because of", _capped([*_causes(impact)])),
        Section("Leads per person, before and after", _capped([*_shares(impact, names)])),
        Section("Rules that no lead hit", tuple(_never(impact))),
    )
    return tuple(section for section in sections if section.lines)


def _summary(impact: Impact) -> Iterator[str]:
    days = f"{impact.since:%Y-%m-%d} to {impact.until:%Y-%m-%d}"
    if not impact.moved:
        yield f"None of {_leads(impact.leads)} ({days}) would move"
    else:
        part = f"{float(impact.share):.1%}"
        yield f"{len(impact.moved):,} of {_leads(impact.leads)} ({days}) would move: {part}"
        if turns := _turns(impact):
            ruled = len(impact.moved) - turns
            yield f"{ruled:,} by another row or cell, {turns:,} only because the turns shift"
            yield f"{impact.weight:,} count for the publish threshold: turns that are only traded do not"
    if impact.held[0] != impact.held[1]:
        yield f"Held: {impact.held[0]:,} -> {impact.held[1]:,}"
    if impact.cut:
        yield "There were more leads in these days: only the newest were tried"
    if impact.older:
        yield f"{_leads(impact.older, 'older ')} cannot be replayed"


def _turns(impact: Impact) -> int:
    return sum(m.because.why == _TURN for m in impact.moved)


def _moves(impact: Impact, names: Names) -> Iterator[str]:
    """The leads that go by other rules, by place; those whose turn is another's in one line, the last."""
    ruled = [m for m in impact.moved if m.because.why != _TURN]
    lines = [
        f"{_leads(number)}: {before} -> {after}"
        for (before, after), number in Counter(
            (m.before.said(names), m.after.said(names)) for m in ruled
        ).most_common()
    ]
    turns = _turns(impact)
    yield from _capped(lines, LINES - 2) if turns else lines
    if turns:
        yield f"{_leads(turns)}: to somebody else whose turn it is, by the same rules"


def _causes(impact: Impact) -> Iterator[str]:
    for said, number in Counter(m.because.said for m in impact.moved).most_common():
        yield f"{said}: {_leads(number)}"


def _shares(impact: Impact, names: Names) -> Iterator[str]:
    changed = [
        (abs(after - before), team, person, before, after)
        for team, people in impact.shares.items()
        for person, (before, after) in people.items()
        if before != after
    ]
    for _, team, person, before, after in sorted(changed, key=lambda one: (-one[0], one[1:])):
        yield f"{team}, {names.get(person, person) or 'its queue'}: {before:,} -> {after:,}"


def _never(impact: Impact) -> Iterator[str]:
    if names := impact.rows_never:
        more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
        yield f"{len(names):,}: {', '.join(names[:NAMED])}{more}"


def _leads(number: int, what: str = "") -> str:
    return f"{number:,} {what}{'lead' if number == 1 else 'leads'}"


def _capped(lines: Sequence[str], most: int = LINES) -> tuple[str, ...]:
    """A last line counts those left out."""
    more = [f"and {len(lines) - most:,} more"] if len(lines) > most else []
    return (*lines[:most], *more)
