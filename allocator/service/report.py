"""Stage report: what a run did, as the one JSON object that people, scripts and the next tools read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from allocator.domain.lead import By, Effect, LeadKey, State
from allocator.domain.pauses import Pause
from allocator.domain.plan import Assigned
from allocator.domain.records import CrmUsage, PendingWrite, Settlement
from allocator.service.take_back import Taken

SCHEMA = 1


@dataclass(slots=True)
class Tally:
    """Each lead this run took up, once, with where it ended. `again`: known from an earlier run."""

    outcome: dict[LeadKey, tuple[str, str | None]] = field(default_factory=dict)
    place: dict[LeadKey, tuple[str | None, str | None]] = field(default_factory=dict)
    again: set[LeadKey] = field(default_factory=set)
    returned: int = 0
    switched: int = 0
    fallback: list[LeadKey] = field(default_factory=list)
    """Leads that a fallback was decided for in this run."""
    back: Taken = field(default_factory=Taken)
    """What was put back, so that this run decides it again, and what could not be."""

    def leftover(self, pending: Iterable[PendingWrite]) -> None:
        """Writes of earlier runs that this one carries on with."""
        for write in pending:
            self.again.add(write.key)
            self._note_place(write.key, write.effect, write.team, write.person)
            self.outcome[write.key] = ("retry", None)

    def planned(self, decided: Iterable[Assigned], again: Iterable[LeadKey], *, live: bool) -> None:
        """What was decided. In observe mode a decision counts as if it were delivered."""
        self.again.update(again)
        for one in decided:
            self._note_place(one.key, one.effect, one.team, one.person)
            if one.by in (By.FALLBACK_TEAM, By.FALLBACK_QUEUE):
                self.fallback.append(one.key)
            given = "retry" if live else "assigned"
            self.outcome[one.key] = (given, None) if one.state is State.DECIDED else ("held", one.reason)

    def _note_place(self, key: LeadKey, effect: Effect, team: str | None, person: str | None) -> None:
        """Of a mere link nobody is given anything: its owner had the person before."""
        self.place[key] = (None, None) if effect is Effect.LINK else (team, person)

    def settled(self, settlements: Iterable[Settlement], *, again: bool = False) -> None:
        names = {
            State.CONFIRMED: "assigned",
            State.TAKEN: "taken",
            State.HELD: "held",
            State.CLOSED: "closed",
        }
        for one in settlements:
            self.outcome[one.key] = (names[one.state], one.reason)
            if again:
                self.again.add(one.key)

    def back_notes(self) -> list[str]:
        """Leads that were to be taken back and are not."""
        dropped = [f"{one.key} was {one.why} and stays where it is: {why}" for one, why in self.back.dropped]
        return [*dropped, *(f"{one.key} was {one.why}: the next run takes it back" for one in self.back.left)]

    def counts(self) -> dict[str, int]:
        """pulled + redecided = assigned + held + taken + closed + retry, by construction."""
        ends = Counter(kind for kind, _ in self.outcome.values())
        redecided = sum(1 for key in self.outcome if key in self.again)
        return {
            "pulled": len(self.outcome) - redecided,
            "redecided": redecided,
            "returned": self.returned,
            **{kind: ends[kind] for kind in ("assigned", "held", "taken", "closed", "retry")},
            "taken_back": len(self.back.done),
            "converted": self.switched,
        }

    def held_of_new(self) -> tuple[int, int]:
        """Of the leads that this run saw first: how many it holds, and how many there are."""
        new = [kind for key, (kind, _) in self.outcome.items() if key not in self.again]
        return new.count("held"), len(new)

    def people_given(self) -> frozenset[str]:
        """Person IDs who own a lead of this run now."""
        owners = (
            self.place.get(k, (None, None))[1] for k, (kind, _) in self.outcome.items() if kind == "assigned"
        )
        return frozenset(filter(None, owners))

    def held_reasons(self) -> dict[str, int]:
        return dict(sorted(Counter(r for kind, r in self.outcome.values() if kind == "held" and r).items()))

    def teams(self) -> dict[str, dict[str, int]]:
        """Team -> Person ID -> leads given in this run; a queue's leads stand under "(queue)"."""
        split: dict[str, Counter[str]] = {}
        for key, (kind, _) in self.outcome.items():
            team, person = self.place.get(key, (None, None))
            if kind == "assigned" and team:
                split.setdefault(team, Counter())[person or "(queue)"] += 1
        return {team: dict(sorted(people.items())) for team, people in sorted(split.items())}


def summary(
    tally: Tally,
    *,
    run: int,
    slot: str,
    by: str,
    tables_version: str | None,
    live: bool,
    usage: CrmUsage,
    held_total: int,
    seconds: float,
    notes: Iterable[str] = (),
    pauses: Sequence[Pause] = (),
    stopped_by: Pause | None = None,
    synced: Mapping[str, Mapping[str, int]] | None = None,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The run's JSON object (contracts: run). `stopped_by` is the pause of the service that it ran into."""
    return {
        "schema": SCHEMA,
        "run": run,
        "slot": slot,
        "by": by,
        "tables_version": tables_version,
        "live": live,
        "leads": {**tally.counts(), "held_total": held_total},
        "held_reasons": tally.held_reasons(),
        "teams": tally.teams(),
        "crm": crm_counts(usage),
        "sync": {name: dict(counts) for name, counts in (synced or {}).items()},
        "sources": {name: dict(asked) for name, asked in (sources or {}).items()},
        "seconds": round(seconds, 3),
        "notes": list(notes),
        "paused": stopped_by.shown if stopped_by else None,
        "pauses": [pause.shown for pause in pauses],
    }


def crm_counts(usage: CrmUsage) -> Mapping[str, Any]:
    return {
        "requests": usage.requests,
        "by_kind": dict(sorted(usage.by_kind.items())),
        "cache_hits": usage.cache_hits,
        "cache_misses": usage.cache_misses,
    }
