"""Two systems that show and keep one record, each in its own way; people who edit it; cycles of merges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from rules import fields
from rules.field_rules import Agreed, Conflict, FieldRule, Merged, Seen, Side, Write
from rules.field_values import FieldType, FieldValue, Misfit, convert

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
NAMES = ("Ana", "Ben", "Chi", None)
DAYS = (date(2026, 3, 29), date(2026, 10, 25), None)
MOMENTS = (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 22, 30, tzinfo=UTC), None)
NUMBER, FLAG = FieldType("number"), FieldType("flag")

Pool = tuple[FieldValue, ...]


@dataclass(frozen=True)
class Mapped:
    """A rule, and what people put into the field on either side."""

    rule: FieldRule
    ours: Pool
    theirs: Pool

    def pool(self, side: Side) -> Pool:
        return self.ours if side == "ours" else self.theirs


def mapped(name: str, direction: Any, ours: Pool, theirs: Pool = (), **more: Any) -> Mapped:
    return Mapped(FieldRule(name, name, f"{name}__c", direction, **more), ours, theirs or ours)


def kinds(ours: FieldType, theirs: FieldType) -> dict[str, Any]:
    return {"our_type": ours, "their_type": theirs}


FIELDS: tuple[Mapped, ...] = (
    mapped("name", "two-way", NAMES),
    mapped("city", "two-way", ("Rome", "Bonn", None), tie="ours"),
    mapped("email", "two-way", ("ana@x.test", "ANA@X.TEST", "ben@x.test", None), any_case=True),
    mapped("pushed", "push", NAMES),
    mapped("pulled", "pull", NAMES),
    mapped("filled", "two-way", NAMES, rule="only if empty"),
    mapped("offered", "push", NAMES, rule="only if empty"),
    mapped("kept", "two-way", NAMES, rule="never"),
    mapped("size", "two-way", ("7", "12", "many", None), (Decimal(7), Decimal(12), Decimal(30), None),
           **kinds(FieldType(), FieldType("number", decimals=0))),
    mapped("revenue", "two-way", (Decimal("1.234"), Decimal("1.25"), Decimal("-3.005"), None),
           (Decimal("1.23"), Decimal("7.5"), None), **kinds(NUMBER, FieldType("number", decimals=2))),
    mapped("born", "two-way", DAYS, DAYS, **kinds(FieldType("date"), FieldType("date"))),
    mapped("visit", "two-way", DAYS, MOMENTS, **kinds(FieldType("date", zone=BERLIN), FieldType("datetime"))),
    mapped("called", "two-way", MOMENTS, MOMENTS,
           **kinds(FieldType("datetime", zone=BERLIN), FieldType("datetime"))),
    mapped("agrees", "two-way", (True, False, None), (True, False),
           **kinds(FLAG, FieldType("flag", nullable=False))),
    mapped("source", "two-way", ("web", "Fair", "fax", None), ("Web", "Fair", None),
           **kinds(FieldType("picklist"), FieldType("picklist", options=("Web", "Fair"), restricted=True))),
    mapped("likes", "two-way", (("a", "b"), ("b",), ("a", "b", "c"), None),
           **kinds(FieldType("multi_picklist"), FieldType("multi_picklist", options=("a", "b", "c")))),
    mapped("note", "two-way", ("short", "far too long", None), ("short", "brief", None),
           **kinds(FieldType(), FieldType(length=8))),
    mapped("shout", "two-way", ("ana", "ben", None), ("ANA", "CHI", None)),
)  # fmt: skip
BY_NAME = {one.rule.name: one for one in FIELDS}
RULES = tuple(one.rule for one in FIELDS)
SIDES: tuple[Side, ...] = ("ours", "theirs")
EMPTY: dict[tuple[Side, str], FieldValue] = {(s, r.name): None for s in SIDES for r in RULES}
EMPTY["theirs", "agrees"] = False
STORES: dict[tuple[str, Side], Callable[[str], str]] = {
    ("shout", "ours"): str.lower,
    ("shout", "theirs"): str.upper,
}
"""Systems that never keep what they are sent, and each in the other's way."""


def field_of(rule: FieldRule, side: Side) -> str:
    return rule.ours if side == "ours" else rule.theirs


def type_of(rule: FieldRule, side: Side) -> FieldType:
    return rule.our_type if side == "ours" else rule.their_type


def other(side: Side) -> Side:
    return "theirs" if side == "ours" else "ours"


