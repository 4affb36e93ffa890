"""The checker's power: it passes a good history and flags each hand-made bad one."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from checker import LEAD, TABLES, check, compare, seen

TEAM = ("ana", "ben", "chi")
OWNER = {"ana": "005000000000001AAA", "ben": "005000000000002AAA", "chi": "005000000000003AAA"}
QUEUE, STRANGER = "00G000000000009AAA", "005000000000009AAA"
EARLY, NINE, TEN = "2026-11-02T06:00:00.000000Z", "2026-11-02T09:00:00.000000Z", "2026-11-02T10:00:00.000000Z"
CRM_NOW = datetime(2026, 11, 2, 10, 5, tzinfo=UTC)
Row = dict[str, Any]


def lead_id(place: int) -> str:
    return f"00Q00000000000{place}AAA"


class History:
    """Rows of the store, the CRM's log, records and changes, as a test wants them."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = {name: [] for name in TABLES}
        self.log: list[Row] = []
        self.records: list[Row] = []
        self.changes: list[Row] = []
        self.converted: dict[str, int] = {}
        self.earlier: list[Any] = []
        self.crm_now = CRM_NOW

    def lead(self, place: int, state: str, **more: Any) -> None:
        self.rows["leads"].append(
            {
                "source": "salesforce",
                "source_id": lead_id(place),
                "state": state,
                "epoch": 1,
                "reason": None,
                "team": None,
                "person": None,
                "owner": None,
                "live": True,
                **more,
            }
        )

    def decide(self, place: int, person: str | None, *, epoch: int = 1, run: int = 1) -> None:
        owner = OWNER[person] if person else None
        key = {"source": "salesforce", "source_id": lead_id(place), "epoch": epoch}
        self.rows["decisions"].append(
            {
                **key,
                "team": "Enterprise",
                "lane": "",
                "person": person,
                "owner": owner,
                "run": run,
                "decided_by": "turn",
                "trace": "{}",
                "live": True,
                "state": "decided",
                "ended": None,
            }
        )
        if owner:
            self.rows["outbox"].append({**key, "owner": owner, "state": "done"})

    def turn(self, number: int, person: str, *, weights: dict[str, int] | None = None, run: int = 1) -> None:
        weights = weights or dict.fromkeys(TEAM, 1)
        total = sum(weights.values())
        shares = {one: weight * LEAD // total for one, weight in weights.items()}
        content = json.dumps({"weights": weights, "shares": shares})
        if content not in [row["content"] for row in self.rows["eligibility"]]:
            self.rows["eligibility"].append({"sha256": str(hash(content)), "content": content})
        self.rows["turns"].append(
            {
                "team": "Enterprise",
                "lane": "",
                "number": number,
                "sequence": number,
                "kind": "turn",
                "owner": person,
                "payer": person,
                "paid": sum(shares.values()),
                "before": "{}",
                "eligibility": str(hash(content)),
                "source": "salesforce",
                "source_id": lead_id(number),
                "epoch": 1,
                "run": run,
                "live": True,
            }
        )

    def ask_back(self, place: int, *, why: str = "undone", state: str = "done") -> None:
        key = {"source": "salesforce", "source_id": lead_id(place), "epoch": 1}
        self.rows["take_backs"].append({**key, "why": why, "state": state})

    def book(self) -> None:
        """The ledger that the turns make, refunds taken off."""
        back = {row["number"] for row in self.rows["refunds"]}
        content = {row["sha256"]: json.loads(row["content"]) for row in self.rows["eligibility"]}
        credits: dict[str, int] = {}
        for turn in self.rows["turns"]:
            if turn["number"] in back:
                continue
            for person, share in content[turn["eligibility"]]["shares"].items():
                credits[person] = credits.get(person, 0) + share
            credits[turn["payer"]] = credits.get(turn["payer"], 0) - turn["paid"]
        place = {"team": "Enterprise", "lane": ""}
        self.rows["ledger"] = [{**place, "person": p, "credit": c} for p, c in credits.items()]

    def run(self, number: int, state: str, started: str, finished: str | None, **more: Any) -> None:
        row = {"run": number, "token": number, "state": state, "started": started, "finished": finished}
        self.rows["runs"].append({**row, "summary": "{}", **more})

    def record(self, place: int, owner: str, **more: Any) -> None:
        stamp = "2026-11-02T06:00:00.000+0000"
        row = {"Id": lead_id(place), "OwnerId": owner, "IsConverted": False, "IsDeleted": False}
        self.records.append({**row, "SystemModstamp": stamp, **more})

    def request(self, method: str, path: str, **more: Any) -> Row:
        entry = {"n": len(self.log) + 1, "method": method, "path": path, "headers": {}, "sub": []}
        self.log.append({**entry, "status": 200, "done": 200, "body": None, **more})
        return self.log[-1]

    def read(self, *places: int) -> None:
        ids = "%2C".join(f"%27{lead_id(place)}%27" for place in places)
        self.request("GET", f"/services/data/v63.0/queryAll/?q=SELECT+Id+FROM+Lead+WHERE+Id+IN+%28{ids}%29")

    def write(self, *pairs: tuple[int, str], status: int = 204, **more: Any) -> None:
        headers = {"Sforce-Auto-Assign": "FALSE", "If-Unmodified-Since": "Mon, 02 Nov 2026 06:00:00 GMT"}
        subs = [
            {
                "method": "PATCH",
                "url": f"/services/data/v63.0/sobjects/Lead/{lead_id(place)}",
                "headers": headers,
                "status": status,
                "body": {"OwnerId": owner},
            }
            for place, owner in pairs
        ]
        self.request("POST", "/services/data/v63.0/composite", sub=subs, **more)

    def store(self, folder: Path, name: str = "store") -> str:
        """The rows as a database whose tables refuse nothing."""
        folder.mkdir(exist_ok=True)
        url = f"sqlite:///{folder / name}.db"
        engine = sa.create_engine(url)
        with engine.begin() as connection:
            for table in TABLES:
                self._table(connection, table)
        engine.dispose()
        return url

    def _table(self, connection: sa.Connection, name: str) -> None:
        rows = self.rows[name]
        columns = list(rows[0]) if rows else ["nothing"]
        listed = ", ".join(f'"{column}"' for column in columns)
        connection.exec_driver_sql(f"CREATE TABLE {name} ({listed})")
        if rows:
            connection.execute(sa.insert(sa.table(name, *map(sa.column, columns))), rows)

    def check(self, folder: Path, **more: Any) -> set[str]:
        found = check(
            self.store(folder),
            self.log,
            self.records,
            intake=[QUEUE],
            changes=self.changes,
            converted=self.converted,
            earlier=self.earlier,
            crm_now=self.crm_now,
            **more,
        )
        return {violation.invariant for violation in found}


def good() -> History:
    """Run 1 gives four leads away and dies; run 2 reads, confirms three, and finds the fourth with a person.

    The fifth is held, the sixth was converted while it waited. The answer to the writes was lost.
    """
    made = History()
    for place, person in enumerate(("ana", "ben", "chi", "ana"), 1):
        made.turn(place, person)
        made.decide(place, person)
        state = "confirmed" if place < 4 else "taken"
        made.lead(place, state, team="Enterprise", person=person, owner=OWNER[person])
        made.record(place, OWNER[person] if place < 4 else STRANGER)
    made.decide(5, None)
    made.lead(5, "held", reason="no_rule")
    made.record(5, QUEUE)
    made.lead(6, "closed", reason="converted", epoch=0)
    made.record(6, STRANGER, IsConverted=True)
    made.rows["refunds"].append({"team": "Enterprise", "lane": "", "number": 4, "run": 2, "reason": "taken"})
    made.book()
    counts = {"pulled": 0, "redecided": 4, "assigned": 3, "held": 0, "taken": 1, "closed": 0, "retry": 0}
    made.run(1, "failed", NINE, TEN)
    made.run(2, "done", TEN, TEN, summary=json.dumps({"leads": counts}))
    made.rows["lease"].append({"token": 2, "run": None})
    made.rows["marks"].append({"source": "salesforce", "mark": "2026-11-02T09:45:00.000000Z"})
    made.request("GET", "/services/data/v63.0/query/?q=SELECT+Id+FROM+Lead")
    made.write(*((n, OWNER[p]) for n, p in enumerate(("ana", "ben", "chi"), 1)), status=204, done=None)
    made.write((4, OWNER["ana"]), status=412)
    made.read(1, 2, 3, 4)
    made.changes = [
        {"request": 2, "id": lead_id(n), "changes": {"OwnerId": [QUEUE, OWNER[p]]}}
        for n, p in enumerate(("ana", "ben", "chi"), 1)
    ]
    made.changes.append({"request": None, "id": lead_id(4), "changes": {"OwnerId": [QUEUE, STRANGER]}})
    return made


def test_a_good_history_passes(tmp_path: Path) -> None:
    assert good().check(tmp_path) == set()


def taken_twice(one: History) -> None:
    """Turns that the ledger books truly, and that are unfair all the same."""
    for turn in one.rows["turns"]:
        turn |= {"owner": "ana", "payer": "ana"}
    one.book()


def heavy_one_left_out(one: History) -> None:
    one.rows["turns"], one.rows["eligibility"] = [], []
    for place, person in enumerate(("ben", "chi", "ben", "chi"), 1):
        one.turn(place, person, weights={"ana": 5, "ben": 1, "chi": 1})
    one.book()


def credit_beyond_bound(one: History) -> None:
    """Two people in changing company: nobody may owe more than (n - 1) / 2 leads."""
    one.rows["turns"], one.rows["eligibility"], one.rows["refunds"] = [], [], []
    for place in range(1, 5):
        other = "ben" if place % 2 else "chi"
        one.turn(place, "ana", weights={"ana": 1, other: 1})
    one.book()


def sent_again_unread(one: History) -> None:
    one.write((1, OWNER["ana"]))
    one.write((1, OWNER["ana"]))
    one.read(1)


def converted_is_written(one: History) -> None:
    one.converted[lead_id(6)] = 3
    one.read(6)
    one.write((6, OWNER["ana"]), status=400)


def converted_is_retried(one: History) -> None:
    one.write((6, OWNER["ana"]), status=400)
    one.write((6, OWNER["ana"]), status=400)


def store_with(place: int, name: str, table: str = "leads", **values: Any) -> Callable[[History], None]:
    def change(one: History) -> None:
        one.rows[table][place] |= values

    change.__name__ = name
    return change


def without(name: str, table: str, place: int) -> Callable[[History], None]:
    def change(one: History) -> None:
        del one.rows[table][place]

    change.__name__ = name
    return change


def named(name: str, do: Callable[[History], object]) -> Callable[[History], None]:
    def change(one: History) -> None:
        do(one)

    change.__name__ = name
    return change


def header(one: History, name: str) -> None:
    for sub in one.log[1]["sub"]:
        sub["headers"] = {k: v for k, v in sub["headers"].items() if k != name}


BAD: list[tuple[str, Callable[[History], None]]] = [
    ("I01", named("a lead in intake without a row", lambda one: one.record(7, QUEUE))),
    ("I01", store_with(4, "a lead that waits for ever", state="waiting")),
    ("I01", store_with(4, "a lead held for no known reason", reason="because")),
    ("I01", store_with(5, "a lead closed for no known reason", reason="dull")),
    ("I01", named("a lead that came back unseen", lambda one: one.records[0].update(OwnerId=QUEUE))),
    ("I01", named("a write to an unknown Lead", lambda one: one.write((9, OWNER["ana"])))),
    ("I02", named("two decisions of an epoch", lambda one: one.decide(1, "ben"))),
    ("I02", named("two rows of a lead", lambda one: one.rows["leads"].append(
        {**one.rows["leads"][0], "source_id": lead_id(1)[:15]}))),
    ("I02", store_with(0, "an epoch without a decision", epoch=2)),
    ("I03", named("a second owner", lambda one: one.write((1, OWNER["ben"])))),
    ("I03", store_with(0, "an outbox row for somebody else", "outbox", owner=OWNER["chi"])),
    ("I04", store_with(3, "a gap in the numbers", "turns", number=5)),
    ("I04", store_with(3, "a number given twice", "turns", number=3)),
    ("I04", store_with(3, "a gap over all lanes", "turns", sequence=9)),
    ("I04", store_with(3, "two turns for one lead", "turns", source_id=lead_id(1))),
    ("I05", taken_twice),
    ("I05", heavy_one_left_out),
    ("I05", credit_beyond_bound),
    ("I05", store_with(0, "a ledger that the turns do not make", "ledger", credit=1)),
    ("I05", without("a credit that was forgotten with its refund", "refunds", 0)),
    ("I05", store_with(0, "a turn of somebody who could not take it", "turns", owner="dan")),
    ("I05", store_with(0, "a turn that pays too much", "turns", paid=LEAD + 1)),
    ("I08", without("a write without a decision", "decisions", 0)),
    ("I08", named("a write of a held lead", lambda one: one.write((5, OWNER["ana"])))),
    ("I09", sent_again_unread),
    ("I09", named("confirmed without a look", lambda one: one.log.pop())),
    ("I09", named("confirmed by a failed read", lambda one: one.log[-1].update(status=500, done=500))),
    ("I09", named("confirmed though it failed", lambda one: (
        one.log[1]["sub"][0].update(status=500), one.records[0].update(OwnerId=STRANGER)))),
    ("I10", converted_is_written),
    ("I10", converted_is_retried),
    ("I11", named("a write without a condition", lambda one: header(one, "If-Unmodified-Since"))),
    ("I11", named("a write under the org's rules", lambda one: header(one, "Sforce-Auto-Assign"))),
    ("I11", named("a write of more than the owner", lambda one: (
        one.log[1]["sub"][0]["body"].update(Status="x")))),
    ("I11", named("a person's lead overwritten", lambda one: one.changes.append(
        {"request": 3, "id": lead_id(4), "changes": {"OwnerId": [STRANGER, OWNER["ana"]]}}))),
    ("I08", named("a lead put back that nobody asked for", lambda one: one.write((1, QUEUE)))),
    ("I03", named("a lead put back before it was given", lambda one: (
        one.ask_back(4), one.write((4, QUEUE)), one.write((4, OWNER["ana"]))))),
    ("I11", named("a lead of somebody else put back", lambda one: (one.ask_back(1), one.write((1, QUEUE)),
        one.changes.append({"request": len(one.log), "id": lead_id(1),
                            "changes": {"OwnerId": [STRANGER, QUEUE]}})))),
    ("I18", named("a take-back that waits for ever", lambda one: one.ask_back(1, state="pending"))),
    ("I18", named("a take-back without an end", lambda one: one.ask_back(1))),
    ("I18", named("an end without a take-back", lambda one: one.rows["decisions"][0].update(ended="undone"))),
    ("I18", named("an undone turn that stands", lambda one: (
        one.ask_back(1), one.rows["decisions"][0].update(ended="undone")))),
    ("I16", store_with(0, "a mark ahead of the CRM's clock", "marks", mark="2026-11-02T10:04:00.000000Z")),
    ("I16", named("a mark that passed a lead", lambda one: one.record(7, QUEUE))),
    ("I17", store_with(0, "runs that overlap", "runs", finished="2026-11-02T10:00:01.000000Z")),
    ("I17", store_with(1, "a token that does not grow", "runs", token=1)),
    ("I17", store_with(0, "a run left open without the lease", "runs", state="running")),
    ("I17", store_with(0, "a run with a token from nowhere", "lease", token=1)),
    ("counts", store_with(1, "counts that do not add up", "runs", summary=json.dumps({"leads": {
        "pulled": 1, "redecided": 4, "assigned": 3, "held": 0, "taken": 1, "closed": 0, "retry": 0}}))),
]  # fmt: skip


@pytest.mark.parametrize(("invariant", "spoil"), BAD, ids=lambda one: getattr(one, "__name__", one))
def test_a_bad_history_is_flagged(tmp_path: Path, invariant: str, spoil: Callable[[History], None]) -> None:
    bad = good()
    spoil(bad)
    assert invariant in bad.check(tmp_path)


@pytest.mark.parametrize("table", ["decisions", "turns"])
def test_a_lost_commit_is_flagged(tmp_path: Path, table: str) -> None:
    whole = good()
    look = seen(whole.store(tmp_path, "then"))
    later = good()
    later.earlier = [look]
    assert later.check(tmp_path / "later") == set()
    lost = good()
    lost.earlier = [look]
    del lost.rows[table][0]
    assert "I07" in lost.check(tmp_path / "lost")


def test_an_owner_changed_after_the_commit_is_flagged(tmp_path: Path) -> None:
    changed = good()
    changed.earlier = [seen(good().store(tmp_path, "then"))]
    changed.rows["decisions"][0]["owner"] = OWNER["chi"]
    assert {"I03", "I07", "I08"} <= changed.check(tmp_path)


def test_marks_and_tokens_never_go_back(tmp_path: Path) -> None:
    before = good()
    before.rows["marks"][0]["mark"] = "2026-11-02T09:46:00.000000Z"
    before.rows["lease"][0]["token"] = 3
    later = good()
    later.earlier = [seen(before.store(tmp_path, "then"))]
    assert later.check(tmp_path) == {"I16", "I17"}


def test_a_lead_that_was_taken_back_on_request_is_no_violation(tmp_path: Path) -> None:
    one = good()
    one.ask_back(1, why="rejected")
    one.rows["decisions"][0]["ended"] = "rejected"
    one.rows["leads"][0]["state"] = "waiting"
    one.write((1, QUEUE))
    one.changes.append(
        {"request": len(one.log), "id": lead_id(1), "changes": {"OwnerId": [OWNER["ana"], QUEUE]}}
    )
    one.read(1)
    assert one.check(tmp_path, settled=False) == set()


def test_histories_that_end_differently_are_told_apart(tmp_path: Path) -> None:
    one, other = good(), good()
    assert compare(one.store(tmp_path, "one"), other.store(tmp_path, "same")) == []
    other.rows["turns"][0]["owner"] = "ben"
    other.rows["leads"][1]["owner"] = OWNER["chi"]
    found = compare(one.store(tmp_path, "once more"), other.store(tmp_path, "other"))
    assert {violation.invariant for violation in found} == {"I06"}
    assert len(found) == 2


def test_right_after_a_kill_an_unfinished_history_is_no_violation(tmp_path: Path) -> None:
    unfinished = good()
    unfinished.rows["leads"][0]["state"] = "decided"
    unfinished.record(7, QUEUE, SystemModstamp="2026-11-02T09:59:00.000+0000")
    unfinished.rows["runs"][1] |= {"state": "running", "finished": None}
    unfinished.rows["lease"][0]["run"] = 2
    assert unfinished.check(tmp_path, settled=False) == set()


def test_every_invariant_has_a_bad_history() -> None:
    flagged = {invariant for invariant, _ in BAD} | {"I06", "I07"}
    assert flagged == {f"I{n:02}" for n in range(1, 12)} | {"I16", "I17", "I18", "counts"}


def test_the_good_history_is_not_changed_by_the_check(tmp_path: Path) -> None:
    one = good()
    before = copy.deepcopy((one.log, one.records, one.changes))
    one.check(tmp_path)
    assert (one.log, one.records, one.changes) == before
