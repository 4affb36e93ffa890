"""When much goes wrong at once, or for long: nothing is lost, and nobody is flooded."""

from __future__ import annotations

from collections import Counter
from email.utils import parsedate_to_datetime

from alert_org import ED, OPS, START, Alerted, AlertOrg, Letter, lead, new, one_thread, only

from allocator.domain.alerts import KINDS
from allocator.service.health import health

FIRING, RESOLVED = "FIRING", "RESOLVED"
STUCK = "alerts are not delivered since 2026-11-02 09:00 UTC. See: allocator alerts list"


def undelivered(org: AlertOrg) -> list[tuple[str, int]]:
    """State and tries of each mail that is not sent, the oldest first."""
    found = org("alerts", "list")[1]["undelivered"]
    return [(mail["state"], mail["attempts"]) for mail in reversed(found)]


def problems(org: AlertOrg) -> tuple[str, ...]:
    """What /healthz would say of a service whose loop goes round."""
    with org.store() as store:
        return health(store, org.now, beat_age=0, since=START).problems


def days(letters: list[Letter]) -> Counter[tuple[str, str]]:
    return Counter((one.to, str(one.mail.message["Date"])[:16]) for one in letters)


# --- the mail server is down


def test_nobody_reads_that_it_is_over_before_what_it_was(org: AlertOrg) -> None:
    org.post.refuse(OPS, "451 4.7.1 try later", times=1)
    org.down()
    org.run(5)
    org.up()
    org.at(minutes=0.5)
    org.run(0)
    assert org.news() == []
    org.at(minutes=1)
    org.watch()
    assert [one.phase for one in org.news()] == [FIRING, RESOLVED]


def test_a_mail_server_that_is_dead_for_a_day_while_the_crm_is_down_loses_no_mail(org: AlertOrg) -> None:
    org.run(0)
    org.post.stop()
    org.down()
    for hour in range(1, 25):
        org.at(hour)
        org.run(5)
        org.watch()
    assert {state for state, _ in undelivered(org)} == {"pending"}
    org.post.start()
    org.up()
    org.at(25)
    org.run(0)
    for minutes in (6, 40, 70):
        org.at(25, minutes)
        org.watch()
    assert undelivered(org) == []
    mails = org.letters()
    assert len({one.id for one in mails}) == len(mails)
    for kind in ("crm_refused", "run_missed", "alerts_undelivered"):
        thread = org.letters(kind)
        assert one_thread(thread)
        assert [one.phase for one in thread] == [*[FIRING] * 6, RESOLVED]
        written = [parsedate_to_datetime(str(one.mail.message["Date"])) for one in thread]
        assert written == sorted(written)
    assert max(days(mails).values()) <= 12


def silence_all_but(org: AlertOrg, kind: str) -> None:
    for other in KINDS.keys() - {kind}:
        assert org("alerts", "silence", other, "--for", "30d")[0] == 0


def test_a_mail_is_tried_again_after_1_5_15_and_then_every_30_minutes(org: AlertOrg) -> None:
    silence_all_but(org, "crm_refused")
    org.post.stop()
    org.down()
    org.run(5)
    seen, due = [], 0.0
    assert undelivered(org)[0] == ("pending", 1)
    for tries, wait in enumerate((1, 5, 15, 30, 30), start=2):
        due += wait
        org.at(minutes=due - 0.1)
        org.watch()
        seen.append(undelivered(org)[0][1])
        org.at(minutes=due)
        org.watch()
        assert undelivered(org)[0] == ("pending", tries)
    assert seen == [1, 2, 3, 4, 5]


def test_after_seven_days_a_mail_is_dead_and_stays_in_the_list(org: AlertOrg) -> None:
    silence_all_but(org, "crm_refused")
    org.post.stop()
    org.down()
    org.run(5)
    for day in range(1, 7):
        org.at(24 * day)
        org.watch()
    assert undelivered(org)[0][0] == "pending"
    org.at(24 * 7)
    org.watch()
    org.post.start()
    assert undelivered(org)[0][0] == "dead"
    shown = org.printed("alerts", "list")
    assert "dead  to ops@example.com" in shown and "unreachable" in shown
    for minutes in (1, 31):
        org.at(24 * 7, minutes)
        org.watch()
    assert all(one.kind != "crm_refused" for one in org.letters())
    assert [state for state, _ in undelivered(org)] == ["dead"]


