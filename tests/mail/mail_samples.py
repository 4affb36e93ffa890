"""Mails as the product writes them, for every kind, phase and reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from allocator.domain import notices
from allocator.domain.alerts import Finding, Incident, Mail, Phase, Policy, Reader, Scene

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SENDER = "allocator@acme.test"
POLICY = Policy(environment="prod", sender=SENDER)
SCENE = Scene(
    "alloc-1", "0.1.0", run=17, tables_version="1a2b3c4d5e6f", saved_by="Dana Marsh",
    last_done=NOW - timedelta(hours=1), next_run=NOW + timedelta(hours=1),
    lead_url="https://acme.my.salesforce.com/",
)  # fmt: skip
CODES = ("INVALID_CROSS_REFERENCE_KEY", "TRANSFER_REQUIRES_READ", "C3", "C4", "C5")


def alert(
    kind: str = "leads_held",
    phase: Phase = Phase.FIRING,
    reader: Reader = Reader.ONCALL,
    *,
    key: str = "owner_refused",
    details: int = 0,
    recipient: str = "ana@acme.test",
    later: bool = False,
) -> Mail:
    finding = Finding(
        kind=kind, key=key, count=12, total=240,
        causes=tuple((code, 7) for code in CODES),
        leads=tuple(f"salesforce:00Q5g00000AbC{i:02d}EAX" for i in range(10)),
        details=tuple(f"Rules, cell C{i}: 'Enterprize' is no team. Write a team." for i in range(details)),
    )  # fmt: skip
    incident = Incident("INC-4F2A", finding, opened=NOW - timedelta(hours=3), seen=NOW, count=12)
    shown = notices.content(incident, phase, reader, SCENE, POLICY, NOW, last_today=True)
    thread = "inc-4f2a.20261102T060000@acme.test"
    return Mail(
        thread.replace("@", ".1@") if later else thread, thread, recipient, kind, "INC-4F2A", str(phase),
        notices.subject(incident, phase, SCENE, POLICY), shown, NOW,
    )  # fmt: skip


def answer(recipient: str = "ana@acme.test") -> Mail:
    """An answer to a saved workbook."""
    shown = {
        "template": "tables_live", "title": "The workbook is live from the 10:00 run",
        "intro": "routing_tables.xlsx was saved at 09:12 UTC.",
        "sections": [{"title": "What changed", "lines": ["Rules: row 12 added", "Salespeople: ana"]}],
        "tables": {"version": "1a2b3c4d", "saved_by": "Dana Marsh"}, "host": "alloc-1",
        "program": "0.1.0", "why": notices.why(Reader.EDITORS),
    }  # fmt: skip
    made = alert(recipient=recipient)
    return replace(
        made, kind="tables_live", incident="", phase="", subject="live", content=shown, answer=True
    )
