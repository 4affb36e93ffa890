"""The checker of the sync's faults flags what must never happen: each done here on purpose."""

from __future__ import annotations

from synced_org import SyncedOrg

from allocator.sandbox.salesforce.org import INTEGRATION_USER


def test_every_broken_promise_is_seen_from_the_outside(alone: SyncedOrg) -> None:
    dead, live = alone.linked(2)
    dead.convert()
    alone.next_run()
    alone.rests()
    records = alone.sandbox.org.records
    kind = records.type("Lead")

    def write(lead: str, request: int, **values: str | None) -> None:
        records.change(kind, records.get("Lead", lead) or {}, values, INTEGRATION_USER, request=request)

    live.edit(live.lead, Title="Chief")
    write(dead.lead, 1, Phone="999")
    write(live.lead, 2, Title="Boss", City=None)
    again = {"Email": live.ours["email"], "Marketing_Id__c": live.key}
    records.insert(kind, again, INTEGRATION_USER, request=3)
    assert set(alone.broken()) == {
        f"Phone of the converted Lead {dead.lead} was written: '999'",
        f"2 records were made with Marketing_Id__c {live.key}",
        f"2 records were made with Email {live.ours['email']}",
        f"2 records of the CRM belong to {live.key}",
        f"Title of {live.lead} was 'Chief', which is nowhere any more",
        f"City of {live.lead} was emptied by nobody",
        f"jobtitle of contact {live.record} is 'Buyer', Title of {live.lead} 'Boss'",
        f"city of contact {live.record} is 'Bonn', City of {live.lead} ''",
    }
