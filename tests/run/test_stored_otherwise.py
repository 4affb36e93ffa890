"""Addresses that HubSpot keeps in small letters, and links that the store lost: through both sandboxes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from two_systems import NEW, TwoSystems


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSystems]:
    made = TwoSystems(tmp_path, monkeypatch)
    yield made
    made.close()


def test_an_address_with_capitals_is_written_once_and_goes_back_and_forth_no_more(
    systems: TwoSystems,
) -> None:
    record = systems.hubspot("add", properties={**NEW, "email": "Kim.Novak@Contoso.example"})["id"]
    for _ in range(2):
        systems.next_run()
    [lead] = systems.records("Lead")
    systems.control("POST", "edit", {"record": lead["Id"], "fields": {"Email": "K.Novak@Contoso.example"}})
    systems.next_run()
    assert systems.written[-1] == [(("record", record), {"email": "K.Novak@Contoso.example"})]
    assert systems.contact_of(record)["email"] == "k.novak@contoso.example"
    systems.control("POST", "edit", {"record": lead["Id"], "fields": {"Email": "K.NOVAK@contoso.example"}})
    for _ in range(3):
        systems.next_run()
        assert systems.written[-1] == []
    systems.hubspot("edit", id=record, properties={"email": "Kim@Contoso.example"})
    systems.next_run()
    assert systems.written[-1] == [(("Lead", lead["Id"]), {"Email": "kim@contoso.example"})]
    systems.next_run()
    assert systems.written[-1] == []


def test_with_a_new_store_every_contact_is_linked_again_and_nothing_is_written_or_made(
    systems: TwoSystems,
) -> None:
    record = systems.hubspot("add", properties=NEW)["id"]
    for _ in range(2):
        systems.next_run()
    lead = systems.only("Lead")
    for one in systems.config.parent.glob("allocator.db*"):
        one.unlink()
    made = systems.next_run()
    assert made["sync"]["hubspot"]["linked"] == 1 and made["sync"]["hubspot"]["created"] == 0
    assert systems.written[-1] == [] and systems.only("Lead") == lead
    systems.hubspot("edit", id=record, properties={"phone": "+49 30 7"})
    systems.next_run()
    assert systems.written[-1] == [(("Lead", lead["Id"]), {"Phone": "+49 30 7"})]
