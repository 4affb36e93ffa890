"""Real leads, messy as they came: everyone is assigned, or held by a row or a reason that says so."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook, load_workbook
from org import INBOUND, Org, balanced

from allocator.bootstrap import store_of
from allocator.config import load_settings
from allocator.domain.lead import Reason, State
from allocator.domain.records import LeadRow
from allocator.service.why import explain_lead
from rules.layers import decide
from rules.model import Decision, RoutingTables
from rules.workbook import load

pytestmark = pytest.mark.shared_data

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared" / "data"
EDUCATION = SHARED / "xeducation" / "Leads_with_338_rows_quoted_whole.csv"
WORKSHOP = SHARED / "salesforce_workshop"
SHIPPED = ROOT / "routing_tables.xlsx"
COUNT = 9_240
PRODUCT = "Specialization"
FIELDS = {PRODUCT: "Product__c"}
FACTS = ("--fact", "campaign=LeadSource", "--fact", "product=Product__c")
NO_PRODUCT = "No product: ask the lead what interests them"

Lead = dict[str, str]


def test_9240_real_leads_get_an_owner_or_a_reason(tmp_path: Path) -> None:
    leads = real_leads()
    book = education_book(tmp_path / "tables.xlsx", leads)
    said = predicted(load(book), leads)
    with education(tmp_path, EDUCATION, book) as org:
        assert org.sandbox.load_counts == {"rows": COUNT, "loaded": COUNT, "refused": 0, "blank": 0}
        assert org.sandbox.load_report == []
        code, made = org("run")
        assert code == 4  # Russia is held by its row
        assert made["leads"]["pulled"] == COUNT
        assert balanced(made["leads"])
        assert made["leads"]["assigned"] >= 0.95 * COUNT
        assert sum(n for team in made["teams"].values() for n in team.values()) == made["leads"]["assigned"]
        rows = stored(org)
        assert holds(org) == holds_of(said.values())
        assert sum(made["held_reasons"].values()) == made["leads"]["held"] == len(holds_by_lead(rows))
        every_team_is_the_predicted_one(org, rows, said)
        every_owner_is_the_one_explained(org, rows)
        a_second_run_assigns_nothing(org)


def test_without_products_the_held_change_as_the_rules_predict(tmp_path: Path) -> None:
    leads = [lead | {PRODUCT: ""} for lead in real_leads()]
    book = education_book(tmp_path / "tables.xlsx", real_leads(), hold=NO_PRODUCT)
    before = holds_of(predicted(load(book), real_leads()).values())
    said = holds_of(predicted(load(book), leads).values())
    assert sum(before.values()) < sum(said.values()) == COUNT
    assert said[("rule_hold", NO_PRODUCT)] == COUNT - 1
    with education(tmp_path, write_leads(tmp_path / "leads.csv", leads), book) as org:
        assert org.sandbox.load_counts["loaded"] == COUNT
        _, made = org("run")
        assert balanced(made["leads"])
        assert made["leads"]["held"] == made["leads"]["held_total"] == COUNT
        assert made["held_reasons"] == {"rule_hold": COUNT}
        assert holds(org) == said


def test_with_products_a_hold_row_keeps_only_those_that_chose_none(tmp_path: Path) -> None:
    leads = real_leads()
    book = education_book(tmp_path / "tables.xlsx", leads, hold=NO_PRODUCT)
    said = holds_of(predicted(load(book), leads).values())
    assert said == {
        ("rule_hold", NO_PRODUCT): sum(lead[PRODUCT] in ("", "Select") for lead in leads),
        ("rule_hold", "Sales are stopped for this country"): 1,
    }
    with education(tmp_path, EDUCATION, book) as org:
        _, made = org("run", "--dry-run")
        assert balanced(made["leads"])
        assert made["leads"]["held"] == sum(said.values())
        assert made["leads"]["assigned"] == COUNT - sum(said.values())


@pytest.mark.parametrize(
    ("name", "count", "columns"), [("Lead.csv", 60, 55), ("Lead_genai_demo.csv", 14, 54)]
)
def test_an_export_with_all_its_columns_loads_whole_and_runs(
    name: str, count: int, columns: int, tmp_path: Path
) -> None:
    with (WORKSHOP / name).open(encoding="utf-8-sig", newline="") as file:
        exported = list(csv.DictReader(file))
    assert (len(exported), len(exported[0])) == (count, columns)
    with closing(Org(tmp_path, leads=WORKSHOP / name)) as org:
        assert org.sandbox.load_report == []
        assert org.sandbox.load_counts["loaded"] == count
        assert every_column_is_kept(exported, {row["Id"]: row for row in org.records("Lead")})
        org.init()
        _, made = org("run")
        assert made["leads"]["pulled"] == count
        assert balanced(made["leads"])
        rows = stored(org)
        assert {row.state for row in rows} <= {State.CONFIRMED, State.HELD}
        assert all(row.reason in set(Reason) and row.detail for row in rows if row.state is State.HELD)
        every_owner_is_the_one_explained(org, rows)
        a_second_run_assigns_nothing(org)


def test_the_stock_leads_of_a_developer_org_are_given_and_converted_ones_left_alone(tmp_path: Path) -> None:
    book = education_book(tmp_path / "tables.xlsx", real_leads())
    with closing(Org(tmp_path, seed="developer", data_dir=SHARED / "salesforce_de_sample")) as org:
        before = {row["Id"]: row for row in org.records("Lead")}
        org.put("User", *sales_users(load(book)))
        org.init("--queue", "Developer Edition", "--workbook", str(book))
        _, made = org("run")
        open_ = {one for one, row in before.items() if not row["IsConverted"]}
        assert (len(before), len(open_)) == (22, 17)
        assert made["leads"]["pulled"] == made["leads"]["assigned"] == 17
        owners = org.owners()
        assert {one for one in before if owners[one] != before[one]["OwnerId"]} == open_
        every_owner_is_the_one_explained(org, stored(org))
        a_second_run_assigns_nothing(org)


# --- what must hold ---------------------------------------------------------------------------------------


def every_team_is_the_predicted_one(org: Org, rows: Sequence[LeadRow], said: Mapping[str, Decision]) -> None:
    """The rules alone, asked with the file's own cells, name the team that each lead went to."""
    prospect = {row["Id"]: row["Prospect_ID__c"] for row in org.records("Lead")}
    by_turn = [row for row in rows if row.by == "turn"]
    assert len(by_turn) > 0.95 * COUNT
    wrong = [row for row in by_turn if said[prospect[row.key.source_id]].team != row.team]
    assert not wrong


