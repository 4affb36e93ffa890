"""SOQL is answered as the vendor answers it."""

# ruff: noqa: S608, E501 - queries are what is tested here, and a table of them reads best one to a line.

import re
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from simple_salesforce.format import format_soql

from allocator.sandbox.salesforce.schema import standard_schema, to18
from allocator.sandbox.salesforce.soql import Result, SoqlError, execute

MONDAY = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SCHEMA = standard_schema()
SCHEMA.add_custom_field("Lead", "Product__c", "multipicklist")
SCHEMA.add_custom_field("Lead", "Key__c", external_id=True, case_sensitive=True)

ANA, BEN, CHI = (to18(f"00500000000000{n}") for n in "123")
QUEUE = to18("00G000000000001")
ACME = to18("001000000000001")
SPRING = to18("701000000000001")
LEADS = [to18(f"00Q00000000000{n}") for n in "123456"]


def stamp(text: str) -> str:
    return f"{text}.000+0000"


def lead(number: int, **fields: Any) -> dict[str, Any]:
    return {"Id": LEADS[number], "Company": "Acme", "Status": "Open - Not Contacted", **fields}


ROWS: dict[str, list[dict[str, Any]]] = {
    "User": [
        {
            "Id": ANA,
            "FirstName": "Ana",
            "LastName": "Ruiz",
            "Name": "Ana Ruiz",
            "Email": "ana@x.io",
            "IsActive": True,
        },
        {"Id": BEN, "LastName": "Bo", "Name": "Ben Bo", "ManagerId": ANA, "IsActive": True},
        {"Id": CHI, "LastName": "Chu", "Name": "Chi Chu", "ManagerId": BEN, "IsActive": False},
    ],
    "Group": [
        {"Id": QUEUE, "Name": "Intake", "DeveloperName": "Intake", "Type": "Queue", "Email": "in@x.io"}
    ],
    "QueueSobject": [{"Id": to18("03g000000000001"), "QueueId": QUEUE, "SobjectType": "Lead"}],
    "Account": [{"Id": ACME, "Name": "Acme", "Website": "acme.io", "OwnerId": CHI}],
    "Campaign": [{"Id": SPRING, "Name": "Spring"}],
    "CampaignMember": [
        {"Id": to18("00v000000000001"), "CampaignId": SPRING, "LeadId": LEADS[0], "Status": "Sent"},
        {"Id": to18("00v000000000002"), "CampaignId": SPRING, "LeadId": LEADS[1], "Status": "Responded"},
        {"Id": to18("00v000000000003"), "CampaignId": SPRING, "LeadId": None},
    ],
    "Lead": [
        lead(
            0,
            FirstName="Al",
            LastName="Alpha",
            Name="Al Alpha",
            Email="A@x.io",
            OwnerId=QUEUE,
            Country="DE",
            City="Bonn",
            AnnualRevenue=100,
            NumberOfEmployees=5,
            CreatedDate=stamp("2026-11-02T08:00:00"),
            Product__c="A;B",
            Key__c="k",
        ),
        lead(1, LastName="beta", Email="b_x@x.io", OwnerId=ANA, CreatedDate=stamp("2026-11-01T23:30:00")),
        lead(2, LastName="Gamma", OwnerId=BEN, AnnualRevenue=50.5, CreatedDate=stamp("2026-10-01T00:00:00")),
        lead(
            3,
            LastName="delta",
            IsConverted=True,
            ConvertedDate="2026-11-02",
            ConvertedAccountId=ACME,
            Status="Closed - Converted",
            CreatedDate=stamp("2025-11-02T09:00:00"),
            Product__c="B;C",
        ),
        lead(4, LastName="Gone", IsDeleted=True, MasterRecordId=LEADS[0], Email="gone@x.io"),
    ],
}


def rows(name: str) -> Iterable[dict[str, Any]]:
    return ROWS.get(name, [])


def ask(text: str, **options: Any) -> Result:
    return execute(text, SCHEMA, rows, **{"now": MONDAY, "version": "59.0", **options})


def names(text: str, **options: Any) -> list[str]:
    """The last names that a WHERE clause finds."""
    return [r["LastName"] for r in ask(f"SELECT LastName FROM Lead {text}", **options).records]


def refused(text: str) -> SoqlError:
    with pytest.raises(SoqlError) as caught:
        ask(text)
    return caught.value


# -- records ---------------------------------------------------------------------------------------------------


def test_a_record_starts_with_its_type_and_address_and_holds_what_was_selected_in_canonical_case() -> None:
    (record,) = ask("select ID, lastname FROM lead LIMIT 1").records
    url = f"/services/data/v59.0/sobjects/Lead/{LEADS[0]}"
    assert record == {"attributes": {"type": "Lead", "url": url}, "Id": LEADS[0], "LastName": "Alpha"}
    assert list(record) == ["attributes", "Id", "LastName"]


