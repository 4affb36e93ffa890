"""A pause holds at once, for a person, a team or the service, also within a run, and ends by itself."""

from __future__ import annotations

import getpass
import itertools
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from faulty_org import WRITE, FaultyOrg, Make, company, meanwhile
from workbooks import build

from allocator.domain.lead import State
from allocator.domain.past import PastRun

ANA, BEN, CHI = "P-001", "P-002", "P-003"
WHY = ("--reason", "at the doctor")
_LATER = itertools.count(1_000)

At = Callable[[str], datetime]


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """It is so late on Monday, UTC."""

    def move(clock: str) -> datetime:
        monkeypatch.setenv("ALLOCATOR_NOW", f"2026-11-02T{clock}:00Z")
        return datetime.fromisoformat(f"2026-11-02T{clock}:00+00:00")

    move("09:00")
    return move


@pytest.fixture
def batches_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("allocator.service.courier.BATCH", 2)


def come(org: FaultyOrg, number: int) -> list[str]:
    """So many new leads, one after another."""
    before = set(org.owners())
    names = [f"Lead {next(_LATER)}" for _ in range(number)]
    org.put("Lead", *({"LastName": n, "Company": n, "Country": "DE", "OwnerId": org.queue} for n in names))
    new = [lead for lead in org.owners() if lead not in before]
    org.leads += new
    return new


def do(org: FaultyOrg, *words: str) -> dict[str, Any]:
    code, said = org(*words)
    assert code == 0, said
    return said


def split(org: FaultyOrg) -> Counter[str | None]:
    """Who has how many leads of ours."""
    return Counter(row.person for row in org.rows().values() if row.state is State.CONFIRMED)


def credits(org: FaultyOrg) -> dict[str, int]:
    found: dict[str, int] = do(org, "rotation", "show", "Enterprise")["lanes"][0]["credits"]
    return found


# --- a person ---------------------------------------------------------------------------------------------


def test_a_paused_person_gets_nothing_their_credit_stands_still_and_they_are_back_by_themselves(
    make: Make, at: At
) -> None:
    org = make(4)
    org.run(assigned=4)
    had, credit = split(org)[ANA], credits(org)[ANA]
    do(org, "pause", "person", "ana alvarez", *WHY, "--until", "2h")
    come(org, 6)
    at("10:59")
    made = org.run(assigned=6)
    assert made["pauses"][0]["name"] == ANA and made["paused"] is None
    assert (split(org)[ANA], credits(org)[ANA]) == (had, credit)
    at("11:00")
    assert do(org, "pause", "list")["pauses"] == []
    come(org, 6)
    org.run(assigned=6)
    assert split(org)[ANA] > had


def test_a_paused_person_is_shown_with_the_end_by_rotation_explain_runs_and_doctor(
    make: Make, at: At
) -> None:
    org = make(2)
    do(org, "pause", "person", ANA, *WHY, "--until", "2h", "--by", "olga")
    (made,) = do(org, "pause", "list")["pauses"]
    end = at("11:00").isoformat()
    at("09:00")
    assert made == {
        "kind": "person", "name": ANA, "since": at("09:00").isoformat(), "until": end, "by": "olga",
        "reason": "at the doctor",
    }  # fmt: skip
    out = {"id": ANA, "why": "paused", "until": end}
    shown = do(org, "rotation", "show", "Enterprise")
    assert out in shown["lanes"][0]["out"] and shown["paused"] is None
    ran = org.run(assigned=2)
    said = f"person {ANA} is paused until 2026-11-02 11:00 UTC by olga: at the doctor"
    assert said in ran["notes"] and ran["pauses"] == [made]
    assert do(org, "runs", "show", "1")["pauses"] == [made]
    assert out in do(org, "explain", org.leads[0])["turn"]["skipped"]
    assert out in do(org, "explain", "--set", "country=DE")["turn"]["skipped"]
    _, found = org("doctor")
    check = next(one for one in found["checks"] if one["id"] == "pauses")
    assert (check["status"], check["message"]) == ("warning", said)


def test_leads_that_waited_only_for_paused_people_go_out_in_the_first_run_after_the_pause(
    make: Make, at: At
) -> None:
    org = make(3)
    for person in (ANA, BEN, CHI):
        do(org, "pause", "person", person, *WHY, "--until", "45m")
    assert org.run(4, held=3)["held_reasons"] == {"nobody_available": 3}
    at("09:44")
    org.run(held=0)  # nothing changed, so they are not decided again
    at("09:45")
    org.run(assigned=3)


