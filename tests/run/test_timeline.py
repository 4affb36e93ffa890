"""One timeline for a person, from the marketing record to the Contact."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from rich.console import Console

sys.path.insert(0, str(Path(__file__).parents[1] / "contracts"))

from store_cases import NOW, begin, commit, end, given, planned, settled
from two_systems import NEW, TwoSystems

from allocator.adapters.store.memory import MemoryStore
from allocator.domain.lead import Effect, LeadKey, Record, State
from allocator.domain.plan import Plan
from allocator.domain.records import Link
from allocator.domain.sync.values import SyncEnd, SyncRow, SyncState, SyncStep, SyncWrite
from allocator.entrypoints import console
from allocator.entrypoints.timeline_table import show_timeline
from allocator.service import timeline_words as words
from allocator.service.timeline import WHAT, plan_object, timeline
from rules.conversion import PLAN_REASONS
from rules.field_rules import (
    CONFLICT_REASONS,
    Agreed,
    Conflict,
    FieldProblem,
    Side,
    Write,
    WriteReason,
)

KEY = LeadKey("hubspot", "101")
LEAD, CONTACT = "00Q5g00000LeadAEAA", "0035g00000ContAEAA"
NAMES = {"ana": "Ana Alvarez", "ben": "Ben Bauer"}
HOUR = timedelta(hours=1)


def link(object: str, crm_id: str, state: str, since: datetime) -> Link:
    return Link(KEY, "salesforce", object, crm_id, state, since)


def wrote(field: str, value: str | None, before: str | None, reason: WriteReason = "changed") -> Write:
    return Write(f"{field}/{field}", field, value, before, reason)


class Person:
    """One marketing record in a store; each act is an hour after the last one."""

    def __init__(self) -> None:
        self.store = MemoryStore(now=lambda: self.at)
        self.at = NOW
        self.lease = begin(self.store)
        record = Record(KEY, NOW - HOUR, NOW, "", {"Email": "kim@acme.example"})
        self.store.add_pulled(self.lease, "hubspot", [record], None)

    def created(self) -> None:
        """By a turn, made in the CRM with its owner."""
        plan = planned(self.store, [KEY])
        effect = replace(plan.decided[0], effect=Effect.CREATE)
        commit(self.store, self.lease, replace(plan, decided=(effect,)), self.at)
        self.settle(link=link("Lead", LEAD, "live", self.at))

    def found(self, object: str, crm_id: str) -> None:
        """Somebody in the CRM knows the person: linked, no rule was asked."""
        known = given(KEY, "ana", by="person_match", team=None, trace={"facts": {}, "steps": []})
        commit(self.store, self.lease, Plan((replace(known, effect=Effect.LINK),), {}), self.at)
        self.settle(link=link(object, crm_id, "live", self.at))

    def settle(self, state: State = State.CONFIRMED, **more: Any) -> None:
        self.store.settle(self.lease, [settled(KEY, state, **more)], at=self.at)

    def looked_at(
        self, plan: str = "lead", *links: Link, conflicts: Sequence[Conflict] = (), **row: Any
    ) -> None:
        step = SyncStep(SyncRow(KEY, plan, self.at, self.at, **row), links=links, conflicts=tuple(conflicts))
        self.store.commit_sync(self.lease, [step], at=self.at)

    def write(
        self, side: Side, object: str, id: str, *writes: Write, end: SyncState = SyncState.DONE, **more: Any
    ) -> None:
        mine = {k: more.pop(k) for k in ("rerouted",) if k in more}
        one = SyncWrite(
            KEY, side, object, id, writes, {w.rule: Agreed(w.value, w.value) for w in writes}, **mine
        )
        row = SyncRow(KEY, "lead", self.at, self.at)
        (made,) = self.store.commit_sync(self.lease, [SyncStep(row, (one,))], at=self.at)
        if end is not SyncState.PENDING or more.get("attempts"):
            self.store.attempt_sync(self.lease, [made.id])
        if end is not SyncState.PENDING:
            over = SyncEnd(made.id, KEY, end, more.get("detail", ""))
            self.store.settle_sync(self.lease, [over], at=self.at)

    def later(self, **span: int) -> None:
        """Another run, an hour later."""
        end(self.store, self.lease)
        self.at += timedelta(**(span or {"hours": 1}))
        self.lease = begin(self.store, at=self.at)

    def told(self) -> list[dict[str, Any]]:
        return timeline(self.store, self.store.leads([KEY])[0], NAMES)

    def what(self) -> list[str]:
        return [entry["what"] for entry in self.told()]


@pytest.fixture
def person() -> Person:
    return Person()


def test_a_person_is_followed_from_the_marketing_record_to_the_contact(person: Person) -> None:
    person.created()
    person.write("ours", "record", "101", wrote("crm_lead_id", LEAD, None))
    person.later()
    person.write("theirs", "Lead", LEAD, wrote("Phone", "+49 30 1", "+49 30 0"))
    person.later()
    person.looked_at(
        "contact", link("Lead", LEAD, "converted", person.at), link("Contact", CONTACT, "live", person.at)
    )
    person.write("theirs", "Contact", CONTACT, wrote("Phone", "+49 30 2", "+49 30 1"))
    assert [(e["what"], e["side"], e["object"], e["id"], e["run"]) for e in person.told()] == [
        ("arrived", "marketing", "", "101", None),
        ("pulled", "marketing", "", "101", 1),
        ("decided", "", "", "", 1),
        ("created", "crm", "Lead", LEAD, None),
        ("wrote", "marketing", "record", "101", 1),
        ("wrote", "crm", "Lead", LEAD, 2),
        ("converted", "crm", "Lead", LEAD, None),
        ("switched", "crm", "Contact", CONTACT, None),
        ("wrote", "crm", "Contact", CONTACT, 3),
    ]
    assert [e["at"] for e in person.told()] == sorted(e["at"] for e in person.told())
    said = {e["what"]: e["why"] for e in person.told()}
    assert said["decided"].startswith("to Ben Bauer: turn 1 of Enterprise")
    assert said["switched"] == "writes go to this Contact from now on"


def test_each_field_says_what_it_was_what_it_is_and_why(person: Person) -> None:
    person.created()
    person.write(
        "theirs", "Lead", LEAD, wrote("Phone", "2", "1"), wrote("Title", "CEO", None, "filled"),
        wrote("City", None, "Kiel", "later"),
    )  # fmt: skip
    (entry,) = [e for e in person.told() if e["what"] == "wrote"]
    assert entry["fields"] == [
        {"field": "Phone", "before": "1", "after": "2", "because": "it changed in hubspot"},
        {"field": "Title", "before": None, "after": "CEO",
         "because": "it was empty here, and hubspot has a value"},
        {"field": "City", "before": "Kiel", "after": None,
         "because": "both sides changed it, and hubspot did so later"},
    ]  # fmt: skip


def test_a_pulled_field_names_the_crm_as_its_reason(person: Person) -> None:
    person.created()
    person.write("ours", "record", "101", wrote("phone", "2", "1"))
    assert person.told()[-1]["fields"][0]["because"] == "it changed in the CRM"


def test_what_is_written_back_and_the_external_id_have_words_of_their_own(person: Person) -> None:
    person.created()
    told = Write("@status", "crm_status", "Working", None, "filled")
    mine = Write("@external_id", "Marketing_Id__c", "hubspot:101", None, "filled")
    person.write("ours", "record", "101", told)
    person.write("theirs", "Lead", LEAD, mine)
    assert [e["fields"][0]["because"] for e in person.told() if e["what"] == "wrote"] == [
        "the CRM says so, and the marketing record is told", "it says which marketing record this is",
    ]  # fmt: skip


def test_a_conflict_shows_the_value_that_lost(person: Person) -> None:
    person.created()
    lost = Conflict(str(KEY), "phone/Phone", "Phone", "ours", "+49 2", "+49 1", "later", NOW, NOW)
    person.looked_at(conflicts=[lost])
    (entry,) = [e for e in person.told() if e["what"] == "conflict"]
    assert (entry["side"], entry["run"], entry["why"]) == ("crm", 1, "hubspot won")
    assert entry["fields"] == [
        {"field": "Phone", "before": "+49 1", "after": "+49 2",
         "because": "both sides changed it, and hubspot did so later"}
    ]  # fmt: skip


def test_a_held_plan_says_what_its_reason_means_and_what_to_do(person: Person) -> None:
    person.created()
    person.looked_at("held", link("Lead", LEAD, "deleted", person.at), reason="deleted", detail=LEAD)
    assert person.what()[-2:] == ["deleted", "plan held"]
    why = person.told()[-1]["why"]
    assert why == (
        "deleted: the record is in the recycle bin, purged or hidden; it is not created again: "
        f"{LEAD}. To do: undelete it, or remove the link"
    )
    shown = plan_object(person.store, KEY)
    assert shown is not None
    assert (shown["plan"], shown["reason"], shown["fix"]) == (
        "held", "deleted", "undelete it, or remove the link",
    )  # fmt: skip


def test_a_field_that_cannot_be_carried_over_stands_in_the_timeline_until_it_is_mended(
    person: Person,
) -> None:
    person.created()
    problem = FieldProblem(
        str(KEY), "size/Size", "Size", "ours", "unreadable", "ten", "is not a number.", "Fix it"
    )
    person.looked_at(problems=(problem,))
    last = person.told()[-1]
    assert (last["what"], last["fields"][0]["field"], last["fields"][0]["before"]) == (
        "problem",
        "Size",
        "ten",
    )
    assert plan_object(person.store, KEY)["problems"][0]["code"] == "unreadable"  # type: ignore[index]
    person.later()
    person.looked_at()
    assert "problem" not in person.what()


@pytest.mark.parametrize(
    ("state", "more", "what", "said"),
    [
        (SyncState.REFUSED, {"detail": "STRING_TOO_LONG"}, "refused", "said no (STRING_TOO_LONG)"),
        (SyncState.DROPPED, {}, "dropped", "the record was looked at anew"),
        (SyncState.PENDING, {}, "to write", ""),
        (SyncState.PENDING, {"attempts": 1}, "to write", "no answer came: the next run reads"),
        (SyncState.DONE, {"rerouted": True}, "wrote", "converted between the read and the write"),
    ],
)
def test_what_became_of_a_write_is_told(
    person: Person, state: SyncState, more: dict[str, Any], what: str, said: str
) -> None:
    person.created()
    person.write("theirs", "Lead", LEAD, wrote("Phone", "2", "1"), end=state, **more)
    last = person.told()[-1]
    assert last["what"] == what
    assert said in last["why"]


def test_a_person_who_was_in_the_crm_already_is_linked_and_not_created(person: Person) -> None:
    person.found("Lead", LEAD)
    assert person.what() == ["arrived", "pulled", "decided", "linked"]
    assert person.told()[-2]["why"] == "to Ana Alvarez by person_match"
    assert person.told()[-1]["why"] == "the person was in the CRM already"


def test_a_merge_and_the_winner_stand_next_to_each_other(person: Person) -> None:
    person.created()
    person.later()
    winner = "00Q5g00000LeadBEAA"
    person.looked_at("lead", link("Lead", LEAD, "merged", person.at), link("Lead", winner, "live", person.at))
    assert [(e["what"], e["id"]) for e in person.told()[-2:]] == [("merged", LEAD), ("switched", winner)]
    assert ("created", LEAD) in [(e["what"], e["id"]) for e in person.told()]


def test_an_undeleted_lead_is_linked_again_later(person: Person) -> None:
    person.created()
    person.later()
    person.looked_at("held", link("Lead", LEAD, "deleted", person.at), reason="deleted")
    person.later()
    person.looked_at("lead", link("Lead", LEAD, "live", person.at))
    assert person.what() == ["arrived", "pulled", "decided", "created", "linked"]
    assert person.told()[-1]["at"] == person.at.isoformat()


def test_a_lead_that_nobody_gets_says_why_and_one_that_waits_only_that_it_came(person: Person) -> None:
    assert person.what() == ["arrived"]
    nobody = given(
        KEY, None, owner=None, by=None, state=State.HELD, reason="incomplete", detail="lacks Company"
    )
    commit(person.store, person.lease, Plan((nobody,), {}))
    assert person.told()[-1]["what"] == "held"
    assert person.told()[-1]["why"] == "incomplete: lacks Company"


def test_a_lead_that_left_the_intake_before_it_was_decided_says_so(person: Person) -> None:
    person.settle(State.TAKEN, epoch=0, detail="left the intake of hubspot")
    assert person.what() == ["arrived", "taken"]
    assert person.told()[-1]["why"] == "left the intake of hubspot"


def test_a_held_lead_that_is_deleted_is_closed(person: Person) -> None:
    nobody = given(KEY, None, owner=None, by=None, state=State.HELD, reason="incomplete", detail="Company")
    commit(person.store, person.lease, Plan((nobody,), {}))
    person.later()
    person.settle(State.CLOSED, reason="deleted", detail="gone from hubspot")
    last = person.told()[-1]
    assert (last["what"], last["why"]) == ("closed", "it was deleted: gone from hubspot")
    assert last["at"] == person.at.isoformat()


def test_a_lead_that_somebody_took_says_so_with_the_turn_given_back(person: Person) -> None:
    commit(person.store, person.lease, planned(person.store, [KEY]))
    person.settle(State.TAKEN, detail="left the intake of hubspot", give_back=True)
    assert person.what()[-2:] == ["decided", "taken"]
    assert person.told()[-2]["why"].endswith("turn 1 of Enterprise, given back")


def test_the_terminal_shows_texts_of_leads_without_markup_or_control_characters(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.created()
    evil = "[bold red]You[/] won\x1b[2J\n" + "x" * 200
    person.write("theirs", "Lead", LEAD, wrote("Company", evil, "[/]"))
    told = {"plan": plan_object(person.store, KEY), "timeline": person.told()}
    with console.out.capture() as printed:
        show_timeline(told)
    text = printed.get()
    assert "\x1b[2J" not in text
    assert "[bold red]You[/] won" in text and '"[/]" -> ' in text
    assert "x" * 50 not in text


def test_a_field_that_needs_more_lines_stays_under_its_first_at_80_columns(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    person.created()
    person.write("theirs", "Lead", LEAD, wrote("Company", "Analytical Engines of London", "Babbage and Sons"))
    monkeypatch.setattr(console, "out", Console(width=80, highlight=False))
    with console.out.capture() as printed:
        show_timeline({"timeline": person.told()})
    lines = printed.get().splitlines()
    first = next(n for n, line in enumerate(lines) if "Company" in line)
    column = lines[first].index("Company")
    more = [line for line in lines[first + 1 :] if line.strip()]
    assert more and all(line[:column].isspace() and not line[column].isspace() for line in more)
    assert max(map(len, lines)) <= 80


def test_a_record_arrived_before_it_was_decided_whatever_its_clock_says(person: Person) -> None:
    late = Record(KEY, NOW + HOUR, NOW + HOUR, "", {"Email": "kim@acme.example"})
    person.store.add_pulled(person.lease, "hubspot", [late], None)
    person.created()
    told = person.told()
    assert [entry["what"] for entry in told][:3] == ["arrived", "pulled", "decided"]
    assert told[0]["at"] <= told[1]["at"] <= told[2]["at"]


def test_every_word_of_the_timeline_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/command-line.md").read_text(encoding="utf-8")
    table = page.partition("<!-- timeline -->")[2].partition("<!-- /timeline -->")[0]
    first = [line.split("|")[1] for line in table.splitlines()[2:]]
    assert tuple(re.findall("`([^`]+)`", " ".join(first))) == WHAT


def test_every_reason_has_words() -> None:
    assert set(words._WRITTEN) == set(get_args(WriteReason))
    assert set(words._LOST) == set(CONFLICT_REASONS)
    assert all(all(words.plan_reason(reason)) for reason in PLAN_REASONS)
    assert words.plan_reason("no such reason") == ("", "")


def test_every_entry_is_of_the_closed_list(person: Person) -> None:
    person.created()
    person.looked_at("contact", link("Lead", LEAD, "converted", person.at))
    assert set(person.what()) <= set(WHAT)


# --- through both sandboxes


@pytest.fixture
def systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSystems]:
    made = TwoSystems(tmp_path, monkeypatch)
    yield made
    made.close()


def test_a_conflict_and_a_delete_are_told_as_they_happened(systems: TwoSystems) -> None:
    record = systems.hubspot("add", properties=NEW)["id"]
    systems.next_run()
    lead = systems.only("Lead")["Id"]
    systems.control("POST", "edit", {"record": lead, "fields": {"Phone": "+49 1"}})
    systems.later(minutes=10)
    systems.hubspot("edit", id=record, properties={"phone": "+49 2"})
    systems.next_run()
    systems.control("POST", "delete", {"record": lead})
    systems.next_run()
    told = systems.explain(lead)
    assert told["lead"] == f"hubspot:{record}"
    assert [e["what"] for e in told["timeline"]] == [
        "arrived", "pulled", "decided", "created", "wrote", "conflict", "wrote", "deleted", "plan held",
    ]  # fmt: skip
    conflict, wrote = told["timeline"][5:7]
    (lost,), (field,) = conflict["fields"], wrote["fields"]
    assert (lost["field"], lost["before"], lost["after"]) == ("Phone", "+49 1", "+49 2")
    assert (field["before"], field["after"]) == ("+49 1", "+49 2")
    assert field["because"] == "both sides changed it, and hubspot did so later"
    assert (told["plan"]["plan"], told["plan"]["reason"]) == ("held", "deleted")
    assert systems.contact_of(record)["phone"] == "+49 2"
