"""A fresh org in its own process for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from outside import Outside


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    made = Outside(tmp_path)
    try:
        made.init()
        yield made
    finally:
        made.close()
