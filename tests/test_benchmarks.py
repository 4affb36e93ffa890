"""Each benchmark runs at a tiny size and prints its ratios: counts judge themselves, times are not judged."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def printed(name: str, *words: str) -> str:
    command = [sys.executable, str(ROOT / "benchmarks" / name), *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_calls_prints_counts_ratios_and_bounds() -> None:
    text = printed("calls.py", "--leads", "30", "--naive", "3", "--delay", "0")
    row = re.search(r"^ +30 +(\d+) +92\* +([\d.]+)x .* ([\d.]+)x$", text, re.MULTILINE)
    assert row is not None, text
    assert float(row[2]) == round(92 / int(row[1]), 1)
    assert "run with 3 leads\n(11 calls" in text
    assert "write 2/2" in text and "people 1/1" in text
    assert "equals the sandbox's own count" in text


def test_run_prints_both_stores_beside_a_bare_insert() -> None:
    text = printed("run.py", "--leads", "60", "--rounds", "1")
    rows = re.findall(r"^(SQLite|PostgreSQL) .* ([\d.]+)x +[\d,]+ +\d+ MB$", text, re.MULTILINE)
    assert [name for name, _ in rows] == ["SQLite", "PostgreSQL"], text
    assert "Odoo" in text and "91 s for 10,000" in text
