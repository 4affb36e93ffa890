"""What all tests share: real data only where it is, and one frozen Monday, 09:00 UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no reason to fail: examples are counted, never timed.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests on shared data are not collected where that data is absent; nothing else is ever left out."""
    if SHARED.is_dir():
        return
    kept = [item for item in items if item.get_closest_marker("shared_data") is None]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept


@pytest.fixture
def monday() -> datetime:
    return MONDAY


@pytest.fixture
def shared_data() -> Path:
    return SHARED


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own environment must not reach a test."""
    import os

    for name in list(os.environ):
        if name.startswith("ALLOCATOR"):
            monkeypatch.delenv(name)
