"""The service itself: what ends it, what does not, and what it leaves behind."""

from __future__ import annotations

import re
import shutil
import signal
import socket
import sqlite3
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from apscheduler.triggers.cron import CronTrigger
from desks import EDITOR, MONDAY, ONCALL, Desk
from mailbox_server import Mailbox
from served import Served, Warm, set_clock, until
from workbooks import changed

from allocator.entrypoints.scheduler import Alarm

HOUR = "2026-11-02T09:00Z"
PROMISED = 10.0


@pytest.fixture
def clock(tmp_path: Path) -> Path:
    return set_clock(tmp_path / "clock", MONDAY + timedelta(minutes=2))


@pytest.fixture
def serve(warm: Warm, desk: Desk, clock: Path) -> Callable[..., Served]:
    """Start a service in the desk's folder."""

    def started(**more: object) -> Served:
        return warm.serve(desk.org.config, clock=clock, **more)  # type: ignore[arg-type]

    return started


def states(desk: Desk) -> dict[str, str]:
    return {row.slot: str(row.state) for row in desk.store.slots()}


def done(desk: Desk, slot: str = HOUR) -> bool:
    return states(desk).get(slot) == "done"


# --- what ends it ---


def test_a_dead_alarm_ends_the_process(serve: Callable[..., Served]) -> None:
    service = serve(broken=["alarm"])
    assert service.ended() == 1
    assert service.said("dead", part="scheduler")
    assert "Traceback" not in service.log and "locked" not in service.log


def test_a_minder_that_dies_of_the_unexpected_ends_the_process(serve: Callable[..., Served]) -> None:
    service = serve(broken=["minder"])
    assert service.ended() == 1
    assert service.said("dead", part="workbook", error="ZeroDivisionError")
    assert "Traceback" not in service.log and "Lovelace" not in service.log


