"""The plans for a CRM where a person is a Contact who may have many Leads at a time: Dynamics 365.

Facts: protocols.md sections 3.3 (Lead table), 3.4 (QualifyLead) and 5 (marketing-only Contacts).
"""

from __future__ import annotations

from rules.plans.profile import FLAG, FOUND, Fact, Profile, hold, nothing_found, write

STATECODE = {**FLAG, "2": "disqualified"}
"""0 open: not converted. 1 qualified: converted. 2 disqualified: read-only until it is reactivated."""

FACTS = (
    Fact("found", "by the link, the alternate key or the e-mail", FOUND),
    Fact("deleted", "lead: 404, or a deleted row of change tracking", FLAG),
    Fact("master_id", "masterid, followed to the end", None),
    Fact("converted", "lead.statecode: 0 no, 1 yes, 2 disqualified", STATECODE),
    Fact("lead_id", "lead.leadid of every Lead of the person", None),
    Fact("contact_id", "lead._parentcontactid_value, or contactid where no Lead was found", None),
    Fact("contact_deleted", "contact: 404, or a deleted row of change tracking", FLAG),
    Fact("marketing_only", "contact.marketingonly", FLAG),
)

LEAD = {"found": "lead"}
THERE = {**LEAD, "deleted": "no", "master_id": "none"}
ONE = {**THERE, "lead_id": "one"}
SEVERAL = {**THERE, "lead_id": "several"}
OPEN = {**ONE, "converted": "no"}
QUALIFIED = {**ONE, "converted": "yes"}
DISQUALIFIED = {**ONE, "converted": "disqualified"}
CONTACT = {"found": "contact"}
CONTACT_THERE = {**CONTACT, "contact_deleted": "no", "master_id": "none"}
LINKED = {"contact_id": "one", "contact_deleted": "no"}
LOST = {"contact_id": "one", "contact_deleted": "yes"}

ROWS = (
    # --- one Lead of the person
    write(
        "lead",
        "the Lead in leadid",
        "The Lead is open, and no Contact is linked yet.",
        **OPEN,
        contact_id="none",
    ),
    write(
        "lead",
        "the Lead in leadid",
        "The Lead is open, and its Contact is there for marketing only: sales works on the Lead.",
        **OPEN,
        **LINKED,
        marketing_only="yes",
    ),
    write(
        "lead",
        "the Lead in leadid",
        "The Lead is open, and the Contact that was linked is gone.",
        **OPEN,
        **LOST,
    ),
    write(
        "contact",
        "the Contact in _parentcontactid_value, and its Account",
        "The Lead is open, and its person is already a Contact of sales.",
        **OPEN,
        **LINKED,
        marketing_only="no",
    ),
    write(
        "contact",
        "the Contact in _parentcontactid_value, and its Account",
        "The Lead is qualified, which makes it read-only: the Contact is written.",
        **QUALIFIED,
        **LINKED,
    ),
    write(
        "contact",
        "the Contact in _parentcontactid_value, and its Account",
        "The Lead is disqualified, which makes it read-only; its Contact is still the person.",
        **DISQUALIFIED,
        **LINKED,
    ),
    hold("contact_missing", "The Lead was qualified without a Contact.", **QUALIFIED, contact_id="none"),
    hold("contact_missing", "The Lead is qualified, and its Contact was deleted since.", **QUALIFIED, **LOST),
    hold("disqualified", "The Lead is disqualified and has no Contact.", **DISQUALIFIED, contact_id="none"),
    hold(
        "disqualified", "The Lead is disqualified, and its Contact was deleted since.", **DISQUALIFIED, **LOST
    ),
    hold(
        "unreadable",
        "It is not known whether the Lead is open; that is never taken for yes.",
        **ONE,
        converted="unread",
        contact_id="none|one",
    ),
    hold(
        "unreadable",
        "It is not known whether the Contact is deleted.",
        **ONE,
        converted="no|yes|disqualified",
        contact_id="one",
        contact_deleted="unread",
    ),
    hold(
        "unreadable",
        "It is not known whether the Contact is there for marketing only.",
        **OPEN,
        **LINKED,
        marketing_only="unread",
    ),
    # --- several Leads of one person
    write(
        "contact",
        "the Contact in _parentcontactid_value, and its Account",
        "The person has several Leads, whatever their states, and one Contact: that is the person.",
        **SEVERAL,
        **LINKED,
    ),
    hold("ambiguous_match", "Several Leads answer to it, and no Contact.", **SEVERAL, contact_id="none"),
    hold("contact_missing", "Several Leads share a Contact that was deleted.", **SEVERAL, **LOST),
    hold(
        "unreadable",
        "It is not known whether the Contact of several Leads is deleted.",
        **SEVERAL,
        contact_id="one",
        contact_deleted="unread",
    ),
    # --- Leads that cannot be written, whatever else is known
    hold(
        "ambiguous_match",
        "Several Contacts answer to it.",
        **THERE,
        lead_id="one|several",
        contact_id="several",
    ),
    hold("unreadable", "The Lead has no id.", **THERE, lead_id="none"),
    hold("deleted", "The Lead was deleted.", **LEAD, deleted="yes", master_id="none"),
    hold("merged", "The Lead lost a merge.", **LEAD, deleted="no|yes", master_id="one"),
    hold(
        "merged_into_several",
        "The Lead lost merges to different winners.",
        **LEAD,
        deleted="no|yes",
        master_id="several",
    ),
    hold("unreadable", "It is not known whether the Lead is deleted.", **LEAD, deleted="unread"),
    # --- no Lead, but a Contact was found
    write(
        "contact",
        "the Contact in contactid, and its Account",
        "The person is a Contact without a Lead, be it for marketing only.",
        **CONTACT_THERE,
        contact_id="one",
    ),
    hold("contact_missing", "The Contact was deleted.", **CONTACT, contact_deleted="yes", master_id="none"),
    hold("merged", "The Contact lost a merge.", **CONTACT, contact_deleted="no|yes", master_id="one"),
    hold(
        "merged_into_several",
        "The Contact lost merges to different winners.",
        **CONTACT,
        contact_deleted="no|yes",
        master_id="several",
    ),
    hold(
        "ambiguous_match",
        "Several Contacts answer to it, and no Lead.",
        **CONTACT_THERE,
        contact_id="several",
    ),
    hold(
        "unreadable", "It is not known whether the Contact is deleted.", **CONTACT, contact_deleted="unread"
    ),
    hold("unreadable", "The Contact has no id.", **CONTACT_THERE, contact_id="none"),
    # --- nothing was found
    *nothing_found("a new Lead, by upsert on the alternate key"),
)

CONTACT_WITH_LEADS = Profile(
    name="contact-with-leads",
    crm="Dynamics 365",
    about="A person is a Contact who may have many Leads; the Contact exists while a Lead is still open.",
    facts=FACTS,
    rows=ROWS,
)
