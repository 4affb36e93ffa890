"""Fair turns, proved: every promise F of fairness.md beside rotations that break it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "domain"))
