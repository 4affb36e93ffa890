"""Every kind of alert as a real mail server gets it: firing, repeated, resolved, in one thread."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from alert_org import (
    CRM_TEXT,
    ED,
    ED2,
    OPS,
    OPS2,
    Alerted,
    AlertOrg,
    lead,
    new,
    one_thread,
    only,
)
from faulty_org import LOGIN, PULL, WRITE, Change, company, instead

from allocator.domain.alerts import KINDS
from allocator.sandbox.wire import Request, Response

FIRING, RESOLVED = "FIRING", "RESOLVED"
REFUSED_LOGIN = instead(400, {"error": "invalid_client", "error_description": CRM_TEXT})
NO_CALLS_LEFT = instead(403, [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": CRM_TEXT}])


def told(kind: str, phase: str, *readers: str) -> list[tuple[str, str, str]]:
    return [(phase, kind, reader) for reader in readers]


# --- the run and the CRM


def test_a_renamed_queue_fails_every_run_until_it_is_named_again(org: AlertOrg) -> None:
    org.configure('"Inbound Leads"', '"Renamed"')
    org.run(7)
    (first,) = org.news()
    assert first.said == (FIRING, "run_failed", OPS)
    assert (first.headline, first.level) == ("run 1 failed (ConfigError)", "high")
    assert (first.todo, first.causes) == ("allocator runs show 1", ["1 x ConfigError"])
    for hour in (1, 2, 3):
        org.at(hour)
        org.run(7)
        assert org.said() == []
    org.at(4)
    org.run(7)
    (again,) = org.news()
    assert again.said == first.said
    assert again.causes == ["5 x ConfigError"]
    assert again.todo == "allocator runs show 5"
    org.configure('"Renamed"', '"Inbound Leads"')
    org.at(5)
    org.run(0)
    (over,) = org.news()
    assert over.said == (RESOLVED, "run_failed", OPS)
    assert "over after 5 h 0 min" in over.text
    assert one_thread([first, again, over])


@pytest.mark.parametrize(
    "where, change, code",
    [(LOGIN, REFUSED_LOGIN, "login_refused"), (PULL, NO_CALLS_LEFT, "quota_used_up")],
)
def test_a_crm_that_refuses_us_is_told_and_over_with_its_next_answer(
    org: AlertOrg, where: str, change: Change, code: str
) -> None:
    org.twist(where, change, times=0)
    for hour in range(5):
        org.at(hour)
        org.run(5)
    first, again = org.news()
    assert first.said == again.said == (FIRING, "crm_refused", OPS)
    assert first.headline == f"the CRM cannot be used ({code})"
    assert again.headline == f"the CRM cannot be used ({code}), 5 runs so far"
    assert (first.todo, again.causes) == ("allocator doctor", [f"5 x {code}"])
    org.straight()
    org.at(5)
    org.run(0, assigned=4)
    (over,) = org.news()
    assert over.said == (RESOLVED, "crm_refused", OPS)
    assert one_thread([first, again, over])


def test_one_outage_of_the_crm_is_one_incident_whatever_it_says_meanwhile(org: AlertOrg) -> None:
    org.down()
    org.run(5)
    (first,) = org.news()
    assert first.headline == "the CRM cannot be used (unreachable)"
    org.up()
    org.twist(LOGIN, REFUSED_LOGIN, times=0)
    org.at(4)
    org.run(5)
    (again,) = org.news()
    assert again.causes == ["1 x login_refused", "1 x unreachable"]
    org.straight()
    org.at(5)
    org.run(0)
    (over,) = org.news()
    assert one_thread([first, again, over])


def test_hours_without_a_run_are_missed_by_watch_alone(org: AlertOrg) -> None:
    org.run(0)
    org.at(1, 15)
    assert org.watch()["missed"] is False
    org.at(1, 16)
    assert org.watch()["missed"] is True
    (first,) = org.news()
    assert first.said == (FIRING, "run_missed", OPS)
    assert first.headline == "no run has succeeded for 1 h 16 min (service_silent)"
    assert first.todo == "systemctl restart allocator"
    for minutes in range(20, 256, 47):
        org.at(1, minutes)
        org.watch()
    assert org.said() == []
    org.at(5, 16)
    org.watch()
    (again,) = org.news()
    assert again.headline == "no run has succeeded for 5 h 16 min (service_silent)"
    org.at(6)
    org.run(0)
    (over,) = org.news()
    assert over.said == (RESOLVED, "run_missed", OPS)
    assert one_thread([first, again, over])
    org.watch()
    assert org.said() == []


def test_a_service_that_never_ran_is_missed_after_75_minutes_of_watching(org: AlertOrg) -> None:
    for minutes in (0, 60, 75):
        org.at(100, minutes)
        assert org.watch() == {**org.watch(), "missed": False, "last_done": None}
    assert org.said() == []
    org.at(100, 76)
    org.watch()
    (first,) = org.news()
    assert first.said == (FIRING, "run_missed", OPS)
    assert "no run has done its hour yet" in first.text


def test_runs_that_fail_every_hour_are_not_told_as_a_service_that_is_silent(org: AlertOrg) -> None:
    org.run(0)
    org.configure('"Inbound Leads"', '"Renamed"')
    for hour in (1, 2):
        org.at(hour)
        org.run(7)
    org.news()
    org.watch()
    (missed,) = org.news()
    assert missed.headline == "no run has succeeded for 2 h 0 min (runs_fail)"
    assert missed.todo == "allocator runs list"


# --- the workbook


def refused(*, team: str = "Nowhere", weight: object = 1) -> Any:
    sheets = company()
    sheets["Team"][1][4], sheets["Salespeople"][1][5] = team, weight
    return sheets


def test_each_refused_save_is_answered_to_editors_with_its_cells_and_after_a_day_to_oncall(
    org: AlertOrg,
) -> None:
    org.run(0)
    org.save(refused(weight="lots"))
    org.at(1)
    org.run(0)
    (first,) = org.news()
    assert first.said == (FIRING, "tables_refused", ED)
    assert "Team!E2" in first.text and "Salespeople!F2" in first.text
    assert "goes on deciding" in first.text and first.level == "normal"
    org.at(2)
    org.run(0)
    assert org.said() == []
    org.save(refused(team="Nobody"))
    org.at(3)
    org.run(0)
    (second,) = org.news()
    assert second.said == (FIRING, "tables_refused", ED)
    assert "Salespeople!F2" not in second.text
    org.at(24, 50)
    org.run(0)
    assert org.said() == []
    org.at(25)
    org.run(0)
    (oncall,) = org.news()
    assert oncall.said == (FIRING, "tables_refused", OPS)
    assert "Team!E2" not in oncall.text
    assert oncall.todo == "allocator tables check"
    org.save(company())
    org.at(26)
    org.run(0)
    over = org.news()
    assert [one.said for one in over] == told("tables_refused", RESOLVED, ED, OPS)
    assert one_thread([first, second, over[0]])
    assert one_thread([oncall, over[1]])


def test_without_a_good_version_oncall_hears_of_a_refused_workbook_at_once(org: AlertOrg) -> None:
    org.save(refused())
    org.run(3)
    first = org.news()
    assert sorted(one.said for one in first) == told("tables_refused", FIRING, ED, OPS)
    assert {one.level for one in first} == {"high"}
    assert all("no lead is given an owner" in one.text for one in first)
    org.at(4)
    org.run(3)
    assert org.said() == []
    org.save(company())
    org.at(5)
    org.run(0, assigned=4)
    assert sorted(org.said()) == told("tables_refused", RESOLVED, ED, OPS)


# --- leads


def test_held_leads_are_one_incident_a_reason_and_over_when_none_is_left(alerted: Alerted) -> None:
    org = alerted([lead(0), lead(1, "FR"), lead(2, "IT")])
    org.save(only("DE", hold="Marketing waits for the fair"))
    org.run(4)
    first = org.news()
    assert [one.said for one in first] == told("leads_held", FIRING, ED, ED)
    no_rule, rule_hold = first
    assert no_rule.headline == "1 of 3 leads has no owner (no_rule)"
    assert rule_hold.headline == "1 of 3 leads has no owner (rule_hold)"
    assert "the fair" not in rule_hold.text
    assert (no_rule.leads, rule_hold.leads) == ([org.leads[1]], [org.leads[2]])
    org.put("Lead", new(org, "ES"), new(org, "PT"))
    org.at(1)
    org.run(4)
    assert org.said() == []
    org.at(4)
    org.run(0)
    (again,) = org.news()
    assert again.headline.startswith("3 of ") and "(no_rule)" in again.headline
    assert len(again.leads) == 3
    org.save(only("DE", "FR", "IT", "PT", "ES"))
    org.at(5)
    org.run(0, assigned=4)
    assert org.said() == told("leads_held", RESOLVED, ED, ED)
    assert one_thread([one for one in org.letters() if one.incident == no_rule.incident])


def test_a_reason_that_only_the_crm_explains_is_for_oncall_with_its_code_and_no_text(org: AlertOrg) -> None:
    rejected = {"status": 400, "code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": CRM_TEXT}
    on = {"method": "PATCH", "record": org.leads[0], "times": 0}
    org.fault("status", "before", on, **rejected)
    org.run(4, assigned=3, held=1)
    (first,) = org.news()
    assert first.said == (FIRING, "leads_held", OPS)
    assert (first.level, first.leads) == ("high", [org.leads[0]])
    assert first.causes == ["1 x FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    org.straight()
    assert org("leads", "retry", "--all")[0] == 0
    org.at(1)
    org.run(0, assigned=1)
    assert org.said() == told("leads_held", RESOLVED, OPS)


@pytest.mark.parametrize("held, level", [(1, "normal"), (2, "high")])
def test_a_run_that_holds_more_than_a_fifth_of_its_leads_is_high(
    alerted: Alerted, held: int, level: str
) -> None:
    org = alerted([lead(n, "FR" if n < held else "DE") for n in range(5)])
    org.save(only("DE"))
    org.run(4, held=held)
    (first,) = org.news()
    assert first.level == level


def resting(org: AlertOrg) -> Any:
    """Enterprise is on holiday, and team Rest takes its leads."""
    sheets = company()
    sheets["Teams"][1][2] = "Rest"
    sheets["Teams"].append(["Rest", "Europe/Berlin", "hold", None, None, None])
    who = ["P-004", "Vera Voss", "vera@example.com", org.user("Vera Voss"), "Rest", 1, None, "yes"]
    sheets["Salespeople"].append(who)
    away = [date(2026, 11, 1), date(2026, 11, 4), "holiday", None]
    sheets["Absences"] += [[name, *away] for name in ("Ana Alvarez", "Ben Bauer", "Chi Chen")]
    return sheets


def test_leads_that_went_to_a_fallback_are_told_at_once_then_once_a_day(org: AlertOrg) -> None:
    org.save(resting(org))
    org.run(0, assigned=4)
    (first,) = org.news()
    assert first.said == (FIRING, "fallback_used", ED)
    assert (first.headline, first.level) == ("4 leads went to a fallback", "low")
    for hour in (6, 23):
        org.put("Lead", new(org), new(org))
        org.at(hour)
        org.run(0, assigned=2)
    assert org.said() == []
    org.at(24)
    org.run(0)
    (digest,) = org.news()
    assert digest.headline == "8 leads went to a fallback"
    org.at(46, 50)
    org.run(0)
    assert org.said() == []
    org.at(47)
    org.run(0)
    (over,) = org.news()
    assert over.said == (RESOLVED, "fallback_used", ED)
    assert one_thread([first, digest, over])


# --- people and owners


def test_a_salesperson_whose_user_is_inactive_is_told_until_the_user_is_active(org: AlertOrg) -> None:
    ana = org.user("Ana Alvarez")
    org.put("User", {"Id": ana, "IsActive": False})
    org.run(0, assigned=4)
    (first,) = org.news()
    assert first.said == (FIRING, "person_unusable", ED)
    assert first.headline == "salesperson P-001 cannot be given leads (inactive_user)"
    assert ana not in {org.owners()[one] for one in org.leads}
    org.at(9)
    org.run(0)
    assert org.said() == []
    org.put("User", {"Id": ana, "IsActive": True})
    org.at(10)
    org.run(0)
    (over,) = org.news()
    assert over.said == (RESOLVED, "person_unusable", ED)
    assert one_thread([first, over])


def test_a_salesperson_whose_user_is_unknown_to_the_crm_is_told_by_that_name(org: AlertOrg) -> None:
    sheets = company()
    sheets["Salespeople"][1][3] = "005000000000001AAA"
    org.save(sheets)
    org.run(0, assigned=4)
    (first,) = org.news()
    assert first.headline == "salesperson P-001 cannot be given leads (unknown_user)"


def test_an_owner_that_the_crm_refuses_is_told_again_with_more_leads_until_given_one(
    alerted: Alerted,
) -> None:
    org = alerted(3)
    refuse(org, "Ana Alvarez")
    org.run(4, held=1)
    first = next(one for one in org.news() if one.kind == "person_unusable")
    assert first.said == (FIRING, "person_unusable", ED)
    assert first.headline == "salesperson P-001 cannot be given leads (owner_refused)"
    assert len(first.leads) == 1
    org.at(1)
    org.run(0, assigned=1)
    assert org.said() == told("leads_held", RESOLVED, OPS)
    org.put("Lead", *(new(org) for _ in range(3)))
    org.at(4)
    org.run(4, assigned=1, held=2)
    again = next(one for one in org.news() if one.kind == "person_unusable")
    assert len(again.leads) == 2 and first.leads[0] not in again.leads
    assert "and 1 more" in again.text
    org.straight()
    org.put("Lead", *(new(org) for _ in range(3)))
    org.at(5)
    org.run(0, assigned=5)
    over = next(one for one in org.news() if one.kind == "person_unusable")
    assert over.said == (RESOLVED, "person_unusable", ED)
    assert one_thread([first, again, over])


def refuse(org: AlertOrg, name: str) -> None:
    """The CRM takes this user, who looks well, as no lead's owner."""
    user = org.user(name)

    def change(request: Request, work: Callable[[], Response]) -> Response:
        org.put("User", {"Id": user, "IsActive": False})
        try:
            return work()
        finally:
            org.put("User", {"Id": user, "IsActive": True})

    org.twist(WRITE, change, times=0)


