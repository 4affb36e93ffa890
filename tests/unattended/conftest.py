"""An org, its mail server and a clock to move; after each test all mails are looked at once more."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for folder in ("", "run", "rules", "faults", "mail"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

from alert_org import Alerted, AlertOrg  # noqa: E402


@pytest.fixture(autouse=True)
def silent_retries() -> Iterator[None]:
    """What the real program logs of its retries to stderr."""
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([])
    yield
    set_on_retry_hooks(None)


@pytest.fixture
def alerted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Alerted]:
    """Makes an org with as many leads as asked for, or with these rows."""
    made: list[AlertOrg] = []

    def company(leads: Any = 4, **more: Any) -> AlertOrg:
        folder = tmp_path / f"org-{len(made)}"
        folder.mkdir()
        made.append(AlertOrg(folder, monkeypatch, leads, **more))
        return made[-1]

    yield company
    found = [one for org in made for one in org.improper()]
    for org in made:
        org.close()
    assert found == []


@pytest.fixture
def org(alerted: Alerted) -> AlertOrg:
    return alerted()
