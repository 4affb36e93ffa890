"""One look brings a record in step, whatever was agreed on, shown, sent or lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from sync_world import START, World

from allocator.domain.records import Link
from allocator.domain.sync.base import BASE_OF
from allocator.domain.sync.look import Case, Clocks, Look, look
from allocator.domain.sync.route import Taken
from allocator.domain.sync.values import CrmRecord, SourceRecord, SyncRow, SyncWrite
from rules.field_rules import Agreed

KEY = World.key("1")
MAP = World().map()
PAIRS = {"firstname": "FirstName", "phone": "Phone", "jobtitle": "Title", "city": "City"}
CONTACT_FIELDS = {**PAIRS, "city": "MailingCity"}
NAMES = {rule.ours: rule.name for rule in MAP.rules_for("lead")}

value = st.sampled_from([None, "a", "b", "c"])
values = st.fixed_dictionaries(dict.fromkeys(PAIRS, value))
bases = st.fixed_dictionaries(dict.fromkeys(PAIRS, st.one_of(st.none(), st.tuples(value, value))))
later = st.integers(0, 3)


def names_of(object: str) -> Mapping[str, str]:
    return PAIRS if object == "Lead" else CONTACT_FIELDS


def ours_of(shown: Mapping[str, str | None], at: int = 0) -> SourceRecord:
    more = {"lastname": "Roth", "company": None, **dict.fromkeys(MAP.our_fields())}
    return SourceRecord(KEY, START, START + timedelta(seconds=at), {**more, "lastname": "Roth", **shown})


def theirs_of(object: str, shown: Mapping[str, str | None], at: int = 0) -> CrmRecord:
    stamp, names = START + timedelta(seconds=at), names_of(object)
    fields = MAP.lead_fields() if object == "Lead" else MAP.contact_fields()
    read = {**dict.fromkeys(fields), "LastName": "Roth", **{names[name]: v for name, v in shown.items()}}
    id = "00Q1" if object == "Lead" else "0031"
    return CrmRecord(
        object, id, converted=False if object == "Lead" else None, external_id=str(KEY),
        stamp=stamp, moved=stamp, values=read,
    )  # fmt: skip


def case_of(
    ours: SourceRecord,
    theirs: CrmRecord,
    agreed: Mapping[str, Agreed],
    pending: tuple[SyncWrite, ...] = (),
) -> Case:
    plan = "lead" if theirs.object == "Lead" else "contact"
    row = SyncRow(KEY, plan, START, START, agreed=agreed)
    link = Link(KEY, "salesforce", theirs.object, theirs.id, "live", START)
    return Case(KEY, row, (link,), ours, {(theirs.object, theirs.id): theirs}, pending)


def decided(case: Case) -> Look:
    return look(case, MAP, Taken(), Clocks(START), {})


def base_of(object: str, pairs: Mapping[str, tuple[str | None, str | None] | None]) -> dict[str, Agreed]:
    found = {NAMES[name]: Agreed(*pair) for name, pair in pairs.items() if pair is not None}
    return {**found, BASE_OF: Agreed(None, f"{object} {'00Q1' if object == 'Lead' else '0031'}")}


def carried(case: Case, one: Look, arrived: tuple[bool, ...] = (True, True)) -> Case:
    """The record once its writes have arrived, or some of them have not."""
    ours, theirs = dict(case.ours.values), dict(next(iter(case.records.values())).values)
    for sent, came in zip(one.step.writes, arrived, strict=False):
        side = ours if sent.side == "ours" else theirs
        side.update({x.field: x.value for x in sent.writes} if came else {})
    ((place, record),) = case.records.items()
    return replace(
        case, ours=replace(case.ours, values=ours), records={place: replace(record, values=theirs)}
    )


objects = st.sampled_from(["Lead", "Contact"])


@given(objects, bases, values, values, later, later)
def test_once_its_writes_have_arrived_nothing_is_left_to_do(
    object: str,
    pairs: Mapping[str, tuple[str | None, str | None] | None],
    ours: Mapping[str, str | None],
    theirs: Mapping[str, str | None],
    our_at: int,
    their_at: int,
) -> None:
    case = case_of(ours_of(ours, our_at), theirs_of(object, theirs, their_at), base_of(object, pairs))
    one = decided(case)
    agreed = {**one.step.row.agreed, **{k: v for x in one.step.writes for k, v in x.agreed.items()}}
    after = replace(carried(case, one), row=replace(one.step.row, agreed=agreed))
    again = decided(after)
    assert not again.step.writes and not again.step.conflicts and not again.step.links


@given(objects, bases, values, values, later, later, st.tuples(st.booleans(), st.booleans()))
def test_writes_of_unknown_outcome_are_found_out_and_no_conflict_is_told_twice(
    object: str,
    pairs: Mapping[str, tuple[str | None, str | None] | None],
    ours: Mapping[str, str | None],
    theirs: Mapping[str, str | None],
    our_at: int,
    their_at: int,
    arrived: tuple[bool, bool],
) -> None:
    case = case_of(ours_of(ours, our_at), theirs_of(object, theirs, their_at), base_of(object, pairs))
    one = decided(case)
    lost = tuple(replace(x, id=n, attempts=1) for n, x in enumerate(one.step.writes, 1))
    case = replace(carried(case, one, arrived), row=one.step.row, pending=lost)
    two = decided(case)
    assert not two.step.conflicts
    known, sure = carried(case, two), carried(replace(case, pending=()), one)
    assert known.ours.values == sure.ours.values and known.records == sure.records
    left = [sent for sent, came in zip(lost, arrived, strict=False) if not came]
    again = [(x.side, x.object, x.writes) for x in two.step.writes]
    assert again == [(x.side, x.object, x.writes) for x in left]


@given(objects, values, values)
def test_a_record_that_is_held_writes_nothing_and_keeps_what_was_agreed(
    object: str, ours: Mapping[str, str | None], theirs: Mapping[str, str | None]
) -> None:
    agreed = base_of(object, {"phone": ("a", "a")})
    gone = replace(theirs_of(object, theirs), deleted=True)
    one = decided(case_of(ours_of(ours), gone, agreed))
    assert one.step.row.plan == "held" and not one.step.writes and one.step.row.agreed == agreed


@given(values, values, later)
def test_a_write_goes_to_the_end_of_the_route_and_to_our_record_only(
    ours: Mapping[str, str | None], theirs: Mapping[str, str | None], at: int
) -> None:
    contact = theirs_of("Contact", theirs)
    lead = replace(theirs_of("Lead", theirs), converted=True, contact_id=contact.id)
    case = case_of(ours_of(ours, at), lead, base_of("Lead", {"phone": ("a", "a")}))
    case = replace(case, records={("Lead", lead.id): lead, ("Contact", contact.id): contact})
    one = decided(case)
    assert one.step.row.plan == "contact"
    assert {(x.object, x.object_id) for x in one.step.writes} <= {("record", "1"), ("Contact", contact.id)}
