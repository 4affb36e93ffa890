"""A desk whose workbook has a Publish threshold, and what people do at it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta

from desks import EDITOR, MONDAY, Desk
from mailbox_server import Received

THRESHOLD = {"Settings!A3": "Publish threshold", "Settings!B3": "20 %"}
TO_BEN = {"Team!G3": "Ben Bauer"}
"""Rule T-2, which gives every lead to Ana, gives every lead to Ben."""
LEADS = 10


def make_busy(desk: Desk) -> Desk:
    """A threshold of 20 %, and a run at 10:00 that gave ten leads to Ana; it is five minutes past."""
    desk.save(THRESHOLD)
    leads = (
        {"LastName": f"L{n}", "Company": f"C{n}", "Country": "Germany", "Email": f"l{n}@c{n}.example"}
        for n in range(LEADS)
    )
    desk.org.put("Lead", *({**lead, "OwnerId": desk.org.queue} for lead in leads))
    desk.clock.at = MONDAY + timedelta(hours=1)
    assert desk.run().summary["leads"]["assigned"] == LEADS
    desk.clock.wait(minutes=5)
    assert not desk.looks()
    return desk


def saves(desk: Desk, *cells: Mapping[str, object]) -> bytes:
    return desk.save({k: v for some in (THRESHOLD, *cells) for k, v in some.items()})


def told(mails: list[Received]) -> str:
    """The one mail's text, in one line."""
    (mail,) = mails
    assert mail.recipients == (EDITOR,)
    return " ".join(mail.text.split())


def code_in(text: str) -> str:
    found = re.search(r"Type ([0-9a-f]{8}) into sheet Settings, Accept version", text)
    assert found, text
    return found[1]


def live(desk: Desk) -> str:
    version = desk.store.tables()
    assert version is not None
    return version.sha256[:8]


def hour_passes(desk: Desk) -> str:
    """The next hour's run. Returns the version that it decided by."""
    desk.clock.at = desk.clock.at.replace(minute=0, second=0) + timedelta(hours=1)
    version = desk.run().summary["tables_version"]
    desk.clock.wait(minutes=5)
    return str(version)[:8]
