"""Commands of the program as processes: forks of one that has imported it, and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DEADLINE = 100.0
Row = dict[str, Any]


def until(holds: Callable[[], Any], what: str, *, deadline: float = DEADLINE) -> Any:
    """Ask again and again until it holds; the deadline is a failure."""
    tick = threading.Event()
    for _ in range(int(deadline / 0.025)):
        if found := holds():
            return found
        tick.wait(0.025)
    raise AssertionError(f"not within {deadline:.0f} s: {what}")


def clean_environment(**more: str) -> dict[str, str]:
    own = {k: v for k, v in os.environ.items() if not k.startswith(("ALLOCATOR", "PYTHON"))}
    return {**own, **more}


class Warm:
    """Quick starts: see kill_warm.py, and leader_warm.py for services."""

    def __init__(self, script: str) -> None:
        self._count = 0
        self._process = subprocess.Popen(
            [sys.executable, str(HERE / script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=clean_environment(),
        )

    def ask(self, **asked: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def start(self, argv: list[str], folder: Path, env: dict[str, str], **more: str) -> Started:
        self._count += 1
        out, err = folder / f"out{self._count}", folder / f"err{self._count}"
        return Started(self, self.ask(argv=argv, env=env, out=str(out), err=str(err), **more), out, err)

    def run(self, argv: list[str], folder: Path, env: dict[str, str]) -> Ended:
        return ended(self.start(argv, folder, env))

    def close(self) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE)
        self._process.stdout.close()


@dataclass
class Started:
    """A fork of the program, to be used as a Popen."""

    warm: Warm
    pid: int
    out: Path
    err: Path
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self.warm.ask(poll=self.pid)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = DEADLINE) -> tuple[str, str]:
        until(lambda: self.poll() is not None, "the command ends", deadline=timeout)
        return self.out.read_text(), self.err.read_text()


Process = Started | subprocess.Popen[str]


@dataclass(frozen=True)
class Ended:
    """A command that ended by itself."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Row:
        found: Row = json.loads(self.out)
        return found

    @property
    def counts(self) -> dict[str, int]:
        found: dict[str, int] = self.json["leads"]
        return found


def ended(process: Process) -> Ended:
    out, err = process.communicate(timeout=DEADLINE)
    return Ended(process.returncode, out, err)