def test_what_a_row_lacks_is_null_and_a_boolean_is_false() -> None:
    (record,) = ask("SELECT Fax, IsConverted, DoNotCall FROM Lead LIMIT 1").records
    assert (record["Fax"], record["IsConverted"], record["DoNotCall"]) == (None, False, False)


def test_a_currency_is_a_decimal_number_and_an_int_is_not() -> None:
    (record,) = ask("SELECT AnnualRevenue, NumberOfEmployees FROM Lead LIMIT 1").records
    assert repr((record["AnnualRevenue"], record["NumberOfEmployees"])) == "(100.0, 5)"


def test_an_address_is_put_together_from_its_parts() -> None:
    first, second = ask("SELECT Address FROM Lead LIMIT 2").records
    assert first["Address"]["city"] == "Bonn" and first["Address"]["street"] is None
    assert second["Address"] is None


def test_an_owner_is_a_name_that_points_at_the_user_or_the_queue() -> None:
    queue, ana, *_, nobody = ask("SELECT Owner.Name, Owner.Type, owner.email FROM Lead").records
    assert queue["Owner"] == {
        "attributes": {"type": "Name", "url": f"/services/data/v59.0/sobjects/Group/{QUEUE}"},
        "Name": "Intake",
        "Type": "Queue",
        "Email": "in@x.io",
    }
    assert (ana["Owner"]["Type"], ana["Owner"]["Email"]) == ("User", "ana@x.io")
    assert nobody["Owner"] is None


def test_relationships_climb_up_to_five_levels() -> None:
    (record,) = ask(
        "SELECT ConvertedAccount.Owner.Manager.Manager.Name FROM Lead WHERE IsConverted = true"
    ).records
    assert record["ConvertedAccount"]["Owner"]["Manager"]["Manager"]["Name"] == "Ana Ruiz"
    path = "ConvertedAccount.Owner.Manager.Manager.Manager.Manager.Name"
    assert refused(f"SELECT {path} FROM Lead").code == "MALFORMED_QUERY"


def test_the_owner_of_an_account_is_a_plain_user() -> None:
    (record,) = ask("SELECT Owner.IsActive FROM Account").records
    assert record["Owner"]["attributes"]["type"] == "User" and record["Owner"]["IsActive"] is False
    assert refused("SELECT Owner.Type FROM Account").code == "INVALID_FIELD"


def test_typeof_shows_each_kind_of_owner_its_own_fields() -> None:
    text = "SELECT TYPEOF Owner WHEN User THEN IsActive, Name WHEN Group THEN DeveloperName END FROM Lead LIMIT 2"
    queue, ana = (r["Owner"] for r in ask(text).records)
    assert (queue["attributes"]["type"], queue["DeveloperName"]) == ("Group", "Intake")
    assert (ana["attributes"]["type"], ana["IsActive"], ana["Name"]) == ("User", True, "Ana Ruiz")
    otherwise = ask("SELECT TYPEOF Owner WHEN User THEN Id ELSE Name END FROM Lead LIMIT 1").records
    assert otherwise[0]["Owner"]["Name"] == "Intake"


def test_child_rows_come_as_a_query_of_their_own_or_null() -> None:
    text = "SELECT Id, (SELECT Status, Campaign.Name FROM CampaignMembers WHERE Status = 'sent') FROM Lead LIMIT 2"
    first, second = ask(text).records
    assert first["CampaignMembers"]["totalSize"] == 1 and first["CampaignMembers"]["done"] is True
    assert first["CampaignMembers"]["records"][0]["Campaign"]["Name"] == "Spring"
    assert second["CampaignMembers"] is None


def test_count_answers_with_a_number_and_no_records() -> None:
    result = ask("SELECT COUNT() FROM Lead WHERE Email != null")
    assert (result.total_size, result.records, result.is_count) == (2, [], True)
    assert ask("SELECT COUNT() FROM Lead LIMIT 3").total_size == 3


def test_the_recycle_bin_shows_only_when_asked_for() -> None:
    text = f"SELECT Id FROM Lead WHERE MasterRecordId = '{LEADS[0]}' AND IsDeleted = true"
    assert ask(text).total_size == 0
    assert ask(text, include_deleted=True).total_size == 1


