"""Which rule takes a lead: one lead at a time, and a million at once, beside zen-engine, polars and a scan.

What a peer cannot read it gets ready made, outside its time: facts in their codes, numbers cut at the rules'
bounds. All must name the same rule for each lead they see. Rounds interleave; times are printed, not
asserted.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import itertools
import json
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pandas as pd
from workload import COLUMNS, MONDAY, cells, codes, leads, rules

from rules.facts import normaliser_of
from rules.fold import fold
from rules.frame import decide_frame
from rules.layers import compiled, decide
from rules.model import RoutingTables

PEERS = ("zen", "polars")
HOW = ".venv/bin/python -m pip install polars zen-engine"
NUMBERS = ("employees", "score")
ZEN_LEADS, SCAN_LEADS, SINGLE_LEADS = 10_000, 50, 2_000


@dataclass(frozen=True)
class Times:
    """Seconds of one call: this process's processors, and the clock."""

    processor: float
    clock: float


def timed(call: Callable[[], Any]) -> tuple[Times, Any]:
    gc.collect()
    processor, clock = time.process_time(), time.perf_counter()
    result = call()
    return Times(time.process_time() - processor, time.perf_counter() - clock), result


def has(peer: str) -> bool:
    return importlib.util.find_spec(peer) is not None


# --- the peers --------------------------------------------------------------------------------------------


def clean(tables: RoutingTables, frame: pd.DataFrame) -> pd.DataFrame:
    """The facts as plain values: codes, whole numbers, None for what is missing or unread."""
    normaliser = normaliser_of(tables)

    def plain(name: str, raw: object) -> object:
        value = normaliser.value(name, raw)
        return int(value) if isinstance(value, Decimal) else named[name].get(fold(str(value)))

    named = {name: {fold(code): code for code in _codes(name)} for name in COLUMNS}
    maps = {name: {raw: plain(name, raw) for raw in frame[name].unique()} for name in COLUMNS}
    columns = {name: [maps[name][raw] for raw in frame[name].tolist()] for name in COLUMNS}
    return pd.DataFrame(columns, dtype=object)


def _codes(name: str) -> tuple[str, ...]:
    return () if name in NUMBERS else codes(name)


class Zen:
    """A decision table of zen-engine, compiled beforehand."""

    def __init__(self, count: int, **given: Any) -> None:
        import zen

        content = zen.ZenDecisionContent(json.dumps(_zen_graph(count, **given)))
        self._engine = zen.ZenEngine({"loader": lambda _: content})
        self._decision = zen.ZenEngine().create_decision(content)
        self._one(dict.fromkeys(COLUMNS))

    def _one(self, lead: dict[str, Any]) -> Any:
        return self._decision.evaluate(lead)["result"]["row"]

    def singly(self, some: Sequence[dict[str, Any]]) -> list[int]:
        return [self._one(lead) for lead in some]

    def batch(self, some: Sequence[dict[str, Any]]) -> list[int]:
        found = self._engine.evaluate_batch([{"key": "table", "context": lead} for lead in some])
        return [each["data"]["result"]["row"] for each in found]


def _zen_graph(count: int, **given: Any) -> dict[str, Any]:
    rows = [
        {"_id": str(n), "row": str(n), **{name: _zen_cell(text) for name, text in found.items()}}
        for n, found in enumerate(cells(count, **given))
    ]
    table = {
        "hitPolicy": "first",
        "inputs": [{"id": name, "name": name, "field": name} for name in COLUMNS],
        "outputs": [{"id": "row", "name": "row", "field": "row"}],
        "rules": rows,
    }
    kinds = {"in": "inputNode", "table": "decisionTableNode", "out": "outputNode"}
    place = {"x": 0, "y": 0}
    nodes = [{"id": key, "name": key, "type": kind, "position": place} for key, kind in kinds.items()]
    nodes[1]["content"] = table
    edges = [("in", "table"), ("table", "out")]
    return {
        "nodes": nodes,
        "edges": [{"id": a + b, "sourceId": a, "targetId": b, "type": "edge"} for a, b in edges],
    }


def _zen_cell(text: str) -> str:
    if ".." in text:
        return f"[{text}]"
    if text[0] in "<>":
        return text
    return ", ".join(json.dumps(item) for item in text.split("; "))


