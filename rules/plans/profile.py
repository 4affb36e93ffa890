"""What a profile of plans is made of: facts that are read, rows that decide, and a proof for all states."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import prod
from typing import Literal, get_args

PlanName = Literal["lead", "contact", "held"]

PlanReason = Literal[
    "ambiguous_match",
    "contact_missing",
    "deleted",
    "disqualified",
    "merged",
    "merged_into_several",
    "person_account",
    "unreadable",
]
PLAN_REASONS: tuple[str, ...] = get_args(PlanReason)
"""The closed list."""

REASONS: Mapping[PlanReason, tuple[str, str]] = {
    "ambiguous_match": (
        "several records answer to the marketing record; none is guessed",
        "merge them in the CRM, or link the right one",
    ),
    "contact_missing": (
        "the Contact that it became is deleted, hidden or was never made; it is not created again",
        "undelete the Contact, or link the one that took its place",
    ),
    "deleted": (
        "the record is in the recycle bin, purged or hidden; it is not created again",
        "undelete it, or remove the link",
    ),
    "disqualified": (
        "the Lead is disqualified, which makes it read-only, and it has no Contact",
        "reactivate the Lead if the person is of interest again",
    ),
    "merged": (
        "it lost a merge and lives on as another record",
        "link the winner, whose plan then counts",
    ),
    "merged_into_several": (
        "following the merges leads to more than one record",
        "link the right one",
    ),
    "person_account": (
        "the person is a person account: Contact and Account in one record, which is not supported",
        "keep such people out of what is synchronised",
    ),
    "unreadable": (
        "what was read is not enough, or contradicts itself",
        "look at the record, and at what the integration user may see",
    ),
}
"""Of each reason: what it means, and what to do."""

UNREAD = "unread"
FLAG: Mapping[str, str] = {"true": "yes", "1": "yes", "yes": "yes", "false": "no", "0": "no", "no": "no"}
"""How CRMs and their exports write yes and no."""
FOUND: Mapping[str, str] = {"lead": "lead", "contact": "contact", "nothing": "nothing"}
COUNTS = ("none", "one", "several")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is known of a record. `name` is the attribute of `RecordState` that holds it.

    `words` are the spellings of each value; any other spelling is `unread`. Without words the fact is how
    many ids there are: none, one, several.
    """

    name: str
    read_from: str
    words: Mapping[str, str] | None = None

    @property
    def values(self) -> tuple[str, ...]:
        """All values it can have."""
        return COUNTS if self.words is None else (*dict.fromkeys(self.words.values()), UNREAD)

    def value(self, raw: object) -> str:
        """The value that what was read stands for; every raw value has exactly one. Raises nothing."""
        if self.words is None:
            return COUNTS[min(len(ids(raw)), 2)]
        text = str(raw).strip().casefold() if isinstance(raw, bool | int | str) else ""
        return self.words.get(text, UNREAD)


def ids(raw: object) -> tuple[str, ...]:
    """The different ids among what was read, blanks left out."""
    texts = raw if isinstance(raw, tuple | list) else (raw,)
    return tuple(dict.fromkeys(t.strip() for t in texts if isinstance(t, str) and t.strip()))


@dataclass(frozen=True, slots=True)
class Row:
    """A plan and when it is chosen: every fact in `when` has one of its values there. Other facts are free.

    `target` says where the id of the record to write comes from; empty where nothing is written.
    """

    plan: PlanName
    when: Mapping[str, tuple[str, ...]]
    why: str
    target: str = ""
    reason: PlanReason | None = None

    def holds(self, facts: Mapping[str, str]) -> bool:
        """Whether this row decides about a record with these facts."""
        return all(facts[name] in values for name, values in self.when.items())


def write(plan: PlanName, target: str, why: str, **when: str) -> Row:
    """A row that writes. A condition is a value, or several with a bar between: `contact_id="none|one"`."""
    return Row(plan, _alternatives(when), why, target)


def hold(reason: PlanReason, why: str, **when: str) -> Row:
    """A row that holds, with conditions as in `write`."""
    return Row("held", _alternatives(when), why, reason=reason)


def _alternatives(when: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values.split("|")) for name, values in when.items()}


@dataclass(frozen=True, slots=True)
class Profile:
    """The plans of one kind of CRM. Exactly one row holds in every state: `flaws` is empty."""

    name: str
    crm: str
    about: str
    facts: tuple[Fact, ...]
    rows: tuple[Row, ...]

    @property
    def states(self) -> int:
        """How many states the facts can be in."""
        return prod(len(fact.values) for fact in self.facts)

    def row(self, state: object) -> Row:
        """The row that decides about a state, an object with an attribute for each fact."""
        facts = {fact.name: fact.value(getattr(state, fact.name)) for fact in self.facts}
        return next(row for row in self.rows if row.holds(facts))


def flaws(profile: Profile) -> Iterator[str]:
    """What keeps a profile from having exactly one plan in each state; nothing when it is proven.

    Each row is a box in the space of states. Two boxes are apart when they are apart in one fact. Boxes that
    are apart fill the space when their sizes add up to it.
    """
    values = {fact.name: fact.values for fact in profile.facts}
    for row in profile.rows:
        if any(set(row.when[name]) - set(values.get(name, ())) for name in row.when):
            yield f"{_said(row)} asks for a fact or value that does not exist"
    for one, other in combinations(profile.rows, 2):
        if all(set(one.when[name]) & set(other.when[name]) for name in one.when.keys() & other.when.keys()):
            yield f"{_said(one)} and {_said(other)} can hold together"
    covered = sum(prod(len(row.when.get(n, v)) for n, v in values.items()) for row in profile.rows)
    if covered != profile.states:
        yield f"the rows cover {covered} of {profile.states} states"


def _said(row: Row) -> str:
    return f"{row.reason or row.plan} {dict(row.when)}"


def nothing_found(lead: str) -> tuple[Row, ...]:
    """The rows for a marketing record to which nothing in the CRM answers; `lead` is where a new one goes.

    What was linked once is never created again: an undelete brings back the same id.
    """
    return (
        write(
            "lead",
            lead,
            "It is new: nothing in the CRM answers to it, and it never had a link.",
            found="nothing",
            lead_id="none",
            contact_id="none",
        ),
        hold("deleted", "Its Lead is not in the CRM any more.", found="nothing", lead_id="one|several"),
        hold(
            "contact_missing",
            "Its Contact is not in the CRM any more.",
            found="nothing",
            lead_id="none",
            contact_id="one|several",
        ),
        hold("unreadable", "It is not known what the CRM holds of it.", found=UNREAD),
    )
