"""A scripted org for each test."""

from collections.abc import Iterator

import pytest
from scripted_org import ScriptedOrg


@pytest.fixture
def org() -> Iterator[ScriptedOrg]:
    with ScriptedOrg() as made:
        yield made
