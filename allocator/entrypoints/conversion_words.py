"""The story of a conversion as lines of text: on the terminal, and on the page that shows it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from allocator.entrypoints import console
from allocator.entrypoints.timeline_table import show_timeline


def show_story(told: Mapping[str, Any]) -> None:
    """All steps on the terminal, then what the request logs count, and the person's timeline."""
    for step in told["steps"]:
        console.out.print(f"\n[bold]{step['number']}. {console.plain(step['title'])}[/]\n")
        for line in story_lines(told, step["number"]):
            console.out.print(f"  {line}", markup=False, soft_wrap=True)
    console.out.print(f"\n[bold]What allocator explain {told['record']} says at the end[/]\n")
    show_timeline(told)
    console.out.print("\nNext:  docs/tutorials/lead-then-contact.md   the same, explained")
    console.out.print("       docs/how-to/connect-hubspot.md       with your own systems\n")


def story_lines(told: Mapping[str, Any], number: int) -> Iterator[str]:
    """The lines of one step; of the last one, what the logs count for all of them."""
    step = told["steps"][number - 1]
    yield from _run_lines(step)
    if number < len(told["steps"]):
        yield from _shown_lines(step)
    else:
        yield ""
        yield from _log_lines(told["log"])


def _run_lines(step: Mapping[str, Any]) -> Iterator[str]:
    """What was done, and what the next run wrote by the request logs."""
    yield f"{_clock(step['at'])}  {step['did']}"
    yield f"{_clock(step['ran'])}  run {step['run']} writes" + ("" if step["written"] else " nothing")
    for one in step["written"]:
        yield f"         {one['system']} {one['object']} {one['id']}"
        yield f"           {', '.join(one['fields'])}"


def _shown_lines(step: Mapping[str, Any]) -> Iterator[str]:
    """What both systems show of the person after it."""
    yield "       the systems show"
    for one in step["shown"]:
        yield f"         {one['system']} {one['object']} {one['id']}"
        yield from (f"           {name:<16} {text}" for name, text in one["values"].items())


def _log_lines(log: list[Mapping[str, Any]]) -> Iterator[str]:
    """How many records each run wrote, counted in the systems' own request logs."""
    yield f"{'run':<5}{'plan':<9}{'Lead':>6}{'Contact':>9}{'Account':>9}{'HubSpot contact':>17}"
    for one in log:
        numbers = f"{one['Lead']:>6}{one['Contact']:>9}{one['Account']:>9}{one['HubSpot']:>17}"
        yield f"{one['run']:<5}{one['plan']:<9}{numbers}"


def _clock(at: str) -> str:
    return at[11:16]
