"""Every seed has the field that holds a marketing system's id, and a conversion carries it over."""

from __future__ import annotations

import pytest

from allocator.sandbox.clock import Clock
from allocator.sandbox.salesforce.org import Org
from allocator.sandbox.salesforce.schema import standard_schema
from allocator.sandbox.seeds import demo, empty


@pytest.mark.parametrize("seed", ["empty", "demo"])
def test_lead_and_contact_have_a_unique_external_id_that_conversion_maps(seed: str) -> None:
    org = Org(standard_schema(), Clock())
    empty.load(org)
    if seed == "demo":
        demo.load(org, sample_leads=False)
    for name in ("Lead", "Contact"):
        found = org.records.type(name).field("Marketing_Id__c")
        assert found is not None
        assert (found.external_id, found.unique, found.id_lookup, found.length) == (True, True, True, 80)
    assert org.settings.lead_mapping == {"Marketing_Id__c": "Contact.Marketing_Id__c"}
