"""The promises I10 to I16 of the sync, checked on what the store holds and what both systems have logged.

It knows nothing of how the product decides: only which fields belong together, and what must never happen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

PAIRS: Mapping[str, tuple[str, str, str]] = {
    "firstname": ("FirstName", "FirstName", ""),
    "lastname": ("LastName", "LastName", ""),
    "phone": ("Phone", "Phone", ""),
    "jobtitle": ("Title", "Title", ""),
    "company": ("Company", "", "Name"),
    "city": ("City", "MailingCity", ""),
}
"""Marketing field -> the fields of the Lead, the Contact and the Account."""
TWO_WAY = ("firstname", "lastname", "phone", "jobtitle")
_OBJECTS = ("Lead", "Contact", "Account")
_PREFIX = {"Lead": "00Q", "Contact": "003", "Account": "001"}


@dataclass(slots=True)
class History:
    """Everything that the checker looks at. `events` as in the world's log; the rest as it stands at the end.

    `crm` are the CRM's records by id: object, fields, deleted, master_id, converted, contact_id, account_id.
    `given` are links that were there before the first cycle, as (key, object, id).
    """

    events: Sequence[Any]
    links: Sequence[Any]
    rows: Sequence[Any]
    conflicts: Sequence[Any]
    crm: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    ours: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    given: Collection[tuple[str, str, str]] = ()
    merged: Mapping[str, str] = field(default_factory=dict)
    """Marketing record that lost a merge -> the one that it lives on as, and whose its link then is."""
    accounts: Mapping[str, str] = field(default_factory=dict)
    """Contact -> its Account, also of Contacts that were purged since."""
    marks: Sequence[tuple[Any, Mapping[str, Any]]] = ()
    """(when, marks) after each cycle."""
    late: Any = None
    """How far every mark of changes stays behind."""


def violations(h: History) -> list[str]:
    """What was broken, each as "I10: ..."."""
    checks = (
        never_a_dead_lead, never_an_owner, one_plan, the_right_contact, one_link, nothing_lost,
        nothing_emptied, marks_behind,
    )  # fmt: skip
    return [said for check in checks for said in check(h)]


def _writes(h: History) -> Iterator[Any]:
    return (x for x in h.events if x.who == "sync" and x.what == "write")


def never_a_dead_lead(h: History) -> Iterator[str]:
    """I10: none is sent to a Lead whose last read said converted; none takes place on a converted one."""
    last: dict[str, Any] = {}
    for x in h.events:
        if x.object != "Lead":
            continue
        if x.what == "read":
            last[x.id] = x.facts["converted"]
        elif x.what == "write" and x.who == "sync":
            if last.get(x.id) is not False:
                yield f"I10: Lead {x.id} was written, read last as converted={last.get(x.id)}"
            elif x.done and x.facts["converted"]:
                yield f"I10: a converted Lead {x.id} was written"


def never_an_owner(h: History) -> Iterator[str]:
    """I11."""
    for x in _writes(h):
        if "OwnerId" in x.values:
            yield f"I11: the owner of {x.id} was written"


def one_plan(h: History) -> Iterator[str]:
    """I12: what the plan writes is there, and alive."""
    yield from one_plan_names(h)
    live = {str(x.key): x for x in h.links if x.state == "live"}
    for row in h.rows:
        link = live.get(str(row.key))
        if link is not None and row.plan != "held" and _dead(h.crm.get(link.crm_id)):
            yield f"I12: {row.key} has the {row.plan} plan and its {link.object} is dead"


def one_plan_names(h: History) -> Iterator[str]:
    """I12: lead, contact or held; and the live link is to what the plan writes."""
    live = {str(x.key): x for x in h.links if x.state == "live"}
    for row in h.rows:
        if row.plan not in ("lead", "contact", "held"):
            yield f"I12: {row.key} has plan {row.plan!r}"
        if (row.plan == "held") != bool(row.reason):
            yield f"I12: {row.key} has plan {row.plan} and reason {row.reason!r}"
        link = live.get(str(row.key))
        if row.plan in ("lead", "contact") and (link is None or link.object.lower() != row.plan):
            yield f"I12: {row.key} has the {row.plan} plan and is linked to {link and link.object}"


def _dead(one: Mapping[str, Any] | None) -> bool:
    return one is None or bool(one["deleted"]) or bool(one.get("converted"))


def the_right_contact(h: History) -> Iterator[str]:
    """I13: a written Contact is the one that the record's Lead became, or won that one's merge."""
    keys = _keys(h)
    for x in _writes(h):
        if x.side == "theirs" and not x.id.startswith(_PREFIX[x.object]):
            yield f"I13: {x.object} {x.id} was written"
        if x.object == "Contact" and x.done and not any(x.id in _reached(h, k) for k in keys.get(x.id, ())):
            yield f"I13: Contact {x.id} was written, and no Lead of {keys.get(x.id)} became it"


def _reached(h: History, key: str) -> set[str]:
    """Everything that the record's first objects became, and those of the records that it won in a merge."""
    found: set[str] = set()
    keys, more = {key}, True
    while more:
        more = {lost for lost, won in h.merged.items() if won in keys and lost not in keys}
        keys |= more
    todo = [x.crm_id for x in h.links if str(x.key) in keys and x.object == "Lead"]
    todo += [id for k, _, id in h.given if k in keys]
    while todo:
        id = todo.pop()
        if id not in found:
            found.add(id)
            one = h.crm.get(id) or {}
            todo += [x for x in (one.get("contact_id"), one.get("master_id")) if x]
            todo += [x.id for x in h.events if x.what == "merge" and id in x.values["with"]]
    return found


