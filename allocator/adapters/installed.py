"""What else is installed here: packages that provide an import name of ours."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import Distribution, distributions


def also_provided(names: Sequence[str], *, by: str) -> tuple[str, str] | None:
    """A distribution other than `by` that has a package or module of one of these names, and the name."""
    found = ((d.name, name) for d in distributions() for name in _provided(d, names))
    return next((clash for clash in found if clash[0] != by), None)


def _provided(found: Distribution, names: Sequence[str]) -> Sequence[str]:
    """Its lists are searched as text: to parse all of them, as importlib.metadata does, takes longer than
    most commands."""
    top = (found.read_text("top_level.txt") or "").split()
    files = "\n" + (found.read_text("RECORD") or "")
    return [n for n in names if n in top or f"\n{n}/" in files or f"\n{n}.py," in files]
