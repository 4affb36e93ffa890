"""convertLead() where account and contact are there already, with an opportunity: made, named or related."""

from __future__ import annotations

import pytest
from sandbox_client import ANA, BEN, Client
from soap_client import Soap


@pytest.mark.parametrize("contact_is_there", [True, False], ids=["contact there", "contact new"])
def test_a_known_account_gets_the_opportunity(client: Client, contact_is_there: bool) -> None:
    account = client.put("Account", {"Name": "Analytical", "OwnerId": BEN})
    known = {"accountId": account}
    if contact_is_there:
        known["contactId"] = client.put("Contact", {"LastName": "King", "AccountId": account})
    lead = client.lead(OwnerId=ANA)
    done = Soap(client).convert(lead, **known, doNotCreateOpportunity=False, opportunityName="Mill")
    assert {name: done[name] for name in known} == known
    made, row = client.row("Opportunity", done["opportunityId"]), client.row("Lead", lead)
    assert (made["Name"], made["AccountId"], made["OwnerId"]) == ("Mill", account, ANA)
    assert client.row("Contact", done["contactId"])["AccountId"] == account
    assert [row["ConvertedAccountId"], row["ConvertedContactId"], row["ConvertedOpportunityId"]] == [
        account, done["contactId"], done["opportunityId"],
    ]  # fmt: skip
