"""The product as an outsider has it: a sandbox process, and commands in processes of their own.

The console script makes the folder and runs what is stopped by signals; other commands are forks of a program
that has been imported once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "kills"))

import requests
from quick_starts import Warm

SCRIPT = Path(sys.executable).with_name("allocator")


class Process:
    """One `allocator sandbox` process."""

    def __init__(self, folder: Path, *options: str) -> None:
        words = [str(SCRIPT), "sandbox", "--state", str(folder), "--json", *options]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.info: dict[str, Any] = json.loads(self.process.stdout.readline())

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class Outside:
    """A sandbox process, and an `allocator init` folder. Without `warm` every command is the script."""

    def __init__(self, folder: Path, process: Process, warm: Warm | None = None) -> None:
        self.folder, self.info, self.warm = folder, process.info, warm
        self.config = folder / "config" / "allocator.toml"

    def init(self, *more: str) -> dict[str, Any]:
        code, made, _ = self.call(
            "init", str(self.config.parent), "--salesforce-url", self.info["url"], "--client-id",
            self.info["client_id"], "--client-secret", self.info["client_secret"], "--queue",
            "Inbound Leads", *more, "--json",
        )  # fmt: skip
        assert code == 0, made
        return made

    def call(self, *words: str, **environment: str) -> tuple[int, dict[str, Any], str]:
        """Exit code, the one object on stdout, and stderr."""
        code, out, err = self._ended(words, environment)
        assert out.count("\n") <= 1, out
        return code, json.loads(out or "{}"), err

    def _ended(self, words: Sequence[str], environment: dict[str, str]) -> tuple[int, str, str]:
        if self.warm is not None:
            fork = self.warm.start(list(words), self.folder, environment, cwd=str(self.folder))
            out, err = fork.communicate()
            assert fork.returncode is not None
            return fork.returncode, out, err
        done = subprocess.run(
            [str(SCRIPT), *words], capture_output=True, text=True, timeout=120, cwd=self.folder,
            env={**os.environ, **environment},
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def __call__(self, *words: str, **environment: str) -> tuple[int, dict[str, Any], str]:
        return self.call(*words, "--config", str(self.config), "--json", **environment)

    def start(self, *words: str, **environment: str) -> subprocess.Popen[str]:
        command = [str(SCRIPT), *words, "--config", str(self.config), "--json"]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **environment},
        )  # fmt: skip

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = requests.request(method, f"{self.info['url']}/_sandbox/{path}", json=body, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def fault(self, do: str, on: Mapping[str, Any], **more: Any) -> str:
        return str(self.control("POST", "faults", {"on": dict(on), "when": "before", "do": do, **more})["id"])

    def log(self) -> Sequence[dict[str, Any]]:
        return list(self.control("GET", "requests"))
