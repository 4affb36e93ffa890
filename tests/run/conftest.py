"""An org with the demo company; every test gets a fresh folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from org import Org


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(tmp_path)
    try:
        made.init()
        yield made
    finally:
        made.close()
