"""A link leads to exactly one plan, whatever a fresh read shows, along merges and conversions."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sync_world import START

from allocator.domain.lead import LeadKey
from allocator.domain.records import Link
from allocator.domain.sync.relations import refuse_doubles
from allocator.domain.sync.route import Place, Taken, missing, route_of, start_of
from allocator.domain.sync.values import CrmRecord
from rules.conversion import ContactPlan, Held, LeadPlan

KEY, OTHER = LeadKey("hubspot", "1"), LeadKey("hubspot", "2")
LEADS, CONTACTS = tuple(f"00Q{n}" for n in range(4)), tuple(f"003{n}" for n in range(3))

flags = st.sampled_from([True, False, None])
one_lead = st.builds(
    lambda known, deleted, master, converted, contact, owner: {
        "known": known, "deleted": deleted, "master_id": master, "converted": converted,
        "contact_id": contact, "external_id": owner,
    },
    st.sampled_from([True, True, True, False]), flags, st.sampled_from([None, *LEADS]), flags,
    st.sampled_from([None, *CONTACTS]), st.sampled_from(["", str(KEY), str(OTHER), "nonsense"]),
)  # fmt: skip
one_contact = st.builds(
    lambda known, deleted, master, person: {
        "known": known, "deleted": deleted, "master_id": master, "person_account": person,
    },
    st.sampled_from([True, True, True, False]), flags, st.sampled_from([None, *CONTACTS]), flags,
)  # fmt: skip
worlds = st.builds(
    lambda leads, contacts: {
        (object, id): CrmRecord(object, id, **one)
        for object, ids, some in (("Lead", LEADS, leads), ("Contact", CONTACTS, contacts))
        for id, one in zip(ids, some, strict=True)
    },
    st.lists(one_lead, min_size=4, max_size=4),
    st.lists(one_contact, min_size=3, max_size=3),
)  # fmt: skip
starts = st.builds(
    lambda at, state: Link(KEY, "salesforce", *at, state, START),
    st.sampled_from([*(("Lead", id) for id in LEADS), *(("Contact", id) for id in CONTACTS)]),
    st.sampled_from(["live", "live", "deleted", "merged"]),
)
others = st.sampled_from([None, *(("Lead", id) for id in LEADS), *(("Contact", id) for id in CONTACTS)])


def taken_by(place: Place | None, *links: Link) -> Taken:
    taken = Taken()
    more = [Link(OTHER, "salesforce", *place, "live", START)] if place else []
    taken.put([*links, *more])
    return taken


@given(worlds, starts, others)
def test_exactly_one_plan_to_what_was_read_as_alive(
    world: dict[Place, CrmRecord], start: Link, other: Place | None
) -> None:
    assert start_of([start]) == start and missing(start, world) is None
    taken = taken_by(other)
    route = route_of(KEY, [start], world, taken, at=START + timedelta(1))
    match route.plan:
        case LeadPlan(id):
            lead = world["Lead", id]
            assert lead.known and lead.deleted is False and lead.converted is False
            assert ("Lead", id) != other and route.end.id == id
        case ContactPlan(id):
            contact = world["Contact", id]
            assert contact.known and contact.deleted is False and contact.person_account is False
            assert ("Contact", id) != other and route.end.id == id
        case Held(reason):
            assert reason


@given(worlds, starts, others)
def test_the_links_of_a_route_are_live_where_its_plan_writes_and_never_two(
    world: dict[Place, CrmRecord], start: Link, other: Place | None
) -> None:
    if start.state == "live" and other == (start.object, start.crm_id):
        return
    route = route_of(KEY, [start], world, taken_by(other), at=START + timedelta(1))
    after = {(x.object, x.crm_id): x for x in (start, *route.links)}
    refuse_doubles([*after.values(), *taken_by(other).by_key.values()])
    live = [place for place, x in after.items() if x.state == "live"]
    if not isinstance(route.plan, Held):
        assert live == [(route.end.object, route.end.id)]
    elif live:
        assert live == [(start.object, start.crm_id)]


@given(worlds, starts, others)
def test_a_second_look_at_the_same_records_changes_no_link(
    world: dict[Place, CrmRecord], start: Link, other: Place | None
) -> None:
    taken = taken_by(other)
    route = route_of(KEY, [start], world, taken, at=START + timedelta(1))
    after = {(x.object, x.crm_id): x for x in (start, *route.links)}
    taken.put(route.links)
    again = route_of(KEY, list(after.values()), world, taken, at=START + timedelta(2))
    assert again.plan == route.plan and again.links == ()


@given(worlds, starts)
def test_what_is_missing_is_asked_for_step_by_step_and_never_without_end(
    world: dict[Place, CrmRecord], start: Link
) -> None:
    found: dict[Place, CrmRecord] = {}
    for _ in range(len(world) + 1):
        place = missing(start, found)
        if place is None:
            break
        assert place not in found
        found[place] = world[place]
    assert missing(start, found) is None
    one, other = (route_of(KEY, [start], w, Taken(), at=START) for w in (found, world))
    assert one == other


def test_a_chain_of_more_merges_than_are_followed_is_held() -> None:
    chain = {
        ("Lead", f"00Q{n}"): CrmRecord(
            "Lead", f"00Q{n}", deleted=True, master_id=f"00Q{n + 1}", converted=False
        )
        for n in range(9)
    }
    start = Link(KEY, "salesforce", "Lead", "00Q0", "live", START)
    route = route_of(KEY, [start], chain, Taken(), at=START)
    assert route.plan == Held("merged") and len(route.trail) <= 7
