"""convertLead() over SOAP: what it makes, what it leaves alone, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
from sandbox_client import ANA, BEN, QUEUE, Client
from soap_client import CONVERTED, Soap, code, lead_convert


@pytest.fixture
def soap(client: Client) -> Soap:
    return Soap(client)


def a_lead(client: Client, **fields: Any) -> str:
    return client.lead(**{"OwnerId": ANA, "FirstName": "Ada", "Email": "ada@engines.example", **fields})


@pytest.mark.parametrize("api", ["u", "c"])
def test_a_lead_becomes_an_account_a_contact_and_an_opportunity(client: Client, api: str) -> None:
    lead = a_lead(client, City="London", Website="engines.example", LeadSource="Web", Industry="Education")
    done = Soap(client, api).convert(lead, doNotCreateOpportunity=False)
    assert (done["success"], done["leadId"]) == (True, lead)
    account, contact = client.row("Account", done["accountId"]), client.row("Contact", done["contactId"])
    opportunity = client.row("Opportunity", done["opportunityId"])
    shown = (
        account["Name"],
        account["Website"],
        account["BillingCity"],
        account["Industry"],
        account["OwnerId"],
    )
    assert shown == ("Engines", "engines.example", "London", "Education", ANA)
    assert (contact["Name"], contact["Email"], contact["MailingCity"], contact["LeadSource"]) == (
        "Ada Lovelace", "ada@engines.example", "London", "Web",
    )  # fmt: skip
    assert (contact["AccountId"], contact["OwnerId"]) == (account["Id"], ANA)
    assert (opportunity["Name"], opportunity["AccountId"], opportunity["OwnerId"]) == (
        "Engines", account["Id"], ANA,
    )  # fmt: skip
    assert opportunity["StageName"] == "Prospecting"


def test_the_opportunity_closes_with_the_quarter(client: Client, soap: Soap) -> None:
    client.call("POST", "/_sandbox/clock", json={"now": "2026-11-02T09:00:00Z"})
    done = soap.convert(a_lead(client), doNotCreateOpportunity=False, opportunityName="Mill no. 2")
    opportunity = client.row("Opportunity", done["opportunityId"])
    assert (opportunity["Name"], opportunity["CloseDate"]) == ("Mill no. 2", "2026-12-31")


def test_the_lead_says_what_became_of_it_and_its_stamp_moves(client: Client, soap: Soap) -> None:
    lead = a_lead(client)
    before = client.row("Lead", lead)["SystemModstamp"]
    done = soap.convert(lead)
    fields = "IsConverted,ConvertedDate,ConvertedAccountId,ConvertedContactId,ConvertedOpportunityId"
    fields += ",Status,OwnerId"
    row = client.call("GET", f"sobjects/Lead/{lead}?fields={fields}").json()
    now = client.call("GET", "/_sandbox/clock").json()["now"]
    assert (row["IsConverted"], row["Status"], row["OwnerId"]) == (True, CONVERTED, ANA)
    assert row["ConvertedDate"] == now[:10]
    assert [row["ConvertedAccountId"], row["ConvertedContactId"]] == [done["accountId"], done["contactId"]]
    assert row["ConvertedOpportunityId"] is None and done["opportunityId"] is None
    assert client.row("Lead", lead)["SystemModstamp"] > before


def test_the_history_and_the_log_tell_which_request_converted(client: Client, soap: Soap) -> None:
    lead = a_lead(client)
    done = soap.convert(lead)
    entry = client.log()[-1]
    history = client.call("GET", "/_sandbox/history").json()
    made = [(row["object"], row["id"]) for row in history if row["request"] == entry["n"]]
    assert made == [("Account", done["accountId"]), ("Contact", done["contactId"]), ("Lead", lead)]
    assert (entry["body"]["call"], entry["status"], entry["done"]) == ("convertLead", 200, 200)
    assert soap.token not in str(entry["body"])
    assert entry["result"][0]["contactId"] == done["contactId"]


def test_into_an_existing_account_and_contact_only_empty_fields_go(client: Client, soap: Soap) -> None:
    account = client.put("Account", {"Name": "Analytical", "OwnerId": BEN})
    contact = client.put(
        "Contact", {"LastName": "King", "AccountId": account, "OwnerId": BEN, "LeadSource": "Other"}
    )
    lead = a_lead(client, Phone="+44 1", LeadSource="Web", HasOptedOutOfEmail=True)
    done = soap.convert(lead, accountId=account, contactId=contact)
    assert (done["accountId"], done["contactId"]) == (account, contact)
    row, parent = client.row("Contact", contact), client.row("Account", account)
    assert (row["LastName"], row["OwnerId"], row["LeadSource"]) == ("King", BEN, "Other")
    assert (row["FirstName"], row["Phone"], row["HasOptedOutOfEmail"]) == ("Ada", "+44 1", False)
    assert (parent["Name"], parent["OwnerId"], parent["Phone"]) == ("Analytical", BEN, "+44 1")


def test_overwriting_the_lead_source_is_the_one_exception(client: Client, soap: Soap) -> None:
    account = client.put("Account", {"Name": "Analytical"})
    contact = client.put("Contact", {"LastName": "King", "AccountId": account, "LeadSource": "Other"})
    lead = a_lead(client, LeadSource="Web")
    assert soap.convert(lead, accountId=account, contactId=contact, overwriteLeadSource=True)["success"]
    assert client.row("Contact", contact)["LeadSource"] == "Web"


def test_a_new_contact_goes_to_an_existing_account_and_two_leads_to_one_contact(
    client: Client, soap: Soap
) -> None:
    account = client.put("Account", {"Name": "Analytical", "OwnerId": BEN})
    first = soap.convert(a_lead(client), accountId=account)
    assert client.row("Contact", first["contactId"])["AccountId"] == account
    second = soap.convert(a_lead(client), accountId=account, contactId=first["contactId"])
    assert second["contactId"] == first["contactId"]


def test_an_existing_opportunity_is_related(client: Client, soap: Soap) -> None:
    known = client.put("Opportunity", {"Name": "Mill", "StageName": "Prospecting", "CloseDate": "2026-12-31"})
    lead = a_lead(client)
    done = soap.convert(lead, doNotCreateOpportunity=False, opportunityId=known)
    assert done["opportunityId"] == known == client.row("Lead", lead)["ConvertedOpportunityId"]


def test_a_lead_in_a_queue_needs_an_owner_who_then_owns_what_is_made(client: Client, soap: Soap) -> None:
    lead = a_lead(client, OwnerId=QUEUE)
    refused = soap.convert(lead)
    assert "can only be owned by users" in refused["errors"]["message"]
    assert not client.row("Lead", lead)["IsConverted"]
    done = soap.convert(lead, ownerId=BEN)
    owners = [client.row(n, done[f"{n.lower()}Id"])["OwnerId"] for n in ("Account", "Contact")]
    assert [*owners, client.owner(lead)] == [BEN, BEN, BEN]


@pytest.mark.parametrize("status", ["Closed - Not Converted", "Working - Contacted", "nonsense", ""])
def test_the_status_must_be_a_converted_one(client: Client, soap: Soap, status: str) -> None:
    lead = a_lead(client)
    refused = soap.convert(lead, convertedStatus=status)
    assert (code(refused), refused["errors"]["fields"]) == ("INVALID_STATUS", "Status")
    assert refused["accountId"] is None and not client.row("Lead", lead)["IsConverted"]


def test_one_lead_fails_and_the_others_are_converted(client: Client, soap: Soap) -> None:
    good, dead, other = a_lead(client), a_lead(client), a_lead(client, LastName="Byron")
    client.call("DELETE", f"sobjects/Lead/{dead}")
    asked = [good, dead, good, "00Q5g00000ZzZzZ", "0035g00000ZzZzZ", other]
    results = soap.call("convertLead", "".join(lead_convert(lead) for lead in asked))
    assert [result["success"] for result in results] == [True, False, False, False, False, True]
    assert [code(result) for result in results[1:5]] == [
        "ENTITY_IS_DELETED", "CANNOT_UPDATE_CONVERTED_LEAD", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID",
    ]  # fmt: skip


def test_a_conversion_that_fails_half_way_leaves_nothing(client: Client, soap: Soap) -> None:
    before = len(client.call("GET", "/_sandbox/records/Account").json())
    client.call("PUT", "/_sandbox/fields/Contact", json=[{"name": "Segment__c", "required": True}])
    lead = a_lead(client)
    refused = soap.convert(lead)
    assert (code(refused), refused["errors"]["fields"]) == ("REQUIRED_FIELD_MISSING", "Segment__c")
    assert len(client.call("GET", "/_sandbox/records/Account").json()) == before
    assert not client.row("Lead", lead)["IsConverted"]


def test_the_orgs_mapping_carries_custom_fields_over(client: Client, soap: Soap) -> None:
    field = [{"name": "Marketing_Id__c", "external_id": True, "unique": True}]
    for name in ("Lead", "Contact"):
        client.call("PUT", f"/_sandbox/fields/{name}", json=field)
    client.call(
        "PUT", "/_sandbox/settings", json={"lead_mapping": {"Marketing_Id__c": "Contact.Marketing_Id__c"}}
    )
    done = soap.convert(a_lead(client, Marketing_Id__c="m-1"))
    found = client.call("GET", "sobjects/Contact/Marketing_Id__c/m-1?fields=Id").json()
    assert found["Id"] == done["contactId"]
    clash = soap.convert(a_lead(client, Marketing_Id__c="M-1", LastName="Byron"))
    assert code(clash) == "DUPLICATE_VALUE"


@pytest.mark.parametrize(
    "arguments",
    [
        {"contactId": "0035g00000C0000"},
        {"overwriteLeadSource": True},
        {"opportunityName": "Mill", "doNotCreateOpportunity": True},
        {"opportunityName": "Mill", "opportunityId": "0065g0000000001", "doNotCreateOpportunity": False},
        {"ownerId": QUEUE},
        {"accountId": "0015g00000ZzZzZ"},
    ],
)
def test_arguments_that_do_not_go_together_are_refused(
    client: Client, soap: Soap, arguments: dict[str, Any]
) -> None:
    lead = a_lead(client)
    assert code(soap.convert(lead, **arguments))
    assert not client.row("Lead", lead)["IsConverted"]


def test_a_contact_of_another_account_is_refused(client: Client, soap: Soap) -> None:
    one, two = client.put("Account", {"Name": "One"}), client.put("Account", {"Name": "Two"})
    contact = client.put("Contact", {"LastName": "King", "AccountId": one})
    assert (
        code(soap.convert(a_lead(client), accountId=two, contactId=contact)) == "INVALID_CROSS_REFERENCE_KEY"
    )


def test_an_inactive_owner_is_refused(client: Client, soap: Soap) -> None:
    client.put("User", {"Id": ANA, "IsActive": False})
    assert code(soap.convert(a_lead(client))) == "INACTIVE_OWNER_OR_USER"


def test_campaign_memberships_follow_and_name_the_opportunitys_campaign(client: Client, soap: Soap) -> None:
    campaign = client.put("Campaign", {"Name": "Fair"})
    lead = a_lead(client)
    member = client.put("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    done = soap.convert(lead, doNotCreateOpportunity=False)
    row = client.row("CampaignMember", member)
    assert (row["LeadId"], row["ContactId"]) == (lead, done["contactId"])
    assert client.row("Opportunity", done["opportunityId"])["CampaignId"] == campaign


def test_more_than_a_hundred_leads_are_a_fault(client: Client, soap: Soap) -> None:
    status, name, _ = soap.fault("convertLead", lead_convert(a_lead(client)) * 101)
    assert (status, name) == (500, "sf:EXCEEDED_ID_LIMIT")
