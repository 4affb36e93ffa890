"""`decide`: a lead's facts walk through the layers; in each, the first row that holds sets facts or decides.

`Condition.matches` is the meaning; `rules.columns` is the same meaning, compiled once per tables object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from rules.columns import Column, Days, columns_of
from rules.facts import Normaliser, kept, normaliser_of
from rules.fold import fold
from rules.known import LANGUAGE, NONE_CODE, fact_key
from rules.model import Decision, FactValue, Layer, RoutingTables, Row, Step, Unmapped

__all__ = [
    "CompiledLayer",
    "CompiledRow",
    "Near",
    "TraceLayer",
    "compiled",
    "decide",
    "decision_of",
    "shown",
    "trace",
]

_SHOWN: Final = 80


@dataclass(frozen=True, slots=True)
class CompiledRow:
    """A row with what is worked out once: its step, its facts as normalised values, what the taker must
    have."""

    row: Row
    step: Step
    sets: tuple[tuple[str, FactValue], ...]
    needs: tuple[tuple[str, str | tuple[str, ...]], ...]
    lane: str | None


class CompiledLayer:
    """One layer, its rows by Order. `find` gives the first row that holds."""

    def __init__(self, layer: Layer, tables: RoutingTables) -> None:
        self.layer = layer
        self.rows: tuple[Row, ...] = tuple(sorted(layer.rows, key=lambda r: r.order))
        self.columns: tuple[Column, ...] = columns_of(self.rows)
        self.days = Days(self.rows)
        self._named = tuple((c.fact.name, c.memory.young.get, c.bits) for c in self.columns)
        self._tables = tables
        self._compiled: dict[int, CompiledRow] = {}

    def find(self, facts: Mapping[str, FactValue], on: date) -> CompiledRow | None:
        """The first row in force on the day whose every condition holds."""
        held = self.days.bits(on) if self.days.limited else self.days.every
        for name, known, bits in self._named:
            value = facts.get(name)
            found = known(value)
            held &= bits(value) if found is None else found
            if not held:
                return None
        if not held:
            return None
        index = (held & -held).bit_length() - 1
        return self._compiled.get(index) or self.row(index)

    def row(self, index: int) -> CompiledRow:
        """The row at a place in Order, compiled when first asked for."""
        found = self._compiled.get(index)
        if found is None:
            found = self._compiled[index] = _compile_row(self.rows[index], self._tables)
        return found

    def unread(self, facts: Mapping[str, FactValue]) -> tuple[str, Unmapped] | None:
        """An unmapped fact that some row here refuses: the likely reason why none held."""
        for column in self.columns:
            value = facts.get(column.fact.name)
            if isinstance(value, Unmapped) and column.unmapped != (1 << len(self.rows)) - 1:
                return column.fact.name, value
        return None


def compiled(tables: RoutingTables) -> tuple[CompiledLayer, ...]:
    """The layers of the tables by Order, compiled at the first call and kept on the tables object."""
    return kept(tables, "_compiled_layers", lambda: _compile(tables))


def _compile(tables: RoutingTables) -> tuple[CompiledLayer, ...]:
    name = normaliser_of(tables).name
    ordered = sorted(tables.layers, key=lambda layer: layer.order)
    return tuple(
        CompiledLayer(replace(a, rows=tuple(_named(r, name) for r in a.rows)), tables) for a in ordered
    )


def _named(row: Row, name: Callable[[str], str]) -> Row:
    """The row with its facts under the catalogue's names, so that `if COUNTRY` reads what `country` says."""
    if all(name(fact) == fact for fact, _ in row.conditions) and all(
        name(fact) == fact for fact, _ in row.sets
    ):
        return row
    return replace(
        row,
        conditions=tuple((name(fact), condition) for fact, condition in row.conditions),
        sets=tuple((name(fact), text) for fact, text in row.sets),
    )


def decide(tables: RoutingTables, facts: Mapping[str, object], *, on: date) -> Decision:
    """Who gets a lead with these raw facts on this day (a day in the workbook's time zone).

    The decision names a team or an owner (Person ID), or a reason: `rule_hold` with the row's text,
    `unmapped_value` when a value that nobody could read is the likely cause, else `no_rule`. Never raises
    for what a lead says.
    """
    normaliser, layers = vars(tables).get("_ready") or _ready(tables)
    return _walk(layers, normaliser(facts), on)


