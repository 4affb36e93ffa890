"""The plans for a CRM where a person is a Lead and, once that is converted, a Contact: Salesforce.

Facts: protocols.md sections 2.3 (conversion) and 2.5 (deletion, merges).
"""

from __future__ import annotations

from rules.plans.profile import FLAG, FOUND, Fact, Profile, hold, nothing_found, write

FACTS = (
    Fact("found", "by the link, the external id or the e-mail", FOUND),
    Fact("deleted", "Lead.IsDeleted", FLAG),
    Fact("master_id", "MasterRecordId, followed to the end", None),
    Fact("person_account", "Contact.IsPersonAccount; no where the org has no such field", FLAG),
    Fact("converted", "Lead.IsConverted", FLAG),
    Fact("lead_id", "Lead.Id", None),
    Fact("contact_id", "Lead.ConvertedContactId, or Contact.Id where no Lead was found", None),
    Fact("contact_deleted", "Contact.IsDeleted", FLAG),
)

LEAD = {"found": "lead"}
THERE = {**LEAD, "deleted": "no", "master_id": "none"}
OPEN = {**THERE, "person_account": "no", "converted": "no"}
CONVERTED = {**THERE, "person_account": "no", "converted": "yes"}
CONTACT = {"found": "contact"}
CONTACT_THERE = {**CONTACT, "contact_deleted": "no", "master_id": "none"}

ROWS = (
    # --- a Lead was found
    write(
        "lead",
        "the Lead in Lead.Id",
        "The Lead is open, and is the only record of the person.",
        **OPEN,
        lead_id="one",
        contact_id="none",
    ),
    write(
        "contact",
        "the Contact in Lead.ConvertedContactId, and its Account",
        "The Lead is converted: the Contact it became is written, the dead Lead never.",
        **CONVERTED,
        contact_id="one",
        contact_deleted="no",
    ),
    hold("deleted", "The Lead is in the recycle bin.", **LEAD, deleted="yes", master_id="none"),
    hold("merged", "The Lead lost a merge.", **LEAD, deleted="yes", master_id="one"),
    hold(
        "merged_into_several",
        "The Lead lost merges to different winners.",
        **LEAD,
        deleted="yes",
        master_id="several",
    ),
    hold(
        "contact_missing",
        "The Lead is converted and names no Contact, or none that we may see.",
        **CONVERTED,
        contact_id="none",
    ),
    hold(
        "contact_missing",
        "The Lead is converted, and its Contact was deleted since.",
        **CONVERTED,
        contact_id="one",
        contact_deleted="yes",
    ),
    hold("ambiguous_match", "Several Contacts answer to it.", **CONVERTED, contact_id="several"),
    hold("ambiguous_match", "A Lead and several Contacts answer to it.", **OPEN, contact_id="several"),
    hold("ambiguous_match", "Several open Leads answer to it.", **OPEN, lead_id="several", contact_id="none"),
    hold(
        "person_account", "The person is, or would become, a person account.", **THERE, person_account="yes"
    ),
    hold("unreadable", "It is not known whether the Lead is deleted.", **LEAD, deleted="unread"),
    hold(
        "unreadable",
        "The Lead names the winner of a merge and is not deleted.",
        **LEAD,
        deleted="no",
        master_id="one|several",
    ),
    hold(
        "unreadable",
        "It is not known whether this is a person account.",
        **THERE,
        person_account="unread",
    ),
    hold(
        "unreadable",
        "It is not known whether the Lead is converted; that is never taken for no.",
        **THERE,
        person_account="no",
        converted="unread",
    ),
    hold(
        "unreadable",
        "It is not known whether the Contact is deleted.",
        **CONVERTED,
        contact_id="one",
        contact_deleted="unread",
    ),
    hold("unreadable", "The Lead is not converted and names a Contact.", **OPEN, contact_id="one"),
    hold("unreadable", "The Lead has no id.", **OPEN, lead_id="none", contact_id="none"),
    # --- no Lead, but a Contact was found
    write(
        "contact",
        "the Contact in Contact.Id, and its Account",
        "The person is a Contact already and never was a Lead of ours.",
        **CONTACT_THERE,
        person_account="no",
        contact_id="one",
    ),
    hold("contact_missing", "The Contact was deleted.", **CONTACT, contact_deleted="yes", master_id="none"),
    hold("merged", "The Contact lost a merge.", **CONTACT, contact_deleted="yes", master_id="one"),
    hold(
        "merged_into_several",
        "The Contact lost merges to different winners.",
        **CONTACT,
        contact_deleted="yes",
        master_id="several",
    ),
    hold(
        "ambiguous_match",
        "Several Contacts answer to it, and no Lead.",
        **CONTACT_THERE,
        person_account="no",
        contact_id="several",
    ),
    hold("person_account", "The Contact is a person account.", **CONTACT_THERE, person_account="yes"),
    hold(
        "unreadable", "It is not known whether the Contact is deleted.", **CONTACT, contact_deleted="unread"
    ),
    hold(
        "unreadable",
        "The Contact names the winner of a merge and is not deleted.",
        **CONTACT,
        contact_deleted="no",
        master_id="one|several",
    ),
    hold(
        "unreadable",
        "It is not known whether the Contact is a person account.",
        **CONTACT_THERE,
        person_account="unread",
    ),
    hold("unreadable", "The Contact has no id.", **CONTACT_THERE, person_account="no", contact_id="none"),
    # --- nothing was found
    *nothing_found("a new Lead, by upsert on the external id"),
)

LEAD_OR_CONTACT = Profile(
    name="lead-or-contact",
    crm="Salesforce",
    about="A person is a Lead, and once that is converted a Contact with an Account.",
    facts=FACTS,
    rows=ROWS,
)
