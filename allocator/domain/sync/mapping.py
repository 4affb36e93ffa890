"""Between a marketing system and the CRM: which field goes where, by which rule, under which plan."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256

from allocator.domain.sync.carried import (
    ACCOUNT,
    CONTACT,
    EXTERNAL_ID,
    KEY,
    LEAD,
    Carried,
    Plan,
    Sides,
    carried,
    making,
    may_make,
    rows_for,
    spelt,
)
from allocator.domain.sync.values import CrmRecord, SourceRecord
from rules.field_rules import Agreed, FieldProblem, FieldRule, Seen, Write
from rules.field_values import FieldType, FieldValue, Misfit, canonical, convert
from rules.fields import merge
from rules.model import FieldMapping

__all__ = [
    "ACCOUNT", "CONTACT", "EXTERNAL_ID", "KEY", "LEAD", "FieldMap", "NewFields", "Plan", "Sides", "lacks",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewFields:
    """The would-be Lead: canonical values by field, what could not be carried, and what both sides agree on
    once it is made."""

    fields: Mapping[str, FieldValue]
    problems: tuple[FieldProblem, ...] = ()
    agreed: Mapping[str, Agreed] = field(default_factory=dict)


class FieldMap:
    """The rows of sheet Fields for one marketing system, as rules of `rules.fields.merge`.

    A field that one of the sides lacks, or that may not be written in a row's direction, is left out
    (`mapping_doubts.doubts` says so by its cell).
    """

    def __init__(self, rows: Iterable[FieldMapping], sides: Sides) -> None:
        self.sides = sides
        self._rows = rows_for(rows, sides)
        self._plans: dict[Plan, dict[str, Carried]] = {
            "lead": {c.rule.name: c for c in carried(self._rows, sides, "lead")},
            "contact": {c.rule.name: c for c in carried(self._rows, sides, "contact")},
        }
        self._making = tuple(making(self._rows, sides))
        self._prints = {plan: _print(c.rule for c in some.values()) for plan, some in self._plans.items()}

    # --- what to read -------------------------------------------------------------------------------------

    def lead_fields(self) -> tuple[str, ...]:
        """The fields of the Lead to be read."""
        return self._theirs("lead")

    def contact_fields(self) -> tuple[str, ...]:
        """The fields of the Contact to be read; those of its Account as "Account.Name"."""
        return self._theirs("contact")

    def our_fields(self) -> tuple[str, ...]:
        """The marketing fields to be read."""
        rules = [c.rule for plan in self._plans.values() for c in plan.values()]
        named = [r.ours for r in (*rules, *self._making) if r.ours != KEY]
        wanted = [n for row in self._rows if (n := spelt(row.marketing, self.sides.ours))]
        return tuple(dict.fromkeys((*named, *wanted)))

    def _theirs(self, plan: Plan) -> tuple[str, ...]:
        names = (c.rule.theirs for c in self._plans[plan].values())
        return tuple(dict.fromkeys(name for name in names if not name.startswith("@")))

    # --- rules --------------------------------------------------------------------------------------------

    def rules_for(self, plan: Plan) -> tuple[FieldRule, ...]:
        """Every rule of a plan, also those that `rules_now` leaves out of a single merge."""
        return tuple(c.rule for c in self._plans[plan].values())

    def fingerprint(self, plan: Plan) -> str:
        """The same for as long as a plan's rules are: the fields, directions, kinds and limits of them all.

        A picklist's options and the order of the rows make no other rules.
        """
        return self._prints[plan]

    def rules_now(
        self, plan: Plan, base: Mapping[str, Agreed], ours: Seen, theirs: Seen
    ) -> tuple[FieldRule, ...]:
        """The rules for one merge of one record.

        An Account belongs to several people: it is written where it is empty and where the marketing value
        has changed since the sides agreed; otherwise two of them would overwrite each other for ever. A
        written-back value that is not known now is not emptied.
        """
        found = (self._now(c, base.get(c.rule.name), ours, theirs) for c in self._plans[plan].values())
        return tuple(rule for rule in found if rule is not None)

    def target(self, rule: str, plan: Plan) -> tuple[str, str]:
        """The object and field of the CRM that a rule is about, such as ("Account", "Name")."""
        carried = self._plans[plan][rule]
        return carried.object, carried.field

    def by_object(self, writes: Sequence[Write], plan: Plan) -> dict[str, tuple[Write, ...]]:
        """Writes to the CRM by the object that they go to."""
        found: dict[str, list[Write]] = {}
        for write in writes:
            found.setdefault(self.target(write.rule, plan)[0], []).append(write)
        return {object: tuple(some) for object, some in found.items()}

    def rebased(
        self, agreed: Mapping[str, Agreed], before: Plan, after: Plan, theirs: Seen
    ) -> dict[str, Agreed]:
        """What both sides agree on, once a marketing record leads to the Contact that its Lead became;
        `theirs` is that Contact as read now.

        A value that came over is no change. One that did not (the Contact was there before, or the CRM
        carries the field nowhere) has never been agreed on: a blank is filled, or both values are weighed
        and the loser is kept. Under the same plan everything stays.
        """
        if before == after:
            return dict(agreed)
        kept = dict(agreed)
        old = self._plans[before]
        for name, new in self._plans[after].items():
            if new.object == ACCOUNT and name not in kept:
                kept |= _for_account(name, new, old.values(), agreed)
            elif name in kept and name in old and new.object not in ("", ACCOUNT):
                moved = _moved(kept.pop(name), old[name].rule, new.rule, theirs)
                kept |= {name: moved} if moved else {}
        return kept

    # --- what is seen -------------------------------------------------------------------------------------

    def ours_seen(self, record: SourceRecord, *, ahead: timedelta = timedelta()) -> Seen:
        """A marketing record as `merge` takes it."""
        values = {**record.values, KEY: str(record.key)}
        return Seen(values, record.stamp, record.stamps, ahead)

    def theirs_seen(
        self,
        plan: Plan,
        lead: CrmRecord | None,
        contact: CrmRecord | None,
        owner: str = "",
        *,
        lead_id: str = "",
        ahead: timedelta = timedelta(),
    ) -> Seen:
        """The plan's CRM record as `merge` takes it, with what is written back.

        Under the contact plan the Lead may be missing: then `lead_id` is that of the link. `owner` is the
        value that the marketing field for it takes.
        """
        record = lead if plan == "lead" else contact
        if record is None:
            raise ValueError(f"the {plan} plan needs the {plan} as read")
        told = {
            "@lead_id": lead.id if lead else lead_id,
            "@contact_id": contact.id if contact else "",
            "@account_id": (contact.account_id if contact else lead and lead.account_id) or "",
            "@converted": plan == "contact",
            "@status": record.status or (lead.status if lead else ""),
            "@owner": owner,
        }
        known = {self.sides.external_id: record.external_id} if self.sides.external_id else {}
        accounts = [n for n in record.values if n.startswith(f"{ACCOUNT}.")] if record.account_stamp else []
        stamps = {name: record.account_stamp for name in accounts if record.account_stamp}
        return Seen({**known, **record.values, **told}, record.stamp or record.moved, stamps, ahead)

    # --- a record that is not in the CRM yet --------------------------------------------------------------

    def new_lead(self, record: SourceRecord) -> NewFields:
        """The Lead that a marketing record would become; rows with the rule "never" give their value too."""
        seen = self.ours_seen(record)
        rules = [rule for rule in self._making if not self.sides.lead_names or rule.ours in seen.values]
        if self.sides.lead_names:
            rules += self._by_name(record)
        done = merge({}, seen, None, rules, record=str(record.key))
        return NewFields({w.field: w.value for w in done.theirs}, done.problems, done.agreed)

    # --- a person who is not in marketing yet -------------------------------------------------------------

    def our_field(self, theirs: str, plan: Plan) -> str:
        """The marketing field that a field of the plan's record is carried to or from; empty: none."""
        found = (c.rule for c in self._plans[plan].values() if c.object != ACCOUNT)
        return next((r.ours for r in found if r.theirs.casefold() == theirs.casefold()), "")

    def new_record(self, record: CrmRecord, owner: str = "") -> dict[str, FieldValue]:
        """The marketing record that a Lead or Contact would become: what is pulled, what is written back, and
        its e-mail, whatever that one's direction."""
        plan: Plan = "lead" if record.object == LEAD else "contact"
        lead, contact = (record, None) if plan == "lead" else (None, record)
        seen = self.theirs_seen(plan, lead, contact, owner)
        email = self.our_field("Email", plan)
        found: dict[str, FieldRule] = {}
        for one in self._plans[plan].values():
            rule = self._now(one, None, Seen({}), seen)
            if rule is not None and (rule.direction != "push" or rule.ours == email):
                found.setdefault(rule.ours, replace(rule, direction="pull", rule="overwrite"))
        done = merge({}, None, seen, found.values(), record=f"{record.object} {record.id}")
        return {w.field: w.value for w in done.ours if w.value is not None}

    def facts_fields(self, record: SourceRecord) -> dict[str, object]:
        """The record's raw values, and the would-be Lead's by the names of its fields: what rules read.

        Also of fields that the CRM lacks: the rules may ask for them all the same.
        """
        named = {
            spelt(row.lead, self.sides.crm.get(LEAD, {})) or row.lead: record.values[ours]
            for row in self._rows
            if row.lead and row.direction != "pull"
            for ours in (spelt(row.marketing, self.sides.ours) or row.marketing,)
            if ours in record.values
        }
        return {**record.values, **named}

    # --- parts --------------------------------------------------------------------------------------------

    def _now(self, one: Carried, base: Agreed | None, ours: Seen, theirs: Seen) -> FieldRule | None:
        """The rule as it counts for one merge; None to leave it out."""
        if one.object == "":
            return one.rule if theirs.values.get(one.rule.theirs) not in (None, "") else None
        if one.object != ACCOUNT:
            return one.rule
        if not theirs.values.get("@account_id"):
            return None
        return _for_many(one.rule, base, ours, theirs) if one.rule.direction != "pull" else one.rule

    def _by_name(self, record: SourceRecord) -> Iterator[FieldRule]:
        """A rule for each value whose field is called as one of the Lead, where no row is about it."""
        taken = {rule.theirs for rule in self._making} | {rule.ours for rule in self._making}
        for ours in record.values:
            theirs = spelt(ours, self.sides.of(LEAD))
            if ours not in taken and theirs not in taken and may_make(theirs, self.sides):
                taken.add(theirs)
                info = self.sides.ours.get(ours)
                our_type = info.type if info else FieldType()
                their_type = self.sides.of(LEAD)[theirs].type
                yield FieldRule(
                    f"{ours}={theirs}", ours, theirs, "push", our_type=our_type, their_type=their_type
                )