def test_fields_stands_for_all_standard_or_custom_ones_within_200_rows() -> None:
    everything = ask("SELECT FIELDS(ALL) FROM Lead LIMIT 200").records[0]
    assert set(everything) - {"attributes"} == {f.name for f in SCHEMA.object("Lead").fields}
    assert set(ask("SELECT FIELDS(CUSTOM) FROM Lead LIMIT 1").records[0]) == {
        "attributes",
        "Product__c",
        "Key__c",
    }
    assert "Key__c" not in ask("SELECT FIELDS(STANDARD) FROM Lead").records[0]
    for limit in ("", "LIMIT 201"):
        assert "must have a LIMIT of at most 200" in refused(f"SELECT FIELDS(ALL) FROM Lead {limit}").message
    error = refused("SELECT Id, FIELDS(ALL) FROM Lead LIMIT 1")
    assert (error.code, error.message) == ("INVALID_FIELD", "duplicate field selected: Id")


@pytest.mark.parametrize(
    "text",
    [
        "SELECT l.LastName FROM Lead l WHERE l.Owner.Name = 'Intake'",
        "SELECT Lead.LastName FROM Lead WHERE Lead.Owner.Name = 'Intake'",
        "SELECT LastName FROM Lead AS l WHERE Owner.Name = 'Intake'",
        "SELECT LastName FROM Lead USING SCOPE everything WHERE Owner.Name = 'Intake' WITH SECURITY_ENFORCED",
        "\n select\tLastName\n from Lead where(Owner.Name='Intake')limit 5 for view ",
    ],
)
def test_the_same_question_may_be_spelled_in_many_ways(text: str) -> None:
    assert [r["LastName"] for r in ask(text).records] == ["Alpha"]


def test_objects_and_fields_may_be_named_like_keywords() -> None:
    assert ask("SELECT Id, Name n FROM Group GROUP BY Id, Name ORDER BY Name LIMIT 1").total_size == 1
    assert ask("SELECT Group.Name FROM GroupMember WHERE Group.Type = 'Queue'").total_size == 0
    assert ask("SELECT Queue.DeveloperName FROM QueueSobject WHERE SobjectType = 'Lead'").total_size == 1


# -- conditions ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Email = 'a@X.IO'", "Alpha"),
        ("Email != 'a@x.io'", "beta Gamma delta"),
        ("Email <> null", "Alpha beta"),
        ("Email = null", "Gamma delta"),
        ("Email = ''", "Gamma delta"),
        ("Email NOT IN ('a@x.io', 'none@x.io')", "beta Gamma delta"),
        ("Email IN ('a@x.io', null)", "Alpha Gamma delta"),
        ("NOT Email = 'a@x.io'", "beta Gamma delta"),
        ("NOT (Email = 'a@x.io' OR LastName = 'beta')", "Gamma delta"),
        ("Email LIKE '%@X.io'", "Alpha beta"),
        (r"Email LIKE 'b\_x%'", "beta"),
        ("(NOT Email LIKE 'a%')", "beta Gamma delta"),
        ("LastName LIKE '_eta'", "beta"),
        ("AnnualRevenue < 100", "Gamma"),
        ("AnnualRevenue >= 50.5", "Alpha Gamma"),
        ("AnnualRevenue != 100", "beta Gamma delta"),
        ("IsConverted = false AND AnnualRevenue = null", "beta"),
        ("IsConverted != true AND LastName > 'B'", "beta Gamma"),
        ("Owner.Type = 'Queue'", "Alpha"),
        ("Owner.Name != 'Ben Bo'", "Alpha beta delta"),
        ("ConvertedAccount.Name = 'acme'", "delta"),
        ("Product__c INCLUDES ('B')", "Alpha delta"),
        ("Product__c INCLUDES ('A;B', 'X')", "Alpha"),
        ("Product__c EXCLUDES ('A')", "beta Gamma delta"),
        ("Product__c = 'a;b'", "Alpha"),
        ("Key__c = 'k'", "Alpha"),
        ("Key__c = 'K'", ""),
        ("LastName = 'beta' OR (LastName = 'Gamma' AND Email = null)", "beta Gamma"),
    ],
)
def test_conditions_find_what_the_vendor_finds(where: str, found: str) -> None:
    assert names(f"WHERE {where}") == found.split()


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("CreatedDate = TODAY", "Alpha"),
        ("CreatedDate < today", "beta Gamma delta"),
        ("CreatedDate <= YESTERDAY", "beta Gamma delta"),
        ("CreatedDate > YESTERDAY", "Alpha"),
        ("CreatedDate = LAST_MONTH", "Gamma"),
        ("CreatedDate = THIS_MONTH", "Alpha beta"),
        ("CreatedDate = THIS_WEEK", "Alpha beta"),
        ("CreatedDate = THIS_QUARTER", "Alpha beta Gamma"),
        ("CreatedDate = LAST_N_DAYS:1", "Alpha beta"),
        ("CreatedDate = LAST_90_DAYS", "Alpha beta Gamma"),
        ("CreatedDate = N_DAYS_AGO:1", "beta"),
        ("CreatedDate = LAST_N_YEARS:1", "delta"),
        ("CreatedDate != LAST_YEAR", "Alpha beta Gamma"),
        ("CreatedDate IN (TODAY, LAST_YEAR)", "Alpha delta"),
        ("CreatedDate = NEXT_N_WEEKS:2", ""),
        ("ConvertedDate = TODAY", "delta"),
        ("ConvertedDate >= 2026-11-02", "delta"),
        ("CreatedDate >= 2026-11-02T09:00:00+01:00", "Alpha"),
        ("CreatedDate > 2026-11-02T08:00:00.000Z", ""),
        ("CreatedDate = 2026-11-02T08:00:00z", "Alpha"),
        ("CALENDAR_YEAR(CreatedDate) = 2025", "delta"),
        ("DAY_ONLY(CreatedDate) = 2026-11-01", "beta"),
        ("HOUR_IN_DAY(CreatedDate) = 23", "beta"),
    ],
)
def test_dates_are_placed_by_the_frozen_monday(where: str, found: str) -> None:
    assert names(f"WHERE {where}") == found.split()


