"""Load and check of workbooks with 10,000 and 50,000 rules, beside what reading alone costs others.

Each round measures, one after the other and each in a process of its own: the whole check, openpyxl reading
the file twice (values, then formulas), pandas reading all sheets once, and the bare unpacking of the archive.
Processor time is that of the process and of its children; times are
printed, nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
LOOKS = 20
PANDAS_AT_MOST = 10_000

Figures = dict[str, float]


# --- what is measured, each in a process of its own -------------------------------------------------------


def whole_check(path: Path) -> Figures:
    """The file read in its child process, understood and proven."""
    from rules.workbook.check import check

    problems = check(path, on=date(2026, 11, 2)).problems
    return {"problems": len(problems)}


def reading(path: Path) -> Figures:
    """The part of it that is reading: the child, and its answer taken apart."""
    from rules.workbook.read import read_book

    book = read_book(path.read_bytes())
    return {"cells": sum(len(row) for sheet in book.sheets for row in sheet.rows.values())}


def openpyxl_twice(path: Path) -> Figures:
    from openpyxl import load_workbook

    for data_only in (False, True):
        book = load_workbook(path, data_only=data_only)
        for sheet in book.worksheets:
            for _ in sheet.iter_rows(values_only=True):
                pass
    return {}


def pandas_once(path: Path) -> Figures:
    import pandas as pd

    pd.read_excel(path, sheet_name=None, dtype=str, keep_default_na=False, engine="openpyxl")
    return {}


def unpacking(path: Path) -> Figures:
    with zipfile.ZipFile(path) as archive:
        return {"unpacked": sum(len(archive.read(name)) for name in archive.namelist())}


def unchanged(path: Path) -> Figures:
    """A look at a file that is as it was at the last look."""
    from allocator.adapters.store.memory import MemoryStore
    from allocator.adapters.tables import WorkbookTables

    tables, store, took = WorkbookTables(path), MemoryStore(), []
    for _ in range(LOOKS + 1):
        begun = time.process_time()
        tables.look(store, now=NOW, extra=lambda found: ())
        took.append(time.process_time() - begun)
    return {"unchanged_ms": statistics.median(took[1:]) * 1_000}


MEASURES: dict[str, Callable[[Path], Figures]] = {
    f.__name__: f for f in (whole_check, reading, openpyxl_twice, pandas_once, unpacking, unchanged)
}


LIBRARIES = {"openpyxl_twice": "openpyxl", "pandas_once": "pandas", "unchanged": "allocator.adapters.tables"}


def measure(name: str, path: Path) -> Figures:
    """Run one measure here: seconds by the clock and of the processor, and the most memory in MB."""
    import importlib
    import resource

    warnings.simplefilter("ignore")
    importlib.import_module(LIBRARIES.get(name, "rules.workbook.check"))  # what loads once is not counted
    begun, worked = time.perf_counter(), _processor()
    found = MEASURES[name](path)
    found |= {"seconds": time.perf_counter() - begun, "processor": _processor() - worked}
    found["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    found["child_peak"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return found


def _processor() -> float:
    import resource

    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


# --- the rounds -------------------------------------------------------------------------------------------


def rounds_of(path: Path, names: Sequence[str], rounds: int) -> dict[str, Figures]:
    """The median of each figure over the rounds; within a round the measures take turns."""
    found: dict[str, list[Figures]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            command = [sys.executable, __file__, "--measure", name, "--file", str(path)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            found[name].append(json.loads(done.stdout))
    return {
        name: {key: statistics.median(f[key] for f in many) for key in many[0]}
        for name, many in found.items()
    }


def report(rules: int, path: Path, found: dict[str, Figures]) -> None:
    product = found["whole_check"]
    size, unpacked = path.stat().st_size / 1e6, found["unpacking"]["unpacked"] / 1e6
    cells = f"{found['reading']['cells']:,.0f} cells"
    print(f"\n{rules:,} rules: {size:.1f} MB, {unpacked:.0f} MB unpacked, {cells}")
    print("| what | seconds | processor | check / it | reading / it | peak MB | of the child |")
    print("|---|---|---|---|---|---|---|")
    for name, f in found.items():
        if name == "unchanged":
            continue
        whole = product["processor"] / f["processor"]
        part = found["reading"]["processor"] / f["processor"]
        took = f"{f['seconds']:.2f} | {f['processor']:.2f}"
        print(
            f"| {name.replace('_', ' ')} | {took} | {whole:.2f}x | {part:.2f}x "
            f"| {f['peak']:.0f} | {f['child_peak']:.0f} |"
        )
    print(f"A look at the unchanged file: {found['unchanged']['unchanged_ms']:.1f} ms of the processor.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--rules", type=int, nargs="+", default=[10_000, 50_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=sorted(MEASURES), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.file)))
        return
    from workload import workbook

    with tempfile.TemporaryDirectory() as folder:
        for rules in options.rules:
            path = Path(folder) / f"rules-{rules}.xlsx"
            workbook(path, rules=rules, people=500, campaigns=200)
            names = [name for name in MEASURES if name != "pandas_once" or rules <= PANDAS_AT_MOST]
            report(rules, path, rounds_of(path, names, options.rounds))


if __name__ == "__main__":
    main()
