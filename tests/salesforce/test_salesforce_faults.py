"""An org that behaves as Salesforce does, with faults on the wire and people who act at the wrong moment."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from scripted_org import ANA, MONDAY, Waits, crm_of, lead_id

from allocator.adapters.crm.http import Timeouts
from allocator.adapters.crm.salesforce import SalesforceCRM, SalesforceSettings
from allocator.domain.lead import OwnerWrite, Record, WriteResult
from allocator.errors import SourceError
from allocator.sandbox.app import Sandbox

R = WriteResult
COMPOSITE = {"method": "POST", "path": "/composite$"}


class Org:
    """The demo org, a CRM on it, its leads and an active user."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, info = sandbox, sandbox.info()
        settings = SalesforceSettings(
            url=info["url"],
            client_id=info["client_id"],
            client_secret=info["client_secret"],
            intake=("Inbound Leads",),
        )
        self.crm = SalesforceCRM(
            settings, fact_paths=("Country",), sleep=Waits(), timeouts=Timeouts(2, 20, 1)
        )
        self.leads: list[Record] = [record for page in self.crm.pull() for record in page]
        users = sorted(user.id for user in self.crm.users().values() if user.active)
        self.owner, self.other = users[-1], users[-2]

    def control(self, method: str, path: str, body: Any = None) -> None:
        response = requests.request(method, f"{self.sandbox.url}/_sandbox/{path}", json=body, timeout=10)
        assert response.status_code < 300, response.text

    def fault(self, do: str, on: dict[str, Any], **more: Any) -> None:
        self.control("POST", "faults", {"on": on, "do": do, **more})

    def give(self, count: int = 3) -> Counter[WriteResult]:
        writes = [OwnerWrite(lead.key.source_id, self.owner, lead.stamp) for lead in self.leads[:count]]
        return Counter(answer.result for answer in self.crm.give(writes))

    def owned(self, count: int = 3) -> int:
        found = self.crm.status([lead.key.source_id for lead in self.leads[:count]])
        return sum(status.owner == self.owner for status in found.values())


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed="demo") as made:
        yield made


@pytest.fixture
def org(sandbox: Sandbox) -> Org:
    sandbox.reset()
    return Org(sandbox)


@pytest.mark.parametrize("when", ["before", "after_commit"])
@pytest.mark.parametrize("do", ["hold", "reset", "truncate", "html", "status"])
def test_a_write_without_an_answer_is_unknown_and_the_read_back_tells(org: Org, do: str, when: str) -> None:
    org.fault(do, COMPOSITE, when=when, status=503)
    assert org.give() == {R.UNKNOWN: 3}
    assert org.owned() == (3 if when == "after_commit" else 0)


def test_a_session_that_expires_at_the_write_is_renewed_and_all_is_written_once(org: Org) -> None:
    org.fault("expire", COMPOSITE)
    assert org.give() == {R.WRITTEN: 3}
    assert org.owned() == 3
    calls = [one for one in org.sandbox.log.entries() if one["path"].endswith("/composite")]
    assert [call["status"] for call in calls] == [401, 200]
    first, again = ({**call["headers"], "Authorization": ""} for call in calls)
    assert first == again
    assert calls[0]["body"] == calls[1]["body"]
    assert org.crm.usage.requests == len(org.sandbox.log.entries())


def test_a_lead_taken_locked_or_converted_at_the_write_leaves_the_others_alone(org: Org) -> None:
    taken, locked, converted = (org.leads[place].key.source_id for place in range(3))
    later = (org.crm.now().replace(year=org.crm.now().year + 1)).isoformat()
    org.control("POST", "clock", {"now": later})
    org.fault("take", {"method": "PATCH", "record": taken}, by=org.other)
    org.fault("lock", {"method": "PATCH", "record": locked})
    org.fault("convert", {"method": "PATCH", "record": converted})
    found = org.give(10)
    assert found.pop(R.WRITTEN) == 7
    assert found.pop(R.LOCKED) == 1
    assert set(found) <= {R.CHANGED, R.CONVERTED}
    assert found.total() == 2
    assert org.crm.status([taken])[taken].owner == org.other
    assert org.crm.status([converted])[converted].converted is True


def test_the_orgs_own_assignment_rules_never_take_a_lead(org: Org) -> None:
    org.control("POST", "settings", {"assignment_rule": True})
    assert org.give() == {R.WRITTEN: 3}
    assert org.owned() == 3
    subs = [sub for one in org.sandbox.log.entries() for sub in one["sub"] if sub["method"] == "PATCH"]
    assert {sub["headers"]["Sforce-Auto-Assign"] for sub in subs} == {"FALSE"}


def test_a_day_that_is_used_up_leaves_writes_unsent_and_confirms_what_was_written(org: Org) -> None:
    assert org.give() == {R.WRITTEN: 3}
    org.fault("status", COMPOSITE, status=403)
    org.leads = org.leads[3:]
    assert org.give() == {R.UNSENT: 3}
    assert org.owned() == 0


def test_a_name_that_does_not_resolve_is_a_source_error_and_writes_are_unsent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    crm = crm_of("https://acme.my.salesforce.invalid")
    with pytest.raises(SourceError):
        crm.users()
    assert crm.give([OwnerWrite(lead_id(1), ANA, MONDAY)])[0].result is R.UNSENT
    assert crm.usage.requests == 0