def test_a_day_begins_at_midnight_of_the_users_zone() -> None:
    berlin = {"user_timezone": ZoneInfo("Europe/Berlin")}
    assert names("WHERE CreatedDate = TODAY", **berlin) == ["Alpha", "beta"]
    assert names("WHERE DAY_ONLY(convertTimezone(CreatedDate)) = 2026-11-02", **berlin) == ["Alpha", "beta"]


def test_ids_compare_in_either_length_and_with_their_case() -> None:
    assert names(f"WHERE Id = '{LEADS[1][:15]}'") == names(f"WHERE Id IN ('{LEADS[1]}')") == ["beta"]
    assert names(f"WHERE OwnerId = '{ANA[:15]}'") == ["beta"]
    assert names(f"WHERE Id = '{LEADS[1][:15].lower()}'") == []
    assert names(f"WHERE Id > '{LEADS[1]}' ORDER BY Id LIMIT 1") == ["Gamma"]


def test_semi_joins_and_anti_joins_go_through_ids() -> None:
    inner = "SELECT LeadId FROM CampaignMember WHERE Campaign.Name = 'Spring'"
    assert names(f"WHERE Id IN ({inner})") == ["Alpha", "beta"]
    assert names(f"WHERE Id NOT IN ({inner} AND Status = 'Sent') AND IsConverted = false") == [
        "beta",
        "Gamma",
    ]
    for wrong in (
        f"LastName IN ({inner})",
        "Id IN (SELECT Status FROM CampaignMember)",
        "Id IN (SELECT LeadId, Id FROM CampaignMember)",
        f"IsConverted = true OR Id IN ({inner})",
        "Id IN (SELECT LeadId FROM CampaignMember LIMIT 1)",
        "Id IN (SELECT ConvertedAccountId FROM Lead)",
        f"Id IN ({inner}) AND Id IN ({inner}) AND Id NOT IN ({inner})",
        "Id IN (SELECT LeadId FROM CampaignMember WHERE CampaignId IN (SELECT Id FROM Campaign))",
    ):
        assert refused(f"SELECT Id FROM Lead WHERE {wrong}").code == "MALFORMED_QUERY"


# -- order, windows, groups ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "found"),
    [
        ("LastName", "Alpha beta delta Gamma"),
        ("LastName DESC", "Gamma delta beta Alpha"),
        ("AnnualRevenue, LastName", "beta delta Gamma Alpha"),
        ("AnnualRevenue DESC NULLS LAST, LastName ASC", "Alpha Gamma beta delta"),
        ("AnnualRevenue ASC NULLS LAST, LastName DESC", "Gamma Alpha delta beta"),
        ("AnnualRevenue DESC, LastName DESC", "delta beta Alpha Gamma"),
        ("Owner.Name NULLS LAST", "beta Gamma Alpha delta"),
        ("CreatedDate DESC LIMIT 2", "Alpha beta"),
        ("LastName LIMIT 2 OFFSET 1", "beta delta"),
        ("LastName LIMIT 0", ""),
    ],
)
def test_nulls_come_first_unless_told_otherwise(order: str, found: str) -> None:
    assert names(f"ORDER BY {order}") == found.split()


def test_groups_are_aggregate_results() -> None:
    text = (
        "SELECT Status, COUNT(Id), SUM(AnnualRevenue) total, AVG(AnnualRevenue), MIN(LastName), MAX(CreatedDate) "
        "FROM Lead GROUP BY Status ORDER BY COUNT(Id) DESC"
    )
    first, second = ask(text).records
    assert first == {
        "attributes": {"type": "AggregateResult"},
        "Status": "Open - Not Contacted",
        "expr0": 3,
        "total": 150.5,
        "expr1": 75.25,
        "expr2": "Alpha",
        "expr3": stamp("2026-11-02T08:00:00"),
    }
    assert (second["expr0"], second["total"]) == (1, None)


