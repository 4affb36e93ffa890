"""One timeline for a person: everything the store knows of a lead, in the order in which it happened.

Reads the store only. An entry says when, in which run, what (a word of `WHAT`), why, on which side, of which
object, and which fields it is about.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from allocator.domain.lead import By, LeadKey, State
from allocator.domain.records import LeadRow, Link
from allocator.domain.sync.values import ConflictRow, Linked, SyncRow, SyncState, SyncWrite
from allocator.domain.taken_turns import TakenTurn
from allocator.ports import Store
from allocator.service import timeline_words as words
from rules.field_rules import Side

WHAT: Final = (
    "arrived", "pulled", "returned", "rejected", "undone", "decided", "held", "closed", "charged", "taken",
    "delivered", "created", "linked", "deleted", "merged", "converted", "switched", "plan held", "conflict",
    "wrote", "to write", "refused", "dropped", "problem",
)  # fmt: skip
"""The closed list, in the order of things that happened at the same time."""

_SIDES: Final[Mapping[Side, str]] = {"ours": "marketing", "theirs": "crm"}
_AT_ONCE: Final = timedelta(minutes=1)
"""A link made later than this after a lead was settled is news of its own."""
_ALL: Final = 100_000
_KNOWN: Final = frozenset({By.PERSON_MATCH, By.ACCOUNT})


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened. `side` is marketing, crm, or empty for what the allocator did by itself."""

    at: datetime
    what: str
    why: str
    run: int | None = None
    side: str = ""
    object: str = ""
    id: str = ""
    fields: tuple[Mapping[str, str | None], ...] = field(default_factory=tuple)

    def as_object(self) -> dict[str, Any]:
        """As `explain --json` shows it."""
        return {
            "at": self.at.isoformat(), "run": self.run, "what": self.what, "why": self.why,
            "side": self.side, "object": self.object, "id": self.id, "fields": [dict(f) for f in self.fields],
        }  # fmt: skip