class Polars:
    """One join for each set of columns that rules use, on one number made of their codes."""

    def __init__(self, tables: RoutingTables) -> None:
        import polars as pl

        self._pl = pl
        self._bounds = {name: _bounds(tables, name) for name in NUMBERS}
        every = {name: codes(name) for name in COLUMNS if name not in NUMBERS}
        self._values = {**every, **{n: tuple(range(len(b) + 1)) for n, b in self._bounds.items()}}
        masks: dict[tuple[str, ...], dict[int, int]] = {}
        for number, row in enumerate(compiled(tables)[0].rows):
            mask = tuple(name for name, _ in row.conditions)
            for key in self._keys(row.conditions):
                masks.setdefault(mask, {}).setdefault(key, number)
        self._tables = {
            mask: pl.DataFrame(
                {"key": list(keys), "row": list(keys.values())}, schema_overrides={"row": pl.Int32}
            )
            for mask, keys in masks.items()
        }

    def _keys(self, conditions: Sequence[tuple[str, Any]]) -> list[int]:
        """The numbers of all combinations that the cells of one rule accept."""
        accepted = []
        for name, condition in conditions:
            samples = [0, *self._bounds[name]] if name in NUMBERS else self._values[name]
            values = [Decimal(s) if name in NUMBERS else s for s in samples]
            accepted.append([n for n, value in enumerate(values) if condition.matches(value)])
        names = [name for name, _ in conditions]
        return [self._key(names, which) for which in itertools.product(*accepted)]

    def _key(self, names: Sequence[str], which: Sequence[Any]) -> Any:
        key: Any = 0
        for name, number in zip(names, which, strict=True):
            key = key * len(self._values[name]) + number
        return key

    def ready(self, facts: pd.DataFrame) -> Any:
        """The leads as polars likes them: texts, and numbers cut at the rules' bounds."""
        pl = self._pl
        columns = {
            name: pl.Series(facts[name].tolist(), dtype=pl.String)
            for name in self._values
            if name not in NUMBERS
        }
        for name, bounds in self._bounds.items():
            cut = pd.cut(facts[name].astype(float), [-1, *(b - 0.5 for b in bounds), 1e18], labels=False)
            columns[name] = pl.Series([None if pd.isna(c) else int(c) for c in cut], dtype=pl.Int64)
        return pl.DataFrame(columns)

    def run(self, frame: Any) -> Any:
        pl = self._pl
        coded = frame.with_columns(
            pl.col(name).cast(pl.Enum(values), strict=False).to_physical().cast(pl.Int64)
            for name, values in self._values.items()
            if name not in NUMBERS
        )
        found = []
        for mask, table in self._tables.items():
            if not mask:
                found.append(pl.Series([table["row"][0]], dtype=pl.Int32).new_from_index(0, len(frame)))
                continue
            keys = coded.select(self._key(mask, [pl.col(name) for name in mask]).alias("key"))
            found.append(keys.join(table, on="key", how="left", maintain_order="left")["row"])
        named = [series.alias(str(n)) for n, series in enumerate(found)]
        return pl.DataFrame(named).select(pl.min_horizontal(pl.all())).to_series()


def _bounds(tables: RoutingTables, name: str) -> list[int]:
    cuts = {
        int(cut[0]) + cut[1]
        for row in compiled(tables)[0].rows
        for fact, condition in row.conditions
        if fact == name
        for interval in condition.intervals
        for cut in interval
        if cut[0].is_finite()
    }
    return sorted(cuts)


# --- one lead at a time -----------------------------------------------------------------------------------


def one_by_one(count: int, rounds: int) -> None:
    tables, frame = rules(count), leads(SINGLE_LEADS)
    raw, facts = frame.to_dict("records"), clean(tables, frame).to_dict("records")
    rows = list(compiled(tables)[0].rows)
    known = [normaliser_of(tables)(lead) for lead in raw]

    def scan() -> list[str]:
        found = (
            next(r for r in rows if all(c.matches(f.get(n)) for n, c in r.conditions))
            for f in known[:SCAN_LEADS]
        )
        return [row.rule_id for row in found]

    calls: dict[str, tuple[int, Callable[[], Any]]] = {
        "decide": (len(raw), lambda: [decide(tables, lead, on=MONDAY).rule_id for lead in raw]),
        "scan": (SCAN_LEADS, scan),
    }
    if has("zen"):
        zen = Zen(count)
        calls["zen-engine"] = (len(raw), lambda: [rows[n].rule_id for n in zen.singly(facts)])
    expected = calls["decide"][1]()
    spent: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, (size, call) in calls.items():
            times, found = timed(call)
            assert found == expected[: len(found)], f"{name} names other rules"
            spent[name].append(times.processor / size * 1e6)
    ours = statistics.median(spent["decide"])
    print(
        f"\nOne lead at a time, {count:,} rules, microseconds of processor a lead, median of {rounds} rounds:"
    )
    for name, found in spent.items():
        print(f"  {name:<11} {statistics.median(found):>9.1f}  {statistics.median(found) / ours:>7.1f}x")


