"""The benchmark of load and check runs at a tiny size and prints its ratios; times are not judged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_tables_prints_the_check_beside_other_readers_and_the_unchanged_file() -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "tables.py"), "--rules", "60", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    rows = re.findall(
        r"^\| ([a-z ]+) \| [\d.]+ \| [\d.]+ \| [\d.]+x \| [\d.]+x \| \d+ \| \d+ \|$", done.stdout, re.M
    )
    assert rows == ["whole check", "reading", "openpyxl twice", "pandas once", "unpacking"], done.stdout
    assert re.search(r"unchanged file: [\d.]+ ms", done.stdout)
