"""What `allocator run` says of a marketing system, in words."""

from allocator.entrypoints.commands.run import sync_words

NOTHING = dict.fromkeys(("looked_at", "to_crm", "to_marketing", "created", "linked", "made", "switched"), 0)


def test_only_what_was_done_is_told_and_names_the_system_that_was_written() -> None:
    counts = {**NOTHING, "looked_at": 3, "to_crm": 1, "to_marketing": 2, "created": 2}
    assert sync_words("hubspot", counts, failed=False) == [
        "Leads created 2", "written to the CRM 1", "written to hubspot 2", "looked at 3",
    ]  # fmt: skip


def test_a_system_that_had_nothing_new_says_so() -> None:
    assert sync_words("drop", NOTHING, failed=False) == ["nothing to do"]


def test_a_system_that_could_not_be_used_is_never_said_to_have_had_nothing_to_do() -> None:
    assert sync_words("hubspot", NOTHING, failed=True) == ["not all was done, see the note"]
