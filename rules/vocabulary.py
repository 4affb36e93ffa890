"""The vocabulary that cells are read with: the known values, and what each group stands for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from rules.cells import group_condition
from rules.known import Clash, Vocabulary, fact_key, group_key, known_values
from rules.model import Fact, KnownValue

__all__ = ["Clash", "Vocabulary", "fact_key", "group_key", "vocabulary"]


def vocabulary(
    facts: Iterable[Fact],
    values: Iterable[KnownValue],
    groups: Mapping[str, tuple[str, Iterable[str]]] | None = None,
) -> Vocabulary:
    """The vocabulary of a workbook. `groups`: "@DACH" -> (fact, member texts), each a cell of that fact.

    Raises CellError for a group's member that cannot be read; spellings with several codes are in `clashes`.
    """
    plain = known_values(facts, values)
    members = {}
    for name, (owner, texts) in (groups or {}).items():
        fact = plain.facts.get(fact_key(owner)) or Fact(owner, "text")
        members[group_key(name)] = (fact_key(owner), group_condition(fact, texts, plain))
    return replace(plain, groups=members)
