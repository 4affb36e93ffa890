"""Records on the wire: what is asked, what each part of a composite holds, what its answers mean."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

import pytest
from scripted_org import (
    ANA,
    CUT,
    HANG,
    HTML,
    MONDAY,
    QUEUE,
    STAMP,
    Reply,
    ScriptedOrg,
    composite,
    crm_of,
    error,
    lead_id,
    page,
    patience,
)

from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import CrmWrite, NewLead
from allocator.errors import ConfigError, SourceError
from rules.field_values import FieldType

R = WriteResult
CONTACT, ACCOUNT = "003000000000001AAA", "001000000000001AAA"
FIRST, SECOND = lead_id(1), lead_id(2)


def field(name: str, type: str = "string", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, "nillable": True, "createable": True, "updateable": True, **more}


COMMON = [
    field(name) for name in ("Id", "OwnerId", "LastModifiedDate", "SystemModstamp", "IsDeleted", "Email")
] + [field("MasterRecordId"), field("Marketing_Id__c", length=80, externalId=True, unique=True)]
LEAD = [
    *COMMON,
    *(field(name) for name in ("IsConverted", "ConvertedContactId", "ConvertedAccountId", "Title")),
]
CONTACTS = [*COMMON, field("AccountId", "reference", relationshipName="Account"), field("Title")]
ACCOUNTS = [field("OwnerId"), field("LastModifiedDate"), field("Name")]


@pytest.fixture
def org(org: ScriptedOrg) -> ScriptedOrg:
    """An org that describes the objects."""
    for kind, fields in (("Lead", LEAD), ("Contact", CONTACTS), ("Account", ACCOUNTS)):
        org.on(f"sobjects/{kind}/describe", Reply(200, {"fields": fields}))
    return org


def row(one: str, **more: Any) -> dict[str, Any]:
    stamps = {"LastModifiedDate": STAMP, "SystemModstamp": STAMP}
    return {"Id": one, "OwnerId": QUEUE, "IsDeleted": False, **stamps, **more}


def new(count: int = 1, **fields: Any) -> list[NewLead]:
    return [NewLead(f"hubspot:{n}", ANA, {"LastName": "Aydin", **fields}) for n in range(count)]


def parts(org: ScriptedOrg) -> list[dict[str, Any]]:
    """The sub-requests of all composites, in order."""
    return [part for seen in org.requests("POST .*composite") for part in seen.body["compositeRequest"]]


# --- creating


def test_a_new_lead_is_an_upsert_without_the_orgs_rules_and_without_its_key_in_the_body(
    org: ScriptedOrg,
) -> None:
    org.on("composite", composite(("w0", 201, {"id": FIRST[:15], "success": True, "created": True})))
    made = crm_of(org.url).create(new(Marketing_Id__c="hubspot:0", Country=None))[0]
    assert (made.result, made.id) == (R.WRITTEN, FIRST)
    part = parts(org)[0]
    assert part["method"] == "PATCH"
    assert part["url"].endswith("/sobjects/Lead/Marketing_Id__c/hubspot%3A0")
    assert part["httpHeaders"] == {"Sforce-Auto-Assign": "FALSE"}
    assert part["body"] == {"LastName": "Aydin", "Country": None, "OwnerId": ANA}


@pytest.mark.parametrize(
    ("key", "encoded"),
    [("a/b", "a%2Fb"), ("a+b", "a%2Bb"), ("a b", "a%20b"), ("a?b#c%d", "a%3Fb%23c%25d"), ("ü", "%C3%BC")],
)
def test_any_marketing_id_is_one_piece_of_the_path(org: ScriptedOrg, key: str, encoded: str) -> None:
    org.on("composite", composite(("w0", 201, {"id": FIRST})))
    crm_of(org.url).create([NewLead(key, ANA, {})])
    assert parts(org)[0]["url"].endswith(f"/Marketing_Id__c/{encoded}")


DUPLICATES = {
    "errorCode": "DUPLICATES_DETECTED",
    "message": "Use one of these records?",
    "duplicateResult": {
        "allowSave": True,
        "matchResults": [
            {"matchRecords": [{"record": {"Id": SECOND[:15]}}, {"record": {"Id": CONTACT}}]},
            {"matchRecords": [{"record": {"Id": SECOND}}]},
        ],
    },
}


@pytest.mark.parametrize(
    ("status", "body", "result", "code", "matches"),
    [
        (204, None, R.WRITTEN, "", ()),
        (300, [f"/services/data/v63.0/sobjects/Lead/{one}" for one in (FIRST, SECOND)],
         R.REJECTED, "DUPLICATE_EXTERNAL_ID", (FIRST, SECOND)),
        (300, None, R.REJECTED, "DUPLICATE_EXTERNAL_ID", ()),
        (400, [DUPLICATES], R.REJECTED, "DUPLICATES_DETECTED", (SECOND, CONTACT)),
        (400, [{"errorCode": "DUPLICATES_DETECTED"}], R.REJECTED, "DUPLICATES_DETECTED", ()),
        (400, [{"errorCode": "DUPLICATE_VALUE", "message": "duplicate value found: Marketing_Id__c "
          f"duplicates value on record with id: {FIRST[:15]}"}], R.UNKNOWN, "DUPLICATE_VALUE", (FIRST,)),
        (400, [{"errorCode": "DUPLICATE_VALUE", "message": "duplicate value found: Email__c duplicates value "
          f"on record with id: {FIRST[:15]}"}], R.REJECTED, "DUPLICATE_VALUE", (FIRST,)),
        (404, [{"errorCode": "NOT_FOUND"}], R.REJECTED, "NOT_FOUND", ()),
        (400, [{"errorCode": "INACTIVE_OWNER_OR_USER"}], R.REFUSED_OWNER, "INACTIVE_OWNER_OR_USER", ()),
        (400, [{"errorCode": "CANNOT_UPDATE_CONVERTED_LEAD"}],
         R.CONVERTED, "CANNOT_UPDATE_CONVERTED_LEAD", ()),
        (400, [{"errorCode": "UNABLE_TO_LOCK_ROW"}], R.LOCKED, "UNABLE_TO_LOCK_ROW", ()),
        (500, [{"errorCode": "UNKNOWN_EXCEPTION"}], R.UNKNOWN, "UNKNOWN_EXCEPTION", ()),
        (None, None, R.UNKNOWN, "", ()),
    ],
)  # fmt: skip
def test_an_answer_to_an_upsert_has_one_meaning(
    org: ScriptedOrg, status: Any, body: Any, result: R, code: str, matches: tuple[str, ...]
) -> None:
    org.on("composite", composite(("w0", status, body), ("w1", 200, {"id": SECOND, "created": False})))
    one, other = crm_of(org.url).create(new(2))
    assert (one.result, one.detail, one.matches) == (result, code, matches)
    assert (other.result, other.id) == (R.WRITTEN, SECOND)


@pytest.mark.parametrize("reply", [HANG, CUT, Reply(503, HTML), Reply(200, {"compositeResponse": []})])
def test_a_creation_without_an_answer_is_unknown_and_is_not_sent_again(
    org: ScriptedOrg, reply: Reply
) -> None:
    org.on("composite", reply)
    crm = crm_of(org.url, patience=patience(reply))
    assert [made.result for made in crm.create(new(2))] == [R.UNKNOWN, R.UNKNOWN]
    assert len(org.requests("composite")) == 1


def test_nothing_is_created_beyond_the_days_requests(org: ScriptedOrg) -> None:
    org.on("composite", error(403, "REQUEST_LIMIT_EXCEEDED"))
    assert {made.result for made in crm_of(org.url).create(new(30))} == {R.UNSENT}


def test_two_creations_of_one_marketing_id_never_travel_together(org: ScriptedOrg) -> None:
    org.on("composite", composite(("w0", 201, {"id": FIRST})))
    made = crm_of(org.url).create([*new(), *new()])
    assert [one.result for one in made] == [R.WRITTEN, R.WRITTEN]
    assert len(org.requests("composite")) == 2


def test_without_the_field_nothing_is_created_and_the_error_says_what_to_add(org: ScriptedOrg) -> None:
    crm = crm_of(org.url, external_id="Missing__c")
    for ask in (
        lambda: crm.create(new()),
        lambda: crm.matching("Contact", external_ids=["hubspot:1"]),
        lambda: list(crm.changed("Lead", MONDAY, [])),
    ):
        with pytest.raises(SourceError, match=r"Text field Missing__c .*Map Lead Fields"):
            ask()
    assert not org.requests("composite")


@pytest.mark.parametrize("name", ["Owner.Name", "x y", "1__c", "a'b"])
def test_an_external_id_that_is_no_field_is_refused_before_anything_is_sent(name: str) -> None:
    with pytest.raises(ConfigError, match="external_id"):
        crm_of("http://127.0.0.1:1", external_id=name)


# --- writing


def test_fields_are_written_on_the_condition_that_nothing_changed(org: ScriptedOrg) -> None:
    org.on("composite", composite(*((f"w{n}", 204, None) for n in range(3))))
    at = MONDAY + timedelta(microseconds=5)
    writes = [
        CrmWrite("Lead", FIRST, {"Title": None}, at),
        CrmWrite("Contact", CONTACT, {"Title": "CEO"}, at),
        CrmWrite("Account", ACCOUNT, {"Name": "Acme"}, at),
    ]
    assert [one.result for one in crm_of(org.url).write(writes)] == [R.WRITTEN] * 3
    shown = parts(org)
    assert [part["url"].rpartition("sobjects/")[2] for part in shown] == [
        f"Lead/{FIRST}",
        f"Contact/{CONTACT}",
        f"Account/{ACCOUNT}",
    ]
    assert {part["httpHeaders"]["If-Unmodified-Since"] for part in shown} == {"Mon, 02 Mar 2026 09:00:00 GMT"}
    assert {part["httpHeaders"]["Sforce-Auto-Assign"] for part in shown} == {"FALSE"}
    assert [part["body"] for part in shown] == [{"Title": None}, {"Title": "CEO"}, {"Name": "Acme"}]


def test_values_travel_as_the_crms_json_holds_them(org: ScriptedOrg) -> None:
    org.on("composite", composite(("w0", 204, None)))
    fields = {
        "text": "a;b",
        "whole": Decimal("1E+3"),
        "part": Decimal("0.1"),
        "day": date(2026, 3, 2),
        "moment": datetime(2026, 3, 2, 9, 0, tzinfo=UTC),
        "yes": True,
        "several": ("a", "b"),
        "nothing": None,
    }
    crm_of(org.url).write([CrmWrite("Lead", FIRST, fields, MONDAY)])
    assert parts(org)[0]["body"] == {
        "text": "a;b",
        "whole": 1000,
        "part": 0.1,
        "day": "2026-03-02",
        "moment": "2026-03-02T09:00:00.000Z",
        "yes": True,
        "several": "a;b",
        "nothing": None,
    }


def test_an_id_that_is_none_is_gone_and_is_not_sent(org: ScriptedOrg) -> None:
    assert crm_of(org.url).write([CrmWrite("Lead", "x/../y", {}, MONDAY)])[0].result is R.GONE
    assert crm_of(org.url).create([NewLead("hubspot:1", "nobody", {})])[0].result is R.REFUSED_OWNER
    assert not org.requests("composite")


# --- reading


def test_records_are_asked_for_200_at_a_time_with_what_the_org_shows(org: ScriptedOrg) -> None:
    org.on("queryAll.*FROM Lead", page())
    crm = crm_of(org.url)
    crm.records("Lead", [lead_id(n) for n in range(401)], ["title", "Hidden__c"])
    asked = org.requests("queryAll.*FROM Lead")
    assert len(asked) == 3
    assert all(len(seen.target) < 16_000 for seen in asked)
    assert all("Title" in seen.target and "Hidden__c" not in seen.target for seen in asked)
    assert (crm.usage.by_kind["read"], crm.usage.by_kind["describe"]) == (3, 1)


def test_many_fields_make_more_requests_and_no_longer_urls() -> None:
    names = [f"A_field_with_a_rather_long_name_{n:03}__c" for n in range(250)]
    with ScriptedOrg() as wide:
        wide.on("Lead/describe", Reply(200, {"fields": [*LEAD, *map(field, names)]}))
        wide.on("queryAll.*FROM Lead", page())
        crm_of(wide.url).records("Lead", [lead_id(n) for n in range(200)], names)
        assert all(len(seen.target) < 16_384 for seen in wide.requests("queryAll"))


def test_a_contact_is_read_with_its_accounts_owner_stamp_and_fields(org: ScriptedOrg) -> None:
    account = {"OwnerId": ANA, "LastModifiedDate": "2026-03-02T08:30:00.000+0000", "Name": "Acme"}
    moved = {"SystemModstamp": "2026-03-02T08:59:59.123+0000"}
    org.on("queryAll.*FROM Contact", page(row(CONTACT, AccountId=ACCOUNT, Account=account, **moved)))
    found = crm_of(org.url).records("Contact", [CONTACT[:15]], ["Account.Name", "Account.Hidden__c"])
    one = found[CONTACT[:15]]
    assert (one.id, one.account_id, one.account_owner) == (CONTACT, ACCOUNT, ANA)
    assert one.account_stamp == datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
    assert one.moved == datetime(2026, 3, 2, 8, 59, 59, 123_000, tzinfo=UTC)
    assert one.values == {"Account.Name": "Acme"}
    assert one.person_account is False
    soql = org.requests("queryAll.*FROM Contact")[0].target
    assert "IsPersonAccount" not in soql and "Account.OwnerId" in soql


@pytest.mark.parametrize(("shown", "means"), [(True, True), (False, False), (None, None), ("x", None)])
def test_person_accounts_are_asked_about_where_the_org_has_them(shown: Any, means: Any) -> None:
    with ScriptedOrg() as org:
        org.on("Contact/describe", Reply(200, {"fields": [*CONTACTS, field("IsPersonAccount", "boolean")]}))
        org.on("Account/describe", error(404, "NOT_FOUND"))
        org.on("queryAll.*FROM Contact", page(row(CONTACT, IsPersonAccount=shown)))
        found = crm_of(org.url).records("Contact", [CONTACT], ["Account.Name"])[CONTACT]
        assert found.person_account is means
        assert found.values == {}


@pytest.mark.parametrize("converted", [None, "true", 1])
def test_a_conversion_that_is_no_yes_or_no_is_not_read(org: ScriptedOrg, converted: Any) -> None:
    org.on("queryAll.*FROM Lead", page(row(FIRST, IsConverted=converted)))
    assert crm_of(org.url).records("Lead", [FIRST], [])[FIRST].converted is None


def test_a_row_without_an_id_spoils_the_answer(org: ScriptedOrg) -> None:
    org.on("queryAll.*FROM Lead", page(row(FIRST), row("nonsense")))
    with pytest.raises(SourceError, match="without a valid Id"):
        crm_of(org.url).records("Lead", [FIRST], [])


def test_changes_are_asked_for_by_the_orgs_own_order_deleted_ones_too(org: ScriptedOrg) -> None:
    org.on("queryAll.*FROM Lead", page(row(FIRST), total=2, more="/services/data/v63.0/query/0r8-1"))
    org.on("query/0r8-1", page(row(SECOND, IsDeleted=True), total=2))
    found = list(crm_of(org.url).changed("Lead", MONDAY, []))
    assert [[one.id for one in some] for some in found] == [[FIRST], [SECOND]]
    soql = unquote_plus(org.requests("queryAll.*FROM Lead")[0].target)
    assert "SystemModstamp >= 2026-03-02T09:00:00Z AND Marketing_Id__c != null" in soql
    assert soql.endswith("ORDER BY SystemModstamp ASC, Id ASC")


def test_no_url_holds_an_email(org: ScriptedOrg) -> None:
    org.on("composite", composite(("q0", 200, {"totalSize": 0, "done": True, "records": []})))
    crm_of(org.url).matching("Contact", emails=["ada@acme.example"])
    assert not [seen for seen in org.seen if "acme" in seen.target]
    assert "ada%40acme.example" in parts(org)[0]["url"]


# --- describing


@pytest.mark.parametrize(
    ("entry", "type_"),
    [
        (field("a", length=40), FieldType(length=40)),
        (field("a", "email", length=80), FieldType(length=80)),
        (field("a", "textarea", length=32_000), FieldType(length=32_000)),
        (field("a", "reference", length=18), FieldType(length=18)),
        (field("a", length=0), FieldType()),
        (field("a", length=80, nillable=False), FieldType(length=80, nullable=False)),
        (field("a", "boolean", nillable=False), FieldType("flag", nullable=False)),
        (field("a", "date"), FieldType("date")),
        (field("a", "datetime"), FieldType("datetime")),
        (field("a", "int", digits=8, precision=0, scale=0), FieldType("number", digits=8, decimals=0)),
        (field("a", "currency", precision=18, scale=2), FieldType("number", digits=18, decimals=2)),
        (field("a", "percent", precision=5, scale=1), FieldType("number", digits=5, decimals=1)),
        (
            field("a", "picklist", restrictedPicklist=True, picklistValues=[
                {"value": "Hot", "active": True}, {"value": "Old", "active": False}]),
            FieldType("picklist", options=("Hot",), restricted=True),
        ),
        (
            field("a", "multipicklist", picklistValues=[{"value": "x", "active": True}, None]),
            FieldType("multi_picklist", options=("x",)),
        ),
    ],
)  # fmt: skip
def test_a_describes_types_become_ours(entry: dict[str, Any], type_: FieldType) -> None:
    with ScriptedOrg() as org:
        org.on("Lead/describe", Reply(200, {"fields": [entry, field("place", "address"), {"type": "x"}]}))
        infos = crm_of(org.url).describe("Lead")
        assert {name: info.type for name, info in infos.items()} == {"a": type_}


def test_a_describe_tells_what_a_new_record_needs_and_what_may_be_written() -> None:
    with ScriptedOrg() as org:
        entries = [
            field("Needed", nillable=False),
            field("Given", nillable=False, defaultedOnCreate=True),
            field("Flag", "boolean", nillable=False),
            field("Shown", createable=False, updateable=False, nillable=False),
            field("Key", externalId=True, unique=True),
            field("Loose", externalId=True),
        ]
        org.on("Lead/describe", Reply(200, {"fields": entries}))
        infos = crm_of(org.url).describe("Lead")
    assert [name for name, info in infos.items() if info.required] == ["Needed"]
    assert [name for name, info in infos.items() if not info.writable] == ["Shown"]
    assert [name for name, info in infos.items() if info.unique_id] == ["Key"]
