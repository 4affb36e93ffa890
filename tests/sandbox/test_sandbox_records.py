"""Single records: for each rule that bites, the request that breaks it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from sandbox_client import ANA, BEN, KEEP, QUEUE, Client, error
from simple_salesforce import format_soql

ROBOT = "0055g00000RuLe1AAF"
NEW = {"LastName": "Lovelace", "Company": "Engines"}


def create(client: Client, fields: dict, name: str = "Lead", **headers: str):
    return client.call("POST", f"sobjects/{name}/", json=fields, headers={**KEEP, **headers})


def stamp_of(client: Client, lead: str, seconds: int = 0) -> str:
    changed = datetime.fromisoformat(client.row("Lead", lead)["LastModifiedDate"])
    return format_datetime(changed.astimezone(UTC) + timedelta(seconds=seconds), usegmt=True)


def test_a_create_answers_201_with_the_id(client: Client) -> None:
    answer = create(client, NEW)
    assert answer.status_code == 201
    assert answer.json() == {"id": answer.json()["id"], "success": True, "errors": []}
    assert len(answer.json()["id"]) == 18


def test_fifteen_characters_in_eighteen_out(client: Client) -> None:
    lead = client.lead()
    answer = client.call("GET", f"sobjects/Lead/{lead[:15]}?fields=Id,OwnerId,CreatedDate")
    assert answer.json()["Id"] == lead
    assert answer.json()["OwnerId"] == QUEUE
    assert answer.json()["CreatedDate"].endswith(".000+0000")
    assert answer.json()["attributes"] == {"type": "Lead", "url": f"{client.base}/sobjects/Lead/{lead}"}
    assert client.update(lead[:15], {"OwnerId": ANA[:15]}).status_code == 204
    assert client.owner(lead) == ANA


@pytest.mark.parametrize("headers", [{}, {"Sforce-Auto-Assign": "TRUE"}, {"sforce-auto-assign": "true"}])
def test_the_assignment_rule_steals_the_owner_unless_the_header_says_false(
    client: Client, headers: dict
) -> None:
    lead = client.lead()
    answer = client.call("PATCH", f"sobjects/Lead/{lead}", json={"OwnerId": ANA}, headers=headers)
    assert (answer.status_code, client.owner(lead)) == (204, ROBOT)
    made = client.call("POST", "sobjects/Lead", json={**NEW, "OwnerId": ANA}, headers=headers)
    assert (made.status_code, client.owner(made.json()["id"])) == (201, ROBOT)


def test_an_update_of_another_field_runs_the_rule_too(client: Client) -> None:
    lead = client.lead(OwnerId=ANA)
    client.call("PATCH", f"sobjects/Lead/{lead}", json={"City": "London"})
    assert client.owner(lead) == ROBOT


def test_the_header_false_keeps_the_owner(client: Client) -> None:
    lead = client.lead()
    assert client.update(lead, {"OwnerId": ANA}).status_code == 204
    assert client.owner(lead) == ANA


def test_the_rule_can_be_switched_off(client: Client) -> None:
    client.call("PUT", "/_sandbox/settings", json={"assignment_rule": False})
    lead = client.lead()
    client.call("PATCH", f"sobjects/Lead/{lead}", json={"OwnerId": ANA})
    assert client.owner(lead) == ANA


def test_a_stale_condition_is_412_and_the_row_unchanged(client: Client) -> None:
    lead = client.lead()
    answer = client.update(lead, {"OwnerId": ANA}, **{"If-Unmodified-Since": stamp_of(client, lead, -1)})
    assert answer.status_code == 412
    assert isinstance(answer.json(), list)
    assert client.owner(lead) == QUEUE


def test_a_condition_of_the_same_second_holds(client: Client) -> None:
    lead = client.lead()
    answer = client.update(lead, {"OwnerId": ANA}, **{"If-Unmodified-Since": stamp_of(client, lead)})
    assert (answer.status_code, client.owner(lead)) == (204, ANA)


def test_a_condition_that_is_no_date_is_400(client: Client) -> None:
    lead = client.lead()
    answer = client.update(lead, {"OwnerId": ANA}, **{"If-Unmodified-Since": "yesterday"})
    assert (answer.status_code, client.owner(lead)) == (400, QUEUE)


def test_a_read_of_an_unchanged_row_is_304(client: Client) -> None:
    lead = client.lead()
    headers = {"If-Modified-Since": stamp_of(client, lead)}
    assert client.call("GET", f"sobjects/Lead/{lead}", headers=headers).status_code == 304


def test_a_converted_lead_refuses_updates(client: Client) -> None:
    lead = client.lead(OwnerId=ANA)
    client.call("POST", "/_sandbox/act", json={"do": "convert", "record": lead})
    assert error(client.update(lead, {"City": "London"})) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    row = client.row("Lead", lead)
    assert row["IsConverted"] and row["ConvertedDate"] and row["Status"] == "Closed - Converted"
    assert client.row("Contact", row["ConvertedContactId"])["AccountId"] == row["ConvertedAccountId"]


def test_a_permissive_org_swallows_the_update_of_a_converted_lead(client: Client) -> None:
    lead = client.lead(OwnerId=ANA)
    client.call("POST", "/_sandbox/act", json={"do": "convert", "record": lead})
    client.call("PUT", "/_sandbox/settings", json={"permissive_converted": True})
    assert client.update(lead, {"OwnerId": BEN}).status_code == 204
    assert client.owner(lead) == BEN


def test_an_inactive_owner_is_refused(client: Client) -> None:
    lead = client.lead()
    client.put("User", {"Id": ANA, "IsActive": False})
    answer = client.update(lead, {"OwnerId": ANA})
    assert error(answer) == (400, "INACTIVE_OWNER_OR_USER")
    assert f"operation performed with inactive user [{ANA[:15]}]" in answer.json()[0]["message"]
    assert client.owner(lead) == QUEUE


@pytest.mark.parametrize("name", ["Contact", "Account"])
def test_a_queue_cannot_own_a_contact_or_an_account(client: Client, name: str) -> None:
    answer = create(client, {"LastName" if name == "Contact" else "Name": "Ada", "OwnerId": QUEUE}, name)
    assert error(answer) == (400, "INVALID_OWNER")


def test_a_queue_that_does_not_serve_leads_cannot_own_one(client: Client) -> None:
    queue = client.put("Group", {"Name": "Cases", "Type": "Queue"})
    client.put("QueueSobject", {"QueueId": queue, "SobjectType": "Case"})
    assert error(client.update(client.lead(), {"OwnerId": queue})) == (400, "FIELD_INTEGRITY_EXCEPTION")


@pytest.mark.parametrize(
    ("owner", "code"),
    [
        ("0055g00000ZzZzZ", "INVALID_CROSS_REFERENCE_KEY"),
        ("7015g00000CmP01AAF", "MALFORMED_ID"),
        ("nonsense", "MALFORMED_ID"),
        (None, "FIELD_INTEGRITY_EXCEPTION"),
    ],
)
def test_an_owner_that_cannot_be_is_refused(client: Client, owner: str | None, code: str) -> None:
    lead = client.lead()
    assert error(client.update(lead, {"OwnerId": owner})) == (400, code)
    assert client.owner(lead) == QUEUE


def test_required_fields_are_named(client: Client) -> None:
    answer = create(client, {"FirstName": "Ada"})
    assert answer.json()[0] == {
        "message": "Required fields are missing: [LastName, Company]",
        "errorCode": "REQUIRED_FIELD_MISSING",
        "fields": ["LastName", "Company"],
    }
    assert error(client.update(client.lead(), {"LastName": None})) == (400, "REQUIRED_FIELD_MISSING")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"FirstName": "x" * 41}, "STRING_TOO_LONG"),
        ({"Email": "not an address"}, "INVALID_EMAIL_ADDRESS"),
        ({"GeocodeAccuracy": "Roughly"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"ConvertedContactId": "0035g00000C0000"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"SystemModstamp": "2026-01-01T00:00:00Z"}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"Nonsense__c": 1}, "INVALID_FIELD"),
        ({"Id": "00Q5g00000D0000"}, "INVALID_FIELD"),
        ({"NumberOfEmployees": "many"}, "JSON_PARSER_ERROR"),
        ({"NumberOfEmployees": 10**12}, "NUMBER_OUTSIDE_VALID_RANGE"),
        ({"DoNotCall": "perhaps"}, "JSON_PARSER_ERROR"),
    ],
)
def test_a_bad_value_is_refused_with_its_code(client: Client, fields: dict, code: str) -> None:
    answer = client.update(client.lead(), fields)
    assert error(answer) == (400, code)


def test_an_unknown_field_is_named(client: Client) -> None:
    message = client.update(client.lead(), {"Nonsense__c": 1}).json()[0]["message"]
    assert message == "No such column 'Nonsense__c' on sobject of type Lead"


def test_a_body_that_is_not_json_is_a_parser_error(client: Client) -> None:
    answer = client.call("POST", "sobjects/Lead", data="{nope", headers={"Content-Type": "application/json"})
    assert error(answer) == (400, "JSON_PARSER_ERROR")


def test_a_form_is_an_unsupported_media_type(client: Client) -> None:
    assert client.call("POST", "sobjects/Lead", data={"LastName": "x"}).status_code == 415


def test_unknown_things_are_404_and_wrong_methods_405(client: Client) -> None:
    assert error(client.call("GET", "sobjects/Nothing")) == (404, "NOT_FOUND")
    assert error(client.call("GET", "nothing")) == (404, "NOT_FOUND")
    assert error(client.call("GET", "sobjects/Lead/nonsense")) == (404, "NOT_FOUND")
    assert error(client.call("GET", "sobjects/Lead/00Q5g00000ZzZzZ")) == (404, "NOT_FOUND")
    assert error(client.call("GET", "sobjects/Lead/00Q5g00000D0000AAA")) == (400, "MALFORMED_ID")
    assert error(client.call("PUT", f"sobjects/Lead/{client.lead()}", json={})) == (405, "METHOD_NOT_ALLOWED")


def test_a_deleted_lead_says_so_and_queryall_still_shows_it(client: Client) -> None:
    lead = client.lead()
    assert client.call("DELETE", f"sobjects/Lead/{lead}").status_code == 204
    assert error(client.call("GET", f"sobjects/Lead/{lead}")) == (404, "ENTITY_IS_DELETED")
    assert error(client.update(lead, {"City": "x"})) == (404, "ENTITY_IS_DELETED")
    soql = {"q": format_soql("SELECT Id, IsDeleted FROM Lead WHERE Id = {}", lead)}
    assert client.call("GET", "query", params=soql).json()["totalSize"] == 0
    assert client.call("GET", "queryAll", params=soql).json()["records"][0]["IsDeleted"] is True


def external(client: Client, **options: bool) -> None:
    schema = client.sandbox.org.schema
    schema.add_custom_field("Lead", "Key__c", external_id=True, **options)


def test_an_upsert_creates_updates_and_refuses_two_matches(client: Client) -> None:
    external(client)
    path = "sobjects/Lead/Key__c/a%2Fb%20c"
    made = client.call("PATCH", path, json=NEW, headers=KEEP)
    assert (made.status_code, made.json()["created"]) == (201, True)
    again = client.call("PATCH", path, json={"City": "London"}, headers=KEEP)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert client.row("Lead", made.json()["id"])["City"] == "London"
    assert client.call("GET", path).json()["Id"] == made.json()["id"]
    old = client.call("PATCH", "/services/data/v45.0/" + path, json={"City": "Paris"}, headers=KEEP)
    assert old.status_code == 204
    twin = client.lead(Key__c="A/B C")
    both = client.call("PATCH", path, json={"City": "Rome"}, headers=KEEP)
    assert both.status_code == 300
    assert both.json() == [f"{client.base}/sobjects/Lead/{lead}" for lead in (made.json()["id"], twin)]


def test_an_upsert_that_may_only_update_creates_nothing(client: Client) -> None:
    external(client)
    answer = client.call("PATCH", "sobjects/Lead/Key__c/none?updateOnly=true", json=NEW, headers=KEEP)
    assert error(answer) == (404, "NOT_FOUND")


def test_an_upsert_by_a_field_that_is_no_key_is_404(client: Client) -> None:
    answer = client.call("PATCH", "sobjects/Lead/City/London", json=NEW, headers=KEEP)
    assert error(answer) == (404, "NOT_FOUND")


def test_an_upsert_body_may_not_repeat_its_key(client: Client) -> None:
    external(client)
    answer = client.call("PATCH", "sobjects/Lead/Key__c/a", json={**NEW, "Key__c": "a"}, headers=KEEP)
    assert error(answer) == (400, "INVALID_FIELD")


def test_a_unique_key_is_used_once(client: Client) -> None:
    external(client, unique=True)
    first = create(client, {**NEW, "Key__c": "a"}).json()["id"]
    answer = create(client, {**NEW, "Key__c": "A"})
    assert error(answer) == (400, "DUPLICATE_VALUE")
    assert first[:15] in answer.json()[0]["message"]


def test_stamps_follow_the_sandbox_clock(client: Client) -> None:
    client.call("POST", "/_sandbox/clock", json={"now": "2026-11-02T09:00:00Z"})
    lead = create(client, NEW).json()["id"]
    row = client.row("Lead", lead)
    assert row["CreatedDate"].startswith("2026-11-02T09:00:0")
    client.call("POST", "/_sandbox/clock", json={"now": "2026-11-02T10:00:00Z"})
    client.update(lead, {"City": "London"})
    later = client.row("Lead", lead)
    assert later["CreatedDate"] == row["CreatedDate"]
    assert later["LastModifiedDate"].startswith("2026-11-02T10:00:0")


def test_updated_and_deleted_list_ids_of_a_window(client: Client) -> None:
    client.call("POST", "/_sandbox/clock", json={"now": "2026-11-02T09:00:30Z"})
    kept, gone = create(client, NEW).json()["id"], create(client, NEW).json()["id"]
    client.call("DELETE", f"sobjects/Lead/{gone}")
    client.call("POST", "/_sandbox/clock", json={"now": "2026-11-02T09:05:00Z"})
    window = {"start": "2026-11-02T08:55:00+00:00", "end": "2026-11-02T09:02:00+00:00"}
    assert client.call("GET", "sobjects/Lead/updated/", params=window).json() == {
        "ids": [kept],
        "latestDateCovered": "2026-11-02T09:02:00.000+0000",
    }
    deleted = client.call("GET", "sobjects/Lead/deleted/", params=window).json()
    assert [row["id"] for row in deleted["deletedRecords"]] == [gone]
    old = {**window, "start": "2026-01-01T00:00:00Z"}
    assert error(client.call("GET", "sobjects/Lead/updated", params=old)) == (400, "INVALID_REPLICATION_DATE")


def test_each_answer_tells_the_usage_and_the_limit_bites(client: Client) -> None:
    client.call("PUT", "/_sandbox/settings", json={"api_limit": 2})
    first = client.call("GET", "limits/")
    assert first.headers["Sforce-Limit-Info"] == "api-usage=1/2"
    assert first.json()["DailyApiRequests"] == {"Max": 2, "Remaining": 1}
    assert client.call("GET", "limits").status_code == 200
    assert error(client.call("GET", "limits")) == (403, "REQUEST_LIMIT_EXCEEDED")


def test_describes_are_served_and_know_custom_fields(client: Client) -> None:
    fields = {field["name"]: field for field in client.call("GET", "sobjects/Lead/describe").json()["fields"]}
    assert fields["Campaign_Code__c"]["custom"] is True
    assert fields["OwnerId"]["referenceTo"] == ["Group", "User"]
    names = {entry["name"] for entry in client.call("GET", "sobjects").json()["sobjects"]}
    assert {"Lead", "Contact", "Account", "User", "Group", "QueueSobject", "CampaignMember"} <= names
    assert client.call("GET", "sobjects/Lead/").json()["objectDescribe"]["keyPrefix"] == "00Q"


def test_an_account_can_be_guarded_by_its_entity_tag_and_a_lead_cannot(client: Client) -> None:
    account = client.put("Account", {"Name": "Engines"})
    seen = client.call("GET", f"sobjects/Account/{account}").headers["ETag"]
    path = f"sobjects/Account/{account}"
    assert client.call("GET", path, headers={"If-None-Match": seen}).status_code == 304
    assert client.call("PATCH", path, json={"Name": "Mills"}, headers={"If-Match": seen}).status_code == 204
    assert client.call("PATCH", path, json={"Name": "Late"}, headers={"If-Match": seen}).status_code == 412
    assert client.row("Account", account)["Name"] == "Mills"
    assert "ETag" not in client.call("GET", f"sobjects/Lead/{client.lead()}").headers


def test_a_compound_address_follows_its_parts(client: Client) -> None:
    lead = client.lead(City="Oslo", Country="Norway")
    shown = client.call("GET", f"sobjects/Lead/{lead}?fields=Address").json()["Address"]
    found = client.query(format_soql("SELECT Address FROM Lead WHERE Id = {}", lead)).json()["records"][0]
    assert shown == found["Address"]
    assert (shown["city"], shown["country"], shown["street"]) == ("Oslo", "Norway", None)


def test_a_campaign_member_needs_a_lead_or_contact_that_is_not_converted(client: Client) -> None:
    campaign = client.query("SELECT Id FROM Campaign LIMIT 1").json()["records"][0]["Id"]
    assert error(create(client, {"CampaignId": campaign}, "CampaignMember")) == (
        400,
        "REQUIRED_FIELD_MISSING",
    )
    lead = client.lead(OwnerId=ANA)
    member = {"CampaignId": campaign, "LeadId": lead}
    assert create(client, member, "CampaignMember").status_code == 201
    client.call("POST", "/_sandbox/act", json={"do": "convert", "record": lead})
    assert error(create(client, member, "CampaignMember")) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