def test_a_person_paused_in_the_middle_of_a_run_gets_nothing_more_and_the_next_run_gives_it_to_others(
    make: Make, at: At, batches_of_two: None
) -> None:
    org = make(6)
    org.twist(WRITE, meanwhile(lambda: do(org, "pause", "person", ANA, *WHY)))
    made = org.run(4)
    had = split(org)
    held = [lead for lead, row in org.rows().items() if row.reason == "paused"]
    assert had[ANA] == 1 and len(held) == made["leads"]["held"] == 1
    assert org.sent(held[0]) == [] and org.refunded(held[0])
    assert "is paused until it is resumed" in do(org, "explain", held[0])["detail"]
    org.heals(redecided=1, assigned=1)
    assert split(org)[ANA] == 1
    assert sum(credits(org).values()) == 0


# --- a team -----------------------------------------------------------------------------------------------


def test_a_paused_team_holds_and_the_next_run_after_it_is_resumed_gives_its_leads_oldest_first(
    make: Make, at: At
) -> None:
    org = make(2)
    do(org, "pause", "team", "ENTERPRISE", "--reason", "inventory", "--by", "olga")
    made = org.run(4, held=2)
    assert made["held_reasons"] == {"paused": 2} and made["teams"] == {}
    come(org, 2)
    org.run(4, pulled=2, redecided=2, held=4)
    _, waiting = org("leads", "held")
    assert {(one["reason"], one["detail"]) for one in waiting["leads"]} == {
        ("paused", "team Enterprise is paused until it is resumed by olga: inventory")
    }
    shown = do(org, "rotation", "show", "Enterprise")
    assert shown["paused"]["reason"] == "inventory" and len(shown["lanes"][0]["next"]) == 10
    order = [one["id"] for one in shown["lanes"][0]["next"][:4]]
    assert do(org, "resume", "team", "Enterprise")["resumed"]["name"] == "Enterprise"
    org.run(redecided=4, assigned=4)
    rows = sorted(org.rows().values(), key=lambda row: (row.record.created, row.key))
    assert [row.person for row in rows] == order


def test_a_team_paused_in_the_middle_of_a_run_gets_nothing_more_and_its_turns_are_given_back(
    make: Make, at: At, batches_of_two: None
) -> None:
    org = make(5)
    org.twist(WRITE, meanwhile(lambda: do(org, "pause", "team", "Enterprise", *WHY, "--until", "1h")))
    made = org.run(4, assigned=2, held=3)
    assert made["held_reasons"] == {"paused": 3}
    at("10:00")
    org.heals(redecided=3, assigned=3)
    assert sorted(split(org).values()) == [1, 2, 2]


# --- the service ------------------------------------------------------------------------------------------


def test_a_run_of_a_paused_service_asks_the_crm_nothing_and_says_so(make: Make, at: At) -> None:
    org = make(3)
    end = at("09:30")
    at("09:00")
    do(org, "pause", "service", "--reason", "the CRM is moved", "--until", end.isoformat())
    calls = len(org.requests())
    made = org.run(0, pulled=0, assigned=0)
    assert len(org.requests()) == calls and made["crm"]["requests"] == 0
    assert (made["paused"]["reason"], made["paused"]["until"]) == ("the CRM is moved", end.isoformat())
    assert made["paused"]["by"] == getpass.getuser()
    assert "until 2026-11-02 09:30 UTC" in made["notes"][0]
    assert do(org, "run", "--dry-run")["paused"] == made["paused"]
    listed = do(org, "runs", "list")["runs"][0]
    assert (listed["state"], listed["paused"]) == ("done", made["paused"])
    at("09:30")
    assert org.heals(pulled=3, assigned=3)["paused"] is None


def test_a_service_paused_in_the_middle_of_a_run_stops_at_the_next_batch_and_delivers_the_rest_later(
    make: Make, at: At, batches_of_two: None
) -> None:
    org = make(6)
    org.twist(WRITE, meanwhile(lambda: do(org, "pause", "service", "--reason", "stop")))
    made = org.run(4, assigned=2, retry=4)
    assert made["paused"]["reason"] == "stop"
    turns = do(org, "rotation", "show", "Enterprise")["lanes"][0]["credits"]
    org.run(0, pulled=0, redecided=0)
    waiting = [lead for lead, row in org.rows().items() if row.state is State.DECIDED]
    assert len(waiting) == 4 and all(org.sent(lead) == [] for lead in waiting)
    do(org, "resume", "service")
    org.heals(redecided=4, assigned=4)
    assert credits(org) == turns


