"""What every CRM shows of Leads that are not there any more, and says of those that it does not make."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from crm_record_acts import create
from crm_worlds import MemoryWorld, World, sandbox_world

from allocator.domain.lead import WriteResult


@pytest.fixture(params=["memory", "salesforce"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
    else:
        with sandbox_world() as made:
            yield made


def test_who_was_deleted_or_merged_is_found_by_those_who_ask_for_them_too(world: World) -> None:
    ana, keys = world.user("Ana"), [f"hubspot:{n}" for n in range(3)]
    deleted, winner, loser = (create(world, ana, key, Email=f"p{key[-1]}@x.example").id for key in keys)
    world.delete(deleted)
    world.merge(winner, loser)
    found = {one.id: one for one in world.crm.matching("Lead", external_ids=keys, deleted=True)}
    assert {id: (one.deleted, one.master_id) for id, one in found.items()} == {
        deleted: (True, None),
        winner: (False, None),
        loser: (True, winner),
    }
    by_email = world.crm.matching("Lead", emails=["p0@x.example"], deleted=True)
    assert [one.id for one in by_email] == [deleted]


def test_a_refused_lead_says_by_which_fields(world: World) -> None:
    ana = world.user("Ana")
    missing = create(world, ana, LastName="")
    assert missing.result is WriteResult.REJECTED
    assert (missing.detail, missing.fields) == ("REQUIRED_FIELD_MISSING", ("LastName",))
    long = create(world, ana, Company="A" * 300)
    assert (long.detail, long.fields) == ("STRING_TOO_LONG", ("Company",))
    assert create(world, ana).fields == ()
