"""Every save is answered once, to those who edit, with what is true."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from desks import EDITOR, MONDAY, ONCALL, Desk, recipients, subjects
from openpyxl import Workbook as Book
from workbooks import CHI, build, changed, edited, small

from allocator.adapters.tables import AGAIN, WorkbookTables
from allocator.domain.alerts import ANSWERS_A_DAY, Changes, Mail

WRONG = {"Country!D2": "Genmany"}
OTHER = {"Country!D2": "DE"}
HOSTILE = "x\r\nBcc: evil@example.com\u2028\u202e=?utf-8?q?=0D=0ABcc:_evil@example.com?=" + "y" * 2000


@pytest.fixture
def running(desk: Desk) -> Desk:
    """A desk whose workbook was accepted by a run at 10:00; it is five minutes past."""
    desk.clock.at = MONDAY + timedelta(hours=1)
    desk.run()
    desk.clock.wait(minutes=5)
    desk.looks()
    return desk


# --- a good file ---


def test_a_first_version_is_live_from_the_next_run(desk: Desk) -> None:
    (mail,) = desk.looks()
    assert mail.recipients == (EDITOR,)
    assert str(mail.message["Subject"]).endswith("LIVE routing_tables.xlsx: live from the 10:00 UTC run")
    assert "4 rules in 2 layers" in mail.text and "3 salespeople in 1 team\r\n" in mail.text
    assert not desk.looks(5)


def test_a_file_is_looked_at_when_it_stood_still_for_one_look(desk: Desk) -> None:
    for _ in range(4):
        assert not desk.looks(1)
        desk.save(OTHER)
    assert not desk.looks(1)
    assert len(desk.looks(1)) == 1


def test_a_service_that_starts_on_the_running_version_says_nothing(desk: Desk) -> None:
    desk.run()
    assert not desk.looks(4)
    assert not desk.looks(4, loop=desk.start())


def test_a_mail_tells_what_was_added_changed_and_removed(running: Desk) -> None:
    sheets = small()
    sheets["Country"][1][3] = "DE"
    sheets["Country"].append(["yes", 30, "K-9", "FR", "*", "EMEA", None, None, None])
    del sheets["Team"][2]
    sheets["Salespeople"][3][6] = 7
    sheets["Absences"][1] = ["Chi Chen", date(2026, 11, 9), date(2026, 11, 10), "sick", None]
    running.put(build(sheets))
    (mail,) = running.looks()
    assert "live from the 11:00 UTC run" in mail.text
    for line in (
        "1 rule added: K-9", "removed or no longer active: T-2", "Rule K-1, If country: @DACH -> DE",
        "Salesperson P-003 in Enterprise, Daily cap: 5 -> 7", "P-003, 2026-11-09 to 2026-11-10",
        "1 absence removed: P-002, 2026-11-16 to 2026-11-20",
    ):  # fmt: skip
        assert line in " ".join(mail.text.split())
    for private in ("Chi", "Chen", "Ben", "sick", "@example.com", CHI):
        assert private not in mail.text + mail.html


def test_a_mail_names_the_days_with_nobody_in_a_team(running: Desk) -> None:
    sheets = small()
    for name in ("Ana Alvarez", "Chi Chen"):
        sheets["Absences"].append([name, date(2026, 11, 18), date(2026, 11, 23), "holiday", None])
    running.put(build(sheets))
    (mail,) = running.looks()
    assert "Nobody is there in team Enterprise: 2026-11-18 to 2026-11-20" in mail.text


def test_going_back_to_the_version_that_runs_is_answered(running: Desk) -> None:
    running.save(OTHER)
    assert "from the 11:00 UTC run" in running.looks()[0].text
    running.put(running.first)
    (mail,) = running.looks()
    assert "Rule K-1, If country: DE -> @DACH" in mail.text
    assert "from the" not in mail.text and "It decides since the last run." in mail.text
    assert not running.looks(4)


def test_a_file_that_was_only_touched_is_not_answered(running: Desk) -> None:
    running.stamp(running.path)
    assert not running.looks(4)


def test_a_file_saved_anew_that_means_the_same_is_answered_so(running: Desk) -> None:
    running.put(edited(lambda book: setattr(book.properties, "lastModifiedBy", "Dana Marsh")))
    (mail,) = running.looks()
    assert "Nothing that decides is different" in " ".join(mail.text.split())
    assert "last saved by Dana Marsh" in mail.text


def test_a_version_that_a_run_took_before_the_look_is_answered_too(running: Desk) -> None:
    running.save(OTHER)
    running.run()
    (mail,) = running.looks()
    assert "Rule K-1, If country: @DACH -> DE" in mail.text
    assert "since the last run" in mail.text


def test_a_save_at_the_very_end_of_an_hour_is_live_from_the_next_one(running: Desk) -> None:
    running.clock.at = MONDAY.replace(hour=10, minute=59, second=10)
    running.save(OTHER)
    running.clock.at = MONDAY.replace(hour=11)
    assert "live from the 12:00 UTC run" in running.looks()[0].text


# --- a refused file ---


def test_a_refused_file_is_answered_with_its_cells_and_what_still_runs(running: Desk) -> None:
    running.save({**WRONG, "Team!B3": 10})
    version = running.store.tables()
    assert version is not None
    (mail,) = running.looks()
    assert mail.recipients == (EDITOR,)
    assert "Country!D2" in mail.text and "Team!B3" in mail.text and '"Genmany" is not' in mail.text
    assert f"last good version ({version.sha256[:8]}) goes on deciding" in mail.text
    assert not running.looks(5)


def test_without_a_good_version_on_call_hears_of_a_refused_one_too(desk: Desk) -> None:
    desk.save(WRONG)
    mails = desk.looks()
    assert sorted(recipients(mails)) == [EDITOR, ONCALL]
    assert all("FIRING high tables_refused" in subject for subject in subjects(mails))


def test_the_same_refused_bytes_saved_again_are_not_answered_again(running: Desk) -> None:
    content = running.save(WRONG)
    running.looks()
    running.put(content)
    assert not running.looks(4)


def test_each_new_refused_version_is_answered(running: Desk) -> None:
    for n, cell in enumerate(("Genmany", "Frence", "Itly")):
        running.save({"Country!D2": cell})
        (mail,) = running.looks()
        assert cell in mail.text
        assert len(running.open_incidents()) == 1, n


def test_a_mended_file_ends_the_refusal_with_one_mail_in_its_thread(running: Desk) -> None:
    running.save(WRONG)
    (refused,) = running.looks()
    running.save(OTHER)
    (live,) = running.looks()
    assert live.recipients == (EDITOR,)
    assert "live from the 11:00 UTC run" in live.text
    assert str(live.message["References"]) == str(refused.message["Message-ID"])
    assert not running.open_incidents()
    running.clock.at = MONDAY.replace(hour=11)
    running.run()
    assert not running.looks(4)


def test_a_file_mended_after_a_day_is_told_on_call_as_resolved(running: Desk) -> None:
    running.save(WRONG)
    running.looks()
    running.clock.wait(hours=25)
    running.run()
    assert recipients(running.post()) == [ONCALL]
    running.save(OTHER)
    mails = running.looks()
    assert sorted(recipients(mails)) == [EDITOR, ONCALL]
    assert ["RESOLVED" in subject for subject in subjects(sorted(mails, key=lambda m: m.recipients))] == [
        False,
        True,
    ]


def test_putting_back_the_version_that_runs_ends_the_refusal_with_one_mail(running: Desk) -> None:
    running.save(WRONG)
    (refused,) = running.looks()
    running.put(running.first)
    (mail,) = running.looks()
    assert mail.recipients == (EDITOR,)
    assert "live since the last run" in mail.text
    assert str(mail.message["References"]) == str(refused.message["Message-ID"])
    assert not running.open_incidents()


def test_putting_back_a_version_that_was_answered_and_no_run_took_ends_the_refusal_too(running: Desk) -> None:
    content = running.save(OTHER)
    running.looks()
    running.save(WRONG)
    running.looks()
    running.put(content)
    (mail,) = running.looks()
    assert "live from the 11:00 UTC run" in mail.text
    assert not running.open_incidents() and not running.looks(4)


def test_a_refusal_that_a_run_found_over_is_not_told_again(running: Desk) -> None:
    running.save(WRONG)
    running.looks()
    running.put(running.first)
    running.run()
    assert ["RESOLVED" in subject for subject in subjects(running.post())] == [True]
    assert not running.looks(4)


def test_a_version_that_is_refused_again_later_is_answered_again(running: Desk) -> None:
    content = running.save(WRONG)
    running.looks()
    running.save(OTHER)
    running.looks()
    running.put(content)
    (mail,) = running.looks()
    assert "FIRING" in str(mail.message["Subject"])


def test_what_the_run_has_answered_the_loop_does_not_answer_again(running: Desk) -> None:
    running.save(WRONG)
    running.run()
    assert len(running.post()) == 1
    assert not running.looks(4)


# --- one answer, whoever looks ---


def test_a_restart_answers_nothing_twice(running: Desk) -> None:
    for cells in (WRONG, OTHER):
        running.save(cells)
        assert len(running.looks()) == 1
        assert not running.looks(4, loop=running.start())


def test_a_second_server_answers_nothing_twice(running: Desk) -> None:
    second = running.start()
    running.looks(loop=second)
    for cells in (WRONG, OTHER, {}, WRONG):
        running.save(cells)
        assert len(running.looks()) == 1
        assert not running.looks(4, loop=second)


def test_a_host_whose_file_is_older_says_nothing(running: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    running.save(OTHER)
    running.looks()
    running.clock.wait(hours=1)
    running.run()
    other = running.path.parent / "elsewhere"
    other.mkdir()
    shutil.copy2(running.path, other / running.path.name)
    (other / running.path.name).write_bytes(running.first)
    os.utime(other / running.path.name, (MONDAY.timestamp(), MONDAY.timestamp()))
    lagging = running.start(tables=_at_the_same_place(running, other / running.path.name))
    assert not running.looks(4, loop=lagging)


def test_a_host_whose_file_is_older_ends_no_refusal(running: Desk) -> None:
    running.clock.wait(hours=1)
    running.save(OTHER)
    running.run()
    running.save(WRONG)
    running.looks()
    older = running.path.with_name("older.xlsx")
    older.write_bytes(running.first)
    os.utime(older, (MONDAY.timestamp(), MONDAY.timestamp()))
    lagging = running.start(tables=_at_the_same_place(running, older))
    assert not running.looks(4, loop=lagging)
    assert len(running.open_incidents()) == 1
    assert not running.looks(4, loop=running.start())


def _at_the_same_place(desk: Desk, file: object) -> WorkbookTables:
    """Another host's file, at the same path there."""

    class Elsewhere(WorkbookTables):
        place = property(lambda self: str(desk.path))  # type: ignore[assignment]

    return Elsewhere(file, sleep=lambda seconds: None)  # type: ignore[arg-type]