def one_link(h: History) -> Iterator[str]:
    """At most one live link per record, and per object."""
    live = [x for x in h.links if x.state == "live"]
    for what in ([str(x.key) for x in live], [x.crm_id for x in live]):
        for one in {x for x in what if what.count(x) > 1}:
            yield f"I13: {one} has {what.count(one)} live links"


def nothing_lost(h: History) -> Iterator[str]:
    """I15: what a write replaces was on the other side too, or a conflict row keeps it.

    A marketing system takes writes without a condition: an edit after our last read cannot be known, and is
    left out here.
    """
    for x, name, lost in _replaced(h):
        if not (x.side == "ours" and name in raced_fields(h, x)):
            yield f"I15: {x.side} {x.object} {x.id} {name} lost {lost!r} at event {x.number}"


def raced_fields(h: History, write: Any) -> set[str]:
    """The fields of a write to our side that changed after they were read last."""
    before = [
        x for x in h.events[: write.number] if x.what == "read" and (x.side, x.id) == ("ours", write.id)
    ]
    shown = before[-1].values if before else {}
    return {name for name, was in write.before.items() if text(was) != text(shown.get(name))}


def _replaced(h: History) -> Iterator[tuple[Any, str, str]]:
    keys, had = _keys(h), _Had()
    kept = {
        (
            str(x.key),
            "ours" if x.conflict.winner == "theirs" else "theirs",
            _plain(x.conflict.field),
            text(x.conflict.lost),
        )
        for x in h.conflicts
    }
    for x in h.events:
        who = [f"hubspot:{x.id}"] if x.side == "ours" else keys.get(x.id, ())
        if x.who == "sync" and x.what == "write" and x.done:
            for name, was in x.before.items():
                field_, lost = _marketing(x.side, x.object, name), text(was)
                if not field_ or not lost or lost == text(x.values[name]):
                    continue
                known = any(had.ever(k, _other(x.side), field_, lost) for k in who)
                if not known and not any((k, x.side, name, lost) in kept for k in who):
                    yield x, name, lost
        for key in who:
            had.note(key, x)


def nothing_emptied(h: History) -> Iterator[str]:
    """I15: a value is replaced by a blank only where somebody emptied the field on the other side."""
    keys = _keys(h)
    emptied: set[tuple[str, str, str]] = set()
    for x in h.events:
        who = [f"hubspot:{x.id}"] if x.side == "ours" else keys.get(x.id, ())
        for name, value in x.values.items() if x.what in ("edit", "write") else ():
            marketing = _marketing(x.side, x.object, name)
            if not marketing or text(value):
                continue
            if x.what == "edit":
                emptied |= {(key, x.side, marketing) for key in who}
            elif text(x.before.get(name)) and not any((k, _other(x.side), marketing) in emptied for k in who):
                yield f"I15: {x.side} {x.object} {x.id} {name} was emptied at event {x.number} by nobody"


