"""Two replays side by side: which leads moved, because of which cell, and who has how many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from allocator.domain.choose import is_account_id
from allocator.domain.facts import company_of
from allocator.domain.impact import Because, Counts, Impact, Moved, Place
from allocator.domain.lead import By, LeadKey, State
from allocator.domain.past import Past
from allocator.domain.replay import Fate, Replay
from rules.fold import fold
from rules.freemail import domain
from rules.model import Decision, RoutingTables, Row, Step
from rules.workbook.diff import diff
from rules.workbook.text import key

_LOOK_UPS: Final = frozenset({By.OVERRIDE, By.PERSON_MATCH, By.ACCOUNT})
_SAY_NOTHING: Final = frozenset({"note", "ruleid", "active"})


def impact_of(
    past: Past, before: Replay, after: Replay, tables: tuple[RoutingTables, RoutingTables], days: int
) -> Impact:
    """What the second replay does otherwise; `tables` are those of each."""
    pairs = [(one, other) for one, other in _pairs(before, after) if one.tried or other.tried]
    causes = Causes(*tables)
    moved = tuple(
        Moved(str(one.told.key), was, now, causes.of(one, other, after.email(other)))
        for one, other in pairs
        if _differ(was := _place(one), now := _place(other))
    )
    hits = [_hits(side) for side in zip(*pairs, strict=True)] if pairs else [Counter(), Counter()]
    ever = {step.rule_id for decision in after.used.values() for step in decision.steps}
    return Impact(
        leads=len(pairs),
        moved=moved,
        rows_hit={rule: (hits[0][rule], hits[1][rule]) for rule in sorted(hits[0].keys() | hits[1].keys())},
        rows_never=tuple(r.rule_id for r in _rows(tables[1]) if r.rule_id not in ever),
        shares=_shares(pairs),
        days=days,
        since=past.runs[0].now,
        until=past.runs[-1].now,
        older=past.older,
        cut=past.cut,
        held=(_held(one for one, _ in pairs), _held(other for _, other in pairs)),
    )


def _pairs(before: Replay, after: Replay) -> Iterator[tuple[Fate, Fate]]:
    other: Mapping[LeadKey, Fate] = after.fates
    return ((fate, other[lead]) for lead, fate in before.fates.items() if lead in other)


def _place(fate: Fate) -> Place:
    if fate.state is State.CONFIRMED:
        return Place(fate.choice.team, fate.choice.person)
    if fate.state is State.HELD:
        return Place(held=str(fate.choice.reason or "held"))
    return Place(held=str(fate.state))


def _differ(was: Place, now: Place) -> bool:
    """Held for another reason is not moved."""
    return (was.team, was.person, not was.held) != (now.team, now.person, not now.held)


def _hits(fates: Iterable[Fate]) -> Counter[str]:
    """Leads by Rule ID, each by the rows of its last decision."""
    decisions: dict[int, Decision] = {}
    counted: Counter[int] = Counter()
    for fate in fates:
        if fate.decision is not None:
            decisions[id(fate.decision)] = fate.decision
            counted[id(fate.decision)] += 1
    hits: Counter[str] = Counter()
    for which, number in counted.items():
        for step in decisions[which].steps:
            hits[step.rule_id] += number
    return hits


def _shares(pairs: Iterable[tuple[Fate, Fate]]) -> dict[str, dict[str, Counts]]:
    counts: dict[tuple[str, str], list[int]] = {}
    for pair in pairs:
        for side, fate in enumerate(pair):
            if fate.state is State.CONFIRMED and (team := fate.choice.team):
                counts.setdefault((team, fate.choice.person or ""), [0, 0])[side] += 1
    shares: dict[str, dict[str, Counts]] = {}
    for (team, person), (was, now) in sorted(counts.items()):
        shares.setdefault(team, {})[person] = (was, now)
    return shares


def _held(fates: Iterable[Fate]) -> int:
    return sum(fate.state is State.HELD for fate in fates)


def _rows(tables: RoutingTables) -> Iterator[Row]:
    for layer in sorted(tables.layers, key=lambda one: one.order):
        yield from sorted(layer.rows, key=lambda row: row.order)


# --- because of which cell --------------------------------------------------------------------------------


class Causes:
    """What is different between two versions, asked by the leads that it moved."""

    def __init__(self, before: RoutingTables, after: RoutingTables) -> None:
        self._overrides = after.overrides
        self._rows = {fold(row.rule_id): row for row in _rows(after)}
        self._known = {fold(row.rule_id) for row in _rows(before)}
        self._changed: dict[str, list[str]] = {}
        for change in diff(before, after).changed:
            if fold(change.id) in self._rows and key(change.field) not in _SAY_NOTHING:
                self._changed.setdefault(fold(change.id), []).append(change.field)

    def of(self, before: Fate, after: Fate, email: str | None) -> Because:
        """The first layer in which the ways part decides, if its row is new or changed; else the last row."""
        by = str(after.choice.by or "")
        if by in _LOOK_UPS and by != str(before.choice.by or ""):
            return self._looked_up(by, after, email)
        was, now = before.decision, after.decision
        if was is None or now is None or _says(was) == _says(now):
            return self._row(_last(now), why="turn")
        for old, new in _parted(was, now):
            for step in (new, old):
                if step is not None and (found := self._edited(step)):
                    return found
        return self._row(_last(now) or _last(was), why="rule")

    def _looked_up(self, by: str, after: Fate, email: str | None) -> Because:
        if by != By.OVERRIDE:
            return Because(why=by)
        company = company_of(email or "")
        mine = [o for o in self._overrides if o.person == after.choice.person]
        exact = [o for o in mine if not is_account_id(o.key) and (domain(o.key) or fold(o.key)) == company]
        cell = next((o.cell for o in (*exact, *mine)), "")
        return Because("Owner overrides", cell, why=by)

    def _edited(self, step: Step) -> Because | None:
        """The cell of a row that is new or changed; None for a row that is as it was, or is gone."""
        row = self._rows.get(fold(step.rule_id))
        if row is None:
            return None
        if fields := self._changed.get(fold(step.rule_id)):
            wanted = {key(field) for field in fields}
            cell = next((a for header, a in row.cells.items() if key(header) in wanted), "")
            return Because(row.sheet, _address(row.sheet, cell), row.rule_id)
        return None if fold(step.rule_id) in self._known else self._row(step, why="rule")

    def _row(self, step: Step | None, *, why: str) -> Because:
        return Because(step.sheet, step.cell, step.rule_id, why) if step else Because(why=why)


def _address(sheet: str, cell: str) -> str:
    return f"{sheet}!{cell}" if cell and "!" not in cell else cell or sheet


def _says(decision: Decision) -> tuple[object, ...]:
    needs = tuple(sorted(decision.needs.items()))
    return decision.team, decision.owner, decision.reason, decision.lane, needs


def _last(decision: Decision | None) -> Step | None:
    return decision.steps[-1] if decision is not None and decision.steps else None


def _parted(was: Decision, now: Decision) -> Iterator[tuple[Step | None, Step | None]]:
    """The layers in which another row held, or the row sets something else, in their order."""
    old, new = ({step.layer: step for step in decision.steps} for decision in (was, now))
    for layer in dict.fromkeys((*new, *old)):
        one, other = old.get(layer), new.get(layer)
        if one is None or other is None or (one.rule_id, one.sets) != (other.rule_id, other.sets):
            yield one, other
