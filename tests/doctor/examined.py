"""What the tests of doctor share: running it, breaking one thing, looking at what it found."""

from __future__ import annotations

from org import Org

from allocator import bootstrap
from allocator.config import load_settings
from allocator.service.doctor import CHECKS, Subject

IDS = [kind.id for kind in CHECKS]
FIX = {kind.id: kind.fix for kind in CHECKS}


def look(org: Org, *words: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Exit code and the checks by id."""
    code, said = org("doctor", *words)
    assert [check["id"] for check in said["checks"]] == IDS
    assert said["ok"] == (code == 0)
    return code, {check["id"]: check for check in said["checks"]}


def failed(org: Org, name: str, status: str, *words: str) -> dict[str, str]:
    """The one check that is expected to find something; no other finds an error."""
    code, checks = look(org, *words)
    assert checks[name]["status"] == status, checks[name]
    assert [i for i, check in checks.items() if check["status"] == "error" and i != name] == []
    assert (code == 0) == (status == "warning")
    return {**checks[name], "code": str(code)}


def edit(org: Org, old: str, new: str) -> None:
    """Change the configuration file."""
    text = org.config.read_text(encoding="utf-8")
    assert old in text
    org.config.write_text(text.replace(old, new), encoding="utf-8")


def subject(org: Org) -> Subject:
    return bootstrap.subject_of(load_settings(org.config), org.config)
