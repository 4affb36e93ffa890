"""Death of a process at any of its steps, in this process: from then on nothing that the dead one says
reaches the store or a system any more, but writes that were on their way may still arrive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any


class Killed(BaseException):
    pass


@dataclass
class Doom:
    """Death before, after or in the middle of step `at`; `late` are the writes that arrive after it.

    `known` are the names of the calls that count as steps; `sends` is the one that takes a list of writes,
    which may end in its middle.
    """

    at: int
    moment: str
    known: Collection[str]
    sends: str
    steps: list[str] = field(default_factory=list)
    dead: bool = False
    late: list[Any] = field(default_factory=list)

    def meet(self, name: str, work: Callable[..., Any], *args: Any, **more: Any) -> Any:
        if self.dead:
            raise Killed
        if name not in self.known:
            return work(*args, **more)
        self.steps.append(name)
        if len(self.steps) != self.at:
            return work(*args, **more)
        self.dead = True
        if self.moment == "after":
            work(*args, **more)
        if name == self.sends and self.moment in ("middle", "late"):
            half = len(args[0]) // 2
            work(args[0][:half])
            self.late = list(args[0][half:]) if self.moment == "late" else []
        raise Killed


class Doomed:
    """A store, a CRM or a marketing system as a process has it that is killed on the way."""

    def __init__(self, inner: Any, doom: Doom) -> None:
        self._inner, self._doom = inner, doom

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found):
            return found
        return lambda *args, **more: self._doom.meet(name, found, *args, **more)