def decision_of(tables: RoutingTables, facts: Mapping[str, object], rows: Sequence[int]) -> Decision:
    """What `decide` would say of a lead for which it is known already which row of each layer holds, by its
    place in Order; -1 where none does."""
    normaliser, layers = _ready(tables)
    told = [_Told(layer, row) for layer, row in zip(layers, rows, strict=True)]
    return _walk(told, normaliser(facts), date.min)


class _Told:
    """A layer of which it is known already which row holds."""

    def __init__(self, layer: CompiledLayer, row: int) -> None:
        self.layer, self.unread = layer.layer, layer.unread
        self._found = layer.row(row) if row >= 0 else None

    def find(self, facts: Mapping[str, FactValue], on: date) -> CompiledRow | None:
        """The row, whatever the facts."""
        return self._found


def _ready(tables: RoutingTables) -> tuple[Normaliser, tuple[CompiledLayer, ...]]:
    return kept(tables, "_ready", lambda: (normaliser_of(tables), compiled(tables)))


def _walk(
    layers: Sequence[CompiledLayer] | Sequence[_Told], found: dict[str, FactValue], on: date
) -> Decision:
    steps: list[Step] = []
    lane = ""
    needs: dict[str, str | tuple[str, ...]] = {}
    unread: tuple[str, Unmapped] | None = None
    for layer in layers:
        match = layer.find(found, on)
        if match is None:
            unread = unread or layer.unread(found)
            if layer.layer.when_nothing_matches == "hold":
                return _undecided(found, lane, needs, steps, unread, layer)
            continue
        steps.append(match.step)
        if match.sets:
            found.update(match.sets)
            needs.update(match.needs)
            lane = lane if match.lane is None else match.lane
        row = match.row
        if row.decides:
            reason = None if row.hold is None else "rule_hold"
            detail = row.hold or ""
            return Decision(row.team, row.owner, reason, detail, lane, found, needs, tuple(steps))
    return _undecided(found, lane, needs, steps, unread, None)


def _undecided(
    facts: dict[str, FactValue],
    lane: str,
    needs: dict[str, str | tuple[str, ...]],
    steps: list[Step],
    unread: tuple[str, Unmapped] | None,
    stopped_at: CompiledLayer | _Told | None,
) -> Decision:
    if unread is not None:
        reason, detail = "unmapped_value", f"{unread[0]}: {shown(unread[1])}"
    else:
        reason = "no_rule"
        detail = "No row of any sheet gives this lead to a team or a person."
        if stopped_at is not None:
            sheet = stopped_at.layer.sheet
            detail = f"No row of sheet {sheet} matches this lead, and such leads are held there."
    return Decision(None, None, reason, detail, lane, facts, needs, tuple(steps))


# -- rows ---


def _compile_row(row: Row, tables: RoutingTables) -> CompiledRow:
    effects = effects_of(row.sets, tables)
    return CompiledRow(row, _step(row), effects.sets, effects.needs, effects.lane)


@dataclass(frozen=True, slots=True)
class Effects:
    """What the `Then` cells of a row set: facts as normalised values, what the taker must have, the lane."""

    sets: tuple[tuple[str, FactValue], ...]
    needs: tuple[tuple[str, str | tuple[str, ...]], ...]
    lane: str | None


def effects_of(cells: tuple[tuple[str, str], ...], tables: RoutingTables) -> Effects:
    """The effects of a row's `sets`."""
    sets = tuple(_set(name, text, tables) for name, text in cells)
    by_key = {fact_key(name): value for name, value in sets}
    needs: list[tuple[str, str | tuple[str, ...]]] = []
    if isinstance(language := by_key.get(LANGUAGE), str):
        needs.append((LANGUAGE, language))
    if tags := _tags(by_key.get("tags")):
        needs.append(("tags", tags))
    lane = by_key.get("lane")
    return Effects(sets, tuple(needs), lane if isinstance(lane, str) else None)


def _set(name: str, text: str, tables: RoutingTables) -> tuple[str, FactValue]:
    normaliser = normaliser_of(tables)
    is_none = fold(text) == NONE_CODE
    return normaliser.name(name), None if is_none else normaliser.value(name, text)


def _tags(text: FactValue) -> tuple[str, ...]:
    return tuple(t.strip() for t in re.split(r"[,;\n]", text) if t.strip()) if isinstance(text, str) else ()


def _step(row: Row) -> Step:
    decisions = (("team", row.team), ("owner", row.owner), ("hold", row.hold))
    sets = dict(row.sets) | {name: text for name, text in decisions if text is not None}
    names = [name for name, text in decisions if text is not None] + [name for name, _ in row.sets]
    cell = _address(row, f"then {names[0]}") if names else ""
    return Step(row.layer, row.sheet, row.row, row.rule_id, cell or row.sheet, sets)