def test_having_filters_groups_and_aliases_sort_them() -> None:
    text = "SELECT Owner.Name, COUNT(Id) n FROM Lead GROUP BY Owner.Name HAVING COUNT(Id) >= 1 AND Owner.Name LIKE '%n%'"
    assert [(r["Name"], r["n"]) for r in ask(f"{text} ORDER BY n DESC, Owner.Name").records] == [
        ("Ana Ruiz", 1),
        ("Ben Bo", 1),
        ("Intake", 1),
    ]
    by_year = "SELECT CALENDAR_YEAR(CreatedDate), COUNT_DISTINCT(Status) FROM Lead GROUP BY CALENDAR_YEAR(CreatedDate)"
    assert {r["expr0"]: r["expr1"] for r in ask(by_year).records} == {2025: 1, 2026: 1}
    assert ask("SELECT COUNT(Email) FROM Lead").records[0]["expr0"] == 2


# -- errors ----------------------------------------------------------------------------------------------------


def test_an_unknown_field_is_reported_in_the_vendors_words_and_place() -> None:
    error = refused("SELECT Foo FROM Lead")
    assert error.code == "INVALID_FIELD"
    assert error.message == (
        "\nSELECT Foo FROM Lead\n       ^\nERROR at Row:1:Column:8\nNo such column 'Foo' on entity 'Lead'. If you are "
        "attempting to use a custom field, be sure to append the '__c' after the custom field name. Please reference "
        "your WSDL or the describe call for the appropriate names."
    )


