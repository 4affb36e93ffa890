"""The page that answers "Why did Ben get this one?" shows what the program prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from org import Org

from allocator.entrypoints import cli

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "answer-why.md"


def blocks() -> list[tuple[str, list[str]]]:
    """Each command of the page, with the lines below it."""
    found = re.findall(r"^```console\n\$ allocator (.*)\n((?:.*\n)*?)```$", PAGE.read_text(), re.MULTILINE)
    return [(command, lines.splitlines()) for command, lines in found]


def test_the_page_shows_what_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALLOCATOR_NOW", "2026-11-23T09:00:00Z")
    org = Org(tmp_path)
    try:
        org.init()
        assert org("run")[0] == 4
        assert len(blocks()) == 2
        for command, lines in blocks():
            capsys.readouterr()
            assert cli._run([*shlex.split(command), "--config", str(org.config)]) == 0
            printed = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
            missing = [line for line in lines if line != "..." and " ".join(line.split()) not in printed]
            assert missing == [], "\n".join(printed)
    finally:
        org.close()
