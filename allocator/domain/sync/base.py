"""What both sides of a record last agreed on, as the base of its next merge.

Beside the fields it says of which record of the CRM and by which rules they were agreed on. What became of
writes that nobody answered is found out from what their side shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from allocator.domain.sync.mapping import FieldMap, Plan
from allocator.domain.sync.values import CrmRecord, SyncRow, SyncWrite
from rules.field_rules import Agreed, Conflict, FieldRule, Seen, Side, Write
from rules.field_values import FieldType, FieldValue, canonical
from rules.fields import same

BASE_OF = "@base"
"""Among what is agreed on: the record of the CRM that it was agreed on with, such as "Lead 00Q..."."""
RULES_OF = "@rules "
"""Begins the name of an entry among what is agreed on: the fingerprint of the rules that it was agreed on by
is in the name, so that a store can tell without reading all the values."""


def is_own(conflict: Conflict, agreed: Mapping[str, Agreed]) -> bool:
    """Whether nobody lost anything: what the CRM tells of itself went to a field that was empty, or held what
    we had told it; so where another field is named for it."""
    if not conflict.rule.startswith("@") or conflict.winner != "theirs":
        return False
    told = {one.ours for name, one in agreed.items() if name.startswith("@")}
    return conflict.lost in (None, "") or conflict.lost in told


def with_rules(agreed: Mapping[str, Agreed], mapping: FieldMap, plan: Plan) -> dict[str, Agreed]:
    """What is agreed on, as agreed by these rules."""
    kept = {name: one for name, one in agreed.items() if not name.startswith(RULES_OF)}
    return {**kept, f"{RULES_OF}{mapping.fingerprint(plan)}": Agreed(None, None)}


def is_of_other_rules(row: SyncRow, mapping: FieldMap) -> bool:
    """Whether the rules that a record is kept in step by have changed since it was looked at."""
    if row.plan == "held":
        return False
    plan: Plan = "lead" if row.plan == "lead" else "contact"
    return f"{RULES_OF}{mapping.fingerprint(plan)}" not in row.agreed


def place_of(agreed: Mapping[str, Agreed]) -> tuple[Plan, str] | None:
    """The plan and the id of the record that it was agreed on with."""
    of = agreed.get(BASE_OF)
    object, _, id = str(of.theirs).partition(" ") if of else ("", "", "")
    return ("contact" if object == "Contact" else "lead", id) if id else None


def rebased(
    agreed: Mapping[str, Agreed],
    mapping: FieldMap,
    plan: Plan,
    end: CrmRecord,
    theirs: Seen,
    rules: Mapping[str, FieldRule],
    *,
    afresh: bool = False,
) -> dict[str, Agreed]:
    """What was agreed on with the record that is written now.

    Of another record than the last one (the Contact after the Lead, the winner of a merge, one taken over),
    or `afresh`, since it was somebody else's meanwhile, only what it shows too was ever agreed on: what it
    lacks was not emptied by anybody. Of a field that no rule is about now nothing is known any more.
    """
    of, here = place_of(agreed), Agreed(None, f"{end.object} {end.id}")
    if of is None or (agreed[BASE_OF] == here and not afresh):
        return {**agreed, BASE_OF: here}
    before, _ = of
    moved = mapping.rebased(agreed, before, plan, theirs)
    kept = {name: one for name, one in moved.items() if name in rules or name.startswith("@")}
    if before == plan:
        kept = {name: one for name, one in kept.items() if _stands(one, rules.get(name), theirs)}
    return {**kept, BASE_OF: here}


def _stands(agreed: Agreed, rule: FieldRule | None, theirs: Seen) -> bool:
    """Whether the record shows what was agreed on with another one; what is told of it is not its own."""
    return rule is None or rule.theirs.startswith("@") or _has(theirs, rule, agreed.theirs)


def _has(seen: Seen, rule: FieldRule, value: FieldValue) -> bool:
    return same(rule, canonical(seen.values.get(rule.theirs), rule.their_type), value)


def known_base(
    agreed: Mapping[str, Agreed],
    pending: Iterable[SyncWrite],
    seen: Mapping[Side, Seen],
    rules: Mapping[str, FieldRule],
) -> dict[str, Agreed]:
    """The base, with what writes of an unknown outcome agreed on where their side shows what was sent."""
    base = dict(agreed)
    for sent in pending:
        if sent.attempts and sent.side in seen:
            base.update(
                (write.rule, sent.agreed[write.rule])
                for write in sent.writes
                if write.rule in rules
                and write.rule in sent.agreed
                and shows(seen[sent.side], write, rules[write.rule], sent.side)
            )
    return base


def shows(seen: Seen, write: Write, rule: FieldRule, side: Side) -> bool:
    """Whether a side's field holds what was sent to it."""
    name, kind = of_side(rule, side)
    if name not in seen.values:
        return False
    return same(rule, canonical(seen.values[name], kind), write.value)


def of_side(rule: FieldRule, side: Side) -> tuple[str, FieldType]:
    """The field of a rule on a side, and its type."""
    return (rule.ours, rule.our_type) if side == "ours" else (rule.theirs, rule.their_type)


def agreed_without(
    agreed: Mapping[str, Agreed], base: Mapping[str, Agreed], waiting: Iterable[str]
) -> dict[str, Agreed]:
    """What is agreed on already; a field that is to be written keeps the base it had."""
    found = dict(agreed)
    for rule in waiting:
        if rule in base:
            found[rule] = base[rule]
        else:
            found.pop(rule, None)
    return found
