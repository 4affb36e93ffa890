"""An org in its own process; every test has it as it was at its start."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "rules"))

from outside import Outside, Process
from quick_starts import Warm


@pytest.fixture(scope="session")
def warm() -> Iterator[Warm]:
    """Starts commands as forks of a program that has been imported."""
    made = Warm("kill_warm.py")
    yield made
    made.close()


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, Path]]:
    """One org in its own process, and the folder that `init` makes for it."""
    folder = tmp_path_factory.mktemp("outside")
    process = Process(folder / "org")
    try:
        made = Outside(folder, process)
        made.init()
        yield process, made.config.parent
    finally:
        process.close()


@pytest.fixture
def outside(tmp_path: Path, ready: tuple[Process, Path], warm: Warm) -> Outside:
    """The org as it was at its start, and a folder as `init` left it."""
    process, template = ready
    made = Outside(tmp_path, process, warm)
    made.control("POST", "reset")
    shutil.copytree(template, made.config.parent)
    return made
