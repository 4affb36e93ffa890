"""Delete, undelete and merge, over SOAP and REST: what queryAll, getDeleted and the children then say."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sandbox_client import ANA, Client, error
from simple_salesforce import format_soql
from soap_client import Soap, as_list, code, ids

ALL_OR_NONE = "<urn:AllOrNoneHeader><urn:allOrNone>true</urn:allOrNone></urn:AllOrNoneHeader>"


@pytest.fixture
def soap(client: Client) -> Soap:
    return Soap(client)


def deleted_in_query_all(client: Client, name: str, record: str) -> Any:
    text = format_soql("SELECT IsDeleted, MasterRecordId FROM {:literal} WHERE Id = {}", name, record)
    found = client.call("GET", "queryAll/", params={"q": text}).json()["records"]
    return [(row["IsDeleted"], row["MasterRecordId"]) for row in found]


def test_a_lead_deleted_by_rest_comes_back_by_soap(client: Client, soap: Soap) -> None:
    lead = client.lead()
    assert client.call("DELETE", f"sobjects/Lead/{lead}").status_code == 204
    assert error(client.call("GET", f"sobjects/Lead/{lead}")) == (404, "ENTITY_IS_DELETED")
    assert deleted_in_query_all(client, "Lead", lead) == [(True, None)]
    assert soap.call("undelete", ids(lead)) == [{"id": lead, "success": True}]
    assert client.call("GET", f"sobjects/Lead/{lead}").json()["Id"] == lead
    assert deleted_in_query_all(client, "Lead", lead) == [(False, None)]


def test_soap_deletes_what_it_can_and_says_why_not_of_the_rest(client: Client, soap: Soap) -> None:
    one, gone = client.lead(), client.lead()
    client.call("DELETE", f"sobjects/Lead/{gone}")
    results = soap.call("delete", ids(one, gone, "00Q5g00000ZzZzZ", "nonsense"))
    assert [row["success"] for row in results] == [True, False, False, False]
    assert [code(row) for row in results[1:]] == [
        "ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "MALFORMED_ID",
    ]  # fmt: skip
    assert client.row("Lead", one)["IsDeleted"]


def test_all_or_none_rolls_the_whole_call_back(client: Client, soap: Soap) -> None:
    one = client.lead()
    results = soap.call("delete", ids(one, "00Q5g00000ZzZzZ"), ALL_OR_NONE)
    assert [code(row) for row in results] == [
        "ALL_OR_NONE_OPERATION_ROLLED_BACK", "INVALID_CROSS_REFERENCE_KEY",
    ]  # fmt: skip
    assert not client.row("Lead", one)["IsDeleted"]


def test_what_is_not_in_the_bin_cannot_come_out(client: Client, soap: Soap) -> None:
    live, old = client.lead(), client.lead()
    client.call("DELETE", f"sobjects/Lead/{old}")
    later = datetime.now(UTC) + timedelta(days=16)
    client.call("POST", "/_sandbox/clock", json={"now": later.isoformat()})
    results = soap.call("undelete", ids(live, old, ANA))
    assert [code(row) for row in results] == [
        "UNDELETE_FAILED", "UNDELETE_FAILED", "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    ]  # fmt: skip


def test_an_account_takes_its_contacts_along_into_the_bin_and_back(client: Client, soap: Soap) -> None:
    account = client.put("Account", {"Name": "Engines"})
    contact = client.put("Contact", {"LastName": "King", "AccountId": account})
    before = client.put("Contact", {"LastName": "Byron", "AccountId": account})
    client.call("DELETE", f"sobjects/Contact/{before}")
    client.call("DELETE", f"sobjects/Account/{account}")
    assert client.row("Contact", contact)["IsDeleted"]
    assert code(soap.call("undelete", ids(contact))[0]) == "UNDELETE_FAILED"
    assert soap.call("undelete", ids(account))[0]["success"]
    assert [client.row("Contact", one)["IsDeleted"] for one in (contact, before)] == [False, True]


@pytest.mark.parametrize("api", ["u", "c"])
def test_merged_leads_go_into_the_bin_and_name_the_master(client: Client, api: str) -> None:
    master, one, two = client.lead(City="London"), client.lead(), client.lead(LastName="Byron")
    stamp = client.row("Lead", master)["SystemModstamp"]
    done = Soap(client, api).merge(master, one, two, City="Oslo")
    assert (done["success"], done["id"], done["mergedRecordIds"]) == (True, master, [one, two])
    assert [deleted_in_query_all(client, "Lead", lead) for lead in (master, one, two)] == [
        [(False, None)], [(True, master)], [(True, master)],
    ]  # fmt: skip
    row = client.row("Lead", master)
    assert row["City"] == "Oslo" and row["SystemModstamp"] > stamp


def test_merge_losers_are_among_the_deleted_of_the_replication_interface(client: Client, soap: Soap) -> None:
    master, other = client.lead(), client.lead()
    soap.merge(master, other)
    now = datetime.now(UTC)
    window = {
        "start": (now - timedelta(hours=2)).isoformat(),
        "end": (now + timedelta(minutes=2)).isoformat(),
    }
    found = client.call("GET", "sobjects/Lead/deleted/", params=window).json()["deletedRecords"]
    assert [row["id"] for row in found] == [other]


def test_children_move_to_the_master_and_stay_there_after_an_undelete(client: Client, soap: Soap) -> None:
    master, other = client.put("Account", {"Name": "Engines"}), client.put("Account", {"Name": "Engine"})
    contact = client.put("Contact", {"LastName": "King", "AccountId": other})
    done = soap.merge(master, other, kind="Account")
    assert as_list(done["updatedRelatedIds"]) == [contact]
    assert client.row("Contact", contact)["AccountId"] == master
    assert soap.call("undelete", ids(other))[0]["success"]
    assert client.row("Account", other)["MasterRecordId"] is None
    assert client.row("Contact", contact)["AccountId"] == master


def test_a_chain_of_merges_is_followed_master_by_master(client: Client, soap: Soap) -> None:
    first, second, third = (client.put("Contact", {"LastName": name}) for name in ("A", "B", "C"))
    soap.merge(second, first, kind="Contact")
    soap.merge(third, second, kind="Contact")
    masters = [client.row("Contact", one)["MasterRecordId"] for one in (first, second)]
    assert masters == [second, third]


def test_a_merge_that_cannot_be_changes_nothing(client: Client, soap: Soap) -> None:
    master, one, two, three = (client.lead() for _ in range(4))
    contact = client.put("Contact", {"LastName": "King"})
    client.put("Lead", {"Id": three, "IsConverted": True})
    refused = [
        soap.merge(master),
        soap.merge(master, one, two, three),
        soap.merge(master, master),
        soap.merge(master, contact),
        soap.merge(master, one, Email="nonsense"),
        soap.merge(ANA, one, kind="User"),
        soap.merge(three, one),
    ]
    assert [code(row) for row in refused[3:]] == [
        "MALFORMED_ID", "INVALID_EMAIL_ADDRESS", "INVALID_TYPE", "CANNOT_UPDATE_CONVERTED_LEAD",
    ]  # fmt: skip
    assert not any(row["success"] for row in refused)
    assert not any(client.row("Lead", lead)["IsDeleted"] for lead in (master, one, two, three))


def test_a_converted_lead_may_be_merged_into_an_open_one(client: Client, soap: Soap) -> None:
    master, other = client.lead(), client.lead(OwnerId=ANA)
    assert soap.convert(other)["success"]
    assert soap.merge(master, other)["success"]
    assert client.row("Lead", other)["MasterRecordId"] == master