def test_an_error_points_at_its_row_and_column() -> None:
    error = refused("SELECT Id\nFROM Lead\nWHERE Nope = 1")
    assert error.message.startswith(
        "\nWHERE Nope = 1\n      ^\nERROR at Row:3:Column:7\nNo such column 'Nope'"
    )
    long = refused(
        f"SELECT {', '.join(['Id'] * 50)}, Nope FROM Lead WHERE {'x = 1 AND ' * 20} y = 2 OR z = 1"
    )
    line, caret = long.message.split("\n")[1:3]
    assert line[caret.index("^") :].startswith("OR") and len(line) < 140


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("", "MALFORMED_QUERY", "cannot be empty"),
        ("SELECT", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT FROM Lead", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id, FROM Lead", "MALFORMED_QUERY", "ERROR at Row:1:Column:12\nunexpected token: 'FROM'"),
        ("SELECT * FROM Lead", "MALFORMED_QUERY", "unexpected token: '*'"),
        ("DELETE FROM Lead", "MALFORMED_QUERY", "unexpected token: 'DELETE'"),
        ("SELECT Id FROM Lead;", "MALFORMED_QUERY", "unexpected token: ';'"),
        ("SELECT Id FROM Lead WHERE", "MALFORMED_QUERY", "unexpected token: '<EOF>'"),
        ("SELECT Id FROM Lead WHERE Id IN ()", "MALFORMED_QUERY", "unexpected token: ')'"),
        ("SELECT Id FROM Lead WHERE Email IS NULL", "MALFORMED_QUERY", "unexpected token: 'IS'"),
        (
            "SELECT Id FROM Lead WHERE City = 'a' AND City = 'b' OR City = 'c'",
            "MALFORMED_QUERY",
            "token: 'OR'",
        ),
        (
            "SELECT Id FROM Lead WHERE City = 'a' OR City = 'b' AND City = 'c'",
            "MALFORMED_QUERY",
            "token: 'AND'",
        ),
        ('SELECT Id FROM Lead WHERE City = "a"', "MALFORMED_QUERY", "unexpected token: '\"'"),
        ("SELECT Id FROM Lead WHERE City = 'a", "MALFORMED_QUERY", "<EOF>"),
        (
            "SELECT Id FROM Lead WHERE City = :city",
            "MALFORMED_QUERY",
            "Bind variables only allowed in Apex code",
        ),
        (r"SELECT Id FROM Lead WHERE City = '\x'", "MALFORMED_QUERY", "escape"),
        ("SELECT Id FROM Lead WHERE City = Bonn", "MALFORMED_QUERY", "unexpected token: 'Bonn'"),
        ("SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Lead WHERE CreatedDate = LAST_N_DAYS:99999999", "MALFORMED_QUERY", "out of range"),
        ("SELECT Id FROM Lead LIMIT -1", "MALFORMED_QUERY", "unexpected token: '-1'"),
        ("SELECT Id FROM Lead LIMIT 99999999999", "MALFORMED_QUERY", "numeric value out of range"),
        ("SELECT Id FROM Lead OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE", "2000"),
        ("SELECT Id FROM Lead ALL ROWS", "MALFORMED_QUERY", "ALL ROWS not allowed in this context"),
        ("SELECT Id FROM Lead WITH NONSENSE", "MALFORMED_QUERY", "unexpected token: 'NONSENSE'"),
        ("SELECT Id n FROM Lead", "MALFORMED_QUERY", "only aggregate expressions use field aliasing"),
        ("SELECT NOSUCH(Id) FROM Lead", "MALFORMED_QUERY", "unexpected token: 'NOSUCH'"),
        ("SELECT CALENDAR_YEAR(CreatedDate) FROM Lead", "MALFORMED_QUERY", "GROUP BY"),
        (
            "SELECT LastName, COUNT(Id) FROM Lead",
            "MALFORMED_QUERY",
            "Field must be grouped or aggregated: LastName",
        ),
        (
            "SELECT COUNT(Id) FROM Lead GROUP BY Status ORDER BY City",
            "MALFORMED_QUERY",
            "Ordered field must be grouped",
        ),
        (
            "SELECT Id, (SELECT COUNT(Id) FROM CampaignMembers) FROM Lead",
            "MALFORMED_QUERY",
            "only root queries support",
        ),
        ("SELECT COUNT() FROM Lead HAVING COUNT(Id) > 1", "MALFORMED_QUERY", "HAVING"),
        ("SELECT COUNT(Id) FROM Lead GROUP BY Description", "MALFORMED_QUERY", "can not be grouped"),
        ("SELECT Status, COUNT() FROM Lead GROUP BY Status", "MALFORMED_QUERY", "unexpected token: 'COUNT'"),
        ("SELECT SUM(Email) FROM Lead", "INVALID_FIELD", "does not support aggregate operator SUM"),
        ("SELECT Id FROM Lead WHERE COUNT(Id) = 1", "MALFORMED_QUERY", "aggregate functions are not allowed"),
        ("SELECT Id FROM Lead ORDER BY Description", "MALFORMED_QUERY", "can not be sorted"),
        ("SELECT Id, ID FROM Lead", "INVALID_FIELD", "duplicate field selected: ID"),
        ("SELECT Owner FROM Lead", "INVALID_FIELD", "No such column 'Owner' on entity 'Lead'"),
        ("SELECT Owner.Nope FROM Lead", "INVALID_FIELD", "No such column 'Nope' on entity 'Name'"),
        (
            "SELECT Boss.Name FROM Lead",
            "INVALID_FIELD",
            "Didn't understand relationship 'Boss' in field path",
        ),
        ("SELECT Id FROM Lead ORDER BY Nope", "INVALID_FIELD", "No such column 'Nope'"),
        ("SELECT Id, (SELECT Id FROM Pets) FROM Lead", "INVALID_TYPE", "'Pets' in FROM part of query call"),
        ("SELECT Id FROM Pet", "INVALID_TYPE", "sObject type 'Pet' is not supported"),
        ("SELECT Id FROM Name", "INVALID_TYPE", "sObject type 'Name' is not supported"),
        (
            "SELECT Id FROM Lead WHERE Description = 'x'",
            "INVALID_FIELD",
            "field 'Description' can not be filtered",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > '2026-11-02'",
            "INVALID_FIELD",
            "of type dateTime and should not",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > 2026-11-02",
            "INVALID_FIELD",
            "'CreatedDate' must be of type dateTime",
        ),
        (
            "SELECT Id FROM Lead WHERE ConvertedDate > 2026-11-02T09:00:00Z",
            "INVALID_FIELD",
            "must be of type date and",
        ),
        (
            "SELECT Id FROM Lead WHERE CreatedDate > 2026-13-02T09:00:00Z",
            "MALFORMED_QUERY",
            "invalid date or time",
        ),
        (
            "SELECT Id FROM Lead WHERE City = 5",
            "INVALID_FIELD",
            "of type string and should be enclosed in quotes",
        ),
        (
            "SELECT Id FROM Lead WHERE AnnualRevenue = '5'",
            "INVALID_FIELD",
            "type double and should not be enclosed",
        ),
        (
            "SELECT Id FROM Lead WHERE IsConverted = 'true'",
            "INVALID_FIELD",
            "type boolean and should not be enclosed",
        ),
        ("SELECT Id FROM Lead WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field: x"),
        (
            "SELECT Id FROM Lead WHERE Id LIKE '00Q%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        (
            "SELECT Id FROM Lead WHERE OwnerId LIKE '0%'",
            "INVALID_QUERY_FILTER_OPERATOR",
            "invalid operator on id field",
        ),
        ("SELECT Id FROM Lead WHERE IsConverted > true", "INVALID_QUERY_FILTER_OPERATOR", "boolean field"),
        ("SELECT Id FROM Lead WHERE City INCLUDES ('a')", "INVALID_QUERY_FILTER_OPERATOR", "string field"),
    ],
)
def test_what_is_wrong_is_named_and_never_an_empty_result(text: str, code: str, part: str) -> None:
    error = refused(text)
    assert (error.code, part in error.message) == (code, True), error.message


