"""The main job through real HTTP: pulled, decided, shared out, written back, read back, explained."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

from org import Org, balanced, leads_csv

from allocator.bootstrap import job, preview, store_of
from allocator.config import load_settings
from allocator.domain.lead import State
from allocator.domain.records import LeadRow
from allocator.service.run import run


def test_a_run_gives_every_lead_the_owner_that_explain_names(org: Org) -> None:
    code, made = org("run")
    assert code == 4  # some of the sample leads are held on purpose
    assert made["leads"]["pulled"] == 240
    assert balanced(made["leads"])
    owners = org.owners()
    given = [row for row in _rows(org) if row.state is State.CONFIRMED]
    assert len(given) == made["leads"]["assigned"] > 220
    assert all(owners[row.key.source_id] == row.owner for row in given)
    for row in given[::80]:
        _, why = org("explain", row.key.source_id)
        assert why["person"]["crm_user_id"] == owners[row.key.source_id]


def test_a_second_run_assigns_nothing_and_writes_nothing(org: Org) -> None:
    org("run")
    before = len(_writes(org))
    code, made = org("run")
    assert code == 0
    assert made["leads"]["pulled"] == made["leads"]["redecided"] == made["leads"]["assigned"] == 0
    assert len(_writes(org)) == before


def test_every_owner_write_switches_the_orgs_own_rules_off_and_is_conditional(org: Org) -> None:
    org("run")
    subs = [sub for request in _writes(org) for sub in request["sub"]]
    assert len(subs) >= 220
    for sub in subs:
        headers = {k.lower(): v for k, v in sub["headers"].items()}
        assert headers["sforce-auto-assign"].upper() == "FALSE"
        assert "if-unmodified-since" in headers


def test_the_calls_of_a_run_are_few_and_counted_as_the_crm_counts_them(org: Org) -> None:
    _, made = org("run")
    n, kinds = 240, made["crm"]["by_kind"]
    assert made["crm"]["requests"] == len(org.requests()) == sum(kinds.values())
    assert kinds["pull"] <= math.ceil(n / 2000) + 1
    assert kinds["write"] <= math.ceil(n / 25)
    assert kinds["read"] <= math.ceil(n / 200) + 1
    assert kinds.get("members", 0) <= math.ceil(n / 200)
    assert kinds["people"] <= math.ceil(n / 200)
    assert kinds["login"] == kinds["users"] == 1


def test_no_key_is_looked_up_twice_in_a_run(org: Org) -> None:
    org("run")
    asked = Counter(
        sub["url"] for r in org.requests() for sub in (r.get("sub") or ()) if "query" in sub["url"]
    )
    assert asked and max(asked.values()) == 1


def test_the_dry_run_says_exactly_what_the_next_run_does_and_writes_nothing(org: Org) -> None:
    org.put("Lead", {"Id": org.records("Lead")[0]["Id"], "Country": "Untied Kingdom"})
    files = _files(org)
    _, predicted = org("run", "--dry-run")
    assert not _writes(org)
    assert _files(org) == files
    _, made = org("run")
    assert _comparable(predicted) == _comparable(made)
    _, predicted = org("run", "--dry-run")
    _, made = org("run")
    assert _comparable(predicted) == _comparable(made)


def test_a_lead_put_back_into_the_queue_goes_to_somebody_else(org: Org) -> None:
    org("run")
    row = next(r for r in _rows(org) if r.by == "turn" and r.team == "Enterprise")
    lead_id, before = row.key.source_id, row.person
    org.put("Lead", {"Id": lead_id, "OwnerId": org.queue})
    _, made = org("run")
    assert made["leads"]["returned"] == made["leads"]["redecided"] == made["leads"]["assigned"] == 1
    _, after = org("explain", lead_id)
    assert after["epoch"] == 2
    assert after["person"]["id"] != before


def test_a_lead_that_a_person_took_before_the_write_is_never_overwritten(org: Org) -> None:
    lead = _going_by_turn(org).key.source_id
    taker = next(u["Id"] for u in org.records("User") if u["Name"] == "Vera Voss")
    org.fault("take", on={"method": "PATCH", "record": lead}, by=taker)
    _, made = org("run")
    assert made["leads"]["taken"] == 1
    assert balanced(made["leads"])
    assert org.owners()[lead] == taker
    _, why = org("explain", lead)
    assert why["state"] == "taken" and why["given_back"]


def test_a_lead_touched_by_another_tool_between_read_and_write_is_given_all_the_same(org: Org) -> None:
    lead = _going_by_turn(org).key.source_id
    org.fault("edit", on={"method": "PATCH", "record": lead}, fields={"Description": "called"})
    _, made = org("run")
    assert made["leads"]["retry"] == 0
    _, why = org("explain", lead)
    assert why["state"] == "confirmed"
    assert org.owners()[lead] == why["person"]["crm_user_id"]


def test_a_user_made_inactive_between_look_up_and_write_is_refunded_and_the_lead_goes_on(org: Org) -> None:
    chosen = _going_by_turn(org)
    user, lead = chosen.owner, chosen.key.source_id
    org.fault("status", on={"record": lead, "method": "PATCH"}, status=400, code="INACTIVE_OWNER_OR_USER")
    _, made = org("run")
    assert made["held_reasons"].get("owner_refused", 0) >= 1
    _, held = org("explain", lead)
    assert (held["state"], held["reason"], held["given_back"]) == ("held", "owner_refused", True)
    org.put("User", {"Id": user, "IsActive": False})
    _, made = org("run")
    _, why = org("explain", lead)
    assert why["state"] == "confirmed" and why["person"]["crm_user_id"] != user


def test_a_lead_converted_between_read_and_write_is_closed_and_not_written(org: Org) -> None:
    lead = _going_by_turn(org).key.source_id
    somebody = next(u["Id"] for u in org.records("User") if u["Name"] == "Vera Voss")
    org.fault("convert", on={"method": "PATCH", "record": lead}, by=somebody)
    _, made = org("run")
    assert made["leads"]["closed"] == 1
    tries = [s["status"] for r in _writes(org) for s in r["sub"] if lead in s["url"]]
    assert len(tries) == 1 and tries[0] >= 400
    _, why = org("explain", lead)
    assert (why["state"], why["reason"]) == ("closed", "converted")


def test_a_lead_we_gave_is_linked_and_its_link_moves_to_the_contact_when_it_is_converted(org: Org) -> None:
    org("run")
    lead = next(r for r in _rows(org) if r.state is State.CONFIRMED).key.source_id
    _, why = org("explain", lead)
    assert [(x["object"], x["state"]) for x in why["links"]] == [("Lead", "live")]
    stamp = _iso(org)
    org.put("Lead", {"Id": lead, "IsConverted": True, "ConvertedContactId": "0035g00000C0001AAB",
                     "SystemModstamp": stamp, "LastModifiedDate": stamp})  # fmt: skip
    _, made = org("run")
    assert made["leads"]["converted"] == 1
    _, why = org("explain", lead)
    states = {(x["object"], x["state"]) for x in why["links"]}
    assert states == {("Lead", "converted"), ("Contact", "live")}
    _, made = org("run")
    assert made["leads"]["converted"] == 0


def test_held_leads_go_as_soon_as_their_reason_is_gone(org: Org) -> None:
    org("run")
    _, held = org("leads", "held")
    lead = next(x["lead"].split(":")[1] for x in held["leads"] if x["reason"] == "unmapped_value")
    stamp = _iso(org)
    mended = {"Country": "United Kingdom", "CountryCode": None, "LastModifiedDate": stamp}
    org.put("Lead", {"Id": lead, **mended})
    _, made = org("run")
    assert (made["leads"]["redecided"], made["leads"]["assigned"]) == (1, 1)


def test_held_leads_are_decided_again_on_request(org: Org) -> None:
    org("run")
    _, held = org("leads", "held")
    code, said = org("leads", "retry", "--all")
    assert (code, said["retried"]) == (0, len(held["leads"]))
    _, made = org("run")
    assert made["leads"]["redecided"] == made["leads"]["held"] == len(held["leads"])


def test_a_held_lead_that_a_person_takes_is_closed_for_us(org: Org) -> None:
    org("run")
    _, held = org("leads", "held")
    lead = held["leads"][0]["lead"].split(":")[1]
    taker = next(u["Id"] for u in org.records("User") if u["Name"] == "Vera Voss")
    org.put("Lead", {"Id": lead, "OwnerId": taker})
    _, made = org("run")
    assert made["leads"]["taken"] == 1 and balanced(made["leads"])


def test_observe_mode_decides_and_writes_nothing_and_its_turns_go_when_it_is_live(org: Org) -> None:
    text = org.config.read_text()
    org.config.write_text(text.replace("live = true", "live = false"))
    owners = org.owners()
    _, seen = org("run")
    assert seen["live"] is False and seen["leads"]["assigned"] > 220
    assert org.owners() == owners
    org.config.write_text(text)
    _, made = org("run")
    assert made["leads"]["assigned"] == seen["leads"]["assigned"]
    assert made["teams"] == seen["teams"]


def test_a_wrong_secret_is_exit_code_5_and_nothing_is_lost(org: Org) -> None:
    secret = org.config.with_name("client_secret")
    right = secret.read_text()
    secret.write_text("wrong-secret-7391\n")
    code, said = org("run")
    assert code == 5
    assert "wrong-secret-7391" not in str(said)
    secret.write_text(right)
    assert org("run")[1]["leads"]["pulled"] == 240


def test_hostile_text_in_every_field_is_handled_and_never_breaks_a_run(tmp_path: Path) -> None:
    nasty = "'\"<script>alert(1)</script>\u202e\x07\x1b[31m\ud83d\ude00{{7*7}}%s" + "x" * 100_000
    org = Org(tmp_path)
    try:
        org.init()
        rows = [r for r in org.records("Lead") if r["OwnerId"] == org.queue][:3]
        for row, text in zip(rows, (nasty, nasty[::-1], "\x00\n\r\t'; --" * 9000), strict=True):
            filled = {k: text for k, v in row.items() if isinstance(v, str) and k not in _KEPT}
            org.put("Lead", {"Id": row["Id"], **filled, "Email": text, "Country": text})
        code, made = org("run")
        assert code == 4
        assert made["leads"]["pulled"] == 240 and balanced(made["leads"])
        for row in rows:
            _, why = org("explain", row["Id"])
            assert why["state"] in ("held", "confirmed")
            assert len(str(why)) < 60_000
    finally:
        org.close()


def test_leads_of_a_file_are_loaded_shared_out_and_none_is_lost(tmp_path: Path) -> None:
    rows = [
        {"Key": f"L-{i}", "Last Name": f"N{i}", "Company": "Acme", "Country": "DE", "Employees": "20"}
        for i in range(57)
    ]
    org = Org(tmp_path, leads=leads_csv(tmp_path / "leads.csv", rows))
    try:
        org.init()
        _, made = org("run")
        assert made["leads"]["pulled"] == 57 and balanced(made["leads"])
        split = [n for people in made["teams"].values() for n in people.values()]
        assert sum(split) == made["leads"]["assigned"]
    finally:
        org.close()


def test_runs_are_listed_and_shown(org: Org) -> None:
    org("run")
    org("run")
    _, listed = org("runs", "list")
    assert [r["run"] for r in listed["runs"]] == [2, 1]
    code, shown = org("runs", "show", "1")
    assert (code, shown["state"], shown["leads"]["pulled"]) == (0, "done", 240)
    assert org("runs", "show", "99")[0] == 2


def test_the_store_is_copied_in_a_whole(org: Org, tmp_path: Path) -> None:
    org("run")
    copy = tmp_path / "copy.db"
    assert org("store", "backup", str(copy))[0] == 0
    text = org.config.read_text()
    org.config.write_text(text.replace("sqlite:///allocator.db", f"sqlite:///{copy}"))
    _, listed = org("runs", "list")
    assert [r["run"] for r in listed["runs"]] == [1]


_AUDIT = {"CreatedDate", "LastModifiedDate", "SystemModstamp", "CreatedById", "LastModifiedById"}
_KEPT = {"Id", "OwnerId", "Status", *_AUDIT}


def _rows(org: Org) -> list[LeadRow]:
    """Every lead as the store knows it."""
    store = store_of(load_settings(org.config))
    try:
        return list(store.leads())
    finally:
        store.close()


def _going_by_turn(org: Org) -> LeadRow:
    """A lead that the next run will give by turn, and to whom: read off a copy of the store."""
    real = job(load_settings(org.config))
    try:
        with preview(real) as copy:
            run(copy, by="test")
            return next(r for r in copy.store.leads(states=[State.CONFIRMED]) if r.by == "turn")
    finally:
        real.store.close()


def _writes(org: Org) -> list[dict[str, Any]]:
    return [
        r for r in org.requests()
        if r.get("sub") and any(s["method"] == "PATCH" for s in r["sub"])
    ]  # fmt: skip


def _comparable(made: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in made.items() if k not in ("run", "seconds", "crm")}


def _files(org: Org) -> dict[str, bytes]:
    folder = org.config.parent
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}


def _iso(org: Org) -> str:
    """A moment just after the sandbox's own now."""
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
