"""Decides from the outside whether the promises about leads, owners and turns were kept.

Reads the store's rows by plain SQL and the CRM's own log and records, nothing else: no code of the product
that could be wrong in the same way. `check` is for any moment, also right after a kill; `settled=True` asks
for the end of the story, when undisturbed runs had their chance to finish it.

Invariants: I01 to I04, I07 to I11, I16, I17, I18 (take-backs) and, for I05, F1 to F3 of the fairness rules.
I06 compares two stores: `compare`. A lead goes back to an intake owner only where a row of take_backs says
so: I03, I08 and I11 know of it.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any
from urllib.parse import unquote_plus

import sqlalchemy as sa

HELD = frozenset({
    "no_rule", "rule_hold", "unmapped_value", "incomplete", "nobody_available", "all_capped", "no_skill",
    "duplicate_person", "owner_refused", "contested", "locked", "crm_rejected", "unreadable", "paused",
})  # fmt: skip
CLOSED = frozenset({"converted", "deleted", "merged"})
ENDS = frozenset({"confirmed", "taken", "held", "closed"})
BY_HAND = "by hand"
OUTSIDE = frozenset({BY_HAND, "override"})
"""Turns that the rotation did not choose: the bounds of its theorems do not speak of them."""
LEAD = math.lcm(*range(1, 37))
"""One lead in units of credit."""
EXACT_UP_TO = 36
"""Sums of weights up to which a share is a whole number of units."""
BEHIND = timedelta(minutes=15)
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Violation:
    """A broken promise: which, and what shows it."""

    invariant: str
    message: str


@dataclass(frozen=True)
class Write:
    """One owner that was sent to the CRM for one Lead. `n` is its request's place in the log."""

    n: int
    lead: str
    owner: str
    status: int | None
    headers: Mapping[str, str]
    fields: frozenset[str]


@dataclass(frozen=True)
class Seen:
    """What an earlier look at the store showed."""

    decisions: Mapping[tuple[str, str, int], tuple[Any, ...]]
    turns: Mapping[tuple[str, str, int], tuple[Any, ...]]
    marks: Mapping[str, str]
    token: int