def every_owner_is_the_one_explained(org: Org, rows: Sequence[LeadRow]) -> None:
    """All by the store, forty by the answer of `explain`, three of them by the command itself."""
    owners = org.owners()
    given = [row for row in rows if row.state is State.CONFIRMED]
    assert [row.key for row in given if owners[row.key.source_id] != row.owner] == []
    settings = load_settings(org.config)
    tables, store = load(settings.workbook), store_of(settings)
    try:
        for row in every_nth(given, 40):
            person = explain_lead(store, row, tables)["person"]
            assert person["crm_user_id"] == owners[row.key.source_id]
    finally:
        store.close()
    for row in every_nth(given, 3):
        _, why = org("explain", row.key.source_id)
        assert why["person"]["crm_user_id"] == owners[row.key.source_id]


def a_second_run_assigns_nothing(org: Org) -> None:
    owners, asked = org.owners(), len(org.requests())
    code, made = org("run")
    assert code == 0
    assert all(made["leads"][k] == 0 for k in ("redecided", "returned", "assigned", "taken", "retry"))
    assert org.owners() == owners
    assert not any(sub["method"] == "PATCH" for r in org.requests()[asked:] for sub in r.get("sub") or ())


def every_column_is_kept(exported: Sequence[Lead], records: Mapping[str, Mapping[str, Any]]) -> bool:
    """Each header is a field of the org; the cells that need no reading are in it as they were."""
    plain = (
        "Id",
        "LastName",
        "FirstName",
        "Company",
        "Email",
        "City",
        "Country",
        "LeadSource",
        "CreatedDate",
    )
    kept = all((records[row["Id"]].get(name) or "") == row[name] for row in exported for name in plain)
    custom = {name for name in exported[0] if name.endswith("__c")}
    return kept and all(custom <= record.keys() for record in records.values())


# --- the leads and their workbook -------------------------------------------------------------------------


def real_leads() -> list[Lead]:
    """Every row of the file; one that is quoted as a whole is a single cell, which is read again."""
    with EDUCATION.open(encoding="utf-8-sig", newline="") as file:
        head, *rows = csv.reader(file)
    whole = [row if len(row) > 1 else next(csv.reader(row)) for row in rows]
    assert (len(whole), sum(len(row) == 1 for row in rows)) == (COUNT, 338)
    return [dict(zip(head, row, strict=True)) for row in whole]


