"""A small company in a sandbox org; every test gets a fresh one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

for folder in ("", "run", "rules"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))

pytest.register_assert_rewrite("synced_org")

from faulty_org import FaultyOrg, Make  # noqa: E402
from synced_org import SyncedOrg  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def warm() -> None:
    """The sandbox's first query builds its grammar, which takes a second or more: not on a test's clock."""
    from allocator.sandbox.app import Sandbox

    with Sandbox(seed="empty") as sandbox:
        sandbox._warm_up()


@pytest.fixture(autouse=True)
def silent_retries() -> Iterator[None]:
    """What the real program logs of its retries to stderr."""
    from stamina.instrumentation import set_on_retry_hooks

    set_on_retry_hooks([])
    yield
    set_on_retry_hooks(None)


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    """An org with as many leads as asked for, or with these rows."""
    made: list[FaultyOrg] = []

    def company(leads: int | list[dict[str, Any]] = 4, **sandbox: Any) -> FaultyOrg:
        folder = tmp_path / f"org-{len(made)}"
        folder.mkdir()
        made.append(FaultyOrg(folder, monkeypatch, leads, **sandbox))
        return made[-1]

    yield company
    found = [one for org in made if org.database.exists() for one in org.violations()]
    for org in made:
        org.close()
    assert found == []


@pytest.fixture
def org(make: Make) -> FaultyOrg:
    return make()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SyncedOrg]:
    """One org with a HubSpot account for the tests of a file: each takes people of its own."""
    with pytest.MonkeyPatch.context() as patch:
        made = SyncedOrg(tmp_path_factory.mktemp("both"), patch)
        yield made
        made.close()


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SyncedOrg]:
    """An org with a HubSpot account that nobody else uses."""
    made = SyncedOrg(tmp_path, monkeypatch)
    yield made
    made.close()
