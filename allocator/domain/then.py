"""How things were at the time of each past run: the tables that are tried, and the CRM's users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from allocator.domain.lead import CrmUser
from allocator.domain.past import PastRun
from rules.model import Absence, RoutingTables, Salesperson, Team

Read = Callable[[str], RoutingTables | None]
"""The tables of an accepted version by its sha256."""


class Then:
    """The tables at the time of each run: as given, with the absences of the version then in force too."""

    def __init__(self, tables: RoutingTables, read: Read) -> None:
        self._own, self._read = tables, read
        self._by_version: dict[str, RoutingTables] = {tables.version: tables}
        self._users: dict[object, Mapping[str, CrmUser]] = {}

    def tables(self, run: PastRun) -> RoutingTables:
        found = self._by_version.get(run.version)
        if found is None:
            found = self._by_version[run.version] = with_absences(self._own, self._read(run.version))
        return found

    def users(self, run: PastRun) -> Mapping[str, CrmUser] | None:
        """The CRM's users as far as known: who was not refused then is usable."""
        if run.unusable is None:
            return None
        key = frozenset(run.unusable.items())
        if key not in self._users:
            self._users[key] = {
                crm: CrmUser(crm, "", active=crm not in run.unusable)
                for crm in self._own.person_by_crm_user
                if run.unusable.get(crm) != "crm_unknown"
            }
        return self._users[key]


def with_absences(tables: RoutingTables, then: RoutingTables | None) -> RoutingTables:
    """These tables, with everybody away on the days on which those say so as well."""
    away = {person: rows[0].absences for person, rows in (then.people_by_id if then else {}).items()}
    if not any(away.values()):
        return tables

    def more(person: Salesperson) -> Salesperson:
        added = tuple(
            _beside(a, person.absences) for a in away.get(person.id, ()) if a not in person.absences
        )
        return replace(person, absences=(*person.absences, *added)) if added else person

    def team(one: Team) -> Team:
        return replace(one, people=tuple(more(p) for p in one.people))

    return replace(tables, teams=tuple(team(t) for t in tables.teams))


def _beside(then: Absence, own: tuple[Absence, ...]) -> Absence:
    """An absence as it was known then; who serves for it is as these tables say, where they know it too."""
    for one in own:
        if one.from_ <= then.until and then.from_ <= one.until:
            return replace(then, type=one.type, delegate=one.delegate)
    return then
