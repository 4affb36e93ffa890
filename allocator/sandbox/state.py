"""What outlives a stop: rows, custom fields and settings, as one JSON file in the state folder."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

from allocator.sandbox.salesforce.org import Org
from allocator.sandbox.salesforce.schema import Field

NAME = "org.json"


def save_state(folder: Path, org: Org) -> None:
    """Written beside and moved into place: a stop in the middle leaves the old one."""
    custom = {
        kind.name: [asdict(found) for found in kind.fields if found.custom]
        for kind in org.schema.objects
        if any(found.custom for found in kind.fields)
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
