"""The layering holds, importing the core stays light, and nothing happens at import time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_imports_point_only_downward() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--config", "pyproject.toml", "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_importing_the_model_loads_no_spreadsheet_library() -> None:
    heavy = "{'pandas', 'openpyxl', 'sqlalchemy'}"
    code = f"import rules.model, rules.layers, rules.rotation, sys; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_only_bootstrap_names_adapters_outside_their_own_folder() -> None:
    wiring = {"allocator/bootstrap.py", "allocator/bootstrap_marketing.py"}
    allowed = wiring | {"allocator/adapters/clock.py"}
    for file in (ROOT / "allocator").rglob("*.py"):
        name = file.relative_to(ROOT).as_posix()
        if name in allowed or name.startswith("allocator/adapters/"):
            continue
        lines = [x for x in file.read_text(encoding="utf-8").splitlines() if "allocator.adapters" in x]
        assert all("allocator.adapters.clock" in line for line in lines), (name, lines)


def test_nothing_is_unpickled() -> None:
    for file in [*(ROOT / "allocator").rglob("*.py"), *(ROOT / "rules").rglob("*.py")]:
        assert "pickle" not in file.read_text(encoding="utf-8"), file
