"""An empty drop folder for each test; the helpers of other folders can be imported."""

import sys
from pathlib import Path

import pytest
from drop_box import Box

sys.path[:0] = [
    str(Path(__file__).parents[1] / name) for name in ("contracts", "salesforce", "run", "doctor")
]


@pytest.fixture
def box(tmp_path: Path) -> Box:
    return Box(tmp_path / "drop")
