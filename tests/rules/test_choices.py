"""The choices of fairness.md section 3, each with the example that the docs give."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from rules.hours import parse_hours
from rules.model import Absence, CatchUp, Salesperson, Team
from rules.rotation import Ledger, Lineup, Rotation, Skipped, Turn, U, line_up, rederive
from rules.standing import Standing

MONDAY = datetime(2026, 1, 5, 12, tzinfo=UTC)
WEEK = (date(2026, 1, 5), date(2026, 1, 9))


def person(name: str, **said: object) -> Salesperson:
    return Salesperson(id=name, name=name, email=f"{name}@x.example", crm_user_id=name, team="T", **said)  # type: ignore[arg-type]


def team(*people: Salesperson, **choices: object) -> Team:
    return Team("T", people=people, **choices)  # type: ignore[arg-type]


def stand(of: Team, now: datetime = MONDAY, **facts: object) -> Standing:
    return line_up(of, facts, now, {})


def lineup(of: Team, now: datetime = MONDAY, **facts: object) -> Lineup:
    found = stand(of, now, **facts).lineup
    assert found is not None
    return found


def away(name: str, *, delegate: str | None = None, type: str = "", **said: object) -> Salesperson:
    return person(name, absences=(Absence(*WEEK, type, delegate),), **said)


def play(rotation: Rotation, of: Team, leads: int, now: datetime = MONDAY, **facts: object) -> list[Turn]:
    return [rotation.take("", lineup(of, now, **facts)) for _ in range(leads)]


def owners(turns: list[Turn]) -> str:
    return " ".join(turn.owner for turn in turns)


# -- turns or totals


def test_totals_even_out_where_skills_differ() -> None:
    """Chi alone speaks French and gets every French lead; totals pass her over for as many others."""
    people = (person("ana"), person("ben"), person("chi", languages=frozenset({"fr"})))
    got = {}
    for fairness in ("turns", "totals"):
        rotation, counts = Rotation(limit=50), dict.fromkeys(("ana", "ben", "chi"), 0)
        for k in range(60):
            facts = {"language": "fr"} if k % 6 == 0 else {}
            counts[rotation.take("", lineup(team(*people, fairness=fairness), **facts)).owner] += 1
        got[fairness] = counts
    assert got["turns"] == {"ana": 17, "ben": 17, "chi": 26}
    assert got["totals"] == {"ana": 20, "ben": 20, "chi": 20}


def test_totals_count_who_lacks_the_skill_but_not_who_is_away_or_capped() -> None:
    people = (
        away("ana"),
        person("ben", languages=frozenset({"fr"})),
        person("chi"),
        person("dev", daily_cap=1),
    )
    found = line_up(team(*people, fairness="totals"), {"language": "fr"}, MONDAY, {"dev": (1, 1)}).lineup
    assert found is not None
    assert (dict(found.able), dict(found.split.weights)) == ({"ben": 1}, {"ben": 1, "chi": 1})


def test_totals_stop_at_the_limit() -> None:
    """Without it the only French speaker would owe without bound."""
    people = (person("ana"), person("chi", languages=frozenset({"fr"})))
    rotation = Rotation(limit=3)
    turns = play(rotation, team(*people, fairness="totals"), 40, language="fr")
    credits = rotation.ledger("").credits
    assert credits == {"ana": 3 * U, "chi": -3 * U}
    assert [t.kind for t in turns[:6]] == ["turn"] * 6  # ana earns a half each until she stands at +3
    assert turns[-1].beyond is False and turns[-1].shares == {"ana": 0, "chi": U}


# -- delegates


def test_a_delegate_charged_to_the_absentee_serves_both() -> None:
    people = (away("ana", delegate="ben"), person("ben"), person("chi"))
    turns = play(Rotation(), team(*people, delegate="absentee"), 6)
    assert owners(turns) == "ben ben chi ben ben chi"
    assert [t.payer for t in turns] == ["ana", "ben", "chi"] * 2
    assert [t.kind for t in turns[:2]] == ["delegated", "turn"]
    assert all(rederive(t) == t.owner for t in turns)


def test_a_delegate_charged_to_themselves_earns_for_both() -> None:
    people = (away("ana", delegate="ben"), person("ben"), person("chi"))
    found = stand(team(*people, delegate="delegate"))
    assert found.lineup is not None and dict(found.lineup.able) == {"ben": 2, "chi": 1}
    assert found.skipped == (Skipped("ana", "absent", WEEK[1]),)
    assert owners(play(Rotation(), team(*people, delegate="delegate"), 3)).split().count("ben") == 2


@pytest.mark.parametrize(
    "ben",
    [away("ben"), person("ben", languages=frozenset({"de"}))],
    ids=["away too", "does not speak the language"],
)
def test_a_delegate_who_cannot_take_the_lead_serves_nobody(ben: Salesperson) -> None:
    french = frozenset({"fr"})
    people = (away("ana", delegate="ben", languages=french), ben, person("chi", languages=french))
    found = stand(team(*people, delegate="absentee"), language="fr")
    assert found.lineup is not None and dict(found.lineup.able) == {"chi": 1}
    assert not found.lineup.serves


def test_there_is_one_hop_only() -> None:
    people = (away("ana", delegate="ben"), away("ben", delegate="chi"), person("chi"))
    found = lineup(team(*people, delegate="absentee"))
    assert dict(found.serves) == {"ben": "chi"}


# -- catch up


def catching(**terms: int) -> dict[str, CatchUp]:
    return {"": CatchUp(**{"rate": 100, "cap": 10, "expiry": 30, "pace": 1, **terms})}


def after(days: int) -> datetime:
    return datetime(2026, 1, 9, 12, tzinfo=UTC) + timedelta(days=days)


def test_missed_leads_are_made_good_one_at_a_time() -> None:
    """Three people, Ana away for six leads: she missed two, and gets two besides her turns."""
    people = (away("ana"), person("ben"), person("chi"))
    of, rotation = team(*people, after_absence=catching()), Rotation()
    play(rotation, of, 6)
    back = play(rotation, of, 8, after(1))
    assert [t.kind for t in back] == ["catch-up", "turn", "catch-up", *["turn"] * 5]
    assert [t.owner for t in back].count("ana") == 4
    assert all(t.paid == 0 and not any(t.shares.values()) for t in back if t.kind == "catch-up")
    assert all(rederive(t) == t.owner for t in back)


@pytest.mark.parametrize(
    ("terms", "extra"),
    [({}, 4), ({"rate": 50}, 2), ({"cap": 3}, 3), ({"rate": 0}, 0), ({"expiry": 1}, 4)],
)
def test_extra_leads_are_the_missed_ones_times_the_rate_up_to_the_cap(
    terms: dict[str, int], extra: int
) -> None:
    of = team(away("ana"), person("ben"), person("chi"), after_absence=catching(**terms))
    rotation = Rotation()
    play(rotation, of, 12)
    assert sum(t.kind == "catch-up" for t in play(rotation, of, 30, after(1))) == extra


def test_vouchers_expire_and_stay_expired() -> None:
    of, rotation = team(away("ana"), person("ben"), after_absence=catching(expiry=3)), Rotation()
    play(rotation, of, 6)
    (paid,) = play(rotation, of, 1, after(3))
    assert paid.kind == "catch-up"
    rotation.give_back("", paid)
    assert all(t.kind == "turn" for t in play(rotation, of, 6, after(4)))


def test_the_pace_lets_others_have_a_turn_between() -> None:
    of, rotation = team(away("ana"), person("ben"), after_absence=catching(pace=2)), Rotation()
    play(rotation, of, 8)
    kinds = [t.kind for t in play(rotation, of, 6, after(1))]
    assert kinds == ["catch-up", "catch-up", "turn", "catch-up", "catch-up", "turn"]


def test_types_have_terms_of_their_own() -> None:
    terms = {"sick": CatchUp(rate=100), "": CatchUp(rate=0)}
    for type, vouchers in (("Sick", 1), ("Holiday", 0)):
        rotation = Rotation()
        play(rotation, team(away("ana", type=type), person("ben"), after_absence=terms), 4)
        assert len(rotation.ledger("").vouchers) == vouchers


def test_who_is_served_by_a_delegate_misses_nothing() -> None:
    of = team(away("ana", delegate="ben"), person("ben"), after_absence=catching(), delegate="absentee")
    rotation = Rotation()
    play(rotation, of, 4)
    assert not rotation.ledger("").vouchers


# -- taken by hand, given by an override


def test_a_lead_taken_by_hand_is_charged_to_the_taker() -> None:
    rotation = Rotation()
    turn = rotation.charge("", {"ana": 1, "ben": 1}, "chi", 1, "by hand")
    assert turn.changes == {"ana": U // 3, "ben": U // 3, "chi": U // 3 - U}
    assert (turn.owner, turn.kind, rederive(turn)) == ("chi", "by hand", "chi")
    everybody = dict.fromkeys(("ana", "ben", "chi"), 1)
    assert [rotation.take("", everybody).owner for _ in range(2)] == ["ana", "ben"]


def test_a_lead_by_hand_beyond_the_limit_moves_no_credit() -> None:
    rotation = Rotation(limit=1)
    turns = [rotation.charge("", {"ana": 1, "ben": 1}, "chi", 1, "by hand") for _ in range(4)]
    assert rotation.ledger("").credits["chi"] >= -U
    assert turns[-1].beyond and turns[-1].kind == "by hand"
    assert all(rederive(t) == "chi" for t in turns)


def test_a_lead_by_hand_where_nobody_could_take_it_changes_nothing() -> None:
    rotation = Rotation()
    rotation.charge("", None, "chi", 1, "override")
    assert rotation.ledger("").credits == {"chi": 0}


# -- holidays and hours


def test_on_a_public_holiday_of_the_teams_calendar_nobody_is_there() -> None:
    of = team(person("ana"), holidays="DE-BY")
    epiphany = datetime(2026, 1, 6, 12, tzinfo=UTC)
    assert stand(of, epiphany).skipped == (Skipped("ana", "holiday", date(2026, 1, 6)),)
    assert stand(replace(of, holidays="DE-BE"), epiphany).lineup is not None


OFFICE = parse_hours("Mon-Fri 09:00-17:00")


def test_at_night_a_lead_waits() -> None:
    night = MONDAY.replace(hour=20)
    found = stand(team(person("ana"), hours=OFFICE), night)
    assert found == Standing(None, (Skipped("ana", "outside_hours", datetime(2026, 1, 6, 9, tzinfo=UTC)),))


def test_or_goes_to_whoever_works_next() -> None:
    early = parse_hours("Mon-Fri 06:00-14:00")
    people = (person("ana"), person("ben", hours=early), person("chi", hours=early), away("dev", hours=early))
    of = team(*people, hours=OFFICE, outside_hours="next")
    assert dict(lineup(of, MONDAY.replace(hour=20)).able) == {"ben": 1, "chi": 1}
    assert dict(lineup(of, MONDAY.replace(hour=15)).able) == {"ana": 1}


def test_peoples_own_hours_come_before_the_teams() -> None:
    of = team(person("ana", hours=parse_hours("always")), person("ben"), hours=OFFICE)
    assert dict(lineup(of, MONDAY.replace(hour=3)).able) == {"ana": 1}


# -- the record


def test_a_damaged_turn_is_told() -> None:
    turn = Rotation().take("", {"ana": 1, "ben": 1})
    with pytest.raises(ValueError, match="turn 1 is damaged"):
        rederive(replace(turn, before={"ana": 0, "ben": U}))


def test_what_is_not_in_a_ledger_does_not_change_what_it_is() -> None:
    assert Ledger(credits={"ana": 0}).canonical() == Ledger().canonical()
