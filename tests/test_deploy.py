"""The files to deploy with, and the page about them, name only what exists."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel
from typer.exceptions import TyperException

from allocator.config import Settings
from allocator.entrypoints.cli import build

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/how-to/deploy.md"
FILES = sorted(file for file in (ROOT / "deploy").rglob("*") if file.is_file())
UNITS = [file for file in FILES if file.suffix in (".service", ".timer")]
SERVICES = [file for file in UNITS if file.suffix == ".service"]
CONTAINERFILE = ROOT / "deploy/container/Containerfile"
PROGRAM = re.compile(r"(?:[\w./-]*/|lead-)?allocator")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def texts() -> Iterator[tuple[str, str]]:
    for file in [*FILES, PAGE]:
        yield file.name, file.read_text(encoding="utf-8")


def lines(name: str, text: str) -> Iterator[str]:
    """What could be typed: of a page its blocks and code spans, of another file everything."""
    if name.endswith(".md"):
        for _, block in FENCE.findall(text):
            yield from block.replace("\\\n", " ").splitlines()
        yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
    else:
        whole = text.replace("\\\n", " ")
        yield from (re.sub(r"^\w+=", "", line) for line in whole.splitlines() if not line.startswith("#"))


USER = re.compile(r"(?<=-u )allocator |(?<=\* )allocator ")
"""The user, as sudo and cron name it."""


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each call of the program: the words after it, where the first of them could be a command."""
    for name, text in texts():
        for line in lines(name, text):
            words = shlex.split(re.sub(r"\$\(.*?\)", "NOW", USER.sub("", line)))
            for place, word in enumerate(words[:-1]):
                following = words[place + 1]
                if PROGRAM.fullmatch(word) and re.fullmatch("[a-z]+", following) and following != "allocator":
                    yield name, words[place + 1 :]
    start = re.findall(r"^(?:ENTRYPOINT|CMD) (\[.*\])$", CONTAINERFILE.read_text(), re.MULTILINE)
    entry, command = map(json.loads, start)
    assert entry == ["allocator"]
    yield CONTAINERFILE.name, command


COMMANDS = list(commands())


def parsed(words: list[str]) -> Any:
    """The command that these words call, its options and arguments checked as the program does."""
    found: Any = typer.main.get_command(build())
    rest = list(words)
    while hasattr(found, "commands"):
        name = rest.pop(0)
        assert name in found.commands, f"there is no command {name}"
        found = found.commands[name]
    found.make_context(" ".join(words[: len(words) - len(rest)]), rest)
    return found


@pytest.mark.parametrize(("file", "words"), COMMANDS, ids=lambda value: str(value)[:60])
def test_every_command_that_is_shown_can_be_typed(file: str, words: list[str]) -> None:
    try:
        parsed(words)
    except TyperException as error:
        pytest.fail(f"{file}: allocator {' '.join(words)}: {error.format_message()}")


def test_the_commands_that_matter_are_shown() -> None:
    shown = {" ".join(words[:2]) if words[0] in ("runs", "store") else words[0] for _, words in COMMANDS}
    assert shown >= {
        "init", "doctor", "run", "serve", "watch", "runs compare", "store upgrade", "store backup",
    }  # fmt: skip


@pytest.mark.parametrize(
    "variable", sorted({v for _, text in texts() for v in re.findall(r"\bALLOCATOR__\w+", text)})
)
def test_every_variable_that_is_shown_is_a_setting(variable: str) -> None:
    model: Any = Settings
    *sections, key = variable.removeprefix("ALLOCATOR__").lower().split("__")
    for section in sections:
        model = model.model_fields[section].annotation
        assert issubclass(model, BaseModel)
    assert key in {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize("block", [b for kind, b in FENCE.findall(PAGE.read_text()) if kind == "sh"])
def test_every_block_of_shell_can_be_read_by_a_shell(block: str) -> None:
    lines = [line for line in block.splitlines() if not re.match(r"[\d*/]+ [\d*]+ \* \* \* ", line)]
    done = subprocess.run(["sh", "-n"], input="\n".join(lines), text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


# --- systemd ---


def settings_of(unit: Path) -> list[tuple[str, str]]:
    rows = [line for line in unit.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return [(name, value) for name, _, value in (row.partition("=") for row in rows)]


def test_the_service_has_longer_to_stop_than_a_hand_over_takes() -> None:
    service = dict(settings_of(ROOT / "deploy/systemd/allocator.service"))
    assert service["KillSignal"] == "SIGTERM"
    assert int(service["TimeoutStopSec"]) > 10


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_every_credential_is_loaded_and_used(unit: Path) -> None:
    rows = settings_of(unit)
    loaded = {value.partition(":")[0] for name, value in rows if name == "LoadCredential"}
    used = {v.partition("%d/")[2] for name, v in rows if name == "Environment" and "%d/" in v}
    assert loaded == used and "smtp_password" in loaded


@pytest.mark.parametrize("unit", SERVICES, ids=lambda unit: unit.name)
def test_a_service_may_write_its_state_and_nothing_else_and_sees_who_holds_the_lease(unit: Path) -> None:
    rows = dict(settings_of(unit))
    assert (rows["ProtectSystem"], rows["StateDirectory"], rows["UMask"]) == ("strict", "allocator", "0077")
    assert rows["User"] == "allocator" and rows["NoNewPrivileges"] == "true"
    assert not {"ProtectProc", "ProcSubset", "PrivatePIDs"} & set(rows)
    environment = [value for name, value in settings_of(unit) if name == "Environment"]
    assert "TMPDIR=/var/lib/allocator" in environment  # a private one is emptied between two looks


def test_the_timer_starts_a_service_that_is_there() -> None:
    timers = [unit for unit in UNITS if unit.suffix == ".timer"]
    assert timers and all(timer.with_suffix(".service") in UNITS for timer in timers)
    assert ("OnCalendar", "*:0/5") in settings_of(timers[0])


# --- the container ---


def test_the_image_is_made_of_checked_files_and_runs_as_nobody_special() -> None:
    text = CONTAINERFILE.read_text()
    assert "--require-hashes --requirement requirements.lock" in text
    assert "--no-index" in text
    assert "STOPSIGNAL SIGTERM" in text
    (user,) = re.findall(r"^USER (\d+)", text, re.MULTILINE)
    assert int(user) > 0


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_image_is_healthy_when_healthz_is(status: int, healthy: bool) -> None:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    (check,) = re.findall(r"^ *CMD (\[.*\])$", CONTAINERFILE.read_text(), re.MULTILINE)[:1]
    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        _, *words = (word.replace("9464", str(server.server_port)) for word in json.loads(check))
        done = subprocess.run([sys.executable, *words], capture_output=True, check=False)
        server.shutdown()
    assert (done.returncode == 0) is healthy


def test_links_of_the_index_resolve() -> None:
    index = ROOT / "deploy/README.md"
    links = re.findall(r"\]\(([^)\s]+)\)", index.read_text())
    assert links and all((index.parent / link).exists() for link in links)
    assert {file for file in FILES if file != index} == {
        (index.parent / link).resolve() for link in links if not link.startswith("..")
    }