def write_leads(path: Path, leads: Sequence[Lead]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(leads[0]))
        writer.writeheader()
        writer.writerows(leads)
    return path


def education_book(path: Path, leads: Sequence[Lead], *, hold: str | None = None) -> Path:
    """The shipped workbook, changed in sheets Groups and Values and in one rule row (two with `hold`)."""
    book = load_workbook(SHIPPED)
    change(
        book, "Country", "K-220", {"Then Hold": None, "Then Region": "APAC", "Then Territory": "South Asia"}
    )
    if hold:
        change(book, "Product", "P-080", {"Then Hold": hold})
    change(book, "Groups", "@HOT", {"Members": "Olark Chat, Live Chat, Click2call, Reference"})
    no_product = cell(
        book, "Values", lambda row: (row["Fact"], row["Code"]) == ("product", "(none)"), "Aliases"
    )
    no_product.value = f"{no_product.value}; Select"
    book["Values"].append(["country", "(none)", None, "unknown; Asia/Pacific Region"])
    for fact, column in (("campaign", "Lead Source"), ("product", PRODUCT)):
        for code in spellings(lead[column] for lead in leads):
            book["Values"].append([fact, code])
    book.save(path)
    return path


def spellings(texts: Iterable[str]) -> list[str]:
    """Each text once, "google" and "Google" being one."""
    return list({text.casefold(): text for text in sorted(texts) if text not in ("", "Select")}.values())


def change(book: Workbook, sheet: str, key: str, values: Mapping[str, str | None]) -> None:
    """Type into the row whose Rule ID, or first cell, is `key`."""
    for header, value in values.items():
        cell(book, sheet, lambda row: key in (row.get("Rule ID"), row.get("Group")), header).value = value


def cell(book: Workbook, sheet: str, wanted: Callable[[dict[str, Any]], bool], header: str) -> Any:
    head, *rows = book[sheet].iter_rows()
    names = [one.value for one in head]
    found = [r for r in rows if wanted(dict(zip(names, (c.value for c in r), strict=True)))]
    assert len(found) == 1, f"{sheet}: {len(found)} rows"
    return found[0][names.index(header)]


def predicted(tables: RoutingTables, leads: Sequence[Lead]) -> dict[str, Decision]:
    """What the rules say to the file's own cells, by Prospect ID."""
    on = datetime.now(UTC).astimezone(ZoneInfo(tables.time_zone)).date()
    return {
        lead["Prospect ID"]: decide(
            tables,
            {"country": lead["Country"], "campaign": lead["Lead Source"], "product": lead[PRODUCT]},
            on=on,
        )
        for lead in leads
    }


def sales_users(tables: RoutingTables) -> list[dict[str, Any]]:
    """The workbook's people as users of an org that does not know them."""
    return [
        {"Id": user, "Name": tables.people_by_id[person][0].name, "IsActive": True}
        for user, person in tables.person_by_crm_user.items()
    ]


# --- the product ------------------------------------------------------------------------------------------


@contextmanager
def education(folder: Path, leads: Path, book: Path) -> Iterator[Org]:
    with closing(Org(folder, leads=leads, field_map=FIELDS)) as org:
        org.init("--workbook", str(book), *FACTS)
        yield org


@contextmanager
def closing(org: Org) -> Iterator[Org]:
    assert INBOUND in org.info["queues"]
    try:
        yield org
    finally:
        org.close()


def stored(org: Org) -> list[LeadRow]:
    store = store_of(load_settings(org.config))
    try:
        return list(store.leads())
    finally:
        store.close()


def holds(org: Org) -> Counter[tuple[str, str]]:
    """What is held and why, as `leads held` says it."""
    _, held = org("leads", "held")
    return Counter((lead["reason"], lead["detail"]) for lead in held["leads"])


def holds_of(decisions: Iterable[Decision]) -> Counter[tuple[str, str]]:
    return Counter((d.reason, d.detail) for d in decisions if d.reason)


def holds_by_lead(rows: Sequence[LeadRow]) -> list[LeadRow]:
    return [row for row in rows if row.state is State.HELD]


def every_nth(rows: Sequence[LeadRow], count: int) -> Sequence[LeadRow]:
    return rows[:: max(1, len(rows) // count)][:count]
