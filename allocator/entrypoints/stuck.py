"""One line on stderr of every command while alerts cannot be delivered: then mail is what is down."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from allocator import bootstrap
from allocator.config import FILE_NAME, load_settings
from allocator.entrypoints import console
from allocator.errors import AllocatorError

NOT_FOR = frozenset({"sandbox", "demo", "init", "serve", "--help"})


def warn(words: Sequence[str]) -> None:
    """Say it if it is so. Whatever is wrong with configuration or store is for the command itself to say."""
    config = _config(words)
    if not words or words[0] in NOT_FOR or not config.is_file():
        return
    try:
        oldest = bootstrap.oldest_stuck_mail(load_settings(config))
    except AllocatorError:
        return
    if oldest is not None:
        said = f"alerts are not delivered since {oldest:%Y-%m-%d %H:%M} UTC. See: allocator alerts list"
        console.err.print(said, markup=False)


def _config(words: Sequence[str]) -> Path:
    """The configuration that the command used."""
    for place, word in enumerate(words):
        if word == "--config" and place + 1 < len(words):
            return Path(words[place + 1])
        if word.startswith("--config="):
            return Path(word.partition("=")[2])
    return Path(FILE_NAME)
