"""The tutorial for editors can be walked as it stands, and its pictures are there."""

from __future__ import annotations

import importlib.util
import re
import shlex
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from types import ModuleType

from test_docs import ALLOCATOR, FENCE, ROOT, assert_shown, plain_environment, read, run, shown_in

from allocator import bootstrap
from allocator.config import load_settings
from allocator.ports import Store

PAGE = "docs/tutorials/change-the-tables.md"
PICTURES = ROOT / "docs" / "pictures"
LARGEST, WIDEST = 150_000, 1_200
DONE = {0, 3, 4}
"""Exit codes of its commands: all done, the workbook is refused, some leads are held."""


def _make() -> ModuleType:
    """The script that makes the pictures: it knows what the person in the story types."""
    spec = importlib.util.spec_from_file_location("pictures_make", PICTURES / "make.py")
    assert spec and spec.loader
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MAKE = _make()


def steps() -> dict[int, list[tuple[str, list[str]]]]:
    """Each step's commands, with the lines that the page shows below them."""
    pieces = re.split(r"^## (\d+)\. ", read(PAGE), flags=re.MULTILINE)[1:]
    return {int(n): commands_in(text) for n, text in zip(pieces[::2], pieces[1::2], strict=True)}


def commands_in(text: str) -> list[tuple[str, list[str]]]:
    return [said for kind, block in FENCE.findall(text) if kind == "console" for said in shown_in(block)]


@contextmanager
def demo(cwd: Path, command: str) -> Iterator[str]:
    """The demo that stays; yields what it printed."""
    with subprocess.Popen(
        [*ALLOCATOR, *shlex.split(command)[1:]], cwd=cwd, env=plain_environment(),
        stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            lines = []
            for line in process.stdout:
                lines.append(line)
                if "To change the rules" in line:
                    break
            yield "".join(lines)
        finally:
            process.send_signal(signal.SIGINT)


class Desk:
    """The folder of the page: what is typed in commands and in the spreadsheet program."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.first = folder, ""

    def edit(self, source: str, target: str, cells: object) -> None:
        MAKE.edit(self.folder / source, self.folder / target, cells)

    def before(self, step: int) -> None:
        """What the step asks for in the spreadsheet program before its first command."""
        if step == 4:
            self.edit(MAKE.BOOK, MAKE.DRAFT, MAKE.WITH_TYPO)
        elif step == 6:
            self.edit(MAKE.DRAFT, MAKE.DRAFT, MAKE.MENDED)
        elif step == 8:
            (self.folder / MAKE.DRAFT).replace(self.folder / MAKE.BOOK)
        elif step == 10:
            self.edit(MAKE.BEFORE, MAKE.BOOK, {MAKE.THRESHOLD: "20 %"})

    def types(self, command: str, lines: list[str]) -> None:
        """The version named in a command of the page is the demo's first one here."""
        words = [self.first if re.fullmatch("[0-9a-f]{8}", w) else w for w in shlex.split(command)[1:]]
        done = run(words, cwd=self.folder)
        assert done.returncode in DONE, f"{command}\n{done.stdout}{done.stderr}"
        assert_shown(lines, done.stdout)
        self.first = self.first or re.findall(r"^([0-9a-f]{8}) ", done.stdout, re.MULTILINE)[-1]


class MovedClock:
    def __init__(self) -> None:
        self.at = datetime.now(UTC)

    def now(self) -> datetime:
        return self.at


class Mailbox:
    """What the service would answer to a saved file, found as a file in the demo's folder of mails."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self.settings = load_settings(desk.folder / "allocator.toml")
        self.store, self.clock, self.folder = store, MovedClock(), desk.folder.parent / "mails"
        self.loop = bootstrap.workbook_loop(self.settings, store, self.clock)
        self.answers()

    def answers(self) -> str:
        """The new mail's subject and text, in one line."""
        before = set(self.folder.glob("*.eml"))
        for _ in range(2):
            self.clock.at += timedelta(seconds=20)
            self.loop.look()
        bootstrap.send_mails(self.settings, self.store, self.clock)
        new = sorted(set(self.folder.glob("*.eml")) - before)
        return " ".join(text for file in new for text in said_in(file).split())


def said_in(file: Path) -> str:
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(mail, EmailMessage)
    body = mail.get_body(("plain",))
    assert body is not None
    return f"{mail['Subject']} {body.get_content()}"


def test_the_tutorial_can_be_walked_from_the_typing_mistake_to_the_accepted_version(tmp_path: Path) -> None:
    (start, expected), *rest = steps()[1]
    with demo(tmp_path, start) as printed:
        assert_shown(expected, printed)
        desk = Desk(tmp_path / shlex.split(rest[0][0])[1])
        for number, commands in {**steps(), 1: rest[1:]}.items():
            desk.before(number)
            for command, lines in commands:
                if command != "allocator serve":
                    desk.types(command, lines)
        store = bootstrap.store_of(load_settings(desk.folder / "allocator.toml"))
        try:
            by_mail(desk, Mailbox(desk, store))
        finally:
            store.close()


def by_mail(desk: Desk, mails: Mailbox) -> None:
    """Steps 10 and 11, as `allocator serve` answers them."""
    desk.edit(MAKE.BOOK, MAKE.DRAFT, MAKE.WITH_TYPO)
    told = mails.answers()
    assert "the draft would be refused: 1 problem" in told and "Country!D2" in told
    desk.edit(MAKE.DRAFT, MAKE.DRAFT, MAKE.MENDED)
    told = mails.answers()
    assert "the draft passed the check" in told and "183 of 240 leads" in told
    assert "would then wait to be accepted" in told and "P-038: 4 -> 21" in told
    desk.edit(MAKE.DRAFT, MAKE.BOOK, MAKE.MENDED)
    code = re.search(r"waits to be accepted, code ([0-9a-f]{8})", mails.answers())
    assert code
    desk.edit(MAKE.BOOK, MAKE.BOOK, {MAKE.CODE: code[1]})
    told = mails.answers()
    assert "live from the" in told and "nothing -> Partner desk" in told


def test_every_picture_of_the_tutorial_is_there_small_and_used() -> None:
    used = re.findall(r"!\[([^\]]+)\]\(\.\./pictures/([\w-]+\.png)\)", read(PAGE))
    assert {name for _, name in used} == {file.name for file in PICTURES.glob("*.png")}
    drawn = (PICTURES / "make.py").read_text(encoding="utf-8")
    assert [name for _, name in used if Path(name).stem not in drawn] == []
    for _, name in used:
        data = (PICTURES / name).read_bytes()
        assert data.startswith(b"\x89PNG")
        assert len(data) <= LARGEST, name
        assert struct.unpack(">I", data[16:20])[0] <= WIDEST, name
