"""`alerts list | ack | silence`, the outside watch, and the mails of a day without a store."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from alert_org import ED, OPS, Alerted, AlertOrg, lead, new, only
from faulty_org import LOGIN, instead

from allocator import bootstrap
from allocator.adapters.mail.spool import Spool

FIRING, RESOLVED = "FIRING", "RESOLVED"
HELD = (FIRING, "leads_held", ED)


@pytest.fixture
def held(alerted: Alerted) -> AlertOrg:
    """One lead is held, and its editor was told."""
    org = alerted([lead(0), lead(1, "FR")])
    org.save(only("DE"))
    org.run(4)
    assert org.said() == [HELD]
    return org


def incident(org: AlertOrg) -> str:
    return str(org("alerts", "list")[1]["incidents"][0]["incident"])


# --- list


def test_the_list_shows_open_incidents_and_with_all_those_that_are_over(held: AlertOrg) -> None:
    code, said = held("alerts", "list")
    (one,) = said["incidents"]
    assert code == 0 and said["undelivered"] == said["silences"] == []
    assert one["incident"].startswith("INC-")
    shown = {
        name: one[name] for name in ("kind", "key", "level", "count", "told", "resolved", "causes", "leads")
    }
    assert shown == {
        "kind": "leads_held", "key": "no_rule", "level": "high", "count": 1, "told": [ED], "resolved": None,
        "causes": {"no_rule": 1}, "leads": [f"salesforce:{held.leads[1]}"],
    }  # fmt: skip
    assert one["headline"] in held.printed("alerts", "list")
    held.save(only("DE", "FR"))
    held.at(1)
    held.run(0)
    assert held("alerts", "list")[1]["incidents"] == []
    assert "Nothing is wrong, no mail waits." in held.printed("alerts", "list")
    (over,) = held("alerts", "list", "--all")[1]["incidents"]
    assert over["resolved"] == "2026-11-02T10:00:00+00:00"


# --- ack


def test_an_acknowledged_incident_mails_nobody_until_then_but_that_it_is_over(held: AlertOrg) -> None:
    name = incident(held)
    code, said = held("alerts", "ack", name.lower(), "--for", "8h", "--by", "Mia")
    assert (code, said["incident"], said["acked_by"]) == (0, name, "Mia")
    assert said["acked_until"] == "2026-11-02T17:00:00+00:00"
    for hour in (4, 7):
        held.put("Lead", new(held, "FR"))
        held.at(hour)
        held.run(4)
    assert held.said() == []
    assert "acknowledged until 11-02 17:00" in held.printed("alerts", "list")
    held.at(8)
    held.run(0)
    (again,) = held.news()
    assert again.said == HELD and again.headline.startswith("3 of ")
    held("alerts", "ack", name)
    held.save(only("DE", "FR"))
    held.at(9)
    held.run(0)
    assert held.said() == [(RESOLVED, "leads_held", ED)]


def test_an_acknowledgement_is_for_this_incident_and_not_for_the_next(held: AlertOrg) -> None:
    held("alerts", "ack", incident(held), "--for", "30d")
    held.save(only("DE", "FR"))
    held.at(1)
    held.run(0)
    held.put("Lead", new(held, "IT"))
    held.at(2)
    held.run(4)
    assert held.said() == [(RESOLVED, "leads_held", ED), HELD]


def test_an_incident_that_is_not_open_cannot_be_acknowledged(held: AlertOrg) -> None:
    for name in ("INC-FFFF", "leads_held", ""):
        code, said = held("alerts", "ack", name)
        assert code == 2
        assert "allocator alerts list" in said["error"]["message"]


def test_a_span_that_is_none_is_a_usage_error_and_changes_nothing(held: AlertOrg) -> None:
    before, name = held("alerts", "list"), incident(held)
    for span in ("", "8", "0h", "8 weeks", "-1h", "31d", "99999m", "1.5h", "8h8m"):
        for words in (("ack", name), ("silence", "leads_held")):
            code, said = held("alerts", *words, f"--for={span}")
            assert code == 2
            assert "30m, 8h or 2d" in said["error"]["message"]
    assert held("alerts", "list") == before


# --- silence


def test_a_silenced_kind_mails_nobody_until_then_and_then_what_is_still_wrong(alerted: Alerted) -> None:
    org = alerted([lead(0, "FR"), lead(1)])
    org.save(only("DE"))
    code, said = org("alerts", "silence", "leads_held", "--key", "no_rule", "--for", "2h", "--by", "Mia")
    assert (code, said["kind"], said["key"], said["by"]) == (0, "leads_held", "no_rule", "Mia")
    assert said["until"] == "2026-11-02T11:00:00+00:00"
    org.run(4)
    org.at(1, 59)
    org.run(0)
    assert org.said() == []
    assert [one["key"] for one in org("alerts", "list")[1]["silences"]] == ["no_rule"]
    assert "silent  leads_held no_rule until 2026-11-02 11:00 UTC" in org.printed("alerts", "list")
    org.at(2)
    org.run(0)
    assert org.said() == [HELD]
    assert org("alerts", "list")[1]["silences"] == []


def test_what_begins_and_ends_under_a_silence_is_mailed_to_nobody(org: AlertOrg) -> None:
    org("alerts", "silence", "crm_refused", "--for", "4h")
    org.down()
    org.run(5)
    org.up()
    org.at(1)
    org.run(0)
    org.at(5)
    org.run(0)
    assert org.said() == []


def test_an_unknown_kind_cannot_be_silenced(org: AlertOrg) -> None:
    code, said = org("alerts", "silence", "leeds_held")
    assert code == 2
    assert "leads_held" in said["error"]["message"]


# --- the outside watch


class Watchers:
    """A tiny health-check service: what it is told, in order."""

    def __init__(self) -> None:
        told = self.told = list[str]()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                told.append(self.path.removeprefix("/7d1c0ffee"))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *words: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/7d1c0ffee"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def news(self) -> list[str]:
        told, self.told[:] = list(self.told), []
        return told


@pytest.fixture
def watchers() -> Iterator[Watchers]:
    made = Watchers()
    yield made
    made.close()


@pytest.fixture
def pinged(org: AlertOrg, watchers: Watchers) -> AlertOrg:
    org.configure("[alerts]", f'[alerts]\nping_url = "{watchers.url}"')
    return org


def test_the_outside_watch_is_told_of_start_success_and_failure(pinged: AlertOrg, watchers: Watchers) -> None:
    pinged.run(0)
    assert watchers.news() == ["/start", ""]
    pinged.twist(LOGIN, instead(400, {"error": "invalid_client"}), times=0)
    pinged.at(1)
    pinged.run(5)
    assert watchers.news() == ["/start", "/fail"]
    pinged.straight()
    pinged("run", "--dry-run")
    assert watchers.news() == []


def test_the_outside_watch_is_told_of_missed_runs_and_of_stuck_mails(
    pinged: AlertOrg, watchers: Watchers
) -> None:
    pinged.run(0)
    pinged.watch()
    assert watchers.news() == ["/start", ""]
    pinged.post.stop()
    pinged.at(1, 16)
    assert pinged.watch()["missed"] is True
    assert watchers.news() == ["/fail"]
    pinged.run(0)
    watchers.news()
    pinged.at(1, 40)
    found = pinged.watch()
    assert (found["missed"], found["stuck"]) == (False, True)
    assert watchers.news() == ["/fail"]


def test_an_outside_watch_that_is_down_hurts_no_run_and_its_address_is_nowhere(
    pinged: AlertOrg, watchers: Watchers
) -> None:
    watchers._server.server_close()
    secret = "7d1c0ffee"
    pinged.run(0, assigned=4)
    pinged.at(2)
    pinged.post.stop()
    pinged.twist(LOGIN, instead(400, {"error": "invalid_client"}), times=0)
    for words in (
        ("run",),
        ("watch",),
        ("alerts", "list"),
        ("runs", "list"),
        ("runs", "show", "1"),
        ("doctor",),
    ):
        assert secret not in pinged.stderr(*words) + pinged.printed(*words) + str(pinged(*words))
    pinged.post.start()
    pinged.at(4)
    pinged.watch()
    assert pinged.news()
    assert all(secret.encode() not in mail.raw for mail in pinged.post.received)
    assert secret not in pinged.database.read_bytes().decode("latin-1")


# --- the store is what is down


@pytest.fixture
def spooled(org: AlertOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AlertOrg:
    """With the note of who was told in a folder of the test's own."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(bootstrap, "Spool", lambda config: Spool(config, folder))
    return org