# --- what is typed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("person", "Ana Alvares", *WHY), "Did you mean P-001?"),
        (("person", "xyz", *WHY), "See sheet Salespeople"),
        (("team", "Entreprise", *WHY), "Did you mean Enterprise?"),
        (("person", ANA, "--reason", " "), "say why"),
        (("person", ANA, "--reason", "x" * 201), "say why"),
        (("person", ANA, *WHY, "--until", "2026-11-01"), "over already"),
        (("person", ANA, *WHY, "--until", "0h"), "over already"),
        (("person", ANA, *WHY, "--until", "tomorrow"), "write it like"),
        (("person", ANA, *WHY, "--until", "2026-11-03T12:00"), "write it like"),
        (("service", *WHY, "--until", "9999-12-31"), "write it like"),
        (("service", "--until", "2h"), "Missing option"),
    ],
)
def test_a_pause_that_is_typed_wrongly_is_refused_with_what_to_type(
    typed_on: FaultyOrg, words: tuple[str, ...], says: str
) -> None:
    code, said = typed_on("pause", *words)
    assert code == 2 and says in said["error"]["message"]
    assert do(typed_on, "pause", "list")["pauses"] == []


@pytest.mark.parametrize("name", [ANA, "p-001", "ANA@example.com", "ana  alvarez", "Ana Álvarez"])
def test_a_person_is_named_by_person_id_e_mail_or_full_name(typed_on: FaultyOrg, name: str) -> None:
    assert do(typed_on, "pause", "person", name, *WHY)["name"] == ANA
    assert do(typed_on, "resume", "person", name)["resumed"]["name"] == ANA
    assert do(typed_on, "resume", "person", name)["resumed"] is None


def test_a_day_counts_whole_by_the_clock_of_the_team_and_a_later_pause_replaces_the_earlier(
    typed_on: FaultyOrg,
) -> None:
    for text, end in (
        ("2026-11-02", "2026-11-02T23:00:00+00:00"),
        ("2026-11-02T12:00+02:00", "2026-11-02T10:00:00+00:00"),
        ("90m", "2026-11-02T10:30:00+00:00"),
        ("1w", "2026-11-09T09:00:00+00:00"),
    ):
        for words in (("person", ANA), ("team", "Enterprise"), ("service",)):
            assert do(typed_on, "pause", *words, *WHY, "--until", text)["until"] == end
    assert do(typed_on, "pause", "person", ANA, *WHY)["until"] is None
    pauses = do(typed_on, "pause", "list")["pauses"]
    assert [(one["kind"], one["name"]) for one in pauses] == [
        ("service", ""), ("team", "Enterprise"), ("person", ANA),
    ]  # fmt: skip
    for words in (("person", ANA), ("team", "Enterprise"), ("service",)):
        do(typed_on, "resume", *words)


@pytest.fixture(scope="module")
def _one_org(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        org = FaultyOrg(tmp_path_factory.mktemp("typed"), patch, 1)
        yield org
        org.close()


@pytest.fixture
def typed_on(_one_org: FaultyOrg, at: At) -> FaultyOrg:
    """An org that no run touches."""
    return _one_org


# --- later ------------------------------------------------------------------------------------------------


def test_a_paused_person_who_leaves_the_tables_harms_nothing_and_can_be_resumed_by_person_id(
    make: Make, at: At
) -> None:
    org = make(2)
    do(org, "pause", "person", CHI, *WHY)
    sheets = company()
    del sheets["Salespeople"][3]
    org.book.write_bytes(build(sheets))
    org.run(assigned=2)
    assert set(split(org)) == {ANA, BEN}
    assert do(org, "resume", "person", CHI)["resumed"]["name"] == CHI


def test_a_run_keeps_who_was_paused_for_those_who_replay_it(make: Make, at: At) -> None:
    org = make(2)
    do(org, "pause", "person", ANA, *WHY, "--until", "1h")
    org.run(assigned=2)
    with org.store() as store:
        past = store.past(at("09:00") - timedelta(hours=1), most=100)
    (run,) = past.runs
    assert isinstance(run, PastRun)
    assert [(str(pause.kind), pause.name) for pause in run.pauses] == [("person", ANA)]
