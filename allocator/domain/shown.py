"""The trace of a decision: JSON-ready, bounded, and free of what a terminal or a database would choke on."""

from __future__ import annotations

from typing import Any

from rules.model import Decision, FactValue, Step, Unmapped

LONGEST = 500
"""Characters of a lead's text that a trace keeps."""

_PLAIN_BREAKS = frozenset("\n\t")


def clip(text: str) -> str:
    """At most LONGEST characters; control characters and halves of surrogate pairs become U+FFFD."""
    if len(text) > LONGEST:
        text = text[: LONGEST - 1] + "…"
    return text if text.isprintable() else "".join(_plain(c) for c in text)


def _plain(char: str) -> str:
    broken = char < " " or "\x7f" <= char <= "\x9f" or "\ud800" <= char <= "\udfff"
    return "\ufffd" if broken and char not in _PLAIN_BREAKS else char


def show_fact(value: FactValue) -> str:
    """A fact as people read it; what is unmapped says so."""
    if type(value) is str:
        return value if len(value) <= LONGEST and value.isprintable() else clip(value)
    if isinstance(value, Unmapped):
        return clip(f"(unmapped) {value.raw}")
    return "" if value is None else clip(str(value))


class Tracer:
    """Traces of one run's decisions. A step that many leads share is the same value in all their traces."""

    def __init__(self) -> None:
        self._steps: dict[int, tuple[Step, dict[str, Any]]] = {}

    def trace(self, decision: Decision | None, considered: list[dict[str, Any]]) -> dict[str, Any]:
        """Facts, steps and needs of a decision, and what was considered; None: a record nobody can read."""
        if decision is None:
            return {"facts": {}, "steps": [], "needs": {}, "considered": considered}
        return {
            "facts": {k: show_fact(v) for k, v in decision.facts.items() if v is not None},
            "steps": [self._step(s) for s in decision.steps],
            "needs": {k: v if isinstance(v, str) else list(v) for k, v in decision.needs.items()},
            "considered": considered,
        }

    def _step(self, step: Step) -> dict[str, Any]:
        known = self._steps.get(id(step))
        if known is None:
            known = self._steps[id(step)] = (step, show_step(step))
        return known[1]


def show_step(step: Step) -> dict[str, Any]:
    """A row that held, as JSON."""
    return {
        "layer": step.layer,
        "sheet": step.sheet,
        "row": step.row,
        "rule_id": step.rule_id,
        "cell": step.cell,
        "sets": dict(step.sets),
    }