def test_an_owner_that_somebody_else_replaces_at_once_is_told_to_oncall(org: AlertOrg) -> None:
    robot = org.user("Vera Voss")
    contest(org, org.leads[0], robot)
    org.run(0, assigned=3, taken=1)
    (first,) = org.news()
    assert first.said == (FIRING, "owner_contested", OPS)
    assert first.headline == "1 lead had another owner right after we gave it"
    assert first.todo == f"allocator explain {org.leads[0]}"
    org.straight()
    org.put("Lead", new(org), new(org))
    for one in org.records("Lead"):
        if one["OwnerId"] == org.queue:
            contest(org, one["Id"], robot)
    org.at(4)
    org.run(0, taken=2)
    (again,) = org.news()
    assert again.headline == "3 leads had another owner right after we gave them"
    for hours, minutes in ((5, 0), (27, 59)):
        org.at(hours, minutes)
        org.run(0)
    assert org.said() == []
    org.at(28)
    org.run(0)
    (over,) = org.news()
    assert over.said == (RESOLVED, "owner_contested", OPS)
    assert one_thread([first, again, over])


def contest(org: AlertOrg, record: str, robot: str) -> None:
    org.fault("take", "after_commit", {"method": "PATCH", "record": record}, by=robot)


# --- the mails themselves