@dataclass
class Case:
    """Everything that an invariant may look at."""

    rows: Mapping[str, list[Row]]
    log: Sequence[Row]
    records: Sequence[Row]
    intake: frozenset[str] = frozenset()
    changes: Sequence[Row] = ()
    converted: Mapping[str, int] = field(default_factory=dict)
    earlier: Sequence[Seen] = ()
    crm_now: datetime | None = None
    settled: bool = True

    @cached_property
    def writes(self) -> list[Write]:
        return list(owner_writes(self.log))

    @cached_property
    def writes_of(self) -> Mapping[str, list[Write]]:
        found: dict[str, list[Write]] = defaultdict(list)
        for write in self.writes:
            found[write.lead].append(write)
        return found

    @cached_property
    def _read_texts(self) -> list[tuple[int, str]]:
        return [(entry["n"], text) for entry in self.log for text in _reads(entry)]

    def reads(self, lead: str) -> list[int]:
        """The requests that asked for this Lead by its id and were answered by the CRM."""
        return [n for n, text in self._read_texts if lead in text]

    @cached_property
    def leads(self) -> Mapping[str, Row]:
        return {short(row["source_id"]): row for row in self.rows["leads"]}

    @cached_property
    def crm(self) -> Mapping[str, Row]:
        return {short(row["Id"]): row for row in self.records}

    @cached_property
    def decided(self) -> Mapping[str, list[Row]]:
        """Decisions of each lead that were meant for the CRM, in order of epoch."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in sorted(self.rows["decisions"], key=lambda row: row["epoch"]):
            if row["live"]:
                found[short(row["source_id"])].append(row)
        return found

    @cached_property
    def asked_back(self) -> Mapping[tuple[str, int], Row]:
        """Take-backs by lead and epoch."""
        return {(short(row["source_id"]), row["epoch"]): row for row in self.rows["take_backs"]}

    def orders(self, lead: str) -> list[str]:
        """What may be sent for this lead, in this order: the decided owners, HOME where it is taken back."""
        found = []
        for row in self.decided.get(lead, []):
            if row["owner"]:
                found.append(short(row["owner"]))
                if (lead, row["epoch"]) in self.asked_back:
                    found.append(HOME)
        return found

    def told(self, lead: str, owner: str) -> str:
        """An owner as `orders` says it."""
        row = self.leads.get(lead, {})
        home = owner in self.intake or owner == short(row.get("crm_owner") or "")
        return HOME if home and owner not in self.orders(lead) else owner

    @cached_property
    def refunded(self) -> Mapping[tuple[str, str, int], Row]:
        return {place(row): row for row in self.rows["refunds"]}

    @cached_property
    def lanes(self) -> Mapping[tuple[str, str], list[Row]]:
        """Turns of each team and lane, in order, with their eligibility."""
        content = {row["sha256"]: json.loads(row["content"]) for row in self.rows["eligibility"]}
        found: dict[tuple[str, str], list[Row]] = defaultdict(list)
        for row in sorted(self.rows["turns"], key=lambda row: row["number"]):
            found[row["team"], row["lane"]].append({**row, **content[row["eligibility"]]})
        return found


TABLES = (
    "leads", "decisions", "turns", "eligibility", "refunds", "ledger", "outbox", "marks", "runs", "lease",
    "links", "take_backs",
)  # fmt: skip
HOME = "(intake)"
"""What a Lead is sent back to when it is taken back, whichever intake owner it is."""


def check(
    store_url: str,
    log: Sequence[Row],
    records: Sequence[Row],
    *,
    intake: Iterable[str] = (),
    changes: Sequence[Row] = (),
    converted: Mapping[str, int] | None = None,
    earlier: Sequence[Seen] = (),
    crm_now: datetime | None = None,
    settled: bool = True,
) -> list[Violation]:
    """Every violation that the store and the CRM show.

    `log` is GET /_sandbox/requests and `records` GET /_sandbox/records/Lead. `intake`: the intake owners;
    `changes`: GET /_sandbox/history; `converted`: Lead id -> how many requests the log had when it was
    converted; `earlier`: what `seen` gave at earlier moments; `crm_now`: the CRM's clock. What is not given
    is not used: the fewer, the less can be shown.
    """
    case = Case(
        rows=read_rows(store_url),
        log=log,
        records=records,
        intake=frozenset(short(one) for one in intake),
        changes=changes,
        converted={short(lead): n for lead, n in (converted or {}).items()},
        earlier=earlier,
        crm_now=crm_now,
        settled=settled,
    )
    return [Violation(name, text) for name, look in INVARIANTS for text in look(case)]


def seen(store_url: str) -> Seen:
    """What the store shows now, for a later `check`."""
    rows = read_rows(store_url)
    return Seen(
        decisions={
            (row["source"], row["source_id"], row["epoch"]): _decision(row)
            for row in rows["decisions"]
            if row["live"]
        },
        turns={place(row): _turn(row) for row in rows["turns"] if row["live"]},
        marks={row["source"]: row["mark"] for row in rows["marks"]},
        token=max((row["token"] for row in rows["lease"]), default=0),
    )


def compare(undisturbed_url: str, url: str) -> list[Violation]:
    """I06: a history with crashes ends as the same input without any: turns, owners, states, credits."""
    expected, found = history(undisturbed_url), history(url)
    return [
        Violation("I06", f"{what} {key}: {there.get(key)} without a crash, {here.get(key)} with one")
        for (what, there), (_, here) in zip(expected.items(), found.items(), strict=True)
        for key in sorted(there.keys() | here.keys())
        if there.get(key) != here.get(key)
    ]


def history(store_url: str) -> dict[str, dict[Any, Any]]:
    """How it all ended: who got each turn for which lead, what became of each lead, every credit."""
    rows = read_rows(store_url)
    return {
        "turn": {place(row): _turn(row) for row in rows["turns"]},
        "lead": {
            (row["source"], row["source_id"]): tuple(
                row[name] for name in ("state", "reason", "epoch", "team", "person", "owner")
            )
            for row in rows["leads"]
        },
        "given back": {place(row): row["reason"] for row in rows["refunds"]},
        "credit": {(r["team"], r["lane"], r["person"]): r["credit"] for r in rows["ledger"] if r["credit"]},
        "link": {
            tuple(row[name] for name in ("source", "source_id", "object", "crm_id")): row["state"]
            for row in rows["links"]
        },
    }


# --- leads and decisions -----------------------------------------------------------------------------------


def i01_totality(case: Case) -> Iterator[str]:
    """Every Lead of intake has a row; at the end its state is final and its reason from the list."""
    for lead, record in case.crm.items():
        if _open_in_intake(case, record) and lead not in case.leads and case.settled:
            yield f"Lead {lead} waits in intake and the store does not know it"
        row = case.leads.get(lead)
        gone = row is not None and row["state"] in ("confirmed", "taken", "closed")
        if case.settled and gone and _open_in_intake(case, record):
            yield f"Lead {lead} is in intake, and the store calls it {row['state']}"  # type: ignore[index]
    for lead, row in case.leads.items():
        if case.settled and row["state"] not in ENDS:
            yield f"lead {lead} ends as {row['state']}"
        if row["state"] == "held" and row["reason"] not in HELD:
            yield f"lead {lead} is held for no reason of the list: {row['reason']}"
        if row["state"] == "closed" and row["reason"] not in CLOSED:
            yield f"lead {lead} is closed for no reason of the list: {row['reason']}"
    for write in case.writes:
        if write.lead not in case.leads:
            yield f"Lead {write.lead} was written and the store does not know it"


def i02_one_decision(case: Case) -> Iterator[str]:
    """One row a lead, one decision a lead and epoch, epochs without a gap up to the lead's own."""
    same = Counter((row["source"], short(row["source_id"])) for row in case.rows["leads"])
    yield from (f"lead {lead} has {n} rows" for (_, lead), n in same.items() if n > 1)
    epochs: dict[str, list[int]] = defaultdict(list)
    for row in case.rows["decisions"]:
        epochs[short(row["source_id"])].append(row["epoch"])
    for lead, row in case.leads.items():
        found = sorted(epochs.pop(lead, []))
        if found != list(range(1, row["epoch"] + 1)):
            yield f"lead {lead} stands at epoch {row['epoch']} and has decisions for {found}"
    yield from (f"decisions for the unknown lead {lead}" for lead in epochs)