def timeline(store: Store, row: LeadRow, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """All entries of a lead, oldest first. `names` are those of Person IDs."""
    key = row.key
    decided = list(reversed(store.decisions(key)))
    found = [
        *_came(store, row, decided),
        *_decided(decided, store.links(keys=[key]), store.turns_of(key), key, names),
        *_ended(row, decided),
        *_linked(store.links(keys=[key]), _settled(decided)),
        *_written(store.sync_writes(key), key),
        *_lost(store.conflicts([key], limit=_ALL), key),
        *(entry for sync in store.syncs([key]) for entry in _stands(sync)),
    ]
    return [entry.as_object() for entry in sorted(found, key=_order)]


def plan_object(store: Store, key: LeadKey) -> dict[str, Any] | None:
    """Which record of the CRM a marketing record writes to now, or why to none; None where it has no link."""
    rows = store.syncs([key])
    if not rows:
        return None
    row = rows[0]
    meaning, fix = words.plan_reason(row.reason)
    return {
        "plan": row.plan, "reason": row.reason or None, "meaning": meaning or None, "fix": fix or None,
        "detail": row.detail, "since": row.since.isoformat(), "looked_at": row.at.isoformat(),
        "again": row.again,
        "problems": [
            {"field": p.field, "side": _SIDES[p.side], "code": p.code, "message": p.message, "fix": p.fix}
            for p in row.problems
        ],
    }  # fmt: skip


def _order(entry: Entry) -> tuple[datetime, int, int]:
    return entry.at, WHAT.index(entry.what), entry.run or 0


# --- the lead and its decisions ---------------------------------------------------------------------------


def _came(store: Store, row: LeadRow, decided: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    """When it was made at its source, and the run that took it up first.

    It was there before that, whatever its source's clock says: files are read in the middle of a run.
    """
    source, side = row.key.source, _side_of(row.key)
    first = store.run(decided[0]["run"]) if decided else None
    known = [row.record.created, *(one["at"] for one in decided), *([first.started] if first else [])]
    yield Entry(min(known), "arrived", f"made in {source}", None, side, id=row.key.source_id)
    if first is not None:
        yield Entry(first.started, "pulled", f"from {source}", first.run, side, id=row.key.source_id)


def _side_of(key: LeadKey) -> str:
    return "crm" if key.source == "salesforce" else "marketing"


def _decided(
    decided: Sequence[Mapping[str, Any]],
    links: Sequence[Link],
    turns: Sequence[TakenTurn],
    key: LeadKey,
    names: Mapping[str, str],
) -> Iterator[Entry]:
    for one in decided:
        if one["owner"]:
            yield Entry(one["at"], "decided", _given(one, names), one["run"])
            if one["settled_at"]:
                yield _end(one, links, key)
        else:
            yield _without_owner(one, one["settled_at"] or one["at"], key)
        if one.get("ended"):
            yield Entry(one["ended_at"], str(one["ended"]), one["ended_why"])
    for taken in turns:
        if taken.row.turn.kind == "by hand":
            yield Entry(taken.at, "charged", _charged(taken, names), taken.run)


def _ended(row: LeadRow, decided: Sequence[Mapping[str, Any]]) -> Iterator[Entry]:
    """A lead that was over before anything was decided about it."""
    over = row.state in (State.CLOSED, State.TAKEN) and row.since is not None
    if over and row.since and not any(one["epoch"] == row.epoch for one in decided):
        told = {"state": row.state, "reason": row.reason, "detail": row.detail, "run": row.run}
        yield _without_owner(told, row.since, row.key)


def _given(one: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """To whom, and what gave it to them."""
    who = names.get(one["person"] or "", one["person"]) or f"owner {one['owner']}"
    by = "" if one["by"] == By.TURN else f" by {one['by']}"
    if one["turn"] is None:
        return f"to {who}{by}"
    back = ", given back" if one["given_back"] else ""
    return f"to {who}{by}: turn {one['turn'].turn.number} of {one['turn'].team}{back}"


def _charged(taken: TakenTurn, names: Mapping[str, str]) -> str:
    owner = taken.row.turn.owner
    back = ", given back" if taken.given_back else ""
    return f"{names.get(owner, owner)}, turn {taken.row.turn.number} of {taken.row.team}{back}"


def _end(one: Mapping[str, Any], links: Sequence[Link], key: LeadKey) -> Entry:
    """What became of a decision that gave the lead to somebody."""
    at = one["settled_at"]
    if one["state"] != State.CONFIRMED:
        return _without_owner(one, at, key)
    link = _first(links)
    if link is None or link.key.source == link.crm:
        why, id = "the CRM was read after the write: the owner is this one", key.source_id
        return Entry(at, "delivered", why, side="crm", object="Lead", id=id)
    if _was_there(one, link):
        return _at(link, "linked", "the person was in the CRM already", at)
    return _at(link, "created", "with its owner, and read back", at)


def _was_there(one: Mapping[str, Any], link: Link) -> bool:
    """Whether the decision only linked: a found person takes no turn and asks no rule."""
    asked = one["turn"] is not None or bool(one["trace"].get("steps"))
    return link.object == "Contact" or (one["by"] in _KNOWN and not asked)


def _without_owner(one: Mapping[str, Any], at: datetime, key: LeadKey) -> Entry:
    """Held, closed, or somebody else's."""
    reason, detail = one["reason"] or "", one["detail"]
    if one["state"] == State.CLOSED:
        return Entry(at, "closed", _with_detail(words.closed(reason), detail), one["run"], "crm")
    if one["state"] == State.TAKEN:
        return Entry(at, "taken", _taken(detail, key), one["run"], _side_of(key))
    return Entry(at, "held", _with_detail(reason, detail), one["run"])


def _taken(detail: str, key: LeadKey) -> str:
    if _side_of(key) == "marketing":
        return detail
    return f"somebody else owns it ({detail}); their choice stands"


def _with_detail(text: str, detail: str) -> str:
    return f"{text}: {detail}" if detail else text


def _settled(decided: Sequence[Mapping[str, Any]]) -> datetime | None:
    return next((one["settled_at"] for one in decided if one["state"] == State.CONFIRMED), None)


# --- links ------------------------------------------------------------------------------------------------


def _first(links: Sequence[Link]) -> Link | None:
    """The link that was there first: of several the one that ended first, a live one came last."""
    return min(links, key=lambda link: (link.state == Linked.LIVE, link.since), default=None)


def _linked(links: Sequence[Link], settled: datetime | None) -> Iterator[Entry]:
    gone = [link for link in links if link.state != Linked.LIVE]
    for link in gone:
        yield _at(link, link.state, _ENDED.get(link.state, link.state))
    for link in links:
        if link.state == Linked.LIVE and gone:
            yield _at(link, "switched", f"writes go to this {link.object} from now on")
        elif link.state == Linked.LIVE and (settled is None or link.since - settled > _AT_ONCE):
            yield _at(link, "linked", "the link is live since then")


_ENDED: Final[Mapping[str, str]] = {
    Linked.CONVERTED: "the Lead became a Contact; it is never written again",
    Linked.MERGED: "it lost a merge in the CRM",
    Linked.DELETED: "it is deleted in the CRM, or the marketing record is gone; nothing is made again",
}


def _at(link: Link, what: str, why: str, at: datetime | None = None) -> Entry:
    return Entry(at or link.since, what, why, None, "crm", link.object, link.crm_id)


# --- fields -----------------------------------------------------------------------------------------------

_WHAT_OF: Final[Mapping[SyncState, str]] = {
    SyncState.PENDING: "to write",
    SyncState.DONE: "wrote",
    SyncState.REFUSED: "refused",
    SyncState.DROPPED: "dropped",
}


def _written(writes: Sequence[SyncWrite], key: LeadKey) -> Iterator[Entry]:
    for one in writes:
        at = one.done or one.created
        if at is None:
            continue
        fields = tuple(_field(w.field, w.before, w.value, words.because(w, one.side, key.source))
                       for w in one.writes)  # fmt: skip
        what = _WHAT_OF[one.state]
        yield Entry(
            at, what, _said(one), one.run or None, _SIDES[one.side], one.object, one.object_id, fields
        )


def _said(one: SyncWrite) -> str:
    """Beside the reason of each field: what became of the write, and whether it was sent elsewhere first."""
    parts = []
    if one.rerouted:
        parts.append("the record was converted between the read and the write, so it was routed again")
    if one.state is SyncState.REFUSED:
        parts.append(f"the system said no ({one.detail}); it is tried again when either side changes")
    elif one.state is SyncState.DROPPED:
        parts.append(_with_detail("it does not count: the record was looked at anew", one.detail))
    elif one.state is SyncState.PENDING and one.attempts:
        parts.append("it was sent and no answer came: the next run reads before it writes")
    return "; ".join(parts)


def _lost(conflicts: Sequence[ConflictRow], key: LeadKey) -> Iterator[Entry]:
    """Each conflict under the side whose value was written over; `before` is the value that lost."""
    for row in conflicts:
        one = row.conflict
        loser: Side = "theirs" if one.winner == "ours" else "ours"
        lost = _field(one.field, one.lost, one.kept, words.lost_because(one, key.source))
        why = f"{words.named(one.winner, key.source)} won"
        yield Entry(row.at, "conflict", why, row.run, _SIDES[loser], fields=(lost,))


def _stands(row: SyncRow) -> Iterator[Entry]:
    """Why nothing is written now, and which fields are not carried over."""
    if row.plan == "held":
        meaning, fix = words.plan_reason(row.reason)
        why = _with_detail(f"{row.reason}: {meaning}", row.detail)
        yield Entry(row.since, "plan held", f"{why}. To do: {fix}" if fix else why)
    if row.problems:
        fields = tuple({"field": p.field, "before": p.value, "after": None, "because": f"{p.message} {p.fix}"}
                       for p in row.problems)  # fmt: skip
        yield Entry(row.at, "problem", "not carried over", fields=fields)


def _field(name: str, before: Any, after: Any, because: str) -> Mapping[str, str | None]:
    return {
        "field": name, "before": words.value(before), "after": words.value(after), "because": because,
    }  # fmt: skip
