"""Undo of a run: shown before it is done, only where nobody touched the lead, the ledger as before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from small_org import PULL, READ, WRITE, SmallOrg, afterwards, instead, meanwhile

from allocator.domain.lead import State
from allocator.entrypoints import cli


@pytest.fixture
def org(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallOrg]:
    made = SmallOrg(tmp_path, monkeypatch, 6)
    try:
        yield made
        made.kept(settled=False)
    finally:
        made.close()


def two_runs(org: SmallOrg) -> tuple[list[str], list[str]]:
    """Run 1 gives two leads, run 2 four."""
    first, second = org.leads[:2], org.leads[2:]
    somebody = org.user("Vera Voss")
    org.put("Lead", *({"Id": lead, "OwnerId": somebody} for lead in second))
    org.run(0, assigned=2)
    org.later(hours=1)
    org.put("Lead", *({"Id": lead, "OwnerId": org.queue} for lead in second))
    org.run(0, assigned=4)
    org.later(hours=1)
    return first, second


def undo(org: SmallOrg, run: int, code: int = 0, *more: str) -> dict[str, Any]:
    found, made = org("runs", "undo", str(run), "--yes", *more)
    assert found == code, made
    return made


def named(rows: list[dict[str, Any]]) -> set[str]:
    return {row["lead"].removeprefix("salesforce:") for row in rows}


def patches(org: SmallOrg) -> int:
    return sum(sub["method"] == "PATCH" for r in org.requests() for sub in r["sub"] or ())


# --- what it does -------------------------------------------------------------------------------------------


def test_an_undone_run_leaves_the_ledger_as_it_was_before_it_byte_for_byte(org: SmallOrg) -> None:
    """F22, and its leads wait in the queue that they came from; the run before stands."""
    first, second = org.leads[:2], org.leads[2:]
    org.put("Lead", *({"Id": lead, "OwnerId": org.user("Vera Voss")} for lead in second))
    org.run(0, assigned=2)
    before, owners = org.ledger(), org.owners()
    org.later(hours=1)
    org.put("Lead", *({"Id": lead, "OwnerId": org.queue} for lead in second))
    org.run(0, assigned=4)
    after = {lead: org.owners()[lead] for lead in second}
    assert org.ledger() != before
    org.later(hours=1)
    made = undo(org, 2)
    assert org.ledger() == before
    assert {lead: org.owners()[lead] for lead in org.leads} == {
        **{lead: owners[lead] for lead in first}, **dict.fromkeys(second, org.queue),
    }  # fmt: skip
    assert (named(made["back"]), made["left"], made["later"]) == (set(second), [], [])
    assert made["turns"] == [{"team": "Enterprise", "lane": "", "given_back": 4}]
    org.later(hours=1)
    org.run(0, assigned=4, redecided=4, returned=0)
    assert {lead: org.owners()[lead] for lead in second} == after, (
        "nobody stands back, the ledger is the same"
    )
    org.kept()


def test_runs_undone_one_after_the_other_newest_or_oldest_first_leave_nothing(org: SmallOrg) -> None:
    first, second = two_runs(org)
    undo(org, 1)
    undo(org, 2)
    assert org.ledger() == {}
    assert {row.state for row in org.rows().values()} == {State.WAITING}
    assert all(org.owners()[lead] == org.queue for lead in (*first, *second))


def test_what_is_shown_before_is_what_happens_and_whose_turn_follows(org: SmallOrg) -> None:
    two_runs(org)
    before = org.ledger(), patches(org)
    shown = org("rotation", "show", "Enterprise", "--next", "4")[1]["lanes"][0]["next"]
    made = undo(org, 2, 0, "--next", "4")
    planned = made["planned"]
    assert (planned["back"], planned["left"], planned["turns"]) == (made["back"], made["left"], made["turns"])
    (ahead,) = made["next"]
    assert ahead["next"] == org("rotation", "show", "Enterprise", "--next", "4")[1]["lanes"][0]["next"]
    assert ahead["next"] != shown and org.ledger() != before[0]
    org.later(hours=1)
    org.run(0, assigned=4)
    given = [org.person_of(lead) for lead in sorted(org.leads[2:])]
    assert given == [turn["id"] for turn in ahead["next"]]


def test_without_a_terminal_and_without_yes_nothing_is_done(org: SmallOrg) -> None:
    two_runs(org)
    before = org.ledger(), patches(org), len(org("runs", "list")[1]["runs"])
    code, made = org("runs", "undo", "2")
    assert code == 2 and "--yes" in made["error"]["message"]
    assert (org.ledger(), patches(org), len(org("runs", "list")[1]["runs"])) == before


def test_at_a_terminal_it_shows_what_it_will_do_and_asks(
    org: SmallOrg, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    two_runs(org)
    org.touch(org.leads[2], Description="called")
    answers, asked = [False, True], []

    def confirm(text: str, **_: object) -> bool:
        asked.append(text)
        if not answers.pop(0):
            raise typer.Abort
        return True

    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(typer, "confirm", confirm)
    before = patches(org)
    for answer in tuple(answers):
        cli._run(["runs", "undo", "2", "--config", str(org.config)])
        said = capsys.readouterr().out
        assert "3 leads will go back into intake" in said
        assert "1 lead will stay" in said and "touched since by Vera Voss, at 2026-11-02 11:00:00 UTC" in said
        assert "3 turns of Enterprise will be given back" in said
        assert "next in Enterprise:" in said
        assert ("went back into intake" in said) == answer
        assert (patches(org) > before) == answer
    assert asked == ["Put 3 leads back?"] * 2


def test_leads_that_anybody_touched_are_left_alone_and_their_turns_stand(org: SmallOrg) -> None:
    org.run(0, assigned=6)
    org.later(hours=2)
    edited, owned, back, converted, deleted, untouched = org.leads
    org.touch(edited, Description="called")
    org.touch(owned, OwnerId=org.user("Vera Voss"))
    org.touch(back, OwnerId=org.queue)
    org.touch(converted, IsConverted=True, ConvertedContactId="0035g00000C0001AAB")
    org.touch(deleted, IsDeleted=True)
    made = undo(org, 1)
    assert named(made["back"]) == {untouched}
    assert {row["lead"].removeprefix("salesforce:"): row["why"] for row in made["left"]} == {
        edited: "touched since by Vera Voss, at 2026-11-02 11:00:00 UTC",
        owned: "Vera Voss owns it now",
        back: "somebody put it back into intake already",
        converted: "it was converted",
        deleted: "it was deleted",
    }
    assert [lead for lead in org.leads if org.refunded(lead)] == [untouched]
    assert {org.rows()[lead].state for lead in org.leads[:-1]} == {State.CONFIRMED}


def test_a_lead_that_somebody_changes_in_this_very_moment_is_left_alone(org: SmallOrg) -> None:
    org.run(0, assigned=6)
    org.later(hours=2)
    lead = org.leads[1]
    org.twist(WRITE, meanwhile(lambda: org.touch(lead, Description="called")))
    made = undo(org, 1, 4)
    assert (named(made["left"]), len(made["back"]), len(made["planned"]["back"])) == ({lead}, 5, 6)
    assert not org.refunded(lead)


def test_leads_that_were_never_delivered_never_are(org: SmallOrg) -> None:
    org.fault("status", on={"method": "POST", "path": "composite$", "nth": 2, "times": 9}, status=503)
    org.run(4, retry=6)
    org.straight()
    org.later(hours=1)
    assert len(undo(org, 1)["back"]) == 6
    assert org.ledger() == {}
    assert {org.owners()[lead] for lead in org.leads} == {org.queue}
    org.run(0, redecided=6, assigned=6)
    org.kept()


def test_what_is_rejected_meanwhile_or_was_given_again_is_left_with_why(org: SmallOrg) -> None:
    org.run(0, assigned=6)
    one, two = org.leads[:2]
    org("leads", "reject", one, "--reason", "x")
    org.later(hours=1)
    org.run(0, taken_back=1)
    org("leads", "reject", two, "--reason", "y")
    made = undo(org, 1)
    why = {row["lead"].removeprefix("salesforce:"): row["why"] for row in made["left"]}
    assert why[one] == "rejected and taken back already"
    assert why[two].startswith("it was rejected already")
    assert len(made["back"]) == 4
    org.later(hours=1)
    org.run(0, taken_back=1, assigned=5)


# --- what cannot be undone ----------------------------------------------------------------------------------


def test_undoing_twice_does_nothing_and_says_what_was_done(org: SmallOrg) -> None:
    two_runs(org)
    undo(org, 2)
    before = org.ledger(), patches(org)
    made = undo(org, 2)
    assert (made["back"], made["undo"]) == ([], None)
    assert {row["why"] for row in made["left"]} == {"taken back already (run 2 was undone)"}
    assert (org.ledger(), patches(org)) == before
    undone_undo = undo(org, 3)
    assert (undone_undo["back"], undone_undo["left"]) == ([], [])


def test_what_there_is_nothing_to_undo_of_is_said(org: SmallOrg) -> None:
    org.configure("live = true", "live = false")
    org.run(0)
    for run, said in ((9, "There is no run 9"), (1, "observe mode")):
        code, made = org("runs", "undo", str(run), "--yes")
        assert code == 2 and said in made["error"]["message"]
    org.configure("live = false", "live = true")
    org.run(0, assigned=6)
    org.configure("live = true", "live = false")
    code, made = org("runs", "undo", "2", "--yes")
    assert code == 7 and "live = false" in made["error"]["message"]


def test_a_run_that_is_at_work_is_not_undone(org: SmallOrg) -> None:
    def at_work() -> None:
        code, made = org("runs", "undo", "1", "--yes")
        found.append((code, made["error"]["message"]))

    found: list[tuple[int, str]] = []
    org.twist(PULL, meanwhile(at_work))
    org.run(0, assigned=6)
    ((code, said),) = found
    assert code == 6 and "run 1 itself is at work" in said


# --- hours, and trouble on the way --------------------------------------------------------------------------


def test_an_undo_is_a_run_of_its_own_that_answers_for_no_hour(org: SmallOrg) -> None:
    org.fault("status", on={"path": "oauth2/token"}, status=400)
    org("run")  # it fails: its hour stays open
    org.straight()
    org.run(0, assigned=6)
    org.later(hours=1)
    with org.store() as store:
        slots, last = store.slots(), store.last_done()
    made = undo(org, 2)
    with org.store() as store:
        assert (store.slots(), store.last_done()) == (slots, last)
    _, row = org("runs", "show", str(made["undo"]))
    assert (row["by"], row["state"], row["slot"]) == ("undo", "done", "")
    assert len(row["undo"]["back"]) == 6


@pytest.mark.parametrize("where", [WRITE, READ], ids=["write, then the next run", "read, then once more"])
def test_an_undo_that_the_crm_stopped_is_carried_on(org: SmallOrg, where: str) -> None:
    org.run(0, assigned=6)
    org.later(hours=1)
    once_more = where == READ
    nth = 3 if where == READ else 1  # the preview reads too, and the undo before it writes
    org.twist(where, instead(503, b"down"), times=0, nth=nth)
    code, made = org("runs", "undo", "1", "--yes")
    assert code in (4, 5) and len(made["later"]) == 6
    org.kept(settled=False)
    org.straight()
    if once_more:
        assert len(undo(org, 1)["back"]) == 6
        assert org.ledger() == {}
    org.later(hours=1)
    org.run(0, assigned=6, taken_back=0 if once_more else 6)
    assert org.rows()[org.leads[0]].hops == 0
    org.kept()


def test_a_write_whose_answer_is_lost_is_read_before_anything_else_is_sent(org: SmallOrg) -> None:
    org.run(0, assigned=6)
    org.later(hours=1)
    org.twist(WRITE, lambda request, work: (work(), instead(504, b"late")(request, work))[1])
    made = undo(org, 1)
    assert len(made["back"]) == 6
    assert {len(org.commits(lead)) for lead in org.leads} == {2}
    assert org.ledger() == {}


def test_a_lead_that_is_taken_right_after_it_was_put_back_belongs_to_whoever_took_it(org: SmallOrg) -> None:
    org.run(0, assigned=6)
    org.later(hours=1)
    lead, taker = org.leads[0], org.user("Vera Voss")
    org.twist(WRITE, afterwards(lambda: org.touch(lead, OwnerId=taker)))
    made = undo(org, 1, 4)
    assert named(made["left"]) == {lead}
    org.later(hours=1)
    org.run(0, assigned=5)
    assert org.owners()[lead] == taker