def i03_one_owner(case: Case) -> Iterator[str]:
    """One owner is ever sent for a lead and epoch: what was sent follows the decisions in their order."""
    for lead, writes in case.writes_of.items():
        sent = _changes(case.told(lead, write.owner) for write in writes)
        decided = iter(case.orders(lead))
        if not all(owner in decided for owner in sent):
            yield f"lead {lead} was sent to {sent}; decided were {case.orders(lead)}"
    orders = {(r["source_id"], r["epoch"]): r["owner"] for r in case.rows["decisions"]}
    for row in case.rows["outbox"]:
        if orders.get((row["source_id"], row["epoch"])) != row["owner"]:
            yield f"the write of lead {row['source_id']} epoch {row['epoch']} has another owner than decided"


def i04_turn_numbers(case: Case) -> Iterator[str]:
    """Turns of a team and lane are numbered 1 to n, no gap, no repeat; over all lanes as well."""
    for (team, lane), turns in case.lanes.items():
        numbers = [turn["number"] for turn in turns]
        if numbers != list(range(1, len(turns) + 1)):
            yield f"turns of {team} {lane!r} are numbered {numbers}"
    teams: dict[str, list[int]] = defaultdict(list)
    for row in case.rows["turns"]:
        teams[row["team"]].append(row["sequence"])
    for team, found in teams.items():
        if sorted(found) != list(range(1, len(found) + 1)):
            yield f"turns over all lanes of {team} are numbered {sorted(found)}"
    yield from _turns_of_a_lead(case)


def _turns_of_a_lead(case: Case) -> Iterator[str]:
    """One turn of the rotation for an epoch; who takes the lead by hand pays once that is given back."""
    given = [row for row in case.rows["turns"] if row["kind"] != BY_HAND]
    taken = [row for row in case.rows["turns"] if row["kind"] == BY_HAND]
    for rows in (given, taken):
        leads = Counter((row["source_id"], row["epoch"]) for row in rows)
        yield from (f"lead {lead} has {n} turns for one epoch" for (lead, _), n in leads.items() if n > 1)
    by_hand = {(row["source_id"], row["epoch"]) for row in taken}
    for row in given:
        if (row["source_id"], row["epoch"]) in by_hand and place(row) not in case.refunded:
            yield f"lead {row['source_id']} was taken by hand, its turn {row['number']} was not given back"


# --- fairness ----------------------------------------------------------------------------------------------


