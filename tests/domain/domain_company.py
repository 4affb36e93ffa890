"""A small company for the domain tests: team Enterprise with Ana, Ben and Chi on one Monday, 09:00 UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import CrmUser, LeadKey, Match, Record, State
from allocator.domain.plan import Assigned, Inputs, Lookups, Plan, Work, plan
from rules.cells import parse_cell
from rules.facts import default_facts
from rules.model import Fact, Layer, OwnerOverride, RoutingTables, Row, Salesperson, Team
from rules.rotation import Ledger
from rules.vocabulary import vocabulary

MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)
INTAKE = "00G0000000INTAKE00"
FACTS: tuple[Fact, ...] = (*default_facts(), Fact("tags", "text"))


def person(name: str, team: str = "Enterprise", **more: object) -> Salesperson:
    row = Salesperson(name, name.title(), f"{name}@example.com", user_id(name), team)
    return replace(row, **more)  # type: ignore[arg-type]


def user_id(name: str) -> str:
    return f"005{name:>015}".replace(" ", "0")


def team(name: str = "Enterprise", *people: Salesperson, **more: object) -> Team:
    members = tuple(replace(p, team=name) for p in people or (person("ana"), person("ben"), person("chi")))
    return replace(Team(name, people=members), **more)  # type: ignore[arg-type]


def rule(rule_id: str, when: Mapping[str, str] | None = None, **then: object) -> Row:
    """A row of the one layer; `when` maps facts to cells, `sets` in `then` is a mapping."""
    words = vocabulary(FACTS, ())
    kinds = {f.name: f for f in FACTS}
    conditions = tuple((f, parse_cell(c, kinds[f], words).condition) for f, c in (when or {}).items())
    sets = tuple(dict(then.pop("sets", {})).items())  # type: ignore[call-overload]
    number = Decimal(rule_id.partition("-")[2])
    cells = {f"If {f}": f"E{number}" for f in when or {}}
    return Row("Team", "Team", int(number), rule_id, number, conditions, sets, cells=cells, **then)  # type: ignore[arg-type]


TO_ENTERPRISE = rule("T-99", team="Enterprise")


def company(
    *teams: Team,
    rules: Sequence[Row] = (TO_ENTERPRISE,),
    overrides: Iterable[OwnerOverride] = (),
    version: str = "v1",
    **settings: str,
) -> RoutingTables:
    """`settings` by their names with _ for a blank: same_email, known_account, time_zone."""
    names = {"same_email": "same e-mail", "known_account": "known account", "time_zone": "time zone"}
    return RoutingTables(
        version=version,
        settings={names[k]: v for k, v in settings.items()},
        facts=FACTS,
        values=(),
        groups={},
        layers=(Layer("Team", "Team", Decimal(1), "continue", tuple(rules)),),
        teams=teams or (team(),),
        overrides=tuple(overrides),
    )


def lead(
    number: int, *, held: bool = False, stood_back: frozenset[str] = frozenset(), **fields: object
) -> Work:
    """Lead `number`, created that many seconds after 08:00. Field names with __ stand as they are."""
    record = Record(
        key=LeadKey("salesforce", f"00Q{number:015d}"),
        created=MONDAY - timedelta(hours=1) + timedelta(seconds=number),
        stamp=MONDAY - timedelta(minutes=30),
        owner=INTAKE,
        fields=fields,
    )
    return Work(record, epoch=1, held=held, stood_back=stood_back)


def leads(count: int, **fields: object) -> tuple[Work, ...]:
    return tuple(lead(n, **fields) for n in range(count))  # type: ignore[arg-type]


def everybody(tables: RoutingTables, *, inactive: Iterable[str] = ()) -> dict[str, CrmUser]:
    """The CRM's users: everybody on Salespeople."""
    out = set(inactive)
    people = (p for t in tables.teams for p in t.people)
    return {p.crm_user_id: CrmUser(p.crm_user_id, p.name, active=p.id not in out) for p in people}


def inputs(tables: RoutingTables, work: Sequence[Work], **more: object) -> Inputs:
    """As of Monday, with a CRM that knows everybody and nothing else."""
    lookups = Lookups(users=everybody(tables), intake=frozenset({INTAKE}))
    given = Inputs(tables, tuple(work), MONDAY, SALESFORCE_FACTS, lookups=lookups)
    return replace(given, **more)  # type: ignore[arg-type]


def knowing(tables: RoutingTables, **more: object) -> Lookups:
    """Look-ups with everybody usable, and what `more` says."""
    return replace(Lookups(users=everybody(tables), intake=frozenset({INTAKE})), **more)  # type: ignore[arg-type]


def match(kind: str, number: int, owner: str) -> Match:
    prefix = {"Lead": "00Q", "Contact": "003", "Account": "001"}[kind]
    return Match(kind, f"{prefix}{number:015d}", owner, MONDAY)


def decided(given: Inputs) -> list[Assigned]:
    return list(plan(given).decided)


def only(given: Inputs) -> Assigned:
    (one,) = plan(given).decided
    return one


def owners(given: Inputs) -> list[str | None]:
    return [one.person for one in plan(given).decided]


def carried_on(given: Inputs, made: Plan, work: Sequence[Work]) -> Inputs:
    """The next run as of the same instant: what store and CRM show once the plan is carried out."""
    people = dict(given.lookups.people)
    by_key = {w.key: w for w in given.work}
    for one in made.decided:
        email = by_key[one.key].record.fields.get("Email")
        if one.state is State.DECIDED and one.owner and isinstance(email, str):
            found = Match("Lead", one.key.source_id, one.owner, given.now)
            people[email.lower()] = (*people.get(email.lower(), ()), found)
    counted = [(d.team, d.person, given.now) for d in made.decided if d.team and d.person]
    return replace(
        given,
        work=tuple(work),
        ledgers=_stored(given.ledgers, made.ledgers),
        given=(*given.given, *counted),
        lookups=replace(given.lookups, people=people),
    )


def _stored(
    before: Mapping[tuple[str, str], Ledger], changed: Mapping[tuple[str, str], Ledger]
) -> dict[tuple[str, str], Ledger]:
    """Ledgers as a store reads them: team credits, last turns and sequence are one for all lanes."""
    found = {**before, **changed}
    newest = {team: ledger for (team, _), ledger in changed.items()}
    return {
        (team, lane): replace(
            ledger,
            team_credits=newest[team].team_credits,
            last_turn=newest[team].last_turn,
            next_sequence=newest[team].next_sequence,
        )
        if team in newest
        else ledger
        for (team, lane), ledger in found.items()
    }