def test_every_command_and_the_health_say_that_mails_are_stuck(org: AlertOrg) -> None:
    org.post.stop()
    org.configure('"Inbound Leads"', '"Renamed"')
    org.run(7)
    org.configure('"Renamed"', '"Inbound Leads"')
    commands = [
        ("alerts", "list"), ("runs", "list"), ("leads", "held"), ("tables", "check"),
        ("rotation", "show", "Enterprise"), ("alerts", "silence", "leads_held"), ("watch",),
        ("run", "--dry-run"), ("run",), ("explain", "nothing"), ("alerts", "ack", "INC-0"),
    ]  # fmt: skip
    org.at(minutes=15)
    assert problems(org) == ()
    assert all("not delivered" not in org.stderr(*words) for words in commands[:4])
    org.at(minutes=16)
    assert problems(org) == ("alerts",)
    assert [words for words in commands if org.stderr(*words).count(STUCK) != 1] == []
    org.post.start()
    org.at(minutes=60)
    org.watch()
    assert problems(org) == ()
    assert [words for words in commands if "not delivered" in org.stderr(*words)] == []


# --- many leads are held


def test_500_held_leads_over_24_runs_are_a_handful_of_mails_also_when_20_more_come_each_hour(
    alerted: Alerted,
) -> None:
    org = alerted([lead(n, "FR") for n in range(500)])
    org.save(only("DE"))
    for hour in range(6):
        org.at(hour)
        org("run")
    assert [(one.said, one.headline) for one in org.news()] == [
        ((FIRING, "leads_held", ED), "500 of 500 leads have no owner (no_rule)")
    ]
    for hour in range(6, 30):
        org.put("Lead", *(new(org, "FR") for _ in range(20)))
        org.at(hour)
        assert org("run")[0] == 4
    mails = org.news()
    assert {one.said for one in mails} == {(FIRING, "leads_held", ED)}
    assert len(mails) <= 6
    assert int(mails[-1].headline.partition(" of ")[0]) >= 900
    assert one_thread(org.letters())


def test_thousands_of_held_leads_are_one_mail_a_reason_with_ten_leads_each(alerted: Alerted) -> None:
    countries = ("FR", "IT", "Atlantis", "FR")
    org = alerted([lead(n, countries[n % 4]) for n in range(2_000)])
    org.save(only("DE", hold="Later"))
    org.run(4, held=2_000)
    assert {one.headline: (len(one.leads), "and 490 more" in one.text) for one in org.news()} == {
        "1,000 of 2,000 leads have no owner (no_rule)": (10, False),
        "500 of 2,000 leads have no owner (rule_hold)": (10, True),
        "500 of 2,000 leads have no owner (unmapped_value)": (10, True),
    }


def test_a_day_with_everything_wrong_is_12_mails_an_address_and_the_rest_is_listed(alerted: Alerted) -> None:
    org = alerted([lead(0, "FR"), lead(1)], editors=(OPS,))
    for hour in range(0, 14, 4):
        org.configure('"Inbound Leads"', '"Renamed"')
        org.at(hour)
        org.run(7)
        org.configure('"Renamed"', '"Inbound Leads"')
        org.save(only("DE"))
        org.at(hour, 20)
        org("run")
        org.save(only("DE", "FR"))
        org.at(hour, 40)
        org("run")
        org.put("Lead", new(org, "IT"))
    mails = org.letters()
    assert len(mails) == 12
    assert "This is the 12th alert to this address today" in mails[-1].text
    assert all("12th" not in one.text for one in mails[:-1])
    open_ = [one["incident"] for one in org("alerts", "list")[1]["incidents"]]
    assert len(open_) == 1
    org.at(24)
    org("run")
    assert {one.incident for one in org.news()} >= set(open_)