def spelt(value: FieldValue, chance: Random) -> object:
    """The value in one of the ways in which systems and people write it."""
    match value:
        case None:
            return chance.choice([None, "", "  "])
        case bool():
            return chance.choice([value, str(value).upper(), str(int(value))])
        case Decimal():
            return chance.choice([value, f" {value:f} ", float(value), f"{value:.6f}"])
        case datetime():
            local = value.astimezone(ZoneInfo("America/New_York"))
            stamp = f"{value:%Y-%m-%dT%H:%M:%S}.000+0000"
            return chance.choice([value, stamp, local.isoformat(), str(int(value.timestamp() * 1000))])
        case date():
            return chance.choice([value, value.isoformat(), f"{value:%d.%m.%Y}", f"{value}T00:00:00Z"])
        case tuple():
            return ";".join(chance.sample(value, len(value)))
    return chance.choice([value, f" {value} ", f"{value}\r\n"])


@dataclass
class World:
    """One record on two systems whose clocks are wrong by `ahead`. Every cycle is checked as it runs."""

    chance: Random
    ahead: dict[Side, timedelta]
    rules: tuple[FieldRule, ...] = RULES
    now: datetime = MONDAY
    base: dict[str, Agreed] = field(default_factory=dict)
    values: dict[tuple[Side, str], FieldValue] = field(default_factory=dict)
    stamps: dict[tuple[Side, str], datetime] = field(default_factory=dict)
    dirty: dict[tuple[Side, str], datetime] = field(default_factory=dict)
    known: dict[tuple[Side, str], FieldValue] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    raced: set[str] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)
    last: Merged | None = None

    def value(self, side: Side, name: str) -> FieldValue:
        return self.values.get((side, name), EMPTY[side, name])

    def put(self, side: Side, name: str, value: FieldValue) -> None:
        keep = STORES.get((name, side))
        self.values[side, name] = keep(value) if keep and isinstance(value, str) else value
        self.now += timedelta(seconds=1)
        self.stamps[side, name] = self.now + self.ahead[side]

    def edit(self, side: Side, name: str, pick: int) -> None:
        """A person changes the field."""
        pool = BY_NAME[name].pool(side)
        rule = BY_NAME[name].rule
        self.put(side, name, pool[pick % len(pool)])
        if folded(rule, self.value(side, name)) == folded(
            rule, self.known.get((side, name), EMPTY[side, name])
        ):
            self.dirty.pop((side, name), None)
        else:
            self.dirty[side, name] = self.now

    def seen(self, side: Side) -> Seen:
        values = {field_of(r, side): spelt(self.value(side, r.name), self.chance) for r in self.rules}
        stamps = {field_of(r, side): at for r in self.rules if (at := self.stamps.get((side, r.name)))}
        return Seen(values, None, stamps, self.ahead[side])

    def cycle(
        self, *, fails: bool = False, forgets: bool = False, race: tuple[str, int] | None = None
    ) -> int:
        """One merge and its writes, of which one in two `fails`; then the base may be lost before it is kept.

        In a `race` a person edits a field of the CRM between our write and our reading it back.
        """
        done = fields.merge(self.base, self.seen("ours"), self.seen("theirs"), self.rules, record="hubspot:7")
        self.last = done
        self.conflicts += done.conflicts
        written = [("ours", w) for w in done.ours] + [("theirs", w) for w in done.theirs]
        failed = {w.rule for _, w in written if fails and self.chance.random() < 0.5}
        agreed = dict(done.agreed)
        for side, write in written:
            self.check(side, write, done)
            if write.rule in failed:
                continue
            self.put(side, write.rule, write.value)
            agreed[write.rule] = self.read_back(side, write, agreed[write.rule], race)
        for name, one in agreed.items():
            if name not in failed and not forgets:
                self.base[name] = one
        self.settle(done, failed, forgets)
        return len(written)

    def read_back(self, side: Side, write: Write, agreed: Agreed, race: tuple[str, int] | None) -> Agreed:
        if race and side == "theirs" and write.rule == race[0]:
            self.known[side, write.rule] = self.value(side, write.rule)
            self.edit("theirs", *race)
            self.raced.add(write.rule)
            return agreed  # the stamp is not that of our write
        raw = spelt(self.value(side, write.rule), self.chance)
        return fields.read_back(BY_NAME[write.rule].rule, agreed, side, raw)

    def settle(self, done: Merged, failed: set[str], forgets: bool) -> None:
        """What is no longer a change that only one side knows of."""
        written = {w.rule for w in (*done.ours, *done.theirs)} - failed
        for rule in self.rules:
            if forgets:
                self.unsure.add(rule.name)
            if rule.name in written or self.agree(rule):
                self.carried(rule, forgets=forgets)
        self.raced.clear()

    def carried(self, rule: FieldRule, *, forgets: bool) -> None:
        is_raced = rule.name in self.raced and not self.agree(rule)
        for side in SIDES:
            if not (is_raced and side == "theirs"):
                self.dirty.pop((side, rule.name), None)
                if not forgets:
                    self.known[side, rule.name] = self.value(side, rule.name)
        if rule.name in self.raced:
            self.unsure.add(rule.name)
        elif not forgets:
            self.unsure.discard(rule.name)

    def check(self, side: Side, write: Write, done: Merged) -> None:
        """A write fits its side, keeps what is lost by it, and is the later one's."""
        name = write.rule
        rule = BY_NAME[name].rule
        lost = [c.lost for c in done.conflicts if c.rule == name]
        assert convert(write.value, type_of(rule, side), type_of(rule, side)) == write.value
        assert folded(rule, write.value) != folded(rule, self.value(side, name)), f"{name} needs no write"
        assert rule.rule != "never"
        assert rule.rule == "overwrite" or self.value(side, name) is None
        if (side, name) in self.dirty:
            assert lost == [self.value(side, name)], f"a change of {name} is lost"
            if rule.direction == "two-way" and rule.rule == "overwrite" and name not in self.unsure:
                theirs = self.dirty.get((other(side), name))
                assert theirs and theirs > self.dirty[side, name], f"the earlier change of {name} won"
        if rule.direction != "two-way":
            assert side == ("theirs" if rule.direction == "push" else "ours")
        if write.value is None:
            assert (other(side), name) in self.dirty or name in self.unsure, f"a blank wiped {name}"

    def agree(self, rule: FieldRule) -> bool:
        ours, theirs = self.value("ours", rule.name), self.value("theirs", rule.name)
        there = convert(ours, rule.our_type, rule.their_type)
        back = convert(theirs, rule.their_type, rule.our_type)
        return folded(rule, there) == folded(rule, theirs) or folded(rule, back) == folded(rule, ours)

    def at_rest(self) -> None:
        """The sides agree, or it is said why not; and nothing is written any more."""
        self.cycle()
        writes = [self.cycle() for _ in range(3)]
        assert writes == [0, 0, 0], f"still writing at rest: {writes}"
        assert self.last
        said = {problem.rule for problem in self.last.problems}
        apart = {rule.name for rule in self.rules if not self.agree(rule)}
        assert all(self.may_be_apart(name) for name in apart - said), apart - said
        assert said <= apart | {"shout"}

    def may_be_apart(self, name: str) -> bool:
        rule = BY_NAME[name].rule
        source: Side = "theirs" if rule.direction == "pull" else "ours"
        blank = self.value(source, name) is None
        return rule.rule != "overwrite" or (rule.direction != "two-way" and blank)


