"""What the CRM holds of a new marketing record: nothing, a Lead, a Contact, or more than can be guessed.

From what the CRM answered to a plan of `rules.conversion`. Pure; every detail names the ids it speaks of.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from allocator.domain.lead import By, Closed, Effect, LeadKey, Reason
from allocator.domain.sync.values import CrmRecord
from rules.conversion import ContactPlan, Held, LeadPlan, RecordState, choose_plan, read_flag

LEAD, CONTACT = "Lead", "Contact"
Place = tuple[str, str]
"""An object of the CRM and its id."""

_CLOSED: Mapping[str, Closed] = {
    "deleted": Closed.DELETED,
    "merged": Closed.MERGED,
    "merged_into_several": Closed.MERGED,
}
"""Plans that mean: this record's place in the CRM is gone; it is not made again."""
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Wanted:
    """A new marketing record and what it may be found by.

    `email` is folded, and empty where e-mails do not count. The ids are what its own fields say of the CRM.
    `lacks` are fields that a new Lead needs and that it has no value for. `named`: it says that it is in the
    CRM, so it is found by ids or not at all, and never made; `wrong` says which of its ids is none.
    """

    key: LeadKey
    email: str = ""
    lead_id: str = ""
    contact_id: str = ""
    lacks: tuple[str, ...] = ()
    named: bool = False
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the CRM answered for some of them: every Lead and Contact that was read, and whose they are."""

    leads: Sequence[CrmRecord] = ()
    contacts: Sequence[CrmRecord] = ()
    linked: Mapping[Place, LeadKey] = field(default_factory=dict)
    """(object, id) -> the marketing record with a live link to it."""

    def contacts_to_read(self) -> tuple[str, ...]:
        """Contacts that a converted Lead became and that were not read yet."""
        known = {one.id for one in self.contacts}
        named = (one.contact_id for one in self.leads if one.contact_id)
        return tuple(dict.fromkeys(id for id in named if id not in known))

    def places(self) -> tuple[Place, ...]:
        """Everything that a new link might lead to."""
        return tuple(dict.fromkeys((r.object, r.id) for r in (*self.leads, *self.contacts) if r.known))


@dataclass(frozen=True, slots=True)
class Match:
    """What is to become of one new record.

    With an effect: CREATE, or LINK to `object` `object_id`, whose owner is `owner`, as `by` says. Without
    one it is held for `reason`, or closed, since `object` `object_id` is not there any more.
    """

    key: LeadKey
    effect: Effect | None = None
    object: str = ""
    object_id: str = ""
    owner: str = ""
    by: By | None = None
    reason: Reason | None = None
    closed: Closed | None = None
    detail: str = ""


def match(
    wanted: Iterable[Wanted], answers: Answers, *, claimed: Mapping[str, LeadKey] | None = None
) -> list[Match]:
    """One answer each, in the order given: of two that ask for the same, the first one gets it.

    `claimed`: folded e-mails of Leads that are being made already, and for which record.
    """
    matcher = _Matcher(answers, dict(claimed or {}))
    return [matcher.match(one) for one in wanted]


class _Matcher:
    """The answers by what records are found by, and what the records before have asked for."""

    def __init__(self, answers: Answers, claimed: dict[str, LeadKey]) -> None:
        self._claimed, self._linked = claimed, dict(answers.linked)
        self._by_id = {(one.object, one.id): one for one in (*answers.leads, *answers.contacts)}
        self._by_external: dict[str, list[CrmRecord]] = defaultdict(list)
        self._by_email: dict[str, list[CrmRecord]] = defaultdict(list)
        self._lost: dict[str, list[CrmRecord]] = defaultdict(list)
        for one in self._by_id.values():
            own = one.external_id.strip().casefold()
            if _gone(one):
                self._lost[own] += [one] if one.known else []
                continue
            self._by_external[own].append(one)
            self._by_email[one.email.strip().lower()].append(one)  # as facts.email_of

    def match(self, wanted: Wanted) -> Match:
        if wanted.wrong:
            return Match(wanted.key, reason=Reason.UNREADABLE, detail=wanted.wrong)
        named = [r for place in _named(wanted) if (r := self._read(place))]
        certain = _once([*(r for r in named if not _gone(r)), *self._by_external[_external(wanted)]])
        if certain:
            return self._found(wanted, certain)
        if named:
            return self._gone(wanted, named)
        by_email = self._by_email[wanted.email] if wanted.email and not wanted.named else []
        if by_email:
            return self._found(wanted, by_email)
        lost = self._lost[_external(wanted)]
        return self._gone(wanted, lost) if lost else self._new(wanted)

    def _read(self, place: Place) -> CrmRecord | None:
        return self._by_id.get(place)

    def _new(self, wanted: Wanted) -> Match:
        if wanted.named:
            said = "it says that it is in the CRM, which shows nothing of it"
            return Match(wanted.key, reason=Reason.UNREADABLE, detail=said)
        if wanted.lacks:
            said = f"a new Lead needs {', '.join(wanted.lacks)}, which the record has no value for"
            return Match(wanted.key, reason=Reason.INCOMPLETE, detail=said)
        other = self._claimed.get(wanted.email) if wanted.email else None
        if other is not None and other != wanted.key:
            said = f"the same e-mail as {other}, which becomes a Lead now"
            return Match(wanted.key, reason=Reason.AMBIGUOUS_MATCH, detail=said)
        if wanted.email:
            self._claimed[wanted.email] = wanted.key
        return Match(wanted.key, Effect.CREATE)

    def _gone(self, wanted: Wanted, named: Sequence[CrmRecord]) -> Match:
        """Its place is not there any more: of a Lead and a Contact, the Contact is the newer word."""
        last = max(named, key=lambda one: (one.object == CONTACT, one.master_id or "", one.id))
        if wanted.named and not any(one.known for one in named):
            said = f"the CRM shows no {_names(named)}: purged, or hidden from the allocator's user"
            return Match(wanted.key, reason=Reason.UNREADABLE, detail=said)
        if last.object == CONTACT:
            state = RecordState(
                None, found="contact", contact_id=last.id, contact_deleted=True, master_id=last.master_id
            )
        else:
            state = RecordState(last.converted, deleted=True, lead_id=last.id, master_id=last.master_id)
        return self._by_plan(wanted, state, [last])

    def _found(self, wanted: Wanted, found: Sequence[CrmRecord]) -> Match:
        state = self._state(found)
        if state is None:
            return _held(wanted, Reason.AMBIGUOUS_MATCH, found)
        return self._by_plan(wanted, state, found)

    def _state(self, found: Sequence[CrmRecord]) -> RecordState | None:
        """What they are together; None where a Lead and a Contact are not known to be one person."""
        leads = [one for one in found if one.object == LEAD]
        contacts = [one for one in found if one.object == CONTACT]
        if not leads:
            return _of_contacts(contacts)
        flags = {read_flag(one.converted) for one in leads}
        if flags == {True}:
            return self._of_converted(leads, contacts)
        if contacts or (True in flags):
            return None
        return RecordState(
            converted=_same(one.converted for one in leads),
            deleted=_same(one.deleted for one in leads),
            master_id=_ids(one.master_id for one in leads),
            lead_id=_ids(one.id for one in leads),
            contact_id=_ids(one.contact_id for one in leads),
            person_account=_same(one.person_account for one in leads),
        )

    def _of_converted(self, leads: Sequence[CrmRecord], found: Sequence[CrmRecord]) -> RecordState | None:
        ids = _ids([*(one.contact_id for one in leads), *(one.id for one in found)])
        if ids and not all(one.contact_id for one in leads):
            return None
        became = [r for id in ids if (r := self._read((CONTACT, id)))]
        unread = len(became) < len(ids)
        return RecordState(
            converted=True,
            deleted=_same(one.deleted for one in leads),
            master_id=_ids(one.master_id for one in leads),
            lead_id=_ids(one.id for one in leads),
            contact_id=ids,
            contact_deleted=None if unread else _same(True if _gone(r) else r.deleted for r in became),
            person_account=_any(one.person_account for one in (*leads, *became)),
        )

    def _by_plan(self, wanted: Wanted, state: RecordState, found: Sequence[CrmRecord]) -> Match:
        plan = choose_plan(state)
        if isinstance(plan, Held):
            closed = _CLOSED.get(plan.reason)
            if closed is not None and (others := self._others(wanted, found)):
                return others
            if closed is not None:
                (one, *_), said = found, f"{_names(found)} is {closed} in the CRM"
                return Match(wanted.key, None, one.object, one.id, closed=closed, detail=said)
            return _held(wanted, _reason(plan.reason), found)
        place = (LEAD, plan.lead_id) if isinstance(plan, LeadPlan) else (CONTACT, plan.contact_id)
        target = self._read(place)
        if target is None:
            return _held(wanted, Reason.UNREADABLE, found)
        if others := self._others(wanted, (*found, target)):
            return others
        linked = self._linked.get(place)
        if linked is not None and linked != wanted.key:
            said = f"{_names([target])} is linked to {linked} already"
            return Match(wanted.key, reason=Reason.AMBIGUOUS_MATCH, detail=said)
        return self._link(wanted, plan, target)

    def _others(self, wanted: Wanted, found: Iterable[CrmRecord]) -> Match | None:
        """The hold of one that leads to what says that it is another one's."""
        others = [one for one in found if _is_others(one, wanted)]
        if not others:
            return None
        said = f"{_names(others)} belongs to {others[0].external_id.strip()}"
        return Match(wanted.key, reason=Reason.AMBIGUOUS_MATCH, detail=said)

    def _link(self, wanted: Wanted, plan: LeadPlan | ContactPlan, target: CrmRecord) -> Match:
        contact = isinstance(plan, ContactPlan)
        owner = (target.account_owner or target.owner) if contact else target.owner
        if not owner:
            said = f"the owner of {_names([target])} cannot be read"
            return Match(wanted.key, reason=Reason.UNREADABLE, detail=said)
        self._linked[target.object, target.id] = wanted.key
        if wanted.email:
            self._claimed.setdefault(wanted.email, wanted.key)
        by = By.ACCOUNT if contact else By.PERSON_MATCH
        said = f"{_names([target])} is there already"
        return Match(wanted.key, Effect.LINK, target.object, target.id, owner, by, detail=said)


