"""A value under [hubspot] intake that HubSpot does not have is said by the run, and ends no lead."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from two_systems import NEW, TwoSystems


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSystems]:
    made = TwoSystems(tmp_path, monkeypatch)
    yield made
    made.close()


def test_leads_wait_while_intake_names_no_value_that_hubspot_has_and_the_run_says_so(org: TwoSystems) -> None:
    record = org.hubspot("add", properties={**NEW, "company": ""})["id"]
    org.later(minutes=10)
    assert org("run")[1]["held_reasons"] == {"incomplete": 1}
    org.hubspot("edit", id=record, properties={"company": "Contoso"})
    right = org.config.read_text()

    org.config.write_text(right.replace("[hubspot]\n", '[hubspot]\nintake = ["Lead", "Mql"]\n'))
    org.later(hours=1)
    blind = org("run")[1]
    assert (blind["leads"]["taken"], blind["leads"]["held_total"]) == (0, 1)
    (note,) = [one for one in blind["notes"] if "lifecyclestage" in one]
    assert note.startswith("hubspot: lifecyclestage has no value Lead, Mql, so no contact with it is a lead")
    assert "internal names of values that it has" in note
    assert "marketingqualifiedlead" in note

    org.config.write_text(right.replace("[hubspot]\n", '[hubspot]\nintake = ["lead", "Mql"]\n'))
    org.later(hours=1)
    half = org("run")[1]
    assert half["leads"]["assigned"] == 1, "a known value beside an unknown one counts"
    assert any("has no value Mql," in note for note in half["notes"])
    org.config.write_text(right)
    org.later(hours=1)
    assert not any("lifecyclestage" in note for note in org("run")[1]["notes"])
