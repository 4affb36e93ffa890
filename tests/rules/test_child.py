"""A workbook is read in a process of its own: what harms the reader is refused and harms nobody else."""

from __future__ import annotations

import gc
import io
import json
import random
import subprocess
import sys
import threading
import zipfile
from functools import cache
from pathlib import Path

import pytest
from workbooks import build, small

from rules.errors import Problem, WorkbookError
from rules.workbook import load, load_bytes
from rules.workbook.read import Limits, ask, child_command, read_book

GOOD = build(small())


@cache
def laborious() -> bytes:
    """The good workbook with 20 MB of elements in one sheet that mean nothing, so that reading takes long."""
    chance = random.Random(1)
    junk = b"".join(b"<x/>" * 240 + b"<!--%032x-->" % chance.getrandbits(128) for _ in range(20_000))
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "xl/worksheets/sheet3.xml":
                content = content.replace(b"</worksheet>", junk + b"</worksheet>")
            new.writestr(name, content, compresslevel=1)
    return buffer.getvalue()


def refused(data: bytes, limits: Limits) -> Problem:
    with pytest.raises(WorkbookError) as caught:
        read_book(data, limits=limits)
    (problem,) = caught.value.problems
    assert problem.message.endswith(".") and problem.fix
    return problem


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def answer_of(code: str, data: bytes = b"") -> Problem:
    with pytest.raises(WorkbookError) as caught:
        ask(python(code), data)
    return caught.value.problems[0]


def test_a_workbook_that_takes_too_much_memory_is_refused() -> None:
    problem = refused(laborious(), Limits(memory=48 * 1024 * 1024))
    assert problem.code == "W17" and "memory" in problem.message
    assert load_bytes(GOOD).layers


def test_a_workbook_that_takes_too_much_processor_time_is_refused() -> None:
    problem = refused(laborious(), Limits(cpu_seconds=1))
    assert problem.code == "W17" and "time" in problem.message


def test_a_workbook_that_takes_too_long_is_refused() -> None:
    problem = refused(laborious(), Limits(seconds=0.01))
    assert problem.code == "W17" and "time" in problem.message


def test_a_workbook_that_takes_long_but_not_too_long_is_read() -> None:
    assert len(read_book(laborious()).sheets) == len(small())


@pytest.mark.parametrize("signal", ["SIGSEGV", "SIGABRT", "SIGKILL", "SIGBUS"])
def test_a_reader_that_breaks_down_is_named_by_its_signal(signal: str) -> None:
    problem = answer_of(f"import os, signal; os.kill(os.getpid(), signal.{signal})")
    assert problem.code == "W19" and "signal" in problem.message


@pytest.mark.parametrize(
    "code", ["raise SystemExit(1)", "print('{')", 'print(\'{"refused": [{"no": 1}]}\')', "pass"]
)
def test_a_reader_that_makes_no_sense_refuses_the_file(code: str) -> None:
    assert answer_of(code).code == "W18"


def test_nothing_that_the_reader_says_besides_is_shown(capfd: pytest.CaptureFixture[str]) -> None:
    problem = answer_of("import sys; sys.stderr.write('ana@example.com'); sys.exit('Globex')")
    shown = "".join(capfd.readouterr()) + str(problem)
    assert "ana@" not in shown and "Globex" not in shown


def test_the_reader_gets_nothing_of_the_services_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOCATOR__SALESFORCE__CLIENT_SECRET", "hush")
    said = ask(python("import json, os; print(json.dumps({'names': [*os.environ]}))"), b"")
    assert "ALLOCATOR__SALESFORCE__CLIENT_SECRET" not in said["names"]


def test_the_reader_starts_with_little_and_the_check_loads_no_spreadsheet_library() -> None:
    heavy = "{'openpyxl', 'pandas', 'numpy', 'socket', 'subprocess', 'email', 'http'} & set(sys.modules)"
    child = f"import sys; import rules.workbook.child; print(sorted({heavy}))"
    parent = f"import sys; import rules.workbook.check; print(sorted({heavy} - {{'subprocess', 'socket'}}))"
    for code in (child, parent):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"


def test_the_reader_needs_no_site_packages() -> None:
    assert child_command()[1:3] == ["-I", "-S"]
    assert json.dumps(ask(child_command(), GOOD)["schema"]) == '""'


def test_many_threads_read_at_once() -> None:
    """Each starts its own process: nothing is forked from a process that has threads."""
    found: list[int] = []
    threads = [threading.Thread(target=lambda: found.append(len(read_book(GOOD).sheets))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [len(small())] * 6


def test_a_path_is_read_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "routing_tables.xlsx"
    path.write_bytes(GOOD)
    assert load(path) == load_bytes(GOOD)


def test_the_collector_works_after_a_check_as_before_it_also_when_refused() -> None:
    gc.enable()
    load_bytes(GOOD)
    with pytest.raises(WorkbookError):
        load_bytes(b"no workbook")
    assert gc.isenabled()
    gc.disable()
    try:
        load_bytes(GOOD)
        assert not gc.isenabled()
    finally:
        gc.enable()
