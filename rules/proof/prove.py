"""What can be proved about the rules of whole tables, layer by layer; worked out once and shared."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from rules.layers import compiled
from rules.model import RoutingTables
from rules.proof.arriving import Leads
from rules.proof.cover import Budget
from rules.proof.overlaps import Finder
from rules.proof.possible import only_set, sources
from rules.proof.regions import Space, space_of
from rules.proof.unreachable import Reach, reach


@dataclass(frozen=True, slots=True)
class Proof:
    """The layers' spaces, which of their rows leads can reach, and what finds overlaps and example leads."""

    spaces: tuple[Space, ...]
    reaches: tuple[Reach, ...]
    finder: Finder


def prove(tables: RoutingTables, *, on: date | None) -> Proof:
    """Look at all rows for the days from `on`, or for any day."""
    origins = sources(tables)
    layers = zip(compiled(tables), origins, strict=True)
    spaces = tuple(space_of(layer, origin, on) for layer, origin in layers)
    budget = Budget()
    reaches = tuple(reach(space, budget) for space in spaces)
    leads = Leads(tables, spaces, only_set(tables))
    return Proof(spaces, reaches, Finder(tables, spaces, reaches, leads))
