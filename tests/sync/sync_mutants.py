"""The sync, wrong in one place each, as connectors have been: what the simulation must catch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pytest import MonkeyPatch

from allocator.domain.lead import WriteResult
from allocator.domain.sync import look as looking
from allocator.domain.sync import route as routing
from allocator.domain.sync.look import Look
from allocator.domain.sync.values import SyncEnd, SyncState
from allocator.service.sync import candidates, carry, cycle, marks

Mutant = Callable[[MonkeyPatch], None]


def forgets_the_base(patch: MonkeyPatch) -> None:
    """Without a base every difference is a conflict, and the record's stamp decides about each field."""
    patch.setattr(looking, "known_base", lambda *_: {})


def trusts_the_link_after_a_conversion(patch: MonkeyPatch) -> None:
    real = routing.state_of

    def open_always(trail: Any, links: Any = ()) -> Any:
        state = real(trail, links)
        return replace(state, converted=False, contact_id=None) if state.found == "lead" else state

    patch.setattr(routing, "state_of", open_always)
    patch.setattr(routing, "_next", lambda trail: None)


def takes_silence_for_success(patch: MonkeyPatch) -> None:
    """No read-back: a write without an answer counts as done."""

    def believed(self: Any, told: Any, at: Any) -> None:
        ends = [
            SyncEnd(w.id, w.key, SyncState.DONE, agreed=w.agreed) for w, a in told if a.result is not None
        ]
        self._settle(ends)

    patch.setattr(carry.Carrier, "_read_back", believed)


def takes_silence_of_the_source_for_success(patch: MonkeyPatch) -> None:
    def believed(self: Any, writes: Any) -> None:
        self._settle([SyncEnd(w.id, w.key, SyncState.DONE, agreed=w.agreed) for w in writes])

    patch.setattr(carry.Carrier, "_look_for", believed)


def moves_the_marks_first(patch: MonkeyPatch) -> None:
    real = cycle._Cycle.due

    def due(self: Any, pulled: Any) -> Any:
        found = real(self, pulled)
        fresh, now = self._fresh, self._now()
        marks.move_marks(
            self._store, self._lease, fresh.source, fresh.crm.name, pulled, crm_at=fresh.crm.now(), at=now
        )
        return found

    patch.setattr(cycle._Cycle, "due", due)


def writes_without_a_condition(patch: MonkeyPatch) -> None:
    real = carry.Carrier._crm_write

    def unconditional(self: Any, write: Any, end: Any) -> Any:
        return replace(real(self, write, end), stamp=self._now() + marks.TRUSTED)

    patch.setattr(carry.Carrier, "_crm_write", unconditional)


def believes_its_own_stamp(patch: MonkeyPatch) -> None:
    """A record whose stamp is that of our write is skipped, whatever it shows."""
    patch.setattr(candidates, "differs", lambda *_: False)


def looks_at_no_changed_mapping(patch: MonkeyPatch) -> None:
    """A changed mapping reaches only the records that somebody touches."""
    patch.setattr(candidates, "is_of_other_rules", lambda *_: False)


def keeps_no_conflict(patch: MonkeyPatch) -> None:
    real = looking.look

    def silent(*args: Any, **more: Any) -> Look:
        one = real(*args, **more)
        return replace(one, step=replace(one.step, conflicts=()))

    patch.setattr(cycle, "look", silent)


def takes_the_base_of_another_record(patch: MonkeyPatch) -> None:
    """After a merge or a conversion what the new record lacks passes for emptied."""
    patch.setattr(looking, "rebased", lambda agreed, *_, **__: dict(agreed))


def gives_one_object_to_two(patch: MonkeyPatch) -> None:
    patch.setattr(routing.Taken, "other", lambda self, place, key: None)


def forgets_what_is_pending(patch: MonkeyPatch) -> None:
    """What an earlier run could not finish is not looked at again."""
    real = cycle.known_of

    def known_of(*args: Any) -> Any:
        known = real(*args)
        known.pending.clear()
        known.rows = {key: replace(row, again=False) for key, row in known.rows.items()}
        return known

    patch.setattr(cycle, "known_of", known_of)


def agrees_before_it_is_written(patch: MonkeyPatch) -> None:
    """The base takes over what is to be written, at once."""
    patch.setattr(looking, "agreed_without", lambda agreed, base, waiting: dict(agreed))


def lets_a_refusal_be(patch: MonkeyPatch) -> None:
    """A record that changed under us is not decided anew, and nobody remembers it."""
    real = carry.Carrier._answered

    def answered(self: Any, write: Any, answer: Any) -> Any:
        if answer.result in (WriteResult.CHANGED, WriteResult.LOCKED):
            return SyncEnd(write.id, write.key, SyncState.DROPPED, answer.detail)
        return real(self, write, answer)

    patch.setattr(carry.Carrier, "_answered", answered)


def writes_its_echo_back(patch: MonkeyPatch) -> None:
    """What was written is not remembered as agreed on."""
    real = carry.Carrier._settle

    def settle(self: Any, ends: Any) -> None:
        real(self, [replace(end, agreed={}) for end in ends])

    patch.setattr(carry.Carrier, "_settle", settle)


def never_follows_a_merge(patch: MonkeyPatch) -> None:
    """The loser of a merge is written as if nothing had happened."""
    real = routing.state_of

    def alive(trail: Any, links: Any = ()) -> Any:
        state = real(trail[:1], links)
        return replace(state, deleted=False, master_id=None)

    patch.setattr(routing, "state_of", alive)
    patch.setattr(routing, "_next", lambda trail: None)


MUTANTS: Mapping[str, Mutant] = {
    mutant.__name__: mutant
    for mutant in (
        forgets_the_base, trusts_the_link_after_a_conversion, takes_silence_for_success,
        takes_silence_of_the_source_for_success, moves_the_marks_first, writes_without_a_condition,
        believes_its_own_stamp, keeps_no_conflict, takes_the_base_of_another_record, gives_one_object_to_two,
        forgets_what_is_pending, agrees_before_it_is_written, lets_a_refusal_be, writes_its_echo_back,
        never_follows_a_merge, looks_at_no_changed_mapping,
    )
}  # fmt: skip
