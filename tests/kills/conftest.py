"""One CRM and one configured product for each test process, and a PostgreSQL where a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kill_harness import World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("kills"))
    yield made
    made.close()
