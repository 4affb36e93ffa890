"""Stage make: people of the chosen campaigns get a marketing record, linked to them from the start.

A marketing system knows a person by their e-mail, and refuses a second record with it. So nothing is looked
up: a creation that was refused, or whose answer was lost, names the record that is there. What is made
carries the CRM's id from the start, and so is never taken for a new lead.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from allocator.domain.lead import LeadKey, State, WriteResult
from allocator.domain.records import Lease, Link
from allocator.domain.sync.ids import crm_id
from allocator.domain.sync.mapping import CONTACT, LEAD, FieldMap, Plan
from allocator.domain.sync.values import CrmRecord, Linked, Made, SourceRecord
from allocator.errors import SourceError
from allocator.ports import CRM, LeadSource, Progress, Store
from allocator.service.sync.carry import stopped_by_source

AT_ONCE = 100
SHOWN = 5
_PLANS: Mapping[str, Plan] = {LEAD: "lead", CONTACT: "contact"}


@dataclass(slots=True)
class MadeOurs:
    """What came of it. In observe mode `made` says how many would have been made, and `linked` is 0.

    `left` are those that got none: reason -> their names. `trouble` is that of the system `asked`.
    """

    made: int = 0
    linked: int = 0
    left: dict[str, list[str]] = field(default_factory=dict)
    trouble: SourceError | None = None
    asked: str = ""

    def notes(self, source: str) -> list[str]:
        """A line for each reason."""
        return [
            f"{source}: no record for {_some(names)}: {reason}" for reason, names in sorted(self.left.items())
        ]


def make_ours(
    crm: CRM,
    store: Store,
    source: LeadSource,
    lease: Lease,
    mapping: FieldMap,
    campaigns: Collection[str],
    *,
    owners: Mapping[str, str],
    by_email: bool,
    now: Callable[[], datetime],
    live: bool,
    progress: Progress,
    stop: Callable[[], bool],
) -> MadeOurs:
    """Make and link. The next cycle writes the external id of what is linked here, as for any other link.

    `by_email`: a record that is there already may be linked by its e-mail. Raises only FencedError and the
    store's errors.
    """
    maker = _Maker(crm, store, source, lease, mapping, owners, by_email, now)
    try:
        wanted = maker.wanted(campaigns)
        if not live:
            maker.done.made = len(wanted)
            return maker.done
        for start in range(0, len(wanted), AT_ONCE):
            if stop() or maker.done.trouble is not None:
                break
            maker.make(wanted[start : start + AT_ONCE])
            progress("make", min(start + AT_ONCE, len(wanted)), len(wanted))
    except SourceError as error:
        maker.done.trouble = error
    return maker.done


class _Maker:
    """Finds whom to make, makes a hundred at a time, links what was made or is there."""

    def __init__(
        self,
        crm: CRM,
        store: Store,
        source: LeadSource,
        lease: Lease,
        mapping: FieldMap,
        owners: Mapping[str, str],
        by_email: bool,
        now: Callable[[], datetime],
    ) -> None:
        self._crm, self._store, self._source, self._lease = crm, store, source, lease
        self._mapping, self._owners, self._by_email, self._now = mapping, owners, by_email, now
        self.done = MadeOurs()

    # --- whom

    def wanted(self, campaigns: Collection[str]) -> list[CrmRecord]:
        """Members without a record who can have one."""
        self.done.asked = self._crm.name
        found = [one for kind in _PLANS if self._can(kind) for one in self._members(kind, campaigns)]
        places = [(one.object, one.id) for one in found]
        linked = self._store.links_to(places, source=self._source.name) if places else {}
        free = [one for one in found if (one.object, one.id) not in linked]
        times = Counter(_email(one) for one in free)
        return [one for one in free if self._may(one, times)]

    def _members(self, kind: str, campaigns: Collection[str]) -> Iterable[CrmRecord]:
        plan = _PLANS[kind]
        fields = self._mapping.lead_fields() if plan == "lead" else self._mapping.contact_fields()
        return (one for page in self._crm.members(kind, campaigns, fields) for one in page)

    def _can(self, kind: str) -> bool:
        """Whether what is made of this kind would have an e-mail and the CRM's id in it."""
        plan = _PLANS[kind]
        if self._marker(kind) and self._mapping.our_field("Email", plan):
            return True
        self._leave(
            f"sheet Fields has to map Email, and the setting write_back.{plan}_id has to name a field that "
            f"{self._source.name} has",
            f"members that are {kind}s",
        )
        return False

    def _marker(self, kind: str) -> str:
        plan = _PLANS[kind]
        return self._mapping.our_field(f"@{plan}_id", plan)

    def _may(self, one: CrmRecord, times: Mapping[str, int]) -> bool:
        why = (
            "there is no e-mail address by which it would be known"
            if not _email(one)
            else "others among the members have the same e-mail address"
            if times[_email(one)] > 1
            else "a person account"
            if one.person_account is not False
            else ""
        )
        if why:
            self._leave(why, _name(one))
        return not why

    # --- make

    def make(self, wanted: Sequence[CrmRecord]) -> None:
        """One batch to its end."""
        self.done.asked = self._source.name
        new = [(one, self._values(one)) for one in wanted]
        new = [(one, values) for one, values in new if self._is_whole(one, values)]
        if not new:
            return
        answers = self._source.create([values for _, values in new])
        told = [(one, answer) for (one, _), answer in zip(new, answers, strict=True)]
        made = [(one, answer.id) for one, answer in told if _is_made(answer)]
        self._link(made)
        self.done.made += len(made)
        for one, answer in told:
            self._tell(one, answer)
        there = self._there([(one, answer) for one, answer in told if answer.matches])
        self._link(there)
        self.done.linked += len(there)
        if any(answer.result is WriteResult.UNSENT for answer in answers):
            self.done.trouble = stopped_by_source(self._source.name, answers)

    def _values(self, one: CrmRecord) -> dict[str, object]:
        return dict(self._mapping.new_record(one, self._owners.get(one.owner, "")))

    def _is_whole(self, one: CrmRecord, values: Mapping[str, object]) -> bool:
        plan = _PLANS[one.object]
        whole = bool(values.get(self._mapping.our_field("Email", plan))) and bool(
            values.get(self._marker(one.object))
        )
        if not whole:
            self._leave("its e-mail address, or its id, does not fit the field it would go to", _name(one))
        return whole

    def _tell(self, one: CrmRecord, answer: Made) -> None:
        if answer.result in (WriteResult.UNKNOWN, WriteResult.WRITTEN) and not _is_made(answer):
            self._leave("no answer came, so the next run asks again", _name(one))
        elif answer.result is WriteResult.UNSENT:
            self._leave("it was not sent, so the next run sends it", _name(one))
        elif not (_is_made(answer) or answer.matches):
            self._leave(f"refused ({answer.detail or 'without a code'})", _name(one))

    # --- link

    def _there(self, told: Sequence[tuple[CrmRecord, Made]]) -> list[tuple[CrmRecord, str]]:
        """Those whose e-mail a record has that may be linked to them."""
        ids = sorted({id for _, answer in told for id in answer.matches})
        if not ids:
            return []
        shown = self._source.read(ids)
        keys = [LeadKey(self._source.name, id) for id in ids]
        linked = {link.key for link in self._store.links(keys=keys, state=Linked.LIVE.value)}
        taken = {row.key for row in self._store.leads(keys) if row.state in _UNDER_WAY}
        found = []
        for one, answer in told:
            why = self._why_not(one, [shown[id] for id in answer.matches], linked, taken)
            if why:
                self._leave(why, _name(one))
            else:
                found.append((one, answer.matches[0]))
                linked.add(LeadKey(self._source.name, answer.matches[0]))
        return found

    def _why_not(
        self,
        one: CrmRecord,
        there: Sequence[SourceRecord],
        linked: Collection[LeadKey],
        taken: Collection[LeadKey],
    ) -> str:
        """Why the record with its e-mail is not linked to it; empty when it is."""
        record, *more = there
        if more:
            return "several records have its e-mail address"
        named = self._named(record)
        if record.gone or record.merged_into:
            return f"{record.key} has its e-mail address, and cannot be read"
        if record.key in linked:
            return f"{record.key} has its e-mail address, and is linked to somebody else"
        if named - {one.id}:
            return f"{record.key} has its e-mail address, and says that it is {', '.join(sorted(named))}"
        if record.key in taken or (record.in_intake and not named):
            return f"{record.key} has its e-mail address, and is a new lead, which is decided first"
        if not named and not self._by_email:
            return f"{record.key} has its e-mail address, which is no reason to link them as the tables say"
        return ""

    def _named(self, record: SourceRecord) -> set[str]:
        """The Lead and the Contact that a marketing record says it is."""
        shown = {kind: str(record.values.get(self._marker(kind)) or "").strip() for kind in _PLANS}
        return {crm_id(text, kind) or text for kind, text in shown.items() if text}

    def _link(self, pairs: Sequence[tuple[CrmRecord, str]]) -> None:
        at, name = self._now(), self._source.name
        links = [
            Link(LeadKey(name, id), self._crm.name, one.object, one.id, Linked.LIVE, at) for one, id in pairs
        ]
        if links:
            self._store.save_links(self._lease, links)

    def _leave(self, why: str, name: str) -> None:
        self.done.left.setdefault(why, []).append(name)


_UNDER_WAY = frozenset({State.WAITING, State.HELD, State.DECIDED})


def _email(one: CrmRecord) -> str:
    return one.email.strip().casefold()


def _name(one: CrmRecord) -> str:
    return f"{one.object} {one.id}"


def _some(names: Sequence[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _is_made(answer: Made) -> bool:
    return answer.result is WriteResult.WRITTEN and bool(answer.id)