def _plain(name: str) -> str:
    return name.removeprefix("Account.")


class _Had:
    """Which values each side of a record ever had, by marketing field."""

    def __init__(self) -> None:
        self._values: set[tuple[str, str, str, str]] = set()

    def note(self, key: str, x: Any) -> None:
        if x.what in ("read", "edit", "add") or (x.what == "write" and x.done):
            for name, value in x.values.items():
                object = "Account" if name.startswith("Account.") else x.object
                marketing = _marketing(x.side, object, _plain(name))
                if marketing:
                    self._values.add((key, x.side, marketing, text(value)))

    def ever(self, key: str, side: str, name: str, value: str) -> bool:
        return (key, side, name, value) in self._values


def _keys(h: History) -> dict[str, list[str]]:
    """CRM id -> the records that were ever linked to it; of an Account, those of its Contacts."""
    found: dict[str, set[str]] = {}
    for x in h.links:
        found.setdefault(x.crm_id, set()).add(str(x.key))
        account = h.accounts.get(x.crm_id) or (h.crm.get(x.crm_id) or {}).get("account_id")
        if account:
            found.setdefault(account, set()).add(str(x.key))
    return {id: sorted(keys) for id, keys in found.items()}


@cache
def _marketing(side: str, object: str, name: str) -> str:
    """The marketing field that a field belongs to; empty where nothing does."""
    if side == "ours":
        return name if name in PAIRS else ""
    place = _OBJECTS.index(object) if object in _OBJECTS else 0
    return next((ours for ours, theirs in PAIRS.items() if theirs[place] == name), "")


def _other(side: str) -> str:
    return "theirs" if side == "ours" else "ours"


def text(value: Any) -> str:
    return "" if value is None else str(value)


def marks_behind(h: History) -> Iterator[str]:
    """I16: marks only move forward, and stay behind."""
    before: Mapping[str, Any] = {}
    for at, marks in h.marks:
        for name, mark in marks.items():
            if name in before and mark < before[name]:
                yield f"I16: {name} went back"
            if name.endswith("/changes") and h.late is not None and at - mark < h.late:
                yield f"I16: {name} is {at - mark} behind, which is too near"
        before = marks


def at_rest(h: History, *, whole: bool = False) -> list[str]:
    """Both sides agree, but for what is held and what a problem is told of.

    Unless the `whole` is looked at, records that have vanished from either system are left out: no search
    shows that.
    """
    live = {str(x.key): x for x in h.links if x.state == "live"}
    said = []
    for row in h.rows:
        if row.plan == "held":
            continue
        link, ours = live[str(row.key)], h.ours[row.key.source_id]
        one = h.crm.get(link.crm_id)
        if one is None or ours["gone"]:
            said += [f"rest: {row.key} has the {row.plan} plan and is not there"] if whole else []
            continue
        troubled = {problem.rule.partition("=")[0].partition("@")[0] for problem in row.problems}
        for name, (lead, contact, _) in PAIRS.items():
            theirs = contact if link.object == "Contact" else lead
            kept = name not in TWO_WAY and not text(ours.get(name))  # a blank overwrites nothing by itself
            if (
                theirs
                and not kept
                and name not in troubled
                and text(ours.get(name)) != text(one["fields"].get(theirs))
            ):
                said.append(
                    f"rest: {row.key} {name} is {ours.get(name)!r} and {theirs} of {link.crm_id}"
                    f" {one['fields'].get(theirs)!r}"
                )
        told = "crm_contact_id" if link.object == "Contact" else "crm_lead_id"
        is_told = any(problem.rule == told.replace("crm_", "@") for problem in row.problems)
        if not is_told and ours.get(told) != link.crm_id:
            said.append(f"rest: {row.key} says {told} {ours.get(told)!r} and is linked to {link.crm_id}")
        has_own_id = any(problem.rule == "@external_id" for problem in row.problems)
        if not has_own_id and text(one["fields"].get("Marketing_Id__c")) != str(row.key):
            said.append(f"rest: {link.crm_id} says {one['fields'].get('Marketing_Id__c')!r}, not {row.key}")
    return said


def writes_in(events: Iterable[Any]) -> list[Any]:
    """I14 counts these."""
    return [x for x in events if x.who == "sync" and x.what == "write"]