def i05_fair_turns(case: Case) -> Iterator[str]:
    """F1 to F3: got differs by one at most, credits stay in their bounds and are what the turns add up to."""
    for lane, turns in case.lanes.items():
        yield from _each_turn_balances(lane, turns)
        yield from _credits_add_up(case, lane, turns)
        before_refunds = _before_refunds(case, turns)
        constant = _while_constant(before_refunds)
        yield from _f1(lane, constant)
        yield from _f2(case, lane, turns, before_refunds)
        yield from _f3(lane, constant)


def _each_turn_balances(lane: tuple[str, str], turns: Sequence[Row]) -> Iterator[str]:
    """Who takes it could; what is paid is what is earned; a share is the weight's part of one lead."""
    for turn in turns:
        if turn["owner"] not in turn["weights"]:
            yield f"turn {turn['number']} of {lane} went to {turn['owner']}, who could not take it"
        if sum(turn["shares"].values()) != turn["paid"]:
            yield f"turn {turn['number']} of {lane} earns {turn['shares']} and pays {turn['paid']}"
        earning = {p: turn["weights"].get(p, 0) for p, share in turn["shares"].items() if share}
        total = sum(earning.values())
        wrong = {p: s for p, s in turn["shares"].items() if s and s != earning[p] * LEAD // total}
        if wrong:
            yield f"turn {turn['number']} of {lane} has shares that the weights do not give: {wrong}"


def _credits_add_up(case: Case, lane: tuple[str, str], turns: Sequence[Row]) -> Iterator[str]:
    """The ledger is the sum of the turns that were not given back, and sums to zero."""
    standing = [turn for turn in turns if place(turn) not in case.refunded]
    expected = _sum(standing)
    stored = {r["person"]: r["credit"] for r in case.rows["ledger"] if (r["team"], r["lane"]) == lane}
    for person in sorted(expected.keys() | stored.keys()):
        if expected[person] != stored.get(person, 0):
            there = stored.get(person, 0)
            yield f"credit of {person} in {lane} is {there}, its turns make {expected[person]}"
    if sum(stored.values()):
        yield f"the credits of {lane} sum to {sum(stored.values())}"


def _f1(lane: tuple[str, str], turns: Sequence[Row]) -> Iterator[str]:
    """Constant team, equal weights: most minus least is 1 at most after every turn."""
    if not turns or len(set(turns[0]["weights"].values())) != 1:
        return
    got = dict.fromkeys(turns[0]["weights"], 0)
    for turn in turns:
        if turn["owner"] not in got:
            return  # told already: who could not take it
        got[turn["owner"]] += 1
        if max(got.values()) - min(got.values()) > 1:
            yield f"after turn {turn['number']} of {lane} people got {got}"
            return


def _f2(case: Case, lane: tuple[str, str], turns: Sequence[Row], before: Sequence[Row]) -> Iterator[str]:
    """|credit| <= (n - 1) / 2 for n people, and one lead more for each turn given back."""
    people = {person for turn in turns for person in turn["weights"]}
    most = (len(people) - 1) * LEAD
    credits: Counter[str] = Counter()
    for turn in before:
        credits = _sum([turn], credits)
        beyond = {p: c for p, c in credits.items() if 2 * abs(c) > most}
        if beyond:
            yield f"after turn {turn['number']} of {lane} credits are beyond their bound: {beyond}"
            return
    back = sum(1 for turn in turns if place(turn) in case.refunded or turn["kind"] in OUTSIDE)
    final = _sum([turn for turn in turns if place(turn) not in case.refunded])
    beyond = {p: c for p, c in final.items() if 2 * abs(c) > most + 2 * LEAD * back}
    if beyond:
        yield f"credits of {lane} are beyond their bound with {back} turns given back or charged: {beyond}"


def _f3(lane: tuple[str, str], turns: Sequence[Row]) -> Iterator[str]:
    """Constant team, any weights: -(1 - 1/n) <= credit <= 1/2 + ... + 1/n."""
    if not turns:
        return
    weights = turns[0]["weights"]
    n = len(weights)
    low, high = Fraction(1, n) - 1, sum((Fraction(1, i) for i in range(2, n + 1)), Fraction(0))
    credits: Counter[str] = Counter()
    for done, turn in enumerate(turns, 1):
        credits = _sum([turn], credits)
        slack = Fraction(0 if sum(weights.values()) <= EXACT_UP_TO else n * done, LEAD)
        beyond = {p: c for p, c in credits.items() if not low - slack <= Fraction(c, LEAD) <= high + slack}
        if beyond:
            yield f"after turn {turn['number']} of {lane} a constant team's credits are {beyond}"
            return


def _before_refunds(case: Case, turns: Sequence[Row]) -> list[Row]:
    """The turns taken before the first run that gave one back, or charged one outside the rotation."""
    runs = [case.refunded[place(turn)]["run"] for turn in turns if place(turn) in case.refunded]
    runs += [turn["run"] for turn in turns if turn["kind"] in OUTSIDE]
    return [turn for turn in turns if not runs or turn["run"] < min(runs)]


def _while_constant(turns: Sequence[Row]) -> list[Row]:
    """The first turns, as long as the same people with the same weights could take them."""
    found: list[Row] = []
    for turn in turns:
        if turn["weights"] != turns[0]["weights"]:
            break
        found.append(turn)
    return found


def _sum(turns: Iterable[Row], start: Mapping[str, int] | None = None) -> Counter[str]:
    credits = Counter(start or {})
    for turn in turns:
        for person, share in turn["shares"].items():
            credits[person] += share
        credits[turn["payer"]] -= turn["paid"]
    return credits


# --- what the CRM was told ---------------------------------------------------------------------------------


def i07_durable(case: Case) -> Iterator[str]:
    """A decision or turn that was committed once is there for ever, with the same owner."""
    decisions = {(r["source"], r["source_id"], r["epoch"]): _decision(r) for r in case.rows["decisions"]}
    turns = {place(row): _turn(row) for row in case.rows["turns"]}
    for look in case.earlier:
        for what, then, now in (("decision", look.decisions, decisions), ("turn", look.turns, turns)):
            for key, value in then.items():
                if now.get(key) != value:
                    yield f"{what} {key} was {value} and is {now.get(key)}"


def i08_no_orphan_write(case: Case) -> Iterator[str]:
    """What was sent is a committed decision. Right after a kill this shows the order of the two."""
    for write in case.writes:
        owners = case.orders(write.lead)
        if case.told(write.lead, write.owner) not in owners:
            yield f"request {write.n} gives lead {write.lead} to {write.owner}; decided: {owners}"


def i09_unknown_is_not_success(case: Case) -> Iterator[str]:
    """A lead is read between two writes of one decision, and after the last one before it is confirmed."""
    for lead, writes in case.writes_of.items():
        reads = case.reads(lead)
        blind = [
            (one.n, two.n)
            for one, two in pairwise(writes)
            if one.owner == two.owner and not any(one.n < n < two.n for n in reads)
        ]
        repeats = _owners(case, lead).count(writes[-1].owner) - 1
        if len(blind) > max(0, repeats):
            yield f"lead {lead} was written again without a look, in requests {blind}"
    for lead, row in case.leads.items():
        if row["state"] != "confirmed" or not row["live"]:
            continue
        mine = [write for write in case.writes_of.get(lead, []) if write.owner == short(row["owner"])]
        if mine and not any(n > mine[-1].n for n in case.reads(lead)):
            yield f"lead {lead} is confirmed and was not read after request {mine[-1].n}"
        done = any(write.status is not None and write.status < 300 for write in mine)
        there = short(case.crm.get(lead, {}).get("OwnerId") or "") == short(row["owner"])
        if not done and not there:
            yield f"lead {lead} is confirmed for {row['owner']} and no write of it succeeded"


def i10_converted(case: Case) -> Iterator[str]:
    """A converted Lead is not written once a read could show it, and a refused write is not repeated."""
    for lead, writes in case.writes_of.items():
        if not (case.crm.get(lead, {}).get("IsConverted") or lead in case.converted):
            continue
        refused = [w.n for w in writes if w.status is not None and w.status >= 400 and w.status != 412]
        if refused and writes[-1].n > refused[0]:
            yield f"the converted Lead {lead} was written again after it was refused in request {refused[0]}"
        since = case.converted.get(lead)
        if since is None:
            continue
        shown = [n for n in case.reads(lead) if n > since]
        late = [write.n for write in writes if shown and write.n > shown[0]]
        if late:
            yield f"Lead {lead} was read as converted in request {shown[0]} and written in {late}"


def i11_a_person_wins(case: Case) -> Iterator[str]:
    """Owners are written on condition, without the org's own rules, alone, to Leads in intake."""
    for write in case.writes:
        headers = {name.lower(): value for name, value in write.headers.items()}
        if not headers.get("if-unmodified-since"):
            yield f"request {write.n} writes Lead {write.lead} without a condition"
        if headers.get("sforce-auto-assign", "").upper() != "FALSE":
            yield f"request {write.n} lets the org's rules give Lead {write.lead} to somebody else"
        if write.fields != {"OwnerId"}:
            yield f"request {write.n} changes more of Lead {write.lead} than its owner"
    requests = {write.n for write in case.writes}
    for change in case.changes:
        was, now = change["changes"].get("OwnerId", (None, None))
        if change.get("request") not in requests or not now or short(was or "") in case.intake:
            continue
        lead = short(change["id"])
        back = case.told(lead, short(now)) == HOME and HOME in case.orders(lead)
        if not back or short(was or "") not in case.orders(lead):
            yield f"request {change['request']} took Lead {change['id']} from {was} for {now}"


def i18_taken_back(case: Case) -> Iterator[str]:
    """A take-back that is done ended its decision as it says, and no other did; of what was undone no
    turn stands; at the end none waits."""
    for (lead, epoch), row in case.asked_back.items():
        if case.settled and row["state"] == "pending":
            yield f"lead {lead} waits to be taken back for epoch {epoch}"
    for row in case.rows["decisions"]:
        lead, ended = short(row["source_id"]), row.get("ended")
        asked = case.asked_back.get((lead, row["epoch"]))
        done = asked["why"] if asked is not None and asked["state"] == "done" else None
        if done != ended and (done or ended != "returned"):
            yield f"lead {lead} epoch {row['epoch']} ended as {ended}, taken back was {done}"
    gone = {
        place for place, row in case.asked_back.items() if (row["why"], row["state"]) == ("undone", "done")
    }
    for turns in case.lanes.values():
        for turn in turns:
            if (short(turn["source_id"]), turn["epoch"]) in gone and place(turn) not in case.refunded:
                yield f"turn {turn['number']} of {turn['team']} stands and its lead was undone"


# --- marks and runs ----------------------------------------------------------------------------------------


def i16_mark(case: Case) -> Iterator[str]:
    """The mark is behind the CRM's clock by the overlap, never goes back, and is not ahead of the rows."""
    for row in case.rows["marks"]:
        mark = datetime.fromisoformat(row["mark"])
        if case.crm_now is not None and mark > case.crm_now - BEHIND:
            yield f"the mark of {row['source']} is {row['mark']}, the CRM's clock shows {case.crm_now}"
        for look in case.earlier:
            if look.marks.get(row["source"], "") > row["mark"]:
                yield f"the mark of {row['source']} went back from {look.marks[row['source']]}"
        for lead, record in case.crm.items():
            stamp = record.get("SystemModstamp")
            old = stamp is not None and datetime.fromisoformat(stamp) <= mark
            if old and lead not in case.leads and _open_in_intake(case, record):
                yield f"the mark {row['mark']} has passed Lead {lead} of {stamp}, which has no row"


def i17_one_run(case: Case) -> Iterator[str]:
    """Runs do not overlap, tokens grow with runs, and only the lease's run is open."""
    runs = sorted(case.rows["runs"], key=lambda row: row["run"])
    for one, two in pairwise(runs):
        if two["token"] <= one["token"]:
            yield f"run {two['run']} has token {two['token']} after run {one['run']} had {one['token']}"
        if one["finished"] is None or one["finished"] > two["started"]:
            yield f"run {two['run']} started before run {one['run']} was over"
    token = max((row["token"] for row in case.rows["lease"]), default=0)
    holder = {row["run"] for row in case.rows["lease"] if row["run"] is not None}
    for row in runs:
        if row["token"] > token:
            yield f"run {row['run']} has token {row['token']}, the lease is at {token}"
        if (row["state"] == "running") != (row["run"] in holder):
            yield f"run {row['run']} is {row['state']}, the lease is of {holder or 'nobody'}"
        if row["finished"] is not None and row["finished"] < row["started"]:
            yield f"run {row['run']} finished before it started"
    yield from (f"token went back from {e.token} to {token}" for e in case.earlier if e.token > token)


def counts(case: Case) -> Iterator[str]:
    """Of each run that was closed: pulled + redecided = assigned + held + taken + closed + retry."""
    for row in case.rows["runs"]:
        made = json.loads(row["summary"]).get("leads")
        if made is None:
            continue
        taken_up = made["pulled"] + made["redecided"]
        if taken_up != sum(made[name] for name in ("assigned", "held", "taken", "closed", "retry")):
            yield f"the counts of run {row['run']} do not add up: {made}"


INVARIANTS: tuple[tuple[str, Callable[[Case], Iterator[str]]], ...] = (
    ("I01", i01_totality),
    ("I02", i02_one_decision),
    ("I03", i03_one_owner),
    ("I04", i04_turn_numbers),
    ("I05", i05_fair_turns),
    ("I07", i07_durable),
    ("I08", i08_no_orphan_write),
    ("I09", i09_unknown_is_not_success),
    ("I10", i10_converted),
    ("I11", i11_a_person_wins),
    ("I16", i16_mark),
    ("I17", i17_one_run),
    ("I18", i18_taken_back),
    ("counts", counts),
)


# --- reading -----------------------------------------------------------------------------------------------


def read_rows(store_url: str) -> dict[str, list[Row]]:
    """Every row of the tables, in one snapshot."""
    url = sa.make_url(store_url)
    if url.drivername.startswith("postgres"):
        url = url.set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="SERIALIZABLE")
    try:
        with engine.connect() as connection:
            # What "*" stands for is this store's own: it is not to be remembered from another one.
            connection = connection.execution_options(compiled_cache=None)
            names = {name: sa.table(name) for name in TABLES}
            return {
                name: [
                    dict(row._mapping)
                    for row in connection.execute(sa.select(sa.text("*")).select_from(table))
                ]
                for name, table in names.items()
            }
    finally:
        engine.dispose()


