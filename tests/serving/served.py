"""Real `allocator serve` processes of a test: started, looked at through their pages, ended by signals."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import requests

DEADLINE = 60.0


def until(holds: Callable[[], Any], what: str | Callable[[], str], *, deadline: float = DEADLINE) -> Any:
    """Ask again and again until it holds; the deadline is a failure."""
    tick = threading.Event()
    for _ in range(int(deadline / 0.025)):
        if found := holds():
            return found
        tick.wait(0.025)
    said = what if isinstance(what, str) else what()
    raise AssertionError(f"not within {deadline:.0f} s: {said}")


class Served:
    """One service: its pid, its output, and its pages."""

    def __init__(self, warm: Warm, pid: int, folder: Path) -> None:
        self.warm, self.pid, self.folder = warm, pid, folder
        self._code: int | None = None

    @property
    def log(self) -> str:
        return _read(self.folder / "err")

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log's own lines that are whole."""
        whole = self.log.split("\n")[:-1]
        return [json.loads(line) for line in whole if line.startswith('{"')]

    def said(self, event: str, **more: Any) -> list[dict[str, Any]]:
        return [one for one in self.lines if one["event"] == event and more.items() <= one.items()]

    @property
    def url(self) -> str:
        until(lambda: self.said("serving") or self.code is not None, lambda: f"it serves: {self.log}")
        return str(self.said("serving")[0]["url"])

    def get(self, path: str) -> requests.Response:
        return requests.get(self.url + path, timeout=20)

    @property
    def code(self) -> int | None:
        """None while it lives."""
        if self._code is None:
            self._code = self.warm.ask(poll=self.pid)
        return self._code

    def ended(self, *, deadline: float = DEADLINE) -> int:
        until(lambda: self.code is not None, lambda: f"it ends: {self.log}", deadline=deadline)
        assert self.code is not None
        return self.code

    def signal(self, number: int = signal.SIGTERM) -> None:
        os.kill(self.pid, number)


class Warm:
    """Quick starts: see serve_warm.py."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.started = folder, list[Served]()
        own = {k: v for k, v in os.environ.items() if not k.startswith("ALLOCATOR")}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("serve_warm.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=own,
        )

    def ask(self, **asked: Any) -> Any:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def serve(
        self,
        config: Path,
        *,
        clock: Path | None,
        env: dict[str, str] | None = None,
        broken: Sequence[str] = (),
        debug: bool = False,
        words: Sequence[str] = ("serve",),
    ) -> Served:
        """Start one, or another command. Without a clock it has the real one, and its real pauses."""
        folder = self.folder / str(len(self.started))
        folder.mkdir(parents=True)
        own = {"ALLOCATOR__SERVE__LISTEN": "127.0.0.1:0", "ALLOCATOR__LEASE_SECONDS": "10", **(env or {})}
        more = {"clock": str(clock)} if clock else {}
        pid = self.ask(
            argv=[*words, "--config", str(config)], env=own, broken=list(broken), debug=debug,
            out=str(folder / "out"), err=str(folder / "err"), **more,
        )  # fmt: skip
        self.started.append(Served(self, pid, folder))
        return self.started[-1]

    def end_all(self) -> None:
        """Every service of the test that is over now."""
        for one in self.started:
            if one.code is None:
                one.signal(signal.SIGKILL)
                one.ended()

    def close(self) -> None:
        self.end_all()
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE)
        self._process.stdout.close()


def set_clock(file: Path, at: datetime) -> Path:
    part = file.with_suffix(".part")
    part.write_text(at.isoformat())
    os.replace(part, file)
    return file


def _read(path: Path) -> str:
    return path.read_text(errors="replace") if path.exists() else ""
