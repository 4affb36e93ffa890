"""What the sync holds, and what it wrote over, is said by the run and by two commands."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from two_systems import NEW, TwoSystems

from allocator.entrypoints import cli


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwoSystems]:
    made = TwoSystems(tmp_path, monkeypatch)
    yield made
    made.close()


def said(org: TwoSystems, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    cli._run([*words, "--config", str(org.config)])
    return capsys.readouterr().out


def test_a_held_record_and_a_lost_value_are_named_by_the_run_and_listed_with_what_to_do(
    org: TwoSystems, capsys: pytest.CaptureFixture[str]
) -> None:
    assert org("links", "held")[1]["held"] == org("links", "conflicts")[1]["conflicts"] == []
    record = org.hubspot("add", properties=NEW)["id"]
    org.later(minutes=10)
    org.next_run()
    lead = org.only("Lead")["Id"]
    org.hubspot("edit", id=record, properties={"jobtitle": "[red]Buyer[/red]"})
    org.later(minutes=1)
    org.touch(lead, Title="Head [bold]of it")
    org.later(minutes=10)
    fought = org.next_run()
    (note,) = [note for note in fought["notes"] if "conflict" in note]
    assert f"hubspot:{record} " in note
    assert "allocator links conflicts" in note
    assert "Buyer" not in note, "no text of a lead in a note"

    (conflict,) = org("links", "conflicts")[1]["conflicts"]
    assert (conflict["record"], conflict["kept"], conflict["lost"]) == (
        f"hubspot:{record}", "Head [bold]of it", "[red]Buyer[/red]",
    )  # fmt: skip
    assert conflict["why"]
    text = said(org, capsys, "links", "conflicts")
    assert '"Head [bold]of it" kept, "[red]Buyer[/red]" lost' in text

    org.put("Lead", {"Id": lead, "IsDeleted": True})
    org.hubspot("edit", id=record, properties={"jobtitle": "CEO"})
    org.later(minutes=10)
    made = org.next_run()
    assert made["sync"]["hubspot"]["held"] == 1
    (note,) = [note for note in made["notes"] if "held" in note]
    assert note == f"hubspot: 1 linked record is held: hubspot:{record} (deleted): allocator links held"
    (held,) = org("links", "held")[1]["held"]
    assert (held["record"], held["reason"]) == (f"hubspot:{record}", "deleted")
    assert held["meaning"].startswith("the record is in the recycle bin")
    assert held["fix"].startswith("undelete it")
    assert "to do: undelete it" in said(org, capsys, "links", "held")
    assert org("leads", "held")[1]["linked_held"] == 1
    assert "1 linked record is held by the sync: allocator links held" in said(org, capsys, "leads", "held")
