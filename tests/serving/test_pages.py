"""The two pages for machines: /healthz says what is wrong, /metrics what is there, and neither says more."""

from __future__ import annotations

import re
import stat
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from desks import EDITOR, MONDAY, Desk
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from served import Warm, set_clock

from allocator.config import load_settings
from allocator.domain.alerts import Changes, Mail
from allocator.domain.pauses import Pause, Paused
from allocator.entrypoints import metrics, web
from allocator.errors import ConfigError, StoreError
from allocator.service.health import Health, health

REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "metrics.md"


def page(desk: Desk, *, beat_age: float = 1.0, since: datetime | None = None) -> FlaskClient:
    def look() -> Health:
        return health(desk.store, desk.clock.now(), beat_age=beat_age, since=since or desk.clock.now())

    return web.application(look, lambda: figures(desk)).test_client()


def figures(desk: Desk) -> bytes:
    return metrics.text(desk.store, "0.1.0", now=desk.clock.now(), beat_age=1.0)


def test_all_is_well_after_a_run(desk: Desk) -> None:
    desk.run()
    answer = page(desk).get("/healthz")
    assert answer.status_code == 200
    body = answer.get_json()
    assert set(body) == {"ok", "problems", "last_done", "oldest_unsent", "paused"}
    assert body["ok"] is True and body["problems"] == [] and body["oldest_unsent"] is None
    assert datetime.fromisoformat(body["last_done"]) == desk.clock.now()


def test_a_pause_is_shown_with_its_end_and_is_healthy(desk: Desk) -> None:
    desk.run()
    end = desk.clock.now() + timedelta(hours=1)
    desk.store.pause(Pause(Paused.SERVICE, "", desk.clock.now(), end, "olga", "secret of Ana's"))
    desk.store.pause(Pause(Paused.PERSON, "P-001", desk.clock.now(), None, "olga", "ill"))
    answer = page(desk).get("/healthz")
    assert (answer.status_code, answer.get_json()["problems"]) == (200, [])
    assert answer.get_json()["paused"] == [
        {"kind": "service", "name": "", "until": end.isoformat()},
        {"kind": "person", "name": "P-001", "until": None},
    ]
    assert "secret" not in answer.text
    shown = figures(desk).decode()
    assert 'allocator_paused{kind="service"} 1.0' in shown and 'allocator_paused{kind="team"} 0.0' in shown
    desk.clock.wait(hours=1)
    assert [one["kind"] for one in page(desk).get("/healthz").get_json()["paused"]] == ["person"]


@pytest.mark.parametrize(("age", "code"), [(60.0, 200), (60.1, 503)])
def test_a_loop_that_hangs_is_unhealthy_after_a_minute(desk: Desk, age: float, code: int) -> None:
    desk.run()
    answer = page(desk, beat_age=age).get("/healthz")
    assert answer.status_code == code
    assert answer.get_json()["problems"] == (["beat"] if code == 503 else [])


@pytest.mark.parametrize(("minutes", "code"), [(75, 200), (76, 503)])
def test_no_done_slot_for_75_minutes_is_unhealthy(desk: Desk, minutes: int, code: int) -> None:
    desk.run()
    desk.clock.wait(minutes=minutes)
    answer = page(desk).get("/healthz")
    assert answer.status_code == code
    assert answer.get_json()["problems"] == (["slot"] if code == 503 else [])


def test_a_service_that_never_ran_is_unhealthy_75_minutes_after_its_start(desk: Desk) -> None:
    assert page(desk).get("/healthz").status_code == 200
    late = page(desk, since=desk.clock.now() - timedelta(minutes=76)).get("/healthz")
    assert late.get_json()["problems"] == ["slot"]


@pytest.mark.parametrize(("minutes", "code"), [(15, 200), (16, 503)])
def test_a_mail_that_waits_for_15_minutes_is_unhealthy(desk: Desk, minutes: int, code: int) -> None:
    mail = Mail("1@x.test", "1@x.test", EDITOR, "run_failed", "", "FIRING", "s", {}, desk.clock.at)
    desk.store.change_alerts(lambda book: Changes((), (mail,)), now=desk.clock.at)
    desk.clock.wait(minutes=minutes)
    desk.run()
    answer = page(desk).get("/healthz")
    assert answer.status_code == code
    assert answer.get_json()["problems"] == (["alerts"] if code == 503 else [])


