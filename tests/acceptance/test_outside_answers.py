"""One object on stdout also for errors, wrong names said, and the environment beats the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from outside import Outside


@pytest.mark.parametrize(
    "words", [("run", "--bogus"), ("leads", "retry"), ("run", "--at", "2026-11-02T09:00:00Z"), ("explain",)]
)
def test_a_wrongly_typed_command_is_an_object_too(outside: Outside, words: tuple[str, ...]) -> None:
    code, said, error = outside(*words)
    assert code == 2
    assert said["error"]["exit"] == 2
    assert said["error"]["message"]
    assert error


def test_an_unknown_name_in_the_environment_is_refused_with_the_nearest(outside: Outside) -> None:
    code, said, _ = outside("run", ALLOCATOR__LEAS_SECONDS="30")
    assert code == 7
    assert "Did you mean ALLOCATOR__LEASE_SECONDS" in said["error"]["message"]


def test_a_secret_file_of_the_environment_beats_the_secret_of_the_file(outside: Outside) -> None:
    text = outside.config.read_text().replace(
        'client_secret_file = "client_secret"', 'client_secret = "outdated"'
    )
    outside.config.write_text(text)
    right = str(outside.config.parent / "client_secret")
    assert outside("run", "--dry-run")[0] == 5
    assert outside("run", "--dry-run", ALLOCATOR__SALESFORCE__CLIENT_SECRET_FILE=right)[0] == 4


def test_a_mapped_field_that_the_org_lacks_is_left_out_and_said(outside: Outside) -> None:
    outside.config.write_text(outside.config.read_text() + '\n[facts]\nproduct = ["Nope__c", "Industry"]\n')
    code, made, _ = outside("run", "--dry-run")
    assert code == 4
    assert made["notes"] == ["salesforce has no field Nope__c that we can read: fact product goes without it"]


def test_init_refuses_a_workbook_that_is_not_there(outside: Outside, tmp_path: Path) -> None:
    code, said, _ = outside.call(
        "init", "other", "--salesforce-url", outside.info["url"], "--client-id", "x", "--client-secret", "y",
        "--queue", "Q", "--workbook", "nothing.xlsx", "--json",
    )  # fmt: skip
    assert (code, said["error"]["kind"]) == (7, "ConfigError")
    assert not (tmp_path / "other").exists()


def test_an_older_workbook_put_back_on_this_machine_is_used_again(outside: Outside) -> None:
    """Also when the fixed clock of the earlier runs was ahead of the file's time."""
    book, future = outside.config.parent / "routing_tables.xlsx", "2090-01-02T09:00:00Z"
    first = book.read_bytes()
    _, before, _ = outside("run", ALLOCATOR_NOW=future)
    _change_a_note(book)
    _, changed, _ = outside("run", ALLOCATOR_NOW=future)
    book.write_bytes(first)
    _, again, _ = outside("run", ALLOCATOR_NOW=future)
    assert changed["tables_version"] != before["tables_version"] == again["tables_version"]
    assert again["notes"] == []


def test_a_check_finds_a_team_queue_that_is_an_intake_queue(outside: Outside) -> None:
    both = '["Inbound Leads", "Review desk"]'
    code, said, _ = outside("tables", "check", ALLOCATOR__SALESFORCE__INTAKE=both)
    assert (code, said["ok"]) == (3, False)
    assert "Partner desk" in said["problems"][0]["message"]


def test_a_check_needs_no_crm(outside: Outside) -> None:
    code, said, error = outside("tables", "check", ALLOCATOR__SALESFORCE__URL="http://127.0.0.1:9")
    assert (code, said["ok"]) == (0, True)
    assert "could not be asked" in error


def _change_a_note(book: Path) -> None:
    import openpyxl

    workbook = openpyxl.load_workbook(book)
    workbook["Team"]["P2"] = "another note"
    workbook.save(book)