def owner_writes(log: Sequence[Row]) -> Iterator[Write]:
    """Each owner that a request carried, in order: single records, composites and collections."""
    for entry in sorted(log, key=lambda entry: entry["n"]):
        done = entry["status"] if entry.get("done") is None else entry["done"]
        yield from _one(entry["n"], entry["method"], entry["path"], entry, done)
        for sub in entry.get("sub") or ():
            yield from _one(entry["n"], sub["method"], sub["url"], sub, sub["status"])


def _one(n: int, method: str, path: str, part: Row, status: int | None) -> Iterator[Write]:
    if method.upper() not in ("PATCH", "POST", "PUT"):
        return
    body = part.get("body")
    body = _parsed(body) if isinstance(body, str) else body
    if not isinstance(body, Mapping):
        return
    names = [piece for piece in path.split("?")[0].split("/") if piece]
    rows = body.get("records") if isinstance(body.get("records"), list) else [body]
    for row in rows if "sobjects" in names else ():
        kind = (row.get("attributes") or {}).get("type") or (names[names.index("sobjects") + 1 :] or [""])[0]
        fields = {name: value for name, value in row.items() if name not in ("attributes", "Id", "id")}
        if kind == "Lead" and fields.get("OwnerId"):
            lead = row.get("Id") or row.get("id") or names[-1]
            yield Write(
                n, short(lead), short(fields["OwnerId"]), status, part.get("headers") or {}, frozenset(fields)
            )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _reads(entry: Row) -> Iterator[str]:
    """The texts of what this request asked for and the CRM answered."""
    if entry["method"] == "GET" and 200 <= (entry.get("done") or entry["status"] or 0) < 300:
        yield unquote_plus(entry["path"])
    for sub in entry.get("sub") or ():
        if sub["method"] == "GET" and 200 <= (sub["status"] or 0) < 300:
            yield unquote_plus(sub["url"])


def short(record_id: str) -> str:
    """The 15 characters that name a record; the other three only say their case."""
    return record_id[:15] if len(record_id) == 18 else record_id


def place(row: Row) -> tuple[str, str, int]:
    return row["team"], row["lane"], row["number"]


def _owners(case: Case, lead: str) -> list[str]:
    return [short(row["owner"]) for row in case.decided.get(lead, []) if row["owner"]]


def _changes(values: Iterable[str]) -> list[str]:
    """The values, repeats in a row told once."""
    found: list[str] = []
    for value in values:
        if found[-1:] != [value]:
            found.append(value)
    return found


def _open_in_intake(case: Case, record: Row) -> bool:
    gone = record.get("IsConverted") or record.get("IsDeleted")
    return not gone and short(record.get("OwnerId") or "") in case.intake


def _decision(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("team", "lane", "person", "owner", "decided_by", "run", "trace"))


def _turn(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("owner", "payer", "paid", "source_id", "epoch", "kind", "before"))