def folded(rule: FieldRule, value: FieldValue | Misfit) -> object:
    return value.casefold() if rule.any_case and isinstance(value, str) else value


Act = tuple[str, Side, str, int]
"""What happens, where, to which field, with which value of its pool."""


def play(acts: Iterable[Act], seed: int, hours: tuple[int, int] = (0, 0)) -> World:
    """The acts, one after the other, and then rest. Only the fields that people touch are mapped."""
    acts = list(acts)
    rules = tuple(rule for rule in RULES if rule.name in {name for _, _, name, _ in acts})
    ahead: dict[Side, timedelta] = {"ours": timedelta(hours=hours[0]), "theirs": timedelta(hours=hours[1])}
    world = World(Random(seed), ahead, rules)
    for what, side, name, pick in acts:
        match what:
            case "edit":
                world.edit(side, name, pick)
            case "race":
                world.cycle(race=(name, pick))
            case _:
                world.cycle(fails=what == "fails", forgets=what == "forgets")
    world.at_rest()
    return world


WHAT = ("edit", "edit", "edit", "cycle", "cycle", "fails", "forgets", "race")


def some_acts(chance: Random) -> list[Act]:
    """Up to 40 acts on up to three fields."""
    names = chance.sample(list(BY_NAME), 3)
    count = chance.randrange(1, 40)
    return [
        (chance.choice(WHAT), chance.choice(SIDES), chance.choice(names), chance.randrange(12))
        for _ in range(count)
    ]