@contextmanager
def no_store(org: AlertOrg, how: str = "gone") -> Iterator[None]:
    """Where the store's file was is something else: a folder, garbage, another program's tables."""
    kept = org.database.with_suffix(".kept")
    org.database.rename(kept)
    if how == "gone":
        org.database.mkdir()
    elif how == "garbage":
        org.database.write_bytes(b"garbage" * 2_000)
    else:
        with closing(sqlite3.connect(org.database)) as other:
            other.execute("CREATE TABLE other (id)")
    try:
        yield
    finally:
        org.database.rmdir() if how == "gone" else org.database.unlink()
        kept.rename(org.database)


@pytest.mark.parametrize("how, code", [("gone", 5), ("garbage", 7), ("another's", 7)])
@pytest.mark.parametrize("command", ["run", "watch"])
def test_oncall_is_told_without_the_store_once_in_repeat_hours(
    spooled: AlertOrg, command: str, how: str, code: int
) -> None:
    org = spooled
    org.run(0)
    with no_store(org, how):
        for hour in (1, 2, 4.9):
            org.at(hour)
            assert org(command)[0] == code
        (first,) = org.news()
        assert first.said == (FIRING, "run_failed", OPS)
        assert first.headline == "a run failed (store_unusable)"
        org.at(5)
        org(command)
        assert org.said() == [first.said]
    org.at(6)
    org.run(0)
    org.news()
    org.at(7)
    with no_store(org, how):
        assert org(command)[0] == code
    assert org.said() == [first.said]


def test_a_dry_run_without_a_store_tells_nobody(spooled: AlertOrg) -> None:
    spooled.run(0)
    with no_store(spooled):
        assert spooled("run", "--dry-run")[0] == 5
    assert spooled.said() == []


def test_a_run_that_cannot_begin_for_its_settings_is_told_too(org: AlertOrg) -> None:
    org.run(0)
    text = org.config.read_text()
    line = next(line for line in text.splitlines() if line.startswith("client_secret"))
    org.configure(line, 'client_secret_file = "gone.txt"')
    org.at(1)
    org.run(7)
    (first,) = org.news()
    assert (first.said, first.headline) == ((FIRING, "run_failed", OPS), "a run failed (ConfigError)")
    org.configure('client_secret_file = "gone.txt"', line)
    org.at(2)
    org.run(0)
    assert org.said() == [(RESOLVED, "run_failed", OPS)]