def with_contacts(answers: Answers, contacts: Iterable[CrmRecord]) -> Answers:
    return replace(answers, contacts=(*answers.contacts, *contacts))


def _of_contacts(contacts: Sequence[CrmRecord]) -> RecordState:
    return RecordState(
        converted=None,
        found="contact",
        contact_id=_ids(one.id for one in contacts),
        contact_deleted=_same(one.deleted for one in contacts),
        master_id=_ids(one.master_id for one in contacts),
        person_account=_any(one.person_account for one in contacts),
    )


def _named(wanted: Wanted) -> list[Place]:
    named = ((LEAD, wanted.lead_id), (CONTACT, wanted.contact_id))
    return [place for place in named if place[1]]


def _external(wanted: Wanted) -> str:
    return str(wanted.key).strip().casefold()


def _is_others(one: CrmRecord, wanted: Wanted) -> bool:
    own = one.external_id.strip().casefold()
    return bool(own) and own != _external(wanted)


def _gone(one: CrmRecord) -> bool:
    return not one.known or one.deleted is True


def _held(wanted: Wanted, reason: Reason, found: Sequence[CrmRecord]) -> Match:
    return Match(wanted.key, reason=reason, detail=f"{_SAID[reason]}: {_names(found)}")


_SAID: Mapping[Reason, str] = {
    Reason.AMBIGUOUS_MATCH: "several records of the CRM answer to it",
    Reason.CONTACT_MISSING: "its Contact is deleted, or cannot be seen",
    Reason.PERSON_ACCOUNT: "the person is a person account",
    Reason.UNREADABLE: "what the CRM said of it is not enough, or contradicts itself",
}


def _reason(reason: str) -> Reason:
    """The hold that a plan's reason is."""
    return next((one for one in _SAID if one == reason), Reason.UNREADABLE)


def _names(found: Sequence[CrmRecord]) -> str:
    named = sorted({f"{one.object} {one.id}" for one in found})
    more = len(named) - _SHOWN
    return ", ".join([*named[:_SHOWN], *([f"{more} more"] if more > 0 else [])])


def _once(found: Iterable[CrmRecord]) -> list[CrmRecord]:
    return list({(one.object, one.id): one for one in found}.values())


def _ids(found: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(id for id in found if id))


def _same(flags: Iterable[object]) -> bool | None:
    """What all of them say; None where they do not agree, or one was not read."""
    said = {read_flag(one) for one in flags}
    return said.pop() if len(said) == 1 else None


def _any(flags: Iterable[object]) -> bool | None:
    """Yes where one says so; None where one was not read."""
    said = {read_flag(one) for one in flags}
    return True if True in said else None if None in said else False
