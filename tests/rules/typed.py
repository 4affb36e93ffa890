"""Types commands of `allocator tables`, in this process."""

from __future__ import annotations

import pytest

from allocator.entrypoints.cli import main


def tables(*words: str) -> int:
    """Run `allocator tables` with these words; its exit code."""
    with pytest.raises(SystemExit) as stop:
        main(["tables", *words])
    return int(stop.value.code or 0)