# --- all at once ------------------------------------------------------------------------------------------

HEAD = (
    f"{'case':<26} {'ours s':>7} {'clock':>7} {'polars s':>9} {'clock':>7} {'ratio':>6} {'zen s*':>8} {'':>6}"
)


def at_once(
    name: str, frame: pd.DataFrame, facts: pd.DataFrame, rounds: int, count: int, **given: Any
) -> float:
    """One line of the table; our median seconds of processor."""
    tables = rules(count, **given)
    calls: dict[str, Callable[[], Any]] = {"ours": lambda: decide_frame(tables, frame, on=MONDAY)["rule_id"]}
    if has("polars"):
        peer = Polars(tables)
        ready = peer.ready(facts)
        calls["polars"] = lambda: peer.run(ready)
    if has("zen"):
        zen, some = Zen(count, **given), facts.head(ZEN_LEADS).to_dict("records")
        calls["zen"] = lambda: zen.batch(some)
    expected = calls["ours"]().to_numpy()
    ids = [row.rule_id for row in compiled(tables)[0].rows]
    spent: dict[str, list[Times]] = {peer: [] for peer in calls}
    for _ in range(rounds):
        for who, call in calls.items():
            times, found = timed(call)
            if who != "ours":
                assert [ids[n] for n in found] == expected[: len(found)].tolist(), f"{who} names other rules"
            spent[who].append(times)
    return _show(name, spent, len(frame))


def _show(name: str, spent: dict[str, list[Times]], count: int) -> float:
    def middle(who: str, scale: float = 1.0) -> tuple[float, float]:
        found = spent.get(who, [])
        if not found:
            return float("nan"), float("nan")
        return (
            statistics.median(t.processor for t in found) * scale,
            statistics.median(t.clock for t in found) * scale,
        )

    ours, clock = middle("ours")
    polars, polars_clock = middle("polars")
    zen, _ = middle("zen", count / min(count, ZEN_LEADS))
    print(
        f"{name:<26} {ours:>7.2f} {clock:>7.2f} {polars:>9.2f} {polars_clock:>7.2f} {polars / ours:>5.1f}x"
        f" {zen:>8.1f} {zen / ours:>5.0f}x",
        flush=True,
    )
    return ours


def peak(frame: pd.DataFrame, count: int) -> float:
    """Most megabytes held at once over leads and compiled rules, the result included."""
    tables = rules(count)
    decide_frame(tables, frame, on=MONDAY)
    gc.collect()
    tracemalloc.start()
    try:
        decide_frame(tables, frame, on=MONDAY)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leads", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--rules", type=int, nargs="+", default=[100, 1_000, 10_000, 100_000], metavar="N")
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    given = parser.parse_args(arguments)
    for peer in PEERS:
        if not has(peer):
            print(f"{peer} is not installed and left out; to have it: {HOW}")
    one_by_one(min(10_000, max(given.rules)), given.rounds)
    frame = leads(given.leads)
    facts = clean(rules(1), frame)
    print(f"\n{given.leads:,} leads at once, medians of {given.rounds} rounds:\n{HEAD}")
    spent = {n: at_once(f"{n:,} rules", frame, facts, given.rounds, n) for n in given.rules}
    middle = min(10_000, max(given.rules))
    for masks in (60, 150):
        at_once(f"{middle:,}, {masks} masks", frame, facts, given.rounds, middle, masks=masks)
    for lists in (0.0, 0.4):
        at_once(f"{middle:,}, {lists:.0%} lists", frame, facts, given.rounds, middle, lists=lists)
    for kind in ("object", "category"):
        at_once(f"{middle:,}, {kind} columns", frame.astype(kind), facts, given.rounds, middle)
    print(f"* zen-engine's batch of {ZEN_LEADS:,}, times {given.leads / ZEN_LEADS:,.0f}.")
    low, high = min(spent), max(spent)
    print(f"{high:,} rules take {spent[high] / spent[low]:.1f} times as long as {low:,}.")
    print(f"Most held at once over the leads, {middle:,} rules: {peak(frame, middle):.0f} MB.")


if __name__ == "__main__":
    main()
