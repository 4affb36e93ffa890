"""Random lives of marketing records, Leads and Contacts, with everything going wrong that can."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import sync_checker
from sync_world import ROWS, Crash, World

from allocator.adapters.crm.memory import MemoryFault
from allocator.adapters.marketing.memory import Faults
from allocator.errors import SourceError

FIELDS = {"firstname": "FirstName", "lastname": "LastName", "phone": "Phone", "jobtitle": "Title"}
MAPPINGS = (
    ROWS,
    tuple(row for row in ROWS if row.marketing not in ("phone", "city")),
    tuple(replace(row, direction="pull") if row.marketing == "firstname" else row for row in ROWS),
    tuple(replace(row, direction="push") if row.marketing == "jobtitle" else row for row in ROWS),
)
STORE_STEPS = ("commit_sync", "attempt_sync", "settle_sync", "set_mark")


class Simulation:
    """One seed. `run` returns what was broken."""

    def __init__(self, seed: int, *, records: int = 30, cycles: int = 40) -> None:
        self.random = rng = random.Random(seed)
        lag = timedelta(seconds=rng.choice((0, 0, 30, 600)))
        full = rng.choice((24, 10_000, 10_000))
        self.world = World(lag=lag, full_hours=full, field_stamps=rng.random() < 0.7)
        self.world.crm.permissive = rng.random() < 0.3
        self.cycles, self.numbers = cycles, 0
        self.marks: list[tuple[Any, Any]] = []
        self.broken: list[str] = []
        self.accounts: dict[str, str] = {}
        self.people = [self._person() for _ in range(records)]
        self.given = [(str(x.key), x.object, x.crm_id) for x in self.world.store.links()]
        self.strangers = [self._stranger() for _ in range(4)]

    def run(self) -> list[str]:
        for _ in range(self.cycles):
            self._acts()
            self._faults()
            self._cycle()
            if self.broken:
                return self.broken
        self._rest()
        return self.broken

    # --- the world

    def _value(self) -> str:
        self.numbers += 1
        return f"v{self.numbers}"

    def _person(self) -> str:
        rng, world = self.random, self.world
        id = world.person(
            external_id=rng.random() < 0.9, lastname=self._value(), company=f"Firm {rng.randrange(9)}"
        )
        world.log.note("somebody", "add", "ours", "record", id, values=dict(world.ours(id)))
        return id

    def _stranger(self) -> str:
        """A Contact of the CRM that no marketing record knows."""
        world = self.world
        world.tick()
        account = world.crm.add_account(domain=self._value(), owner=world.user)
        return world.crm.add_contact(
            email=self._value(),
            owner=world.user,
            account=account,
            LastName=self._value(),
            Phone=self._value(),
        )

    def _acts(self) -> None:
        for _ in range(self.random.choice((0, 1, 2, 3, 5))):
            self._act()

    def _act(self) -> None:
        rng = self.random
        acts: list[tuple[Callable[[], None], int]] = [
            (self._edit_ours, 10), (self._edit_theirs, 10), (self._edit_both, 5), (self._convert, 3),
            (self._merge, 1), (self._delete, 1), (self._undelete, 2), (self._archive, 1), (self._restore, 2),
            (self._merge_ours, 1), (self._edit_account, 1), (self._change_mapping, 1),
        ]  # fmt: skip
        rng.choices([act for act, _ in acts], [weight for _, weight in acts])[0]()

    def _some(self, ids: list[str]) -> str | None:
        return self.random.choice(ids) if ids else None

    def _ours_alive(self) -> list[str]:
        records = {id: self.world.source.record(id) for id in self.people}
        return [id for id, one in records.items() if not one.archived and not one.merged_into]

    def _leads(self) -> list[str]:
        return [x.id for x in self.world.crm.leads.values() if not x.deleted and not x.converted]

    def _contacts(self) -> list[str]:
        return [x.id for x in self.world.crm.contacts.values() if not x.deleted]

    def _new(self) -> str | None:
        return self._value() if self.random.random() < 0.9 else None

    def _edit_ours(self, id: str | None = None) -> None:
        alive = self._ours_alive()
        if id := (id if id in alive else self._some(alive)):
            name = self.random.choice([*FIELDS, "city", "company"])
            self.world.edit_ours(
                id, **{name: self._value() if name in ("lastname", "company") else self._new()}
            )

    def _edit_theirs(self, id: str | None = None) -> None:
        if id := id or self._some([*self._leads(), *self._contacts()]):
            name = self.random.choice([*FIELDS.values()])
            self.world.edit_theirs(id, **{name: self._value() if name == "LastName" else self._new()})

    def _edit_both(self) -> None:
        if id := self._some(self._ours_alive()):
            link, name = self.world.live_link(id), self.random.choice(list(FIELDS))
            row = link and self.world.crm._rows(link.object).get(link.crm_id)
            if link is None or row is None or row.deleted or getattr(row, "converted", False):
                return
            same = self._value()
            acts = [
                lambda: self.world.edit_ours(id, **{name: same}),
                lambda: self.world.edit_theirs(
                    link.crm_id, **{FIELDS[name]: same if self.random.random() < 0.2 else self._value()}
                ),
            ]
            self.random.shuffle(acts)
            for act in acts:
                act()

    def _edit_account(self) -> None:
        if id := self._some(list(self.world.crm.accounts)):
            self.world.edit_theirs(id, Name=self._value())

    def _convert(self, lead: str | None = None) -> None:
        if lead := lead or self._some(self._leads()):
            contact = self._some(self._contacts()) if self.random.random() < 0.3 else None
            self.world.act("convert", lead, **({"contact": contact} if contact else {}))

    def _merge(self) -> None:
        kind = self._leads() if self.random.random() < 0.6 else self._contacts()
        if len(kind) > 1:
            self.world.act("merge", *self.random.sample(kind, 2))

    def _delete(self) -> None:
        if id := self._some([*self._leads(), *self._contacts()]):
            self.world.act("delete" if self.random.random() < 0.9 else "purge", id)

    def _undelete(self) -> None:
        crm = self.world.crm
        gone = [x.id for x in (*crm.leads.values(), *crm.contacts.values()) if x.deleted]
        if id := self._some(gone):
            self.world.act("undelete", id)

    def _archive(self) -> None:
        if id := self._some(self._ours_alive()):
            self.world.tick()
            self.world.source.archive(id)

    def _restore(self) -> None:
        gone = [id for id in self.people if self.world.source.record(id).archived]
        if id := self._some(gone):
            self.world.tick()
            self.world.source.restore(id)

    def _merge_ours(self) -> None:
        alive = self._ours_alive()
        if len(alive) > 20:
            self.world.tick()
            self.world.source.merge(*self.random.sample(alive, 2))

    def _change_mapping(self) -> None:
        self.world.rows = self.random.choice(MAPPINGS)

    # --- what goes wrong

    def _faults(self) -> None:
        rng, crm, source = self.random, self.world.crm, self.world.source
        crm.faults.clear()
        source.faults = Faults()
        source.drops = 0
        self.world.store.crash = None
        if rng.random() < 0.45:
            return
        for _ in range(rng.choice((1, 1, 2, 3))):
            self._fault()

    def _fault(self) -> None:
        rng, crm, source = self.random, self.world.crm, self.world.source
        kind = rng.randrange(11)
        if kind < 3:
            what = rng.choice(("lost", "lost", "dropped", "unsent", "locked", "down"))
            crm.faults.append(MemoryFault("write", what))
        elif kind == 3:
            crm.faults.append(MemoryFault("write", None, self._between))
        elif kind == 4:
            times = rng.choice((0, 1, 2))
            crm.faults += [MemoryFault("records") for _ in range(times)]
            crm.faults.append(MemoryFault("records", None, self._between))
        elif kind == 5:
            crm.faults.append(MemoryFault(rng.choice(("records", "changed")), rng.choice(("down", "quota"))))
        elif kind == 6 and rng.random() < 0.5:
            source.drops = 1
        elif kind == 6:
            source.faults.lose("write")
        elif kind == 7 and rng.random() < 0.5:
            source.faults.before("write", self._between_ours)
        elif kind == 7:
            at = rng.choice(("read", "write"))
            rng.choice((source.faults.before, source.faults.after))(at, self._between)
        elif kind == 10:
            source.faults.refusing = dict.fromkeys(rng.sample(self.people, 3), "INVALID_OPTION")
        elif kind == 8:
            self.world.store.crash = (rng.choice(STORE_STEPS), rng.choice(("before", "after")))
        else:
            act = rng.choice(
                (lambda: source.faults.fail("read"), lambda: source.faults.fail("write"), self._kill)
            )
            act()

    def _kill(self) -> None:
        """The process dies as a request is answered."""

        def die() -> None:
            raise Crash

        rng, source = self.random, self.world.source
        if rng.random() < 0.5:
            self.world.crm.faults.append(MemoryFault(rng.choice(("write", "records")), None, die))
        else:
            rng.choice((source.faults.before, source.faults.after))(rng.choice(("read", "write")), die)

    def _between(self) -> None:
        """Somebody acts between a read and a write: on the records at hand, if there are any."""
        rng, crm = self.random, self.world.crm
        if rng.random() < 0.3 and (
            read := [x.id for x in self.world.log.events[-30:] if x.object == "record"]
        ):
            return self._edit_ours(rng.choice(read))
        sent = [x.id for x in crm.sent if x.object != "Account"]
        alive = set(self._leads()) | set(self._contacts())
        at_hand = [id for id in sent if id in alive]
        if not at_hand or rng.random() < 0.3:
            return self._act()
        id = rng.choice(at_hand)
        if id.startswith("00Q") and rng.random() < 0.5:
            return self._convert(id)
        return self._edit_theirs(id)

    def _between_ours(self) -> None:
        """Somebody edits a record that is about to be written, another field or the same."""
        if sent := self.world.source.sent:
            self._edit_ours(self.random.choice(sent).id)

    # --- cycles

    def _cycle(self) -> None:
        world = self.world
        self.accounts |= {x.id: x.account_id for x in world.crm.contacts.values() if x.account_id}
        try:
            world.run()
        except (Crash, SourceError):
            return
        self.marks.append((world.at, world.marks[-1]))
        self.broken += [f"I13: {said}" for said in world.results[-1].left_out]
        self._check()

    def _check(self) -> None:
        h = self._history(events=())
        self.broken += [*sync_checker.one_plan_names(h), *sync_checker.one_link(h)]

    def _history(self, events: Any = None) -> sync_checker.History:
        world = self.world
        crm = {
            one.id: {
                "fields": one.fields, "deleted": one.deleted, "master_id": one.master_id,
                "converted": getattr(one, "converted", False), "contact_id": getattr(one, "contact_id", None),
                "account_id": getattr(one, "account_id", None),
            }
            for rows in (world.crm.leads, world.crm.contacts, world.crm.accounts)
            for one in rows.values()
        }  # fmt: skip
        return sync_checker.History(
            world.log.events if events is None else events,
            world.store.links(),
            world.store.syncs(),
            world.store.conflicts(limit=10**6),
            crm,
            {id: self._shown(id) for id in self.people},
            self.given,
            self._merged(),
            self.accounts,
            self.marks,
            world.source.overlap,
        )

    def _shown(self, id: str) -> dict[str, Any]:
        one = self.world.source.record(id)
        return {**one.values, "gone": one.archived or one.merged_into is not None}

    def _merged(self) -> dict[str, str]:
        records = {id: self.world.source.record(id).merged_into for id in self.people}
        return {f"hubspot:{id}": f"hubspot:{winner}" for id, winner in records.items() if winner}

    def _rest(self) -> None:
        """Faults stop: after a few quiet cycles nothing is written, and both sides agree."""
        world = self.world
        world.crm.faults.clear()
        world.source.faults, world.source.drops = Faults(), 0
        world.store.crash = None
        world.rows = ROWS
        world.settle(4)
        begun = len(world.log.events)
        world.settle(2)
        self._quiet(begun)
        self.broken += sync_checker.at_rest(self._history())
        world.full_hours = 0  # from here on everything is looked at: what no search shows, too
        world.settle(6)  # who is found gone frees what others were held for, one after the other
        world.full_hours = 10_000
        begun = len(world.log.events)
        world.settle(1)
        self._quiet(begun)
        h = self._history()
        self.broken += [*sync_checker.violations(h), *sync_checker.at_rest(h, whole=True)]
        if not self.broken:
            self._edits()

    def _quiet(self, begun: int) -> None:
        for x in sync_checker.writes_in(self.world.log.events[begun:]):
            self.broken.append(f"I14: at rest {x.side} {x.object} {x.id} got {dict(x.values)} ({x.facts})")

    def _edits(self) -> None:
        """I14: one outside edit causes one write on the other side, none back, and no conflict."""
        fine = [row for row in self.world.store.syncs() if row.plan != "held" and not row.problems]
        for row in self.random.sample(fine, min(2, len(fine))):
            name = self.random.choice(list(FIELDS))
            for _ in range(2):
                self._one_edit(row.key.source_id, name)

    def _one_edit(self, id: str, name: str) -> None:
        world = self.world
        link, begun = world.live_link(id), len(world.log.events)
        assert link is not None
        conflicts = len(world.store.conflicts(limit=10**6))
        if self.random.random() < 0.5:
            world.edit_ours(id, **{name: self._value()})
        else:
            world.edit_theirs(link.crm_id, **{FIELDS[name]: self._value()})
        world.settle(3)
        done = sync_checker.writes_in(world.log.events[begun:])
        if len(done) != 1:
            self.broken.append(f"I14: one edit of {id} made {len(done)} writes: {done}")
        if len(world.store.conflicts(limit=10**6)) > conflicts:
            self.broken.append(f"I15: one edit of {id} was told as a conflict")
