"""What became of past decisions, in the order in which runs found it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allocator.domain.lead import State
from allocator.domain.past import Past, PastDecision, PastRun

_GONE = frozenset({State.TAKEN, State.CLOSED})


@dataclass(frozen=True, slots=True)
class End:
    """How a decision ended: held again, or out of intake. `given`: its lead was on its way to an owner."""

    one: PastDecision
    state: State
    reason: str | None = None
    given: bool = False

    @property
    def gone(self) -> bool:
        return self.state in _GONE


class Ends:
    """By the run that found them."""

    def __init__(self, past: Past) -> None:
        self._own: dict[int, list[End]] = defaultdict(list)
        self._earlier: dict[int, list[End]] = defaultdict(list)
        for one in _all(past):
            for number, end in _ends(one):
                (self._own if number == one.run else self._earlier)[number].append(end)

    def earlier(self, run: PastRun) -> Sequence[End]:
        """Of decisions of runs before it; what runs found that decided nothing is found by the next one."""
        numbers = sorted(number for number in self._earlier if number <= run.run)
        return [end for number in numbers for end in self._earlier.pop(number)]

    def own(self, run: PastRun) -> Sequence[End]:
        """Of the run's own decisions, found by itself."""
        return self._own.pop(run.run, ())


def _ends(one: PastDecision) -> Iterator[tuple[int, End]]:
    if one.settled_run is None:
        return
    state = State(one.state)
    if one.left is None:
        yield one.settled_run, End(one, state, one.reason, one.owner is not None)
    else:
        yield one.settled_run, End(one, State.HELD, one.stopped, given=True)
        yield one.left, End(one, state)


def _all(past: Past) -> Iterator[PastDecision]:
    yield from past.held
    for run in past.runs:
        yield from run.decisions
