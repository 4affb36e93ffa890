"""What the sync's tests share."""

from __future__ import annotations

import pytest
from sync_world import World


@pytest.fixture
def world() -> World:
    return World()
