"""Who saves a workbook that calls a team otherwise is told in time how its ledger goes on."""

from __future__ import annotations

from datetime import timedelta

from desks import MONDAY, Desk
from waiting_desk import THRESHOLD, code_in, hour_passes, told

ALL_TO_TEAM = {"Team!F3": "Enterprise", "Team!G3": None}
NEW = "Key accounts"
RENAMED = ALL_TO_TEAM | dict.fromkeys(
    ("Team!F2", "Team!F3", "Teams!A2", "Salespeople!E2", "Salespeople!E3", "Salespeople!E4"), NEW
)
COMMAND = f'allocator rotation rename "Enterprise" "{NEW}"'


def ten_oclock(desk: Desk, **setting: object) -> None:
    """The run of ten accepted the workbook, and team Enterprise took four turns."""
    desk.save({**ALL_TO_TEAM, **setting})
    come(desk, "A", "B", "C", "D")
    desk.clock.at = MONDAY + timedelta(hours=1)
    assert desk.run().summary["leads"]["assigned"] == 4
    desk.clock.wait(minutes=5)
    assert not desk.looks()


def come(desk: Desk, *names: str) -> None:
    queue = desk.org.queue
    desk.org.put(
        "Lead", *({"LastName": n, "Company": n, "Country": "Germany", "OwnerId": queue} for n in names)
    )


def rename(desk: Desk) -> int:
    code: int = desk.org("rotation", "rename", "Enterprise", NEW, "--yes")[0]
    return code


def test_the_answer_names_the_command_and_the_ledger_goes_on(desk: Desk) -> None:
    ten_oclock(desk)
    before = desk.store.ledgers()["Enterprise", ""]
    desk.save(RENAMED)
    said = told(desk.looks())
    assert COMMAND in said and "before the next run" in said
    assert rename(desk) == 0
    come(desk, "E")
    hour_passes(desk)
    (place,) = desk.store.ledgers()
    assert place == (NEW, "")
    assert desk.store.ledgers()[place].next_number == before.next_number + 1
    desk.save({**RENAMED, "Country!D2": "DE"})
    assert "rotation rename" not in told(desk.looks())


def test_while_the_new_name_waits_the_ledger_stays_with_the_old_one(desk: Desk) -> None:
    ten_oclock(desk, **THRESHOLD)
    desk.save({**RENAMED, **THRESHOLD})
    said = told(desk.looks())
    assert COMMAND in said
    assert rename(desk) == 2
    assert list(desk.store.ledgers()) == [("Enterprise", "")]
    accept, _ = desk.org("tables", "accept", code_in(said))
    assert (accept, rename(desk)) == (0, 0)
    assert list(desk.store.ledgers()) == [(NEW, "")]
