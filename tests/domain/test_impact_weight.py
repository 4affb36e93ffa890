"""What of an impact counts for the publish threshold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from allocator.domain.impact import Because, Impact, Moved, Place

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
ANA, BEN, CHI = (Place("Enterprise", person) for person in ("P-001", "P-002", "P-003"))
OTHER = Place("Partner desk", "P-009")
HELD = Place(held="no_rule")


def impact(*moves: tuple[Place, Place, str]) -> Impact:
    moved = tuple(Moved(f"crm:{n}", a, b, Because(why=why)) for n, (a, b, why) in enumerate(moves))
    return Impact(100, moved, {}, (), {}, 14, MONDAY, MONDAY)


@pytest.mark.parametrize(
    ("moves", "weight"),
    [
        ([], 0),
        ([(ANA, OTHER, "rule")], 1),
        ([(ANA, OTHER, "rule"), (OTHER, ANA, "rule")], 2),
        ([(ANA, BEN, "turn"), (BEN, ANA, "turn")], 0),
        ([(ANA, BEN, "turn"), (BEN, CHI, "turn"), (CHI, ANA, "turn")], 0),
        ([(ANA, CHI, "turn"), (BEN, CHI, "turn"), (CHI, BEN, "turn")], 1),
        ([(ANA, CHI, "turn")] * 5, 5),
        ([(ANA, HELD, "turn")] * 2 + [(BEN, OTHER, "override")], 3),
    ],
)
def test_leads_that_only_trade_places_do_not_count(
    moves: list[tuple[Place, Place, str]], weight: int
) -> None:
    assert impact(*moves).weight == weight