@pytest.mark.parametrize("depth", [300, 30_000])
def test_deep_nesting_is_answered_or_called_too_complicated(depth: int) -> None:
    try:
        assert names(f"WHERE {'(' * depth}City = 'Bonn'{')' * depth}") == ["Alpha"]
    except SoqlError as error:
        assert error.code == "QUERY_TOO_COMPLICATED"


def test_rows_stored_raw_with_values_of_a_wrong_kind_break_no_query() -> None:
    junk = {
        "Id": LEADS[0],
        "City": 5,
        "CreatedDate": "soon",
        "ConvertedDate": 7,
        "AnnualRevenue": "x",
        "OwnerId": 9,
    }
    wheres = (
        "City = '5'",
        "CreatedDate != TODAY",
        "ConvertedDate = null",
        "AnnualRevenue = null",
        "OwnerId = null",
    )
    for where in (*wheres, "Owner.Name = null", "CALENDAR_YEAR(CreatedDate) = null"):
        query = f"SELECT FIELDS(STANDARD) FROM Lead WHERE {where} ORDER BY AnnualRevenue, CreatedDate"
        assert execute(query, SCHEMA, lambda _: [junk], now=MONDAY, version="59.0").total_size == 1, where


WORDS = """
    SELECT FROM WHERE AND OR NOT IN LIKE GROUP BY ORDER LIMIT Id Lead Email Owner.Name COUNT ( ) () , = != 'x' 5 null
    TODAY 2026-11-02 2026-11-02T09:00:00Z LAST_N_DAYS:3 HAVING TYPEOF Owner WHEN User THEN END ' \\ : . ;
"""


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join) | st.text(max_size=30))
def test_any_text_is_answered_or_refused_with_a_code(text: str) -> None:
    try:
        assert isinstance(ask(text), Result)
    except SoqlError as error:
        assert error.code and error.message


# -- properties ------------------------------------------------------------------------------------------------

TEXTS = st.sampled_from([None, "", "a", "A", "b", "Ab", "it's", "a%", "ä"])
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "City": TEXTS,
            "AnnualRevenue": st.none() | st.integers(-2, 2),
            "IsConverted": st.booleans(),
            "ConvertedDate": st.sampled_from([None, "2026-11-01", "2026-11-02"]),
        }
    ),
    max_size=8,
)


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def naive(value: Any, operator: str, wanted: Any) -> bool:
    """One comparison, spelled out: texts without case, null equal to null alone and in no order."""
    value, wanted = ((x.lower() or None) if isinstance(x, str) else x for x in (value, wanted))
    if operator in ("=", "!="):
        return (value == wanted) == (operator == "=")
    if value is None or wanted is None:
        return False
    return {"<": value < wanted, "<=": value <= wanted, ">": value > wanted, ">=": value >= wanted}[operator]


@st.composite
def comparisons(draw: Any) -> tuple[str, Any]:
    """One comparison as text and as a function."""
    field, values, show = draw(
        st.sampled_from(
            [
                ("City", TEXTS, quoted),
                ("AnnualRevenue", st.none() | st.integers(-2, 2), str),
                ("ConvertedDate", st.sampled_from([None, "2026-11-01", "2026-11-02", "2026-11-03"]), str),
                ("IsConverted", st.booleans(), lambda b: str(b).lower()),
            ]
        )
    )
    literal = lambda v: "null" if v is None else show(v)  # noqa: E731
    if field != "IsConverted" and draw(st.booleans()):
        some, negated = draw(st.lists(values, min_size=1, max_size=3)), draw(st.booleans())
        text = f"{field} {'NOT ' if negated else ''}IN ({', '.join(map(literal, some))})"
        return text, lambda row: any(naive(row[field], "=", v) for v in some) != negated
    operator = draw(
        st.sampled_from(["=", "!="] if field == "IsConverted" else ["=", "!=", "<", "<=", ">", ">="])
    )
    value = draw(values)
    return f"{field} {operator} {literal(value)}", lambda row: naive(row[field], operator, value)