# --- the draft ---


def test_a_good_draft_is_answered_and_not_used(running: Desk) -> None:
    running.save(OTHER, path=running.draft)
    (mail,) = running.looks()
    assert mail.recipients == (EDITOR,)
    assert "DRAFT routing_tables.draft.xlsx: the draft passed the check" in str(mail.message["Subject"])
    assert "Rule K-1, If country: @DACH -> DE" in mail.text
    assert not running.looks(4)
    assert running.run().summary["tables_version"] != running.store.answered(f"draft {running.path}")


def test_a_refused_draft_is_answered_with_its_cells_and_opens_no_incident(running: Desk) -> None:
    running.save({**WRONG, "Team!B3": 10}, path=running.draft)
    (mail,) = running.looks()
    assert "the draft would be refused: 2 problems" in mail.text
    assert "Country!D2" in mail.text and "Team!B3" in mail.text
    assert not running.open_incidents()


def test_a_draft_that_is_the_running_version_is_answered_so(running: Desk) -> None:
    running.put(running.first, path=running.draft)
    (mail,) = running.looks()
    assert "Nothing that decides is different" in " ".join(mail.text.split())


def test_a_draft_is_answered_each_time_it_is_another_one(running: Desk) -> None:
    running.save(WRONG, path=running.draft)
    assert "would be refused" in running.looks()[0].text
    running.save(OTHER, path=running.draft)
    assert "passed the check" in running.looks()[0].text
    running.stamp(running.draft)
    assert not running.looks(4)
    assert not running.looks(4, loop=running.start())


