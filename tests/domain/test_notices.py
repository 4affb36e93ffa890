"""What mails say: every kind, phase and reader, true in what it says and short enough for a phone."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from allocator.domain.alerts import KINDS, Finding, Incident, Level, Phase, Policy, Reader, Scene
from allocator.domain.lead import Reason
from allocator.domain.notices import NOTHING, WORDS, headline, lasted, subject, why, writer

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY = Policy(oncall=("mia@x.test",), editors=("ed@x.test",), runbook_url="https://wiki.x.test/allocator/")
SCENE = Scene(
    host="crm-2", program="1.4.0", run=41, tables_version="abcdef0123456789", saved_by="Eva",
    next_run=MONDAY + HOUR, last_done=MONDAY - HOUR, lead_url="https://x.test/",
)  # fmt: skip
BARE = Scene(host="crm-2", program="1.4.0")
LEADS = tuple(f"salesforce:00Q00000000{n:04d}AAA" for n in range(10))

FINDINGS: dict[str, Finding] = {
    "run_failed": Finding(kind="run_failed", causes=(("store_unusable", 1),)),
    "crm_refused": Finding(kind="crm_refused", causes=(("quota_used_up", 1),)),
    "source_unreachable": Finding(kind="source_unreachable", key="hubspot", causes=(("login_refused", 1),)),
    **{
        cause: Finding(kind="run_missed", count=95, causes=((cause, 1),))
        for cause in ("service_silent", "run_takes_long", "runs_fail")
    },
    "tables_refused": Finding(
        kind="tables_refused", count=7, edition="e", details=("Layers!C4: no team Enterprize",),
        causes=(("no_team", 3), ("bad_share", 2), ("no_fact", 1), ("late", 1)),
    ),
    "no tables": Finding(kind="tables_refused", count=1, level=Level.HIGH, readers=frozenset(Reader)),
    **{
        f"held {reason}": Finding(
            kind="leads_held", key=str(reason), count=12, total=240, level=Level.HIGH, leads=LEADS,
            causes=((str(reason).upper(), 12),),
        )
        for reason in Reason
    },
    "fallback_used": Finding(kind="fallback_used", count=3, leads=LEADS[:3]),
    "person_unusable": Finding(kind="person_unusable", key="ana", causes=(("inactive_user", 1),)),
    "owner_contested": Finding(kind="owner_contested", count=2, leads=LEADS[:2]),
    "alerts_undelivered": Finding(kind="alerts_undelivered", count=9),
}  # fmt: skip


def incident(finding: Finding, **more: Any) -> Incident:
    return Incident("INC-4F2A", finding, opened=MONDAY - 3 * HOUR, seen=MONDAY, count=finding.count, **more)


def mail(
    finding: Finding,
    phase: Phase = Phase.FIRING,
    reader: Reader = Reader.ONCALL,
    scene: Scene = SCENE,
    *,
    policy: Policy = POLICY,
    last: bool = False,
) -> tuple[str, Mapping[str, Any]]:
    said = writer(scene, policy, MONDAY)(incident(finding), phase, reader, last)
    return said["subject"], said["content"]


def texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [t for part in value.values() for t in texts(part)]
    if isinstance(value, list):
        return [t for part in value for t in texts(part)]
    return [value] if isinstance(value, str) else []


@pytest.mark.parametrize("scene", [SCENE, BARE], ids=["at a run", "between runs"])
@pytest.mark.parametrize("reader", Reader)
@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("name", FINDINGS)
def test_every_kind_can_be_said_in_each_phase_to_each_reader(
    name: str, phase: Phase, reader: Reader, scene: Scene
) -> None:
    finding = FINDINGS[name]
    for count in (1, finding.count, 12_345):
        line, content = mail(replace(finding, count=count), phase, reader, scene)
        assert json.loads(json.dumps(content)) == content
        assert line.startswith(f"[allocator/prod] {phase} ")
        assert f" {finding.kind}: " in line
        assert line.endswith(" [INC-4F2A]")
        assert len(line) <= 150
        assert line.isascii()
        assert line.isprintable()
        for text in (line, *texts(content)):
            assert not re.search(r"[{}]|\bNone\b|  |\(\)", text), text
            assert text == text.strip()
        for part in ("headline", "impact", "itself", "todo", "why", "runbook", "resolved_when"):
            assert content[part], part


def test_every_kind_has_its_words_and_every_word_its_kind() -> None:
    assert set(WORDS) == set(KINDS) == {finding.kind for finding in FINDINGS.values()}


def test_the_subject_is_the_one_that_people_filter_by() -> None:
    held = Finding(kind="leads_held", key="owner_refused", count=12, total=240, level=Level.HIGH)
    assert subject(incident(held), Phase.FIRING, SCENE, POLICY) == (
        "[allocator/prod] FIRING high leads_held: 12 of 240 leads have no owner (owner_refused) [INC-4F2A]"
    )


@pytest.mark.parametrize(
    "name, count, said",
    [
        ("run_failed", 1, "run 41 failed (store_unusable)"),
        ("crm_refused", 1, "the CRM cannot be used (quota_used_up)"),
        ("source_unreachable", 1, "hubspot cannot be used (login_refused)"),
        ("runs_fail", 95, "no run has succeeded for 1 h 35 min (runs_fail)"),
        ("tables_refused", 7, "the workbook is refused: 7 problems (no_team, bad_share, no_fact, +1)"),
        ("tables_refused", 1, "the workbook is refused: 1 problem (no_team, bad_share, no_fact, +1)"),
        ("held locked", 1, "1 of 240 leads has no owner (locked)"),
        ("held locked", 2500, "2,500 of 2,500 leads have no owner (locked)"),
        ("fallback_used", 1, "1 lead went to a fallback"),
        ("person_unusable", 1, "salesperson ana cannot be given leads (inactive_user)"),
        ("owner_contested", 2, "2 leads had another owner right after we gave them"),
        ("alerts_undelivered", 1, "1 mail has waited for over 15 minutes to be sent"),
        ("alerts_undelivered", 9, "9 mails wait to be sent, the oldest for over 15 minutes"),
    ],
)  # fmt: skip
def test_headlines_read_well_for_one_and_for_many(name: str, count: int, said: str) -> None:
    assert headline(FINDINGS[name], count, SCENE) == said


def test_a_hostile_or_endless_value_gains_no_line_and_loses_no_id() -> None:
    nasty = Finding(kind="person_unusable", key="a\r\nBcc: ü\u2028\ud800" + "x" * 5000)
    line = subject(incident(nasty), Phase.FIRING, SCENE, replace(POLICY, environment="ü\n" * 500))
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= 150
    assert line.endswith("... [INC-4F2A]")
    assert "person_unusable: salesperson a??Bcc" in line


# --- true in every case -----------------------------------------------------------------------------------


def test_the_run_that_succeeded_is_not_said_to_have_failed() -> None:
    line, content = mail(FINDINGS["run_failed"], Phase.RESOLVED, scene=replace(SCENE, run=42))
    assert "run_failed: a run failed (store_unusable)" in line
    assert content["headline"] == "a run failed (store_unusable)"
    assert content["run"] == 42


def test_a_reminder_between_runs_names_no_run() -> None:
    _, content = mail(FINDINGS["run_failed"], scene=BARE)
    assert (content["headline"], content["todo"]) == ("a run failed (store_unusable)", "allocator runs list")
    assert headline(FINDINGS["run_failed"], 1) == "a run failed (store_unusable)"
    assert mail(FINDINGS["run_failed"])[1]["todo"] == "allocator runs show 41"


@pytest.mark.parametrize("scene", [SCENE, BARE], ids=["at a run", "between runs"])
def test_whether_an_earlier_version_decides_is_told_by_the_finding_not_by_who_looks(scene: Scene) -> None:
    standing = mail(FINDINGS["tables_refused"], scene=scene)[1]["impact"]
    assert standing.startswith("The last good version")
    assert ("(abcdef01)" in standing) is (scene is SCENE)
    assert mail(FINDINGS["no tables"], scene=scene)[1]["impact"] == (
        "There is no good version yet: no lead is given an owner."
    )


@pytest.mark.parametrize(
    "cause, todo",
    [
        ("service_silent", "systemctl restart allocator"),
        ("run_takes_long", "allocator runs list"),
        ("runs_fail", "allocator runs list"),
    ],
)
def test_what_to_do_when_no_run_succeeds_depends_on_why(cause: str, todo: str) -> None:
    assert mail(FINDINGS[cause])[1]["todo"] == todo


@pytest.mark.parametrize("name", FINDINGS)
def test_there_is_one_thing_to_do_and_editors_are_sent_to_the_workbook_or_the_crm(name: str) -> None:
    finding = FINDINGS[name]
    reader = KINDS[finding.kind].reader if finding.kind != "leads_held" else None
    for one in [reader] if reader else list(Reader):
        todo = mail(finding, reader=one)[1]["todo"]
        commands = re.findall(r"\b(?:allocator|systemctl) \w+", todo)
        assert len(commands) <= 1
        assert commands or todo == NOTHING or "In the workbook" in todo or "CRM" in todo


def test_details_of_the_workbook_are_for_editors() -> None:
    assert mail(FINDINGS["tables_refused"], reader=Reader.EDITORS)[1]["details"]
    assert mail(FINDINGS["tables_refused"], reader=Reader.ONCALL)[1]["details"] == []
    assert "cells below" in mail(FINDINGS["tables_refused"], reader=Reader.EDITORS)[1]["todo"]


def test_the_first_ten_leads_are_linked_and_the_others_counted() -> None:
    many = replace(FINDINGS["held locked"], leads=(*LEADS, "salesforce:more"), count=500)
    content = mail(many)[1]
    assert [lead["id"] for lead in content["leads"]] == [key.partition(":")[2] for key in LEADS]
    assert content["leads"][0]["url"] == "https://x.test/00Q000000000000AAA"
    assert content["more_leads"] == 490
    few = replace(many, leads=LEADS[:4], count=12)
    assert (len(mail(few)[1]["leads"]), mail(few)[1]["more_leads"]) == (4, 8)
    assert mail(replace(many, leads=()))[1]["more_leads"] == 0
    assert mail(many, scene=BARE)[1]["leads"][0]["url"] == ""


def test_an_id_that_holds_a_colon_stays_whole() -> None:
    odd = replace(FINDINGS["fallback_used"], leads=("hubspot:a:b", "bare"))
    assert [lead["id"] for lead in mail(odd)[1]["leads"]] == ["hubspot:a:b", "bare"]


def test_a_lead_of_a_marketing_system_is_named_with_it_and_leads_to_no_page_of_the_crm() -> None:
    held = replace(FINDINGS["fallback_used"], leads=("hubspot:101", "salesforce:00Q1"))
    ours, theirs = mail(held)[1]["leads"]
    assert ours == {"id": "hubspot:101", "url": ""}
    assert theirs == {"id": "00Q1", "url": "https://x.test/00Q1"}


def test_a_count_that_adds_up_over_days_says_since_when() -> None:
    for kind in (name for name, kind in KINDS.items() if kind.adds_up and kind.quiet):
        assert "since 2026-11-02 06:00 UTC" in mail(FINDINGS[kind])[1]["impact"]


def test_when_the_next_run_is_due_is_said_where_it_is_known() -> None:
    assert "the next run is at 10:00 UTC" in mail(FINDINGS["crm_refused"])[1]["itself"]
    assert "when cron or you start it" in mail(FINDINGS["crm_refused"], scene=BARE)[1]["itself"]


@pytest.mark.parametrize(
    "reader, policy, said",
    [
        (Reader.ONCALL, POLICY, "You are listed as oncall under [alerts] in allocator.toml."),
        (Reader.EDITORS, POLICY, "You are listed as an editor, in allocator.toml or on the sheet Settings"),
        (Reader.EDITORS, replace(POLICY, editors=()), "oncall .*; nobody is listed as an editor."),
        (Reader.ONCALL, replace(POLICY, oncall=()), "an editor, .*; nobody is listed as oncall."),
    ],
)
def test_a_mail_says_truly_why_one_gets_it(reader: Reader, policy: Policy, said: str) -> None:
    found = mail(FINDINGS["run_failed"], reader=reader, policy=policy)[1]["why"]
    assert re.search(said.replace("[", r"\["), found)


def test_why_without_a_policy_is_the_plain_reason() -> None:
    assert why(Reader.ONCALL).endswith("allocator.toml.")


def test_the_runbook_is_the_one_of_the_kind() -> None:
    content = mail(FINDINGS["crm_refused"])[1]
    assert content["runbook"] == "https://wiki.x.test/allocator/crm_refused.md"
    plain = mail(FINDINGS["crm_refused"], policy=replace(POLICY, runbook_url=""))[1]
    assert plain["runbook"] == "docs/runbooks/crm_refused.md"


def test_the_last_mail_of_the_day_is_marked() -> None:
    assert mail(FINDINGS["crm_refused"], last=True)[1]["last_today"] is True
    assert mail(FINDINGS["crm_refused"])[1]["last_today"] is False


@pytest.mark.parametrize(
    "minutes, said",
    [(-5, "0 min"), (0, "0 min"), (59, "59 min"), (185, "3 h 5 min"), (52 * 60, "2 d 4 h")],
)
def test_spans_are_said_as_people_say_them(minutes: int, said: str) -> None:
    assert lasted(timedelta(minutes=minutes)) == said
