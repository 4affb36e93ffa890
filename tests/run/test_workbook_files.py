"""With a configuration: a template from the CRM's users, and copies of the configured workbook."""

from __future__ import annotations

from openpyxl import load_workbook
from org import Org

from rules.workbook import load


def test_a_template_from_the_org_has_its_active_users_in_one_team_and_holds_every_lead(org: Org) -> None:
    new = org.folder / "new.xlsx"
    active = {row["Id"] for row in org.records("User") if row["IsActive"]}
    code, said = org("tables", "template", str(new), "--from-org")
    assert (code, said["workbook"], said["users"]) == (0, str(new), len(active))
    assert {person.crm_user_id for team in load(new).teams for person in team.people} <= active
    assert org("tables", "template", str(new), "--from-org")[0] == 2


def test_the_configured_workbook_is_marked_beside_itself_with_what_the_configuration_shows(org: Org) -> None:
    workbook = org.config.parent / "routing_tables.xlsx"
    book = load_workbook(workbook)
    book["Facts"].append(("tier", "text", None))
    book["Team"]["K1"] = "If tier"
    for row in range(2, book["Team"].max_row + 1):
        book["Team"].cell(row, 11).value = "*"
    book.save(workbook)
    before = workbook.read_bytes()
    code, said = org("tables", "mark")
    assert (code, said["ok"]) == (0, False)
    marked = load_workbook(workbook.with_name("routing_tables.checked.xlsx"))["Team"]
    assert any("T501" in cell.comment.text for row in marked.iter_rows() for cell in row if cell.comment)
    assert workbook.read_bytes() == before


def test_no_other_workbook_is_marked_over_the_configured_one(org: Org) -> None:
    workbook = org.config.parent / "routing_tables.xlsx"
    other = org.folder / "other.xlsx"
    other.write_bytes(workbook.read_bytes())
    assert org("tables", "mark", str(other), "--output", str(workbook))[0] == 2
