"""A long outage, and edits of both sides between two runs."""

from __future__ import annotations

from synced_org import SyncedOrg


def test_after_forty_days_everything_is_looked_at_and_nothing_is_lost(alone: SyncedOrg) -> None:
    """The recycle bin was emptied twice meanwhile; no search for changes tells of what was in it."""
    org = alone
    people = org.linked(12)
    (
        both_sides, same, converted, then_edited, purged, undeleted,
        merged, contact_gone, archived, quiet, into, late,
    ) = people  # fmt: skip
    leads = {person: person.lead for person in people}
    free = org.typed("Lead", LastName="Typed", Company="Typed Ltd", OwnerId=org.user("Vera Voss"))
    org.later(hours=24)
    purged.edit_ours(phone="200")
    org.act("delete", leads[purged])
    org.act("delete", leads[undeleted])
    org.act("merge", free, others=[leads[merged]])
    gone = contact_gone.convert()
    org.act("delete", gone)
    org.later(hours=24 * 5)
    org.act("undelete", leads[undeleted])
    both_sides.edit_ours(phone="200")
    both_sides.edit(leads[both_sides], Title="Chief")
    same.edit_ours(phone="200")
    contact = converted.convert()
    person_contact = then_edited.convert()
    then_edited.edit(person_contact, Phone="300")
    org.later(hours=24 * 20)
    same.edit(leads[same], Phone="300")
    converted.edit_ours(phone="200")
    then_edited.edit_ours(city="Rome")
    merged.edit_ours(phone="200")
    undeleted.edit_ours(phone="200")
    contact_gone.edit_ours(phone="200")
    org.hubspot("archive", id=archived.record)
    org.hubspot("merge", id=into.record, others=[late.record])
    fresh = org.new()
    org.later(hours=24 * 14)
    org.purge(leads[purged])
    org.purge(gone)
    count = len(org.records("Lead"))

    made = org.next_run()
    assert made["sync"]["hubspot"]["looked_at"] >= 12, (
        "all linked records, not only those that a search shows"
    )
    org.rests()
    assert len(org.records("Lead")) == count + 1
    assert fresh.plan() == ("lead", "")
    row = both_sides.row(leads[both_sides])
    assert (row["Phone"], both_sides.ours["jobtitle"]) == ("200", "Chief")
    assert (same.ours["phone"], same.row(leads[same])["Phone"]) == ("300", "300")
    assert "200" in str(same.told("conflict"))
    assert converted.row(contact)["Phone"] == "200"
    assert converted.row(leads[converted])["Phone"] == "100"
    assert (then_edited.ours["phone"], then_edited.row(person_contact)["MailingCity"]) == ("300", "Rome")
    assert purged.plan() == ("held", "deleted")
    assert undeleted.row(leads[undeleted])["Phone"] == "200"
    assert merged.states() == {leads[merged]: "merged", free: "live"}
    assert merged.row(free)["Phone"] == "200"
    assert contact_gone.plan() == ("held", "contact_missing")
    assert archived.plan() == ("held", "deleted")
    assert archived.row(leads[archived])["IsDeleted"] is False
    assert into.states() == {leads[into]: "live"}
    assert late.plan() == ("held", "merged")
    assert quiet.plan() == ("lead", "")


def test_edits_of_both_sides_between_two_runs(both: SyncedOrg) -> None:
    apart, ours_last, theirs_last, alike, of_two = both.linked(5)
    apart.edit_ours(phone="200")
    apart.edit(apart.lead, Title="Chief")
    theirs_last.edit_ours(phone="200")
    ours_last.edit(ours_last.lead, Phone="300")
    alike.edit_ours(phone="200")
    alike.edit(alike.lead, Phone="200")
    of_two.edit_ours(phone="200", jobtitle="Head")
    both.later(minutes=5)
    theirs_last.edit(theirs_last.lead, Phone="300")
    ours_last.edit_ours(phone="200")
    of_two.edit(of_two.lead, Title="Chief")
    both.later(minutes=5)
    of_two.edit_ours(city="Rome")
    before = both.asked()
    both.next_run()
    both.rests()
    row = apart.row(apart.lead)
    assert (row["Phone"], row["Title"], apart.ours["jobtitle"]) == ("200", "Chief", "Chief")
    assert apart.told("conflict") == alike.told("conflict") == []
    for person, kept, lost in ((ours_last, "200", "300"), (theirs_last, "300", "200")):
        assert person.ours["phone"] == person.row(person.lead)["Phone"] == kept
        (told,) = person.told("conflict")
        assert lost in str(told["fields"])
    sent = both.writes(before)
    assert [one for one in sent if one[1] in (alike.record, alike.lead)] == []
    assert [one for one in sent if one[1] == apart.record] == [
        ("record", apart.record, {"jobtitle": "Chief"})
    ]
    row, ours = of_two.row(of_two.lead), of_two.ours
    assert (row["Phone"], row["City"]) == ("200", "Rome")
    assert (ours["jobtitle"], row["Title"]) == ("Chief", "Chief"), (
        "the edit of the city did not make HubSpot later"
    )
    (told,) = of_two.told("conflict")
    assert "Head" in str(told["fields"])


def test_a_field_that_goes_back_and_forth_between_two_runs_is_no_change(both: SyncedOrg) -> None:
    (person,) = both.linked(1)
    person.edit_ours(phone="200")
    person.edit_ours(phone="100")
    person.edit(person.lead, Title="Chief")
    person.edit(person.lead, Title="Buyer")
    before = both.asked()
    both.next_run()
    both.rests()
    assert both.writes(before) == []