def _print(rules: Iterable[FieldRule]) -> str:
    bare = (
        replace(x, our_type=replace(x.our_type, options=()), their_type=replace(x.their_type, options=()))
        for x in rules
    )
    text = "\n".join(sorted(map(repr, bare)))
    return sha256(text.encode()).hexdigest()[:16]


def lacks(fields: Mapping[str, FieldValue], needs: Iterable[str]) -> tuple[str, ...]:
    """The needed fields that a would-be Lead has no value for."""
    filled = {name.casefold() for name, value in fields.items() if value is not None}
    return tuple(name for name in needs if name.casefold() not in filled)


def _for_many(rule: FieldRule, base: Agreed | None, ours: Seen, theirs: Seen) -> FieldRule | None:
    """A rule that writes an Account: without a base it only fills; then it follows changes."""
    if base is None:
        return rule if rule.rule == "never" else replace(rule, rule="only if empty")
    our_value = canonical(ours.values.get(rule.ours), rule.our_type)
    their_value = canonical(theirs.values.get(rule.theirs), rule.their_type)
    changed = our_value != base.ours or (rule.direction == "two-way" and their_value != base.theirs)
    return rule if changed or their_value is None else None


def _for_account(
    name: str, new: Carried, old: Iterable[Carried], agreed: Mapping[str, Agreed]
) -> dict[str, Agreed]:
    """The base of an Account's field: what the sides agreed on for the same marketing field before."""
    for one in old:
        base = agreed.get(one.rule.name)
        if base is not None and one.rule.ours == new.rule.ours and one.object not in ("", ACCOUNT):
            value = convert(base.theirs, one.rule.their_type, new.rule.their_type)
            return {name: Agreed(base.ours, None if isinstance(value, Misfit) else value)}
    return {}


def _moved(agreed: Agreed, old: FieldRule, new: FieldRule, theirs: Seen) -> Agreed | None:
    """The base for the new object's field; None where the value did not come over."""
    value = convert(agreed.theirs, old.their_type, new.their_type)
    now = canonical(theirs.values.get(new.theirs), new.their_type)
    if isinstance(value, Misfit):
        return None
    alike = isinstance(value, str) and isinstance(now, str) and value.casefold() == now.casefold()
    return replace(agreed, theirs=value) if value == now or (new.any_case and alike) else None