def test_a_store_that_is_gone_is_unhealthy_and_has_no_other_metrics(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*args: object) -> None:
        raise StoreError("the store at postgresql://u:hunter2@db cannot be reached")

    monkeypatch.setattr(desk.store, "last_done", gone)
    monkeypatch.setattr(desk.store, "runs", gone)
    answer = page(desk, beat_age=61).get("/healthz")
    assert answer.status_code == 503 and answer.get_json()["problems"] == ["beat", "store"]
    shown = page(desk).get("/metrics")
    assert shown.status_code == 200 and "hunter2" not in shown.text
    assert {one.name: one.samples[0].value for one in families(shown.text)}["allocator_store_up"] == 0


def families(text: str) -> list[object]:
    return list(text_string_to_metric_families(text))


def test_metrics_are_read_by_prometheus_and_have_the_documented_names(desk: Desk) -> None:
    desk.run()
    desk.store.change_alerts(lambda book: Changes(), now=desk.clock.at)
    found = {one.name for one in families(figures(desk).decode())}  # type: ignore[attr-defined]
    table = REFERENCE.read_text().partition("<!-- metrics -->")[2].partition("<!-- /metrics -->")[0]
    assert found == set(re.findall(r"^\| `(allocator_\w+)`", table, re.MULTILINE))


def test_an_unknown_path_is_404_and_an_error_says_what_and_not_why(desk: Desk) -> None:
    def broken() -> Health:
        raise KeyError("Ada Lovelace")

    client = web.application(broken, lambda: b"").test_client()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (500, "unexpected KeyError\n")
    for path in ("/", "/healthz/", "/metrics/../etc/passwd", "/%0d%0aX: y", "/console"):
        assert client.get(path).status_code == 404
    assert client.post("/healthz").status_code == 405


def test_it_listens_on_loopback_unless_told_otherwise(desk: Desk) -> None:
    assert (desk.settings.serve.host, desk.settings.serve.port) == ("127.0.0.1", 9464)


def test_an_address_that_is_not_ours_is_refused_with_the_reason(desk: Desk) -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1:1 cannot be listened on: Cannot assign"):
        web.Pages(web.application(Health, lambda: b""), "192.0.2.1", 1)


def test_the_text_file_is_whole_and_readable_for_others(desk: Desk, tmp_path: Path) -> None:
    config, file = desk.org.config, tmp_path / "allocator.prom"
    config.write_text(f'{config.read_text()}\n[serve]\nmetrics_file = "{file}"\n')
    assert load_settings(config).serve.metrics_file == file
    code, _ = desk.org("run")
    assert code == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    names = {one.name for one in families(file.read_text())}  # type: ignore[attr-defined]
    assert "allocator_last_done_timestamp_seconds" in names and "allocator_beat_age_seconds" not in names
    assert [path.name for path in tmp_path.iterdir() if "prom" in path.name] == [file.name]


def test_a_real_service_shows_both_pages(warm: Warm, desk: Desk, tmp_path: Path) -> None:
    service = warm.serve(desk.org.config, clock=set_clock(tmp_path / "clock", MONDAY))
    assert service.url.startswith("http://127.0.0.1:")
    assert service.get("/healthz").status_code == 200
    assert families(service.get("/metrics").text)
    assert service.get("/nothing").status_code == 404


def test_a_monitor_is_answered_in_time_when_the_store_is_not() -> None:
    locked, asked = threading.Event(), []

    def work() -> Health:
        asked.append(1)
        locked.wait(30)
        return Health()

    health = web.Patiently(work, lambda: Health(("store",)), seconds=0.05)
    client = web.application(health, lambda: b"").test_client()
    for _ in range(3):
        answer = client.get("/healthz")
        assert (answer.status_code, answer.json["problems"]) == (503, ["store"])
    assert len(asked) == 1, "who asks meanwhile waits for the same answer"
    locked.set()
    patient = web.Patiently(Health, lambda: Health(("store",)), seconds=30)
    assert web.application(patient, lambda: b"").test_client().get("/healthz").status_code == 200
