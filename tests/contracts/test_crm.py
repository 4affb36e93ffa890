"""What every CRM promises, held by the fake and by Salesforce through the sandbox."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from crm_worlds import MONDAY, MemoryWorld, World, sandbox_world

from allocator.adapters.crm.cached import CachedCRM
from allocator.domain.lead import OwnerWrite, Record, WriteResult
from allocator.errors import SourceError


@pytest.fixture(params=["memory", "salesforce"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    if request.param == "memory":
        yield MemoryWorld()
    else:
        with sandbox_world() as made:
            yield made


def pulled(world: World) -> list[Record]:
    return [record for page in world.crm.pull() for record in page]


def give(world: World, lead: str, owner: str, *, older: int = 0) -> WriteResult:
    stamp = world.crm.status([lead])[lead].stamp
    assert stamp is not None
    return world.crm.give([OwnerWrite(lead, owner, stamp - timedelta(seconds=older))])[0].result


def test_pull_shows_the_open_leads_of_intake_oldest_first(world: World) -> None:
    ana = world.user("Ana")
    second, first = world.lead(hours=2), world.lead(hours=1)
    world.lead(owner=ana)
    converted = world.lead()
    world.convert(converted)
    world.delete(world.lead())
    records = pulled(world)
    assert [record.key.source_id for record in records] == [first, second]
    assert {record.owner for record in records} == {world.queue} == world.crm.intake_ids()
    assert records[0].fields["Country"] == "Germany"
    assert records[0].created == MONDAY - timedelta(hours=23)
    assert not records[0].unreadable


def test_the_queues_for_leads_are_known_by_id(world: World) -> None:
    assert world.queue in world.crm.queue_ids()
    assert world.user("Ana") not in world.crm.queue_ids()


def test_an_empty_intake_is_no_error(world: World) -> None:
    assert pulled(world) == []


def test_a_lead_is_given_and_reads_back_as_the_owners(world: World) -> None:
    ana, lead = world.user("Ana"), world.lead()
    assert give(world, lead, ana) is WriteResult.WRITTEN
    assert world.crm.status([lead])[lead].owner == ana
    assert pulled(world) == []


def test_a_lead_that_somebody_changed_is_not_overwritten(world: World) -> None:
    ana, ben, lead = world.user("Ana"), world.user("Ben"), world.lead()
    world.take(lead, ben)
    assert give(world, lead, ana, older=2) is WriteResult.CHANGED
    assert world.crm.status([lead])[lead].owner == ben


def test_an_inactive_owner_is_refused(world: World) -> None:
    ana, lead = world.user("Ana"), world.lead()
    world.deactivate(ana)
    assert give(world, lead, ana) is WriteResult.REFUSED_OWNER
    assert world.crm.users()[ana].active is False


def test_a_converted_lead_is_not_given(world: World) -> None:
    ana, lead = world.user("Ana"), world.lead()
    before = world.crm.now()
    world.convert(lead)
    assert give(world, lead, ana) is WriteResult.CONVERTED
    status = world.crm.status([lead])[lead]
    assert status.converted is True
    assert status.contact_id is not None
    assert [found.id for found in world.crm.converted_since(before)] == [lead]
    assert world.crm.converted_since(MONDAY + timedelta(days=1)) == []


def test_a_deleted_lead_is_gone(world: World) -> None:
    ana, lead = world.user("Ana"), world.lead()
    world.delete(lead)
    assert give(world, lead, ana) is WriteResult.GONE
    assert world.crm.status([lead])[lead].deleted is True


def test_status_has_one_entry_per_id_asked(world: World) -> None:
    lead, stranger = world.lead(), "00Q999999999999EAA"
    found = world.crm.status([lead, stranger])
    assert set(found) == {lead, stranger}
    assert found[lead].known
    assert not found[stranger].known


def test_answers_come_in_the_order_of_the_writes(world: World) -> None:
    ana, leads = world.user("Ana"), [world.lead(hours=hour) for hour in range(3)]
    stamps = world.crm.status(leads)
    writes = [OwnerWrite(lead, ana, stamps[lead].stamp or MONDAY) for lead in leads]
    stale = OwnerWrite(leads[1], ana, MONDAY - timedelta(days=9))
    answers = world.crm.give([writes[0], stale, writes[2]])
    assert [answer.id for answer in answers] == leads
    assert [answer.result for answer in answers] == [
        WriteResult.WRITTEN,
        WriteResult.CHANGED,
        WriteResult.WRITTEN,
    ]


def test_people_are_found_by_email_without_case_and_the_converted_are_not(world: World) -> None:
    ana = world.user("Ana")
    lead = world.lead(email="Chi@Acme.example")
    contact = world.contact("chi@acme.example", ana)
    world.convert(world.lead(email="gone@acme.example"))
    found = world.crm.people_by_email(["chi@acme.example", "nobody@acme.example"])
    assert {(match.object, match.id) for match in found["chi@acme.example"]} == {
        ("Lead", lead),
        ("Contact", contact),
    }
    assert {match.owner for match in found["chi@acme.example"]} == {world.queue, ana}
    assert found["nobody@acme.example"] == ()


def test_accounts_are_found_by_domain(world: World) -> None:
    ana = world.user("Ana")
    account = world.account("acme.example", ana)
    found = world.crm.accounts_by_domain(["acme.example", "other.example"])
    assert [(m.object, m.id, m.owner) for m in found["acme.example"]] == [("Account", account, ana)]
    assert found["other.example"] == ()


def test_the_newest_membership_is_shown(world: World) -> None:
    lead, other = world.lead(), world.lead()
    world.campaign(lead, "Spring fair")
    world.campaign(lead, "Autumn fair")
    found = world.crm.campaigns_of([lead, other])
    assert found == {lead: {"CampaignMember.Campaign.Name": "Autumn fair"}}


def test_usage_adds_up(world: World) -> None:
    world.lead()
    pulled(world)
    world.crm.users()
    usage = world.crm.usage
    assert usage.requests == sum(usage.by_kind.values()) > 0


def test_behind_the_cache_a_key_is_asked_once_even_when_absent(world: World) -> None:
    lead = world.lead(email="chi@acme.example")
    cached = CachedCRM(world.crm)
    for _ in range(2):
        cached.people_by_email(["chi@acme.example", "CHI@acme.example", "nobody@acme.example"])
        cached.accounts_by_domain(["acme.example"])
        cached.campaigns_of([lead])
        cached.users()
    kinds = {kind: cached.usage.by_kind[kind] for kind in ("people", "accounts", "members", "users")}
    assert kinds.pop("members") >= 1
    assert set(kinds.values()) == {1}
    assert (cached.usage.cache_misses, cached.usage.cache_hits) == (5, 5)


def test_threads_behind_the_cache_ask_a_key_once_between_them(world: World) -> None:
    world.lead(email="chi@acme.example")
    cached = CachedCRM(world.crm)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: cached.people_by_email(["chi@acme.example"]), range(32)))
    assert all(answer == found[0] for answer in found)
    assert cached.usage.by_kind["people"] == 1
    assert (cached.usage.cache_misses, cached.usage.cache_hits) == (1, 31)


def test_a_key_whose_answer_was_lost_is_asked_again(world: World) -> None:
    class Broken:
        usage, name = world.crm.usage, world.crm.name

        def people_by_email(self, emails: object) -> object:
            raise SourceError("no answer")

    cached = CachedCRM(Broken())  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(SourceError):
            cached.people_by_email(["chi@acme.example"])
    assert cached.usage.cache_hits == 0


def test_giving_a_lead_makes_the_cache_ask_again(world: World) -> None:
    ana, lead = world.user("Ana"), world.lead(email="chi@acme.example")
    cached = CachedCRM(world.crm)
    cached.people_by_email(["chi@acme.example"])
    stamp = cached.status([lead])[lead].stamp or MONDAY
    cached.give([OwnerWrite(lead, ana, stamp)])
    assert cached.people_by_email(["chi@acme.example"])["chi@acme.example"][0].owner == ana
