"""A lead that is held because everybody is at their cap, and a cap that has room again on the same day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from small_org import SmallOrg, company
from workbooks import build


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallOrg]:
    """Three people with a cap of one lead a day, and four leads."""
    made = SmallOrg(tmp_path, monkeypatch, 4)
    try:
        sheets = company()
        cap = sheets["Salespeople"][0].index("Daily cap")
        for row in sheets["Salespeople"][1:]:
            row[cap] = 1
        made.book.write_bytes(build(sheets))
        yield made
    finally:
        made.close()


def test_it_goes_first_once_a_cap_has_room_again(org: SmallOrg) -> None:
    org.run(4, assigned=3, held=1)
    org.later(hours=1)
    assert org("runs", "undo", "1", "--yes")[0] == 0
    org.later(hours=1)
    org.run(4, redecided=4, assigned=3, held=1)
    *given, last = org.leads[3], *org.leads[:3]
    assert [org.state(lead)[0] for lead in (*given, last)] == ["confirmed"] * 3 + ["held"]
    org.kept()


def test_it_is_not_decided_again_while_all_caps_stand(org: SmallOrg) -> None:
    org.run(4, assigned=3, held=1)
    org.later(hours=1)
    org.run(0, redecided=0, held_total=1)
    org.later(days=1)
    org.run(0, redecided=1, assigned=1)