def test_mails_that_one_address_does_not_get_are_told_to_the_others(alerted: Alerted) -> None:
    org = alerted(oncall=(OPS, OPS2))
    org.post.refuse(OPS2, f"451 4.7.1 {CRM_TEXT}")
    org.down()
    org.run(5)
    assert org.said() == told("crm_refused", FIRING, OPS)
    org.at(minutes=15)
    assert org.watch()["stuck"] is False
    org.at(minutes=16)
    assert org.watch()["stuck"] is True
    (first,) = org.news()
    assert first.said == (FIRING, "alerts_undelivered", OPS)
    assert first.headline == "1 mail has waited for over 15 minutes to be sent"
    assert first.todo == "allocator alerts list"
    org.at(4, 20)
    org.run(5)
    org.watch()
    assert org.said() == [
        *told("crm_refused", FIRING, OPS),
        *told("alerts_undelivered", FIRING, OPS),
        *told("run_missed", FIRING, OPS),
    ]
    org.post.accept_everything()
    for minutes in (40, 60):
        org.at(4, minutes)
        org.watch()
    over = [one for one in org.news() if one.to == OPS]
    assert [one.said for one in over] == told("alerts_undelivered", RESOLVED, OPS)
    mine = [one for one in org.letters("alerts_undelivered") if one.to == OPS]
    assert one_thread(mine)
    assert [one.phase for one in mine] == [FIRING, FIRING, RESOLVED]
    late = [one for one in org.letters() if one.to == OPS2]
    assert len({one.id for one in late}) == len(late) == len(org.letters()) - len(late)
    assert org("alerts", "list")[1]["undelivered"] == []


