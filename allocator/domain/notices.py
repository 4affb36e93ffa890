"""What a mail says: its subject, and the plain JSON that the templates show. No text of a lead, ever.

Every sentence is ours and lives here, one entry a kind; codes, counts, ids and times are filled in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from allocator.domain.alerts import LEADS_SHOWN, Finding, Incident, Level, Phase, Policy, Reader, Scene, Write
from allocator.domain.lead import Reason

NOTHING = "nothing unless this repeats"
RUNBOOKS = "docs/runbooks"


@dataclass(frozen=True, slots=True)
class Words:
    """The sentences of one kind, which may hold what `_values` fills in. `one` is the headline for one."""

    headline: str
    impact: str
    itself: str
    todo: str
    one: str = ""


_AGAIN = "Every run decides them again; {next}."
WORDS: Mapping[str, Words] = {
    "run_failed": Words(
        "{count} runs failed ({codes})",
        "New leads wait in intake; none is lost and none is given twice.",
        "Every run carries on from what is stored; {next}.",
        "{see_run}",
        one="{run} failed ({codes})",
    ),
    "crm_refused": Words(
        "the CRM cannot be used ({codes}), {count} runs so far",
        "New leads wait in the CRM; owners already decided are written when it answers.",
        "Every run tries again; {next}.",
        "allocator doctor",
        one="the CRM cannot be used ({codes})",
    ),
    "source_unreachable": Words(
        "{key} cannot be used ({codes}), {count} runs so far",
        "New leads of {key} wait there, and what changed on either side is not carried over; the CRM's own"
        " leads are given away as ever.",
        "Every run tries again and makes up for what was missed; {next}.",
        "allocator doctor",
        one="{key} cannot be used ({codes})",
    ),
    "run_missed": Words(
        "no run has succeeded for {span} ({codes})",
        "New leads wait in the CRM; none is lost.",
        "Nothing that is known of; another server on the same store takes over within two minutes.",
        "allocator doctor",
    ),
    "tables_refused": Words(
        "the workbook is refused: {count} problems ({codes})",
        "{standing}",
        "Nothing, until the file is saved again. Every run looks at it; {next}.",
        "allocator tables check",
        one="the workbook is refused: 1 problem ({codes})",
    ),
    "leads_held": Words(
        "{count} of {total} leads have no owner ({key})",
        "Nobody has been given these leads; they wait in the CRM.",
        _AGAIN,
        "allocator leads held",
        one="1 of {total} leads has no owner ({key})",
    ),
    "fallback_used": Words(
        "{count} leads went to a fallback",
        "They have an owner, but no rule and no turn chose a person for them. Counted since {since}.",
        "Nothing: they stay with the fallback. You are told once a day at most.",
        "nothing if the fallback is what you want; why one went there: allocator explain {lead}",
        one="1 lead went to a fallback",
    ),
    "person_unusable": Words(
        "salesperson {key} cannot be given leads ({codes})",
        "Their turns go to the others of the team.",
        "Every run looks again; {next}. They take turns again as soon as the CRM accepts them as owner.",
        "Mend their user in the CRM, or in the workbook: Salespeople, {key}, Active = no",
    ),
    "owner_contested": Words(
        "{count} leads had another owner right after we gave them",
        "Something in the CRM (a flow, an assignment rule, a person) gives these leads to somebody else."
        " Counted since {since}.",
        "Nothing: what another owner has is never overwritten, and the turn is given back.",
        "allocator explain {lead}",
        one="1 lead had another owner right after we gave it",
    ),
    "alerts_undelivered": Words(
        "{count} mails wait to be sent, the oldest for over 15 minutes",
        "Somebody who should know of a failure may not know.",
        "Each mail is tried again every 30 minutes, for 7 days.",
        "allocator alerts list",
        one="1 mail has waited for over 15 minutes to be sent",
    ),
}  # fmt: skip

_MISSED: Mapping[str, tuple[str, str]] = {
    "service_silent": (WORDS["run_missed"].itself, "systemctl restart allocator"),
    "run_takes_long": (
        "The run that is at work goes on; when it is done, this ends.",
        "allocator runs list",
    ),
    "runs_fail": ("Every hour a run tries again; {next}.", "allocator runs list"),
}
"""What happens by itself and what to do, by why no run succeeded."""
_EDITOR_TODO = "In the workbook: mend the cells below and save the file"
_TODO_BY_REASON: Mapping[str, str] = {
    Reason.NO_RULE: "In the workbook: add a row that decides them, or a last row for all the others",
    Reason.RULE_HOLD: "In the workbook: they match a row that says Hold; change it if they should go on",
    Reason.UNMAPPED_VALUE: "In the workbook: list the value on the sheet Values, or mend it in the CRM",
    Reason.NOBODY_AVAILABLE: "In the workbook: see who of the team is absent or inactive, or name a fallback",
    Reason.INCOMPLETE: "In the marketing system or the CRM: fill in what these leads lack",
    Reason.AMBIGUOUS_MATCH: "In the CRM: merge the records that are one person",
    Reason.ALL_CAPPED: NOTHING,
    Reason.LOCKED: NOTHING,
    Reason.CONTESTED: NOTHING,
    Reason.PAUSED: NOTHING,
}
_ITSELF_BY_REASON: Mapping[str, str] = {
    Reason.NO_RULE: "They are decided again when the workbook or the lead changes; {next}.",
    Reason.RULE_HOLD: "They are decided again when the workbook or the lead changes; {next}.",
    Reason.UNMAPPED_VALUE: "They are decided again when the workbook or the lead changes; {next}.",
    Reason.INCOMPLETE: "They are decided again when the lead changes; {next}.",
    Reason.NOBODY_AVAILABLE: "They are decided again when somebody is back or the workbook changes; {next}.",
    Reason.ALL_CAPPED: "They are decided again on the next day; {next}.",
    Reason.DUPLICATE_PERSON: "They are decided again when the lead or the day changes; {next}.",
    Reason.CRM_REJECTED: "They are decided again when the workbook or the lead changes; {next}.",
    Reason.UNREADABLE: "They are read again at every run; {next}.",
}
_CODES_SHOWN = 3
_NO_TIME = "the next run starts when cron or you start it"
_SUBJECT = 150
_ENVIRONMENT = 40


def writer(scene: Scene, policy: Policy, now: datetime) -> Write:
    """What `alerts.update` asks for the words of each mail."""

    def write(incident: Incident, phase: Phase, reader: Reader, last: bool) -> Mapping[str, Any]:
        return {
            "subject": subject(incident, phase, scene, policy),
            "content": content(incident, phase, reader, scene, policy, now, last_today=last),
        }

    return write


def subject(incident: Incident, phase: Phase, scene: Scene, policy: Policy) -> str:
    """As `[allocator/prod] FIRING high leads_held: 12 of 240 leads have no owner (no_skill) [INC-4F2A]`."""
    kind, said = incident.finding.kind, headline(incident.finding, incident.count, _then(scene, phase))
    start = f"[allocator/{policy.environment[:_ENVIRONMENT]}] {phase} {incident.level} {kind}: "
    end = f" [{incident.id}]"
    room = _SUBJECT - len(start) - len(end)
    line = start + (said if len(said) <= room else f"{said[: room - 3]}...") + end
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in line)


def headline(finding: Finding, count: int, scene: Scene | None = None) -> str:
    """One line on what is wrong, made of counts and codes."""
    words = WORDS[finding.kind]
    chosen = words.one if count == 1 and words.one else words.headline
    return chosen.format(**_values(finding, count, scene))


def _then(scene: Scene, phase: Phase) -> Scene:
    """The run that found it over is not the one that failed."""
    return scene if phase is Phase.FIRING else replace(scene, run=None)


def content(
    incident: Incident,
    phase: Phase,
    reader: Reader,
    scene: Scene,
    policy: Policy,
    now: datetime,
    *,
    last_today: bool,
) -> Mapping[str, Any]:
    """Everything the templates show, as plain JSON."""
    finding, words = incident.finding, WORDS[incident.finding.kind]
    then = _then(scene, phase)
    values = {**_values(finding, incident.count, then), "since": minute(incident.opened)}
    shown = finding.leads[:LEADS_SHOWN]
    return {
        "phase": str(phase), "level": str(incident.level), "kind": finding.kind, "key": finding.key,
        "incident": incident.id, "environment": policy.environment,
        "headline": headline(finding, incident.count, then),
        "impact": words.impact.format(**values),
        "causes": [list(cause) for cause in finding.causes],
        "itself": _itself(finding, words).format(**values),
        "todo": _todo(finding, words, reader).format(**values),
        "details": list(finding.details) if reader is Reader.EDITORS else [],
        "leads": [{"id": _shown(scene, lead), "url": _url(scene, lead)} for lead in shown],
        "more_leads": max(0, incident.count - len(shown)) if shown else 0,
        "tables": {"version": scene.tables_version[:8], "saved_by": scene.saved_by},
        "run": scene.run, "host": scene.host, "program": scene.program,
        "last_done": scene.last_done and minute(scene.last_done),
        "opened": minute(incident.opened), "lasted": lasted(now - incident.opened),
        "resolved_when": incident.kind.resolved_when,
        "runbook": runbook(policy, finding.kind), "why": why(reader, policy), "last_today": last_today,
    }  # fmt: skip


def runbook(policy: Policy, kind: str) -> str:
    base = policy.runbook_url.rstrip("/")
    return f"{base}/{kind}.md" if base else f"{RUNBOOKS}/{kind}.md"


def why(reader: Reader, policy: Policy | None = None) -> str:
    """Why somebody gets a mail; with the policy also where one list is empty and the other reads for it."""
    oncall = "You are listed as oncall under [alerts] in allocator.toml"
    editor = "You are listed as an editor, in allocator.toml or on the sheet Settings of the workbook"
    if reader is Reader.ONCALL:
        return f"{editor}; nobody is listed as oncall." if policy and not policy.oncall else f"{oncall}."
    return f"{oncall}; nobody is listed as an editor." if policy and not policy.editors else f"{editor}."


def minute(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"


def lasted(span: timedelta) -> str:
    """45 min, 3 h 5 min, 2 d 4 h."""
    minutes = max(0, int(span.total_seconds())) // 60
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {rest} min"
    return f"{hours // 24} d {hours % 24} h"


def _values(finding: Finding, count: int, scene: Scene | None) -> dict[str, str]:
    codes = [code for code, _ in finding.causes]
    more = f", +{len(codes) - _CODES_SHOWN}" if len(codes) > _CODES_SHOWN else ""
    run, due = (scene.run, scene.next_run) if scene else (None, None)
    return {
        "count": f"{count:,}", "total": f"{max(finding.total, count):,}", "key": finding.key,
        "span": lasted(timedelta(minutes=count)),
        "codes": ", ".join(codes[:_CODES_SHOWN]) + more or "no code",
        "run": "a run" if run is None else f"run {run}",
        "see_run": "allocator runs list" if run is None else f"allocator runs show {run}",
        "lead": _shown(scene or Scene("", ""), finding.leads[0]) if finding.leads else "LEAD",
        "standing": _standing(finding, scene.tables_version[:8] if scene else ""),
        "next": f"the next run is at {due:%H:%M} UTC" if due else _NO_TIME,
    }  # fmt: skip


def _standing(finding: Finding, version: str) -> str:
    """What decides while the file is refused. The finding is high when nothing does."""
    if finding.level is Level.HIGH:
        return "There is no good version yet: no lead is given an owner."
    named = f" ({version})" if version else ""
    return f"The last good version{named} goes on deciding; what was saved after it does not count yet."


def _todo(finding: Finding, words: Words, reader: Reader) -> str:
    if finding.kind == "leads_held":
        return _TODO_BY_REASON.get(finding.key, words.todo)
    if finding.kind == "tables_refused" and reader is Reader.EDITORS:
        return _EDITOR_TODO
    return _missed(finding, words)[1]


def _itself(finding: Finding, words: Words) -> str:
    if finding.kind == "leads_held":
        return _ITSELF_BY_REASON.get(finding.key, words.itself)
    return _missed(finding, words)[0]


def _missed(finding: Finding, words: Words) -> tuple[str, str]:
    cause = finding.causes[0][0] if finding.kind == "run_missed" and finding.causes else ""
    return _MISSED.get(cause, (words.itself, words.todo))


def _bare(lead: str) -> str:
    return lead.partition(":")[2] or lead


def _shown(scene: Scene, lead: str) -> str:
    """The CRM's own leads by their bare id, those of marketing systems with the system's name."""
    return _bare(lead) if _of_crm(scene, lead) else lead


def _url(scene: Scene, lead: str) -> str:
    return f"{scene.lead_url}{_bare(lead)}" if scene.lead_url and _of_crm(scene, lead) else ""


def _of_crm(scene: Scene, lead: str) -> bool:
    return lead.partition(":")[0] in (scene.crm, lead)
