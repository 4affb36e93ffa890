"""The child process that reads a workbook: bytes on standard input, its cells as JSON on standard output.

It is started anew for each file, with nothing of the service in it but this folder; what a hostile file can
break or fill is this process. It imports little, so that its start costs little.
"""

from __future__ import annotations

import gc
import json
import os
import signal
import sys
from dataclasses import asdict
from typing import Final

from rules.errors import WorkbookError
from rules.workbook.contents import contents_of

OUT_OF_MEMORY: Final = 12
"""The exit code that says so."""


def main(memory: int, cpu_seconds: int) -> None:
    """Read one workbook within these limits. A refusal is an answer like any other: {"refused": [...]}."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the service finishes the look it has begun
    _limit(memory, cpu_seconds)
    gc.disable()  # a process that answers once and ends; nothing in it is thrown away
    try:
        said = json.dumps(_read(sys.stdin.buffer.read()), ensure_ascii=False, separators=(",", ":"))
        sys.stdout.buffer.write(said.encode("utf-8", "replace"))
        sys.stdout.buffer.flush()
    except MemoryError:
        os._exit(OUT_OF_MEMORY)


def _read(data: bytes) -> dict[str, object]:
    try:
        return contents_of(data)
    except WorkbookError as error:
        return {"refused": [asdict(problem) for problem in error.problems]}


def _limit(memory: int, cpu_seconds: int) -> None:
    """Bound what this process may take. Where the system has no such limits, only the time is bounded."""
    try:
        import resource
    except ImportError:
        return
    wanted = (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, 0),
    )
    for kind, most in wanted:
        _, hard = resource.getrlimit(kind)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(kind, (most, hard))
