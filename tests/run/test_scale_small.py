"""The scale run at a small size: the promises hold at every turn, and a product that breaks one is caught."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SMALL = ("--weeks", "2", "--teams", "5", "--people", "30", "--busy", "60")


@pytest.fixture(scope="module")
def scale() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "benchmarks"))
        import scale

        yield scale


def test_weeks_in_which_much_happens_keep_every_promise_at_every_turn(scale: Any, capsys: Any) -> None:
    assert scale.main(SMALL) == 0
    text = capsys.readouterr().out
    worst = re.search(r"F1 to F12 held at every turn\. The worst \|credit\| ever: ([\d.]+) leads", text)
    assert worst is not None, text
    for what in ("absence", "join", "leave", "move", "weight", "rename", "caps", "skills", "order"):
        assert re.search(rf"\d+ {what}\b", text), text
    for asked in ("F1 turns", "F3 turns", "F7 returns", "F8 joins", "F12 turns"):
        assert re.search(rf"[1-9]\d* {asked}", text), text
    for kind in ("turn", "delegated", "catch-up", "owned"):
        assert re.search(rf"[1-9]\d* {kind}\b", text), text
    assert re.search(r"[1-9]\d* turns given back", text), text
    assert re.search(r"bytes per lead: [\d,]+\n", text)


BROKEN = {
    "the last in the alphabet takes every turn": (
        "rules.settle._highest",
        lambda ids, shares, before, team, last: (ids[-1], before.get(ids[-1], 0) + shares[ids[-1]]),
        "F4",
    ),
    "nobody is ever away": ("rules.eligibility._away_until", lambda person, today: None, "F6"),
    "caps count for nothing": ("rules.eligibility._capped", lambda person, today, taken: iter(()), "F12"),
    "whoever gave a lead back is first again": (
        "rules.standing._Everybody.let_stand_back",
        lambda self, not_first: None,
        "F(4|11)",
    ),
    "who owns the e-mail does not matter": (
        "allocator.domain.choose.Chooser._person_match",
        lambda self, case: None,
        "F10",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_product_that_breaks_a_promise_ends_the_run(
    scale: Any, capsys: Any, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    place, instead, promise = BROKEN[what]
    monkeypatch.setattr(place, instead)
    assert scale.main(SMALL) == 1
    assert re.match(rf"A promise is broken\. {promise}: ", capsys.readouterr().out)
