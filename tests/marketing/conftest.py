"""An empty drop folder for each test."""

from pathlib import Path

import pytest
from drop_box import Box


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "drop")
