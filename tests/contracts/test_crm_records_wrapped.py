"""A CRM's records behind the run's cache and in a dry run, and how many requests they take."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from crm_record_acts import PERSON, people, read
from crm_worlds import MONDAY, MemoryWorld, World, sandbox_world

from allocator.adapters.crm.cached import CachedCRM
from allocator.adapters.crm.predicting import PredictingCRM
from allocator.domain.lead import WriteResult
from allocator.domain.sync.values import CrmWrite, NewLead


@pytest.fixture(params=["memory", "salesforce"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
    else:
        with sandbox_world() as made:
            yield made


def test_a_cycle_over_many_records_takes_few_requests(world: World) -> None:
    ana = world.user("Ana")
    world.crm.describe("Lead")
    made = world.crm.create(
        [NewLead(f"hubspot:{n}", ana, PERSON | {"Email": f"p{n}@x.example"}) for n in range(60)]
    )
    ids = [one.id for one in made]
    before = dict(world.crm.usage.by_kind)
    found = world.crm.records("Lead", ids, ["Title"])
    world.crm.write(
        [CrmWrite("Lead", one.id, {"Title": "x"}, one.stamp) for one in found.values() if one.stamp]
    )
    asked = {kind: n - before.get(kind, 0) for kind, n in world.crm.usage.by_kind.items()}
    assert before["write"] == 3
    assert {kind: n for kind, n in asked.items() if n} == {"read": 1, "write": 3}


def test_the_runs_cache_reads_records_afresh_and_describes_once(world: World) -> None:
    cached = CachedCRM(world.crm)
    lead = world.lead()
    assert cached.describe("Lead") is cached.describe("Lead")
    cached.records("Lead", [lead], ["Title"])
    world.edit(lead, Title="by hand")
    assert cached.records("Lead", [lead], ["Title"])[lead].values == {"Title": "by hand"}


def test_the_runs_cache_forgets_whose_email_is_made_or_written(world: World) -> None:
    ana = world.user("Ana")
    cached = CachedCRM(world.crm)
    asked = ["ada@acme.example", "new@acme.example"]
    assert set(cached.people_by_email(asked).values()) == {()}
    lead = cached.create([NewLead("hubspot:1", ana, PERSON)])[0].id
    assert [match.id for match in cached.people_by_email(asked)["ada@acme.example"]] == [lead]
    stamp = cached.records("Lead", [lead], [])[lead].stamp
    assert stamp is not None
    cached.write([CrmWrite("Lead", lead, {"Email": "new@acme.example"}, stamp)])
    found = cached.people_by_email(asked)
    assert [match.id for match in found["new@acme.example"]] == [lead]
    assert found["ada@acme.example"] == ()


def test_a_dry_run_shows_what_it_would_have_made_and_makes_nothing(world: World) -> None:
    ana = world.user("Ana")
    dry = PredictingCRM(world.crm)
    made = dry.create([NewLead("hubspot:1", ana, PERSON)])[0]
    assert made.result is WriteResult.WRITTEN
    found = dry.records("Lead", [made.id], ["LastName", "Shoe_Size__c"])[made.id]
    assert (found.owner, found.external_id, found.values) == (ana, "hubspot:1", {"LastName": "Aydin"})
    assert [one.id for one in dry.matching("Lead", external_ids=["hubspot:1"])] == [made.id]
    assert [one.id for one in dry.matching("Lead", emails=["ADA@acme.example"])] == [made.id]
    assert dry.status([made.id])[made.id].owner == ana
    assert [match.id for match in dry.people_by_email(["ada@acme.example"])["ada@acme.example"]] == [made.id]
    assert made.id in [one.id for page in dry.changed("Lead", MONDAY, []) for one in page]
    assert people(world) == []


def test_a_dry_run_shows_what_it_would_have_written_and_writes_nothing(world: World) -> None:
    ana = world.user("Ana")
    account = world.account("acme.example", ana)
    contact = world.contact("a@acme.example", ana, account)
    dry = PredictingCRM(world.crm)
    names = ["Title", "Birthdate", "Account.Name"]
    before = dry.records("Contact", [contact], names)[contact]
    assert before.stamp and before.account_stamp
    day = date(1990, 5, 1)
    dry.write([CrmWrite("Contact", contact, {"Title": "CEO", "Email": "b@acme.example"}, before.stamp)])
    dry.write([CrmWrite("Contact", contact, {"Birthdate": day}, before.stamp)])
    dry.write([CrmWrite("Account", account, {"Name": "Acme"}, before.account_stamp)])
    after = dry.records("Contact", [contact], names)[contact]
    assert after.values == {"Title": "CEO", "Birthdate": "1990-05-01", "Account.Name": "Acme"}
    assert after.email == "b@acme.example"
    assert [one.id for one in dry.matching("Contact", emails=["b@acme.example"])] == [contact]
    assert dry.matching("Contact", emails=["a@acme.example"]) == []
    assert read(world, contact, *names) == before
