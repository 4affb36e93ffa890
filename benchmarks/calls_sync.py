"""How many calls a cycle of the sync asks of HubSpot and of the CRM, beside a record-by-record connector.

Both sandboxes run in this process; what is counted is in their own request log. Every count is asserted
against its bound, for records that were changed in HubSpot, in the CRM and in both.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calls_sync_world import World, world

KINDS = ("Leads", "Contacts", "mixed")
SIDES = ("HubSpot", "CRM", "both", "one field")
"""Where it was changed: on one side, each side another field, or the same one on both."""
COLUMNS = (
    "reads", "stamps", "writes", "CRM reads", "CRM writes", "read-backs", "matches", "searches", "queries",
    "others",
)  # fmt: skip
APART = {"searches", "queries", "others"}
"""Not for the records that changed: how they are found, and what every run asks."""


def ceil(count: int, size: int) -> int:
    return math.ceil(count / size)


def bounds(count: int) -> dict[str, int]:
    """The most that is right for a cycle over so many changed records."""
    return {
        "reads": ceil(count, 100),
        "writes": ceil(count, 100),
        "CRM reads": ceil(count, 200),
        "CRM writes": ceil(count, 25),
        "read-backs": ceil(count, 200),
    }


def bounds_of_creation(count: int) -> dict[str, int]:
    """Read before they are decided and after; nobody is read of the CRM but what was made."""
    return {
        **bounds(count),
        "reads": 2 * ceil(count, 100),
        "matches": 2 * ceil(2 * ceil(count, 200), 5) + ceil(count, 200) + ceil(count, 50),
    }


# --- what is measured -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Measured:
    """One cycle: its requests by what they are for, and what may be most. `naive`: record by record."""

    what: str
    count: int
    calls: Mapping[str, int]
    most: Mapping[str, int]
    naive: int = 0

    @property
    def for_records(self) -> int:
        return sum(n for name, n in self.calls.items() if name not in APART)

    def check(self) -> None:
        for name, most in self.most.items():
            done = self.calls.get(name, 0)
            assert done <= most, f"{self.what}, {self.count:,}: {done} {name}, at most {most} are right"


@dataclass
class Series:
    """Cycles of one installation, one after the other."""

    world: World
    kind: str
    quiet: Counter[str] = field(default_factory=Counter)
    written: int = 0
    """Contacts that the cycle before wrote: the next search shows them once more."""

    def start(self, count: int) -> list[Measured]:
        """The links are new: every record is looked at, and told its ids. Then nothing."""
        halves = ["Lead"] * (count // 2) + ["Contact"] * (count - count // 2)
        kinds = {"Leads": ["Lead"] * count, "Contacts": ["Contact"] * count, "mixed": halves}
        self.world.add_linked(kinds[self.kind])
        first = self._cycle("linked", count, "CRM", bounds(count))
        self.world.cycle()
        self.quiet, counts, _ = self.world.cycle()
        self.written = 0
        assert counts["looked_at"] == 0, counts
        none = dict.fromkeys(("reads", "writes", "CRM reads", "CRM writes", "read-backs", "stamps"), 0)
        return [first, Measured(f"{self.kind}, quiet", 0, self.quiet, {**none, "searches": 1, "queries": 2})]

    def changed(self, count: int, side: str, *, naive: bool) -> Measured:
        """So many records were changed on a side."""
        people = self.world.people[:: len(self.world.people) // count][:count]
        text = f"{side} {count} {self.world.at:%H:%M}"
        self.world.edit(people, side, text)
        most = {**bounds(count), "searches": ceil(count + self.written, 200) + 1, "queries": 2}
        most["others"] = self.quiet["others"]
        most |= {"stamps": ceil(count, 50) if side == "one field" else 0}
        made = self._cycle(f"{self.kind}, {side}", count, side, most)
        alone = self.world.naive(people, side, text) if naive else 0
        if alone:
            self.world.cycle()
            self.written = 0
        return Measured(made.what, count, made.calls, most, alone)

    def _cycle(self, what: str, count: int, side: str, most: Mapping[str, int]) -> Measured:
        calls, counts, _ = self.world.cycle()
        sides = {"HubSpot": 1, "CRM": 1, "both": 2, "one field": 1}[side]
        assert (counts["looked_at"], counts["problems"]) == (count, 0), (what, counts)
        assert counts["to_marketing"] + counts["to_crm"] == count * sides, (what, counts)
        assert counts["conflicts"] == count * (side == "one field"), (what, counts)
        self.written = counts["to_marketing"]
        return Measured(what, count, calls, most)


def measure(folder: Path, kind: str, counts: Sequence[int], *, naive: bool) -> list[Measured]:
    """A quiet cycle, then each number of changed records on each side."""
    with world(folder) as made:
        series = Series(made, kind)
        found = series.start(max(counts))
        found += [
            series.changed(count, side, naive=naive and kind == "Leads" and side in SIDES[:3])
            for count in counts
            for side in SIDES
        ]
    for one in found:
        one.check()
    return found


def measure_creation(folder: Path, count: int) -> Measured:
    """New contacts: each has its Lead, its salesperson and its ids after one run."""
    with world(folder) as made:
        made.cycle()
        made.add_new(count)
        calls, counts, summary = made.cycle()
        assert summary["leads"]["assigned"] == counts["created"] == count, summary
    done = Measured("new contacts", count, calls, bounds_of_creation(count))
    done.check()
    return done


# --- what is printed --------------------------------------------------------------------------------------

INTRODUCTION = """\
Requests of one cycle, as the sandboxes counted them. `reads` to `read-backs` are for the records that
changed, each beside the most that is right (asserted); `stamps` are reads that say when a field was changed
that both sides changed; `searches` of HubSpot and `queries` of the CRM find the records, `others` are asked
in every run. `alone` is a connector that takes one record after the other, one read and one write for each
side that was changed; `ratio` is to all calls for the records.
"""


def show(rows: Sequence[Measured]) -> None:
    print(INTRODUCTION)
    heads = [f"{name:>10}" for name in COLUMNS]
    print("  ".join([f"{'what':<19}", f"{'N':>5}", *heads, "  alone", "  ratio"]))
    for one in rows:
        cells = [_cell(one, name) for name in COLUMNS]
        ratio = f"{one.naive / one.for_records:>6.1f}x" if one.naive else ""
        alone = f"{one.naive:>7,}" if one.naive else ""
        print("  ".join([f"{one.what:<19}", f"{one.count:>5,}", *cells, alone, ratio]).rstrip())
    print("Every count is within its bound, and the run's own count equals the sandboxes'.")


def _cell(one: Measured, name: str) -> str:
    done = one.calls.get(name, 0)
    return f"{done}/{one.most[name]}".rjust(10) if name in one.most else f"{done:>10}"


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--records", type=int, nargs="+", default=[1, 25, 100, 200, 1_000], metavar="N")
    parser.add_argument("--new", type=int, nargs="*", default=[1, 100, 1_000], metavar="N")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="allocator-calls-sync-") as name:
        folder = Path(name)
        rows = [one for kind in KINDS for one in measure(folder / kind, kind, given.records, naive=True)]
        rows += [measure_creation(folder / f"new-{count}", count) for count in given.new]
    show(rows)


if __name__ == "__main__":
    main()
