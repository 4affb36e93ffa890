"""What the proofs about rules say, as problems: rows out of reach, rows whose order decides, leads nobody
gets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Final

from rules.model import RoutingTables, Row
from rules.proof.arriving import Lead
from rules.proof.gaps import Cube, Gaps, find_gaps
from rules.proof.overlaps import Overlap, Overlaps
from rules.proof.prove import Proof, prove
from rules.proof.regions import Space
from rules.proof.unreachable import Reach, Unreachable
from rules.workbook.report import Place, Report

MOST_NAMED: Final = 6
MOST_UNPROVEN: Final = 5


def report_proofs(tables: RoutingTables, report: Report, *, on: date | None) -> None:
    """T310 for rows that no lead reaches, T320 for rows whose order decides, T321 and T322 for leads that
    nobody gets (these with `on`, today, only), and the note T323 for what was not proven."""
    proof = prove(tables, on=on)
    for space, reach in zip(proof.spaces, proof.reaches, strict=True):
        for found in reach.unreachable:
            _warn_unreachable(space, found, report)
        note_unproven(space, reach, report)
    _warn_overlaps(proof, proof.finder.first(), report)
    if on:
        _warn_gaps(proof, find_gaps(tables, on=on), report)


# -- rows out of reach ---


def _warn_unreachable(space: Space, found: Unreachable, report: Report) -> None:
    row = space.layer.rows[found.row]
    above = [space.layer.rows[n] for n in found.by]
    place = _place(row)
    if not above:
        message = f"rule {row.rule_id} can never match: no lead can have what it asks of {found.impossible}."
        fix = f"correct If {found.impossible}, set such a value in an earlier layer, or delete the row"
        report.warn("T310", place, message, fix)
        return
    catches = "above catches" if len(above) == 1 else "above together catch"
    message = f"rule {row.rule_id} can never match: {_named(above)} {catches} the same leads."
    one = above[0].rule_id
    fix = f"move it above {one}, or make {one if len(above) == 1 else 'one of them'} narrower"
    report.warn("T310", place, message, fix, suggestion=one if len(above) == 1 else "")


def note_unproven(space: Space, reach: Reach, report: Report) -> None:
    """One note for a layer, with the first of the rules of which nothing is known."""
    if not reach.unproven:
        return
    ids = [space.layer.rows[n].rule_id for n in reach.unproven]
    layer = space.layer.layer
    message = f"not proven for rows {_some(ids, MOST_UNPROVEN)} whether a lead can reach them."
    fix = "nothing needs doing; fewer overlapping lists would let the check decide it"
    report.note("T323", Place(layer.sheet, text=layer.name), message, fix)


# -- rows whose order decides ---


def _warn_overlaps(proof: Proof, found: Overlaps, report: Report) -> None:
    for overlap in found.shown:
        report.warn("T320", _place(overlap.lower), overlap_message(overlap), OVERLAP_FIX)
    for (number, columns), count in found.more.items():
        layer = proof.spaces[number].layer.layer
        at_least = "" if found.counted else "at least "
        message = f"{at_least}{count} more pairs of rules on {_and(columns)} may overlap."
        fix = "allocator tables overlaps RULE-ID lists those of one rule"
        report.note("T320", Place(layer.sheet, text=layer.name), message, fix)


OVERLAP_FIX: Final = "keep the order if that is meant; else make one of them narrower"


def overlap_message(overlap: Overlap) -> str:
    """The pair, and the lead for which their order decides."""
    upper, lower = overlap.upper, overlap.lower
    return (
        f"rules {upper.rule_id} (row {upper.row}) and {lower.rule_id} (row {lower.row}) both accept a lead "
        f"with {described(overlap.lead)}, and do different things; {upper.rule_id} comes first."
    )


def described(lead: Lead) -> str:
    """A lead in words: `country DE, employees 300`."""
    return ", ".join(f"{name} {value}" for name, value in sorted(lead.items())) or "nothing known"


# -- leads that nobody gets ---


def _warn_gaps(proof: Proof, gaps: Gaps, report: Report) -> None:
    if not gaps.total:
        return
    layer = proof.spaces[-1].layer.layer
    place = Place(layer.sheet, text=layer.name)
    add = f"add rules for them, or a last row with * everywhere and Then Hold to sheet {layer.sheet}"
    if gaps.too_many:
        about = "" if gaps.finished else "at least "
        message = (
            f"no rule decides {about}{gaps.open} of {gaps.total} known combinations of {_and(gaps.facts)}, "
            f"such as a lead with {described(gaps.cubes[0].lead)}."
        )
        report.warn("T321", place, message, add)
        return
    for cube in gaps.cubes:
        report.warn("T321" if cube.never else "T322", place, _cube_message(cube), add)
    if gaps.more:
        message = f"{gaps.more} more known combinations of {_and(gaps.facts)} are not decided for every lead."
        report.note("T321", place, message, add)
    if not gaps.finished:
        message = (
            f"not proven for all {gaps.total} known combinations of {_and(gaps.facts)} that a rule decides."
        )
        report.note("T323", place, message, "a last row with * everywhere answers it at once")


def _cube_message(cube: Cube) -> str:
    where = "; ".join(f"{fact} {_values(values)}" for fact, values in cube.values)
    if cube.never:
        return f"no rule decides leads with {where}, whatever else they say."
    return f"no rule decides some leads with {where}, such as one with {described(cube.lead)}."


def _values(values: tuple[str, ...] | None) -> str:
    if values is None:
        return "*"
    return values[0] if len(values) == 1 else f"any of {_some(values, 12, last=', ')}"


# -- words ---


def _place(row: Row) -> Place:
    return Place(row.sheet, row.row, row.cells.get("Order", ""), "Order", row.rule_id, row.rule_id)


def _named(rows: Sequence[Row]) -> str:
    named = [f"{row.rule_id} (row {row.row})" for row in rows]
    return _some(named, MOST_NAMED)


def _some(texts: Sequence[str], most: int, *, last: str = " and ") -> str:
    """The first of many, and how many more."""
    if len(texts) > most:
        return f"{', '.join(texts[:most])} and {len(texts) - most} more"
    return last.join(x for x in (", ".join(texts[:-1]), texts[-1]) if x)


def _and(names: Iterable[str]) -> str:
    return _some(tuple(names), 12) if names else "nothing"