# --- readers


def test_every_address_gets_its_own_copy_in_its_own_thread(alerted: Alerted) -> None:
    org = alerted([lead(0, "FR")], oncall=(OPS, OPS2), editors=(ED, ED2))
    org.save(only("DE"))
    org.run(4)
    assert sorted(org.said()) == told("leads_held", FIRING, ED2, ED)
    org.save(only("DE", "FR"))
    org.at(1)
    org.run(0)
    assert sorted(org.said()) == told("leads_held", RESOLVED, ED2, ED)
    for reader in (ED, ED2):
        assert one_thread([one for one in org.letters() if one.to == reader])


def test_observe_mode_mails_as_if(alerted: Alerted) -> None:
    org = alerted([lead(0), lead(1, "FR")])
    org.configure("live = true", "live = false")
    org.save(only("DE"))
    org.run(4, assigned=1, held=1)
    assert org.said() == told("leads_held", FIRING, ED)
    assert set(org.owners().values()) == {org.queue}


def test_a_dry_run_mails_nobody_and_leaves_incidents_as_they_are(alerted: Alerted) -> None:
    org = alerted([lead(0), lead(1, "FR")])
    org.save(only("DE"))
    assert org("run", "--dry-run")[0] == 4
    assert org.said() == []
    assert org("alerts", "list")[1]["incidents"] == []
    org.run(4)
    org.news()
    before = org("alerts", "list", "--all")
    org.save(only("DE", "FR"))
    org.at(5)
    assert org("run", "--dry-run")[0] == 0
    assert org.said() == []
    assert org("alerts", "list", "--all") == before


def test_the_kinds_shown_here_are_all_there_are() -> None:
    shown = {
        "run_failed", "crm_refused", "run_missed", "tables_refused", "leads_held", "fallback_used",
        "person_unusable", "owner_contested", "alerts_undelivered", "source_unreachable",
    }  # fmt: skip
    assert set(KINDS) == shown
