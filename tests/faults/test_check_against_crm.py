"""`tables check` asks the CRM whether the people and queues of the workbook are there, if it can be asked."""

from __future__ import annotations

from faulty_org import FaultyOrg
from openpyxl import load_workbook
from workbooks import ANA, crm_id


def doubts(found: dict[str, object]) -> list[tuple[str, str, str]]:
    problems = found["problems"]
    assert isinstance(problems, list)
    return [
        (p["code"], f"{p['sheet']}!{p['cell']}", p["severity"])
        for p in problems
        if p["code"].startswith("T50")
    ]


def test_an_inactive_user_and_an_unknown_queue_are_warnings_and_the_workbook_can_go_live(
    org: FaultyOrg,
) -> None:
    org.put("User", {"Id": ANA, "IsActive": False})
    book = load_workbook(org.book)
    column = next(cell.column_letter for cell in book["Teams"][1] if cell.value == "CRM queue ID")
    book["Teams"][f"{column}2"] = crm_id("00G5g00000Gone1")
    book.save(org.book)

    code, found = org("tables", "check")

    assert (code, found["ok"]) == (0, True)
    assert doubts(found) == [
        ("T506", f"Teams!{column}2", "warning"),
        ("T505", "Salespeople!D2", "warning"),
    ]


def test_where_the_crm_cannot_be_asked_the_result_is_otherwise_the_same(org: FaultyOrg) -> None:
    org.put("User", {"Id": ANA, "IsActive": False})
    org.down()
    code, found = org("tables", "check")
    org.up()

    assert (code, found["ok"], doubts(found)) == (0, True, [])