def joined(parts: list[tuple[str, Any]], word: str) -> tuple[str, Any]:
    checks, fold = [check for _, check in parts], all if word == "AND" else any
    return "(" + f" {word} ".join(text for text, _ in parts) + ")", lambda row: fold(
        check(row) for check in checks
    )


TREES = st.recursive(
    comparisons(),
    lambda inner: (
        st.tuples(st.lists(inner, min_size=2, max_size=4), st.sampled_from(["AND", "OR"])).map(
            lambda p: joined(*p)
        )
        | inner.map(lambda p: (f"(NOT {p[0]})", lambda row: not p[1](row)))
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(PEOPLE, TREES)
def test_a_where_tree_means_what_its_parts_mean(people: list[dict[str, Any]], tree: tuple[str, Any]) -> None:
    text, check = tree
    table = [{"Id": to18(f"00Q{n:012d}"), **person} for n, person in enumerate(people)]
    found = execute(
        f"SELECT Id FROM Lead WHERE {text}", SCHEMA, lambda _: table, now=MONDAY, version="59.0"
    ).records
    assert [r["Id"] for r in found] == [row["Id"] for row in table if check(row)]


@settings(max_examples=200, deadline=None)
@given(st.text(min_size=1, max_size=20))
@example('it\'s \\ "quoted"\n\t\r\b\f 100%_ \\n \\u0041')
def test_every_text_survives_the_escapes_of_a_public_client(text: str) -> None:
    table = [{"Id": LEADS[0], "City": text}, {"Id": LEADS[1], "City": text + "x"}]
    query = format_soql("SELECT City FROM Lead WHERE City = {}", text)
    found = execute(query, SCHEMA, lambda _: table, now=MONDAY, version="59.0").records
    assert [r["City"] for r in found] == [text]
    like = format_soql("SELECT City FROM Lead WHERE City LIKE '{:like}'", text)
    found = execute(like, SCHEMA, lambda _: table, now=MONDAY, version="59.0").records
    assert [r["City"] for r in found] == [text]


@settings(max_examples=300, deadline=None)
@given(st.text("aAbé%_\\.*[\n", max_size=6), st.text("abBÉ%_\\.*[\n", min_size=1, max_size=8))
def test_like_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    oracle = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in pattern)
    literal = pattern.replace("\\", "\\\\").replace("\n", "\\n")
    table = [{"Id": LEADS[0], "City": text}]
    query = f"SELECT Id FROM Lead WHERE City LIKE '{literal}'"
    found = execute(query, SCHEMA, lambda _: table, now=MONDAY, version="59.0").total_size
    assert found == bool(re.fullmatch(oracle, text, re.IGNORECASE | re.DOTALL))


@settings(max_examples=60, deadline=None)
@given(st.integers(-(10**9), 10**9), st.integers(-14 * 60, 14 * 60))
def test_an_instant_is_the_same_in_every_zone(seconds: int, minutes: int) -> None:
    here = MONDAY + timedelta(seconds=seconds)
    table = [{"Id": LEADS[0], "CreatedDate": stamp(f"{here:%Y-%m-%dT%H:%M:%S}")}]
    there = here.astimezone(timezone(timedelta(minutes=minutes)))
    for literal in (there.isoformat(), format_soql("{}", there)):
        query = f"SELECT CreatedDate FROM Lead WHERE CreatedDate = {literal}"
        assert execute(query, SCHEMA, lambda _: table, now=MONDAY, version="59.0").total_size == 1


# -- speed -----------------------------------------------------------------------------------------------------


def test_ten_thousand_leads_are_pulled_and_looked_up_well_within_a_second() -> None:
    table = [
        {"Id": to18(f"00Q{n:012d}"), "LastName": f"L{n}", "Email": f"l{n}@x.io", "OwnerId": QUEUE}
        for n in range(10_000)
    ]
    data = {**ROWS, "Lead": table}.__getitem__
    columns = ", ".join([f.name for f in SCHEMA.object("Lead").fields[:24]] + ["Owner.Name"])
    ids = ", ".join(quoted(row["Id"]) for row in table[:4000])
    emails = ", ".join(quoted(row["Email"].upper()) for row in table[:4000])
    execute("SELECT Id FROM Lead LIMIT 1", SCHEMA, data, now=MONDAY, version="59.0")
    for text, size in (
        (f"SELECT {columns} FROM Lead ORDER BY SystemModstamp, Id", 10_000),
        (f"SELECT Id FROM Lead WHERE Id IN ({ids})", 4000),
        (f"SELECT Id FROM Lead WHERE Email IN ({emails})", 4000),
    ):
        start = time.process_time()
        assert execute(text, SCHEMA, data, now=MONDAY, version="59.0").total_size == size
        # Ten times what it takes on a slow machine; a quadratic look-up would take minutes.
        assert time.process_time() - start < 3
