"""The story of a conversion as lines of text: on the terminal, and on the page that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def step_lines(step: Mapping[str, Any]) -> Iterator[str]:
    """What was done, what the next run wrote by the request log, and what both systems show then."""
    yield f"{_clock(step['at'])}  {step['did']}"
    yield f"{_clock(step['ran'])}  run {step['run']} writes" + ("" if step["written"] else " nothing")
    for one in step["written"]:
        yield f"         {one['system']} {one['object']} {one['id']}"
        yield f"           {', '.join(one['fields'])}"
    yield "       the systems show"
    for one in step["shown"]:
        yield f"         {one['system']} {one['object']} {one['id']}"
        yield from (f"           {name:<16} {text}" for name, text in one["values"].items())


def log_lines(log: list[Mapping[str, Any]]) -> Iterator[str]:
    """How many records each run wrote, counted in the systems' own request logs."""
    yield f"{'run':<5}{'plan':<9}{'Lead':>6}{'Contact':>9}{'Account':>9}{'HubSpot contact':>17}"
    for one in log:
        numbers = f"{one['Lead']:>6}{one['Contact']:>9}{one['Account']:>9}{one['HubSpot']:>17}"
        yield f"{one['run']:<5}{one['plan']:<9}{numbers}"


def _clock(at: str) -> str:
    return at[11:16]