def test_a_draft_that_was_removed_says_nothing_and_is_answered_when_it_is_back(running: Desk) -> None:
    content = running.save(OTHER, path=running.draft)
    running.looks()
    running.draft.unlink()
    assert not running.looks(4)
    running.put(content, path=running.draft)
    assert len(running.looks()) == 1


def test_a_draft_beside_a_refused_workbook_is_answered_against_what_runs(running: Desk) -> None:
    running.save(WRONG)
    running.looks()
    running.save(OTHER, path=running.draft)
    (mail,) = running.looks()
    assert "@DACH -> DE" in mail.text


def test_a_draft_where_nothing_runs_yet_is_answered_with_what_it_holds(desk: Desk) -> None:
    desk.path.unlink()
    desk.save(path=desk.draft)
    (mail,) = desk.looks()
    assert "passed the check" in mail.text and "4 rules in 2 layers" in mail.text


# --- files that come and go ---


def test_a_file_that_is_being_saved_is_read_when_it_is_whole(running: Desk) -> None:
    content = changed(OTHER)
    running.put(content[: len(content) // 2])
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == AGAIN:
            running.path.write_bytes(content)

    running.loop.tables._sleep = pause  # type: ignore[attr-defined]
    (mail,) = running.looks()
    assert pauses == [2.0] * AGAIN
    assert "live from the 11:00 UTC run" in mail.text
    assert not running.looks(4)


@pytest.mark.parametrize("kept", [0, 100, 0.5, 0.99])
def test_a_file_that_stays_half_saved_is_refused_for_what_it_is(running: Desk, kept: float) -> None:
    content = changed(OTHER)
    running.put(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    (mail,) = running.looks()
    assert "tables_refused" in str(mail.message["Subject"]) and "(file)" in mail.text
    assert "goes on deciding" in mail.text
    running.put(content)
    (mail,) = running.looks()
    assert "live from the 11:00 UTC run" in mail.text


def test_a_deleted_workbook_is_told_once_and_its_return_too(running: Desk) -> None:
    content = running.path.read_bytes()
    running.path.unlink()
    (mail,) = running.looks()
    assert "cannot be read" in mail.text and "goes on deciding" in mail.text
    assert not running.looks(4)
    running.put(content)
    (mail,) = running.looks()
    assert "live since the last run" in mail.text


def test_a_share_that_is_away_for_one_look_is_not_told(running: Desk) -> None:
    away = running.path.rename(running.path.with_suffix(".away"))
    assert not running.looks(1)
    away.rename(running.path)
    assert not running.looks(4)


def test_a_folder_that_is_away_for_longer_is_told_once_and_its_return_too(running: Desk) -> None:
    running.save(OTHER, path=running.draft)
    running.looks()
    files = (running.path, running.draft)
    away = [file.rename(file.with_suffix(".away")) for file in files]
    assert len(running.looks(6)) == 1
    for file, there in zip(files, away, strict=True):
        there.rename(file)
    (mail,) = running.looks(6)
    assert "live since the last run" in mail.text


# --- who is told ---


def test_editors_are_also_those_of_the_last_good_version_and_never_of_a_refused_one(running: Desk) -> None:
    named = {"Settings!A3": "editors", "Settings!B3": "dana@example.com"}
    running.save(named)
    assert sorted(recipients(running.looks())) == ["dana@example.com", EDITOR]
    running.clock.wait(hours=1)
    running.run()
    running.save({**WRONG, "Settings!A3": "editors", "Settings!B3": "mallory@example.com"})
    assert sorted(recipients(running.looks())) == ["dana@example.com", EDITOR]
    running.save(
        {**WRONG, "Settings!A3": "editors", "Settings!B3": "mallory@example.com"}, path=running.draft
    )
    assert sorted(recipients(running.looks())) == ["dana@example.com", EDITOR]


def test_without_any_editor_on_call_reads_the_answers_and_is_told_why(running: Desk) -> None:
    policy = replace(running.loop.desk.policy, editors=())
    running.loop.desk = replace(running.loop.desk, policy=policy)
    running.save(OTHER)
    (mail,) = running.looks()
    assert mail.recipients == (ONCALL,)
    assert "You are listed as oncall" in mail.text and "nobody is listed as an editor" in " ".join(
        mail.text.split()
    )


def test_nobody_gets_more_than_sixty_answers_a_day(running: Desk) -> None:
    _were_answered(running, ANSWERS_A_DAY - 2)
    told = []
    for n in range(4):
        running.save({"Country!B2": 10 + n / 100})
        told += running.looks()
    running.save(WRONG)
    assert not running.looks()
    assert ["This is the 60th answer" in mail.text for mail in told] == [False, True]
    running.clock.wait(days=1)
    running.save(OTHER)
    assert EDITOR in recipients(running.looks())


def _were_answered(desk: Desk, times: int) -> None:
    one = Mail("", "", EDITOR, "tables_live", "", "ANSWER", "", {}, desk.clock.at, answer=True)
    mails = tuple(
        replace(one, message_id=f"{n}@example.com", thread=f"{n}@example.com") for n in range(times)
    )
    desk.store.change_alerts(lambda book: Changes((), mails), now=desk.clock.at)
    while desk.post():
        pass


# --- the CRM, and texts that attack ---


def test_a_file_is_answered_also_while_the_crm_cannot_be_asked(running: Desk) -> None:
    running.org.fault("status", status=503)
    running.save(OTHER)
    assert "live from the 11:00 UTC run" in running.looks()[0].text


def test_what_only_the_crm_shows_is_not_taken_back_while_it_cannot_be_asked(running: Desk) -> None:
    running.save({"Teams!D2": running.org.queue})
    (refused,) = running.looks()
    assert "queue is also where new leads wait" in " ".join(refused.text.split())
    running.org.fault("status", status=503, on={"times": 50})
    assert not running.looks(4, loop=running.start())
    assert len(running.open_incidents()) == 1


def _hostile_names(book: Book) -> None:
    book["Country"]["C2"] = HOSTILE
    book["Teams"]["A2"] = HOSTILE[:200]
    book["Salespeople"]["A2"] = "P\r\nTo: evil@example.com"
    book["Groups"]["A2"] = "@\u202eDACH\r\nCc: evil@example.com"
    book["Team"].title = "T\u202e=q=0A"
    book.properties.lastModifiedBy = HOSTILE
    book["Settings"]["A3"], book["Settings"]["B3"] = "editors", "a@example.com\r\nBcc: evil@example.com"


def _hostile_but_good(book: Book) -> None:
    book["Country"]["C2"] = (
        "K\r\nBcc: evil@example.com=?utf-8?q?=0D=0ABcc:_evil@example.com?=_xD800_" + "y" * 900
    )
    book.properties.lastModifiedBy = "D\r\nBcc: evil@example.com _xD800_" + "y" * 200
    for cell in ("Salespeople!E2", "Salespeople!E3", "Salespeople!E4", "Teams!A2", "Team!F2"):
        sheet, _, place = cell.partition("!")
        book[sheet][place] = "Entärprise \U0001f4a5 <i>=?x?q?=0A?=" + "z" * 50


@pytest.mark.parametrize("edit", [_hostile_names, _hostile_but_good])
@pytest.mark.parametrize("where", ["path", "draft"])
def test_texts_of_a_workbook_gain_no_header(running: Desk, edit: Callable[[Book], None], where: str) -> None:
    running.put(edited(edit), path=getattr(running, where))
    mails = running.looks()
    assert recipients(mails) == [EDITOR]
    assert ("refused" in subjects(mails)[0]) == (edit is _hostile_names)
    for mail in mails:
        wanted = {"from", "to", "subject", "date", "message-id", "auto-submitted", "mime-version",
                  "content-type"} | {"references", "in-reply-to", "x-allocator-incident"}  # fmt: skip
        assert {name.lower() for name in mail.message} <= wanted
        assert len(mail.message.get_all("To", [])) == 1
        assert all(max(map(len, body.splitlines())) < 990 for body in (mail.text, mail.html))
        assert not any(mark in mail.text + mail.html for mark in ("\u202e", "\u2028"))
        assert "<i>" not in mail.html
    assert all(b"\nBcc:" not in m.raw and b"\nCc:" not in m.raw for m in mails)


def test_a_workbook_file_with_a_hostile_name_gains_no_header(running: Desk) -> None:
    other = running.path.with_name("=?utf-8?q?=0ABcc:e@e.e?=\n\u202eB.xlsx")
    shutil.copy2(running.path, other)
    running.loop = running.start(tables=WorkbookTables(other, sleep=lambda seconds: None))
    running.put(changed(OTHER), path=other)
    (mail,) = running.looks()
    assert mail.recipients == (EDITOR,) and "bcc" not in {name.lower() for name in mail.message}