def test_a_taken_address_is_exit_code_7_with_a_sentence(serve: Callable[..., Served]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        service = serve(env={"ALLOCATOR__SERVE__LISTEN": f"127.0.0.1:{port}"})
        assert service.ended() == 7
    assert service.log.strip() == (
        f"127.0.0.1:{port} cannot be listened on: another program has it. Change listen under [serve]."
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_service_ends_with_0_when_asked(
    serve: Callable[..., Served], desk: Desk, number: int
) -> None:
    service = serve()
    until(lambda: done(desk), "the hour is done")
    service.signal(number)
    assert service.ended(deadline=PROMISED) == 0
    assert service.said("stopped", code=0)


def test_a_run_that_waits_for_a_silent_crm_is_handed_over_within_ten_seconds(
    serve: Callable[..., Served], desk: Desk
) -> None:
    fault = desk.org.fault("hold", on={"path": "/query"})
    service = serve()
    until(lambda: _holding(desk, fault), "the CRM is silent")
    began = time.monotonic()
    service.signal()
    assert service.ended(deadline=3 * PROMISED) == 0
    assert time.monotonic() - began < PROMISED
    assert [row.state for row in desk.store.runs()] == ["handed_over"]
    assert states(desk) == {HOUR: "open"}
    desk.org.control("DELETE", "faults")
    serve()
    until(lambda: done(desk), "the next service does the hour")


def test_a_second_signal_ends_it_at_once(serve: Callable[..., Served], desk: Desk) -> None:
    fault = desk.org.fault("hold", on={"path": "/query"})
    service = serve()
    until(lambda: _holding(desk, fault), "the CRM is silent")
    service.signal()
    service.get("/healthz")  # by now it has seen the first one: two at once are one
    service.signal()
    assert service.ended(deadline=PROMISED / 2) == 130
    desk.org.control("DELETE", "faults")
    serve()
    until(lambda: done(desk), "the next service does the hour")


def _holding(desk: Desk, fault: str) -> bool:
    return any(one["id"] == fault and one["holding"] for one in desk.org.control("GET", "faults"))


# --- what does not ---


def test_a_run_that_breaks_unexpectedly_ends_neither_the_service_nor_the_hour(
    serve: Callable[..., Served], desk: Desk, mailbox: Mailbox, clock: Path
) -> None:
    service = serve(broken=["run"])
    until(lambda: service.said("run failed", error="ZeroDivisionError"), lambda: service.log)
    mailbox.wait(lambda mails: any(ONCALL in mail.recipients for mail in mails))
    mails = mailbox.to(ONCALL)
    assert "FIRING high run_failed: run 1 failed (ZeroDivisionError)" in str(mails[0].message["Subject"])
    assert "Lovelace" not in service.log + "".join(mail.text for mail in mails)
    set_clock(clock, MONDAY + timedelta(hours=1))
    until(lambda: done(desk, "2026-11-02T10:00Z"), "the next hour is done")
    mailbox.wait(lambda mails: any("RESOLVED" in str(mail.message["Subject"]) for mail in mails))
    assert service.code is None


def test_a_configuration_that_breaks_a_run_is_alerted_once_and_mended_without_a_restart(
    serve: Callable[..., Served], desk: Desk, mailbox: Mailbox
) -> None:
    secret = desk.settings.salesforce.client_secret_file
    assert secret is not None
    away = secret.rename(secret.with_suffix(".away"))
    service = serve()
    until(lambda: len(service.said("run failed", error="ConfigError")) > 3, lambda: service.log)
    mailbox.wait(lambda mails: any(ONCALL in mail.recipients for mail in mails))
    away.rename(secret)
    until(lambda: done(desk), lambda: service.log)
    mailbox.wait(lambda mails: any("RESOLVED" in str(mail.message["Subject"]) for mail in mails))
    assert [str(mail.message["Subject"]).split()[1] for mail in mailbox.to(ONCALL)] == ["FIRING", "RESOLVED"]


def test_tries_that_break_before_they_begin_are_half_a_minute_apart() -> None:
    from allocator.entrypoints import service

    assert service.START_AFTER == 30.0


def test_a_store_that_is_locked_for_a_while_is_only_waited_for(
    serve: Callable[..., Served], desk: Desk, clock: Path
) -> None:
    service = serve()
    until(lambda: done(desk), "the hour is done")
    lock = sqlite3.connect(desk.org.config.parent / "allocator.db", isolation_level=None)
    lock.execute("BEGIN IMMEDIATE")
    set_clock(clock, MONDAY + timedelta(hours=1))
    until(lambda: _beat_age(service) > 2, "the loop waits for the store")
    assert service.code is None
    lock.execute("ROLLBACK")
    lock.close()
    until(lambda: done(desk, "2026-11-02T10:00Z"), "the hour is done when the store is back")
    until(lambda: service.get("/healthz").status_code == 200, "it is well again")


def _beat_age(service: Served) -> float:
    found = re.search(r"^allocator_beat_age_seconds (\S+)$", service.get("/metrics").text, re.MULTILINE)
    assert found is not None
    return float(found[1])


# --- several ---


def test_of_two_services_one_runs_each_hour(serve: Callable[..., Served], desk: Desk, clock: Path) -> None:
    two = [serve(), serve()]
    for hours in range(4):
        set_clock(clock, MONDAY + timedelta(hours=hours, minutes=2))
        slot = f"2026-11-02T{9 + hours:02}:00Z"
        until(lambda slot=slot: done(desk, slot), f"{slot} is done")  # type: ignore[misc]
    assert [row.slot for row in desk.store.runs()] == [f"2026-11-02T{h:02}:00Z" for h in (12, 11, 10, 9)]
    until(lambda: sum(len(one.said("run", state="done")) for one in two) == 4, "each run is logged once")
    assert all(one.code is None and not one.said("run failed") for one in two)
    assert {row.state for row in desk.store.slots()} == {"done"}


def test_a_save_is_answered_end_to_end(serve: Callable[..., Served], desk: Desk, mailbox: Mailbox) -> None:
    desk.run()
    desk.looks()
    desk.clock.wait(minutes=1)
    serve()
    began = time.monotonic()
    desk.path.write_bytes(changed({"Country!D2": "Genmany"}))
    mailbox.wait(lambda mails: any("tables_refused" in str(mail.message["Subject"]) for mail in mails))
    desk.path.write_bytes(changed({"Country!D2": "DE"}))
    mailbox.wait(lambda mails: any("live from the 10:00" in str(mail.message["Subject"]) for mail in mails))
    shutil.copy(desk.path, desk.draft)
    mailbox.wait(lambda mails: any("DRAFT" in str(mail.message["Subject"]) for mail in mails))
    assert time.monotonic() - began < 120
    assert len(mailbox.to(EDITOR)) == 3


def test_the_real_pauses_answer_a_save_within_two_minutes() -> None:
    """Seen at one look, answered at the next, sent in a round after that; a half-saved file takes longer."""
    from allocator.adapters.tables import AGAIN, PAUSE_SECONDS
    from allocator.entrypoints.commands import serve

    longest = 2 * serve.LOOK_EVERY + AGAIN * PAUSE_SECONDS + serve.POST_EVERY
    assert longest < 60


# --- on time ---


def test_the_alarm_rings_on_the_minute_and_wakes_the_loop() -> None:
    rung: list[str] = []
    alarm = Alarm(lambda: rung.append("ring"), minute=7, warn=rung.append)
    (job,) = alarm.scheduler.get_jobs()
    assert isinstance(job.trigger, CronTrigger)
    next_ring = job.trigger.get_next_fire_time(None, MONDAY + timedelta(minutes=6, seconds=59))
    assert next_ring == MONDAY + timedelta(minutes=7)
    job.func()
    assert rung == ["ring"]


def test_an_alarm_that_missed_its_minute_says_so_and_wakes_the_loop_all_the_same() -> None:
    from apscheduler.events import EVENT_JOB_MISSED, JobExecutionEvent

    rung: list[str] = []
    alarm = Alarm(lambda: rung.append("ring"), minute=0, warn=rung.append)
    alarm.start()
    try:
        missed = JobExecutionEvent(EVENT_JOB_MISSED, "hour", "default", MONDAY)
        alarm.scheduler._dispatch_event(missed)
        assert rung == ["JobExecutionEvent", "ring"]
    finally:
        alarm.stop()