def _address(row: Row, header: str) -> str:
    """Sheet and cell of a column by its header, or "" when the row does not know it."""
    wanted = fact_key(header)
    address = next((a for h, a in row.cells.items() if fact_key(h) == wanted), "")
    return f"{row.sheet}!{address}" if address and "!" not in address else address


# -- trace ---


@dataclass(frozen=True, slots=True)
class Near:
    """A row that all but one of its cells would have let hold: the cell, what it asks for and what the lead
    says."""

    sheet: str
    row: int
    rule_id: str
    fact: str
    cell: str
    text: str
    value: str
    sentence: str


@dataclass(frozen=True, slots=True)
class TraceLayer:
    """What one layer did with the lead: the step of the row that held, or None, and the rows that nearly
    did."""

    layer: str
    sheet: str
    step: Step | None
    near: tuple[Near, ...]


def trace(
    tables: RoutingTables, facts: Mapping[str, object], *, on: date, nearly: int = 5
) -> tuple[Decision, tuple[TraceLayer, ...]]:
    """The decision, and for each layer on its way the row that held and at most `nearly` rows above it (all
    rows when none held) of which exactly one cell was against it, first in Order first. Reads every row: for
    one lead, not many."""
    found = normaliser_of(tables)(facts)
    layers: list[TraceLayer] = []
    for layer in compiled(tables):
        match = layer.find(found, on)
        near = _near(layer, match, found, on, nearly)
        layers.append(TraceLayer(layer.layer.name, layer.layer.sheet, match.step if match else None, near))
        if match:
            found.update(match.sets)
        if match.row.decides if match else layer.layer.when_nothing_matches == "hold":
            break
    return decide(tables, facts, on=on), tuple(layers)


def _near(
    layer: CompiledLayer, match: CompiledRow | None, facts: Mapping[str, FactValue], on: date, most: int
) -> tuple[Near, ...]:
    found: list[Near] = []
    for row in layer.rows:
        if len(found) >= most or (match is not None and row is match.row):
            break
        against = _against(row, facts, on)
        if len(against) == 1 and (match is None or _half_held(row)):
            found.append(_nearly(row, against[0], facts, on))
    return tuple(found)


def _half_held(row: Row) -> bool:
    """Whether a row asks for two things or more: missing its only one is not near, when another row held."""
    asks = sum(not condition.is_any for _, condition in row.conditions)
    return asks + (row.from_ is not None) + (row.until is not None) > 1


def _against(row: Row, facts: Mapping[str, FactValue], on: date) -> list[str]:
    """The headers of the cells that keep a row from holding; two are enough to know that it was not near."""
    against = ["From"] if row.from_ and on < row.from_ else ["Until"] if row.until and on > row.until else []
    for name, condition in row.conditions:
        if not condition.matches(facts.get(name)):
            against.append(f"If {name}")
            if len(against) > 1:
                break
    return against


def _nearly(row: Row, header: str, facts: Mapping[str, FactValue], on: date) -> Near:
    fact = header.removeprefix("If ")
    text = next((t for h, t in row.texts.items() if fact_key(h) == fact_key(header)), "")
    cell = _address(row, header)
    where = f"{row.rule_id} ({row.sheet} row {row.row})"
    if header in ("From", "Until"):
        limit = row.from_ if header == "From" else row.until
        value, sentence = on.isoformat(), f"{where} holds {header.lower()} {limit} only, and the day is {on}."
        text = text or str(limit)
    else:
        value = shown(facts.get(fact))
        wanted = f'{fact} "{_short(text)}"' if text else f"another {fact}"
        sentence = f"{where} asks for {wanted}, and the lead's {fact} is {value}."
    return Near(row.sheet, row.row, row.rule_id, fact, cell, text, value, sentence)


def shown(value: FactValue) -> str:
    """A fact as a person reads it: `missing` for none, quotes around a text that names nothing known; never
    long."""
    if value is None:
        return "missing"
    if isinstance(value, Unmapped):
        return f'"{_short(value.raw)}"'
    return _short(value) if isinstance(value, str) else str(value)


def _short(text: str) -> str:
    """One printable line of a text that a lead may have made long."""
    plain = "".join(c if c.isprintable() else " " for c in text[: _SHOWN * 2])
    plain = " ".join(plain.split())
    return plain if len(text) <= _SHOWN else f"{plain[: _SHOWN - 1]}…"
