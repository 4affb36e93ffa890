"""Four fifths of the day's calls are the end of new work, to the call, whatever threads have under way."""

from __future__ import annotations

from pathlib import Path

from outside import Outside, Process
from quick_starts import Warm


def test_new_work_stops_at_four_fifths_and_the_next_day_carries_on(tmp_path: Path, warm: Warm) -> None:
    process = Process(tmp_path / "org", "--api-limit", "24")
    try:
        outside = Outside(tmp_path, process, warm)
        outside.init()
        code, made, error = outside("run")
        kinds, leads = made["crm"]["by_kind"], made["leads"]
        assert code == 5
        assert "daily limit" in error
        assert sum(n for kind, n in kinds.items() if kind not in ("read", "login")) <= 20
        assert made["crm"]["requests"] == len(outside.log())
        assert leads["retry"] > 0
        assert leads["assigned"] == 25 * kinds["write"]
        outside.control("POST", "clock", {"now": "2099-01-01T00:00:00Z"})
        code, made, _ = outside("run", ALLOCATOR__SALESFORCE__USAGE_LIMIT="1")
        assert (code, made["leads"]["assigned"]) == (0, leads["retry"])
    finally:
        process.close()
