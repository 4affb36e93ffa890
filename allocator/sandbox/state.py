"""The state folder: what outlives a stop, as one JSON file, and where the sandbox answers while it runs."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from allocator.sandbox.hubspot.portal import Portal
from allocator.sandbox.salesforce.org import Org
from allocator.sandbox.salesforce.schema import Field

NAME = "org.json"
HUBSPOT = "hubspot.json"
RUNNING = "running.json"


def save_state(folder: Path, org: Org) -> None:
    """Written beside and moved into place: a stop in the middle leaves the old one."""
    custom = {
        kind.name: [asdict(found) for found in kind.fields if found.custom or found.set_up]
        for kind in org.schema.objects
        if any(found.custom or found.set_up for found in kind.fields)
    }
    path = folder / NAME
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({"custom": custom, **org.records.dump()}), encoding="utf-8")
    os.replace(draft, path)


def load_state(folder: Path, org: Org) -> bool:
    """True when the folder held an org, which then takes the place of a seed."""
    path = folder / NAME
    if not path.exists():
        return False
    saved = json.loads(path.read_text(encoding="utf-8"))
    for name, fields in saved["custom"].items():
        kind = org.records.type(name)
        for values in fields:
            kind.add(Field(**{key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}))
    org.records.load(saved)
    return True


def save_portal(folder: Path, portal: Portal) -> None:
    """The HubSpot account beside the org."""
    draft = (folder / HUBSPOT).with_suffix(".new")
    draft.write_text(json.dumps(portal.dump()), encoding="utf-8")
    os.replace(draft, folder / HUBSPOT)


def load_portal(folder: Path, portal: Portal) -> bool:
    """True when the folder held an account, which then takes the place of a seed."""
    if not (folder / HUBSPOT).exists():
        return False
    portal.load(json.loads((folder / HUBSPOT).read_text(encoding="utf-8")))
    return True


def write_running(folder: Path, where: dict[str, Any]) -> None:
    """For commands that act on a running sandbox; nothing secret is in it."""
    (folder / RUNNING).write_text(json.dumps(where), encoding="utf-8")


def read_running(folder: Path) -> dict[str, Any] | None:
    """What `write_running` wrote, while the sandbox of this folder runs."""
    try:
        found = json.loads((folder / RUNNING).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def forget_running(folder: Path) -> None:
    with suppress(OSError):
        (folder / RUNNING).unlink()
