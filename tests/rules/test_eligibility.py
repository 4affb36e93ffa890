"""Who may take a lead: E of fairness.md section 1, F6 and F12."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.eligibility import Skipped, Taken, Why, why_empty
from rules.model import Absence, Salesperson, Team
from rules.rotation import Rotation
from rules.standing import eligible

MONDAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TODAY = MONDAY.date()
DAY = timedelta(days=1)


def person(name: str, **given: object) -> Salesperson:
    row = Salesperson(name, name.title(), f"{name}@example.com", f"005{name}", "Enterprise")
    return replace(row, **given)  # type: ignore[arg-type]


def enterprise(*people: Salesperson, zone: str = "UTC") -> Team:
    return Team("Enterprise", zone, people or (person("ana"), person("ben"), person("chi")))


def only(skipped: tuple[Skipped, ...]) -> Skipped:
    (one,) = skipped
    return one


def test_everybody_who_can_is_there_with_their_weight() -> None:
    team = enterprise(person("chi"), person("ana", weight=3), person("ben"))
    candidates, skipped = eligible(team, {}, MONDAY, {})
    assert candidates == {"ana": 3, "ben": 1, "chi": 1}
    assert list(candidates) == ["ana", "ben", "chi"], "in code-point order, whatever the sheet's"
    assert skipped == ()


@pytest.mark.parametrize(
    ("given", "why", "until"),
    [
        ({"active": False}, Why.INACTIVE, None),
        ({"start": TODAY + DAY}, Why.NOT_STARTED, TODAY + DAY),
        ({"end": TODAY - DAY}, Why.ENDED, None),
        ({"absences": (Absence(TODAY, TODAY),)}, Why.ABSENT, TODAY),
        ({"absences": (Absence(TODAY - DAY, TODAY + 3 * DAY),)}, Why.ABSENT, TODAY + 3 * DAY),
        ({"weekly_cap": 5}, Why.WEEKLY_CAP, date(2026, 3, 9)),
        ({"daily_cap": 2}, Why.DAILY_CAP, date(2026, 3, 3)),
        ({"daily_cap": 0}, Why.DAILY_CAP, date(2026, 3, 3)),
    ],
)
def test_who_may_not_is_named_with_the_reason_and_its_end(
    given: dict[str, object], why: Why, until: date | None
) -> None:
    candidates, skipped = eligible(enterprise(person("ana", **given)), {}, MONDAY, {"ana": (2, 5)})
    assert candidates == {}
    assert only(skipped) == Skipped("ana", why.value, until)


@pytest.mark.parametrize(
    "given",
    [
        {"start": TODAY, "end": TODAY},
        {"absences": (Absence(TODAY + DAY, TODAY + 2 * DAY), Absence(TODAY - 9 * DAY, TODAY - DAY))},
        {"daily_cap": 3, "weekly_cap": 6},
    ],
)
def test_days_are_inclusive_and_a_cap_is_the_last_lead_given(given: dict[str, object]) -> None:
    candidates, _ = eligible(enterprise(person("ana", **given)), {}, MONDAY, {"ana": Taken(day=2, week=5)})
    assert candidates == {"ana": 1}


def test_absences_that_touch_or_overlap_end_together() -> None:
    away = (
        Absence(TODAY + 3 * DAY, TODAY + 5 * DAY),
        Absence(TODAY - DAY, TODAY + 2 * DAY),
        Absence(TODAY, TODAY + DAY),
        Absence(TODAY + 7 * DAY, TODAY + 9 * DAY),
    )
    _, skipped = eligible(enterprise(person("ana", absences=away)), {}, MONDAY, {})
    assert only(skipped).until == TODAY + 5 * DAY


def test_days_are_those_of_the_teams_time_zone() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
    away = person("ana", absences=(Absence(TODAY, TODAY),))
    assert eligible(enterprise(away, zone="UTC"), {}, late, {})[0] == {"ana": 1}
    assert eligible(enterprise(away, zone="Europe/Berlin"), {}, late, {})[0] == {}
    assert eligible(enterprise(away), {}, late.astimezone(ZoneInfo("Asia/Tokyo")), {})[0] == {"ana": 1}
    capped = person("ana", daily_cap=1)
    _, skipped = eligible(enterprise(capped, zone="Asia/Tokyo"), {}, late, {"ana": (1, 1)})
    assert only(skipped).until == date(2026, 3, 3)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        eligible(enterprise(), {}, MONDAY.replace(tzinfo=None), {})


@pytest.mark.parametrize(
    ("facts", "who"),
    [
        ({}, {"ana", "ben", "chi"}),
        ({"language": None, "tags": ()}, {"ana", "ben", "chi"}),
        ({"language": "de"}, {"ana", "chi"}),
        ({"language": " DE "}, {"ana", "chi"}),
        ({"language": "de", "tags": ("healthcare",)}, {"chi"}),
        ({"tags": "Healthcare, public"}, {"chi"}),
        ({"tags": ("healthcare", "navy")}, set()),
    ],
)
def test_languages_and_tags_must_all_be_there_without_case(facts: dict[str, object], who: set[str]) -> None:
    team = enterprise(
        person("ana", languages=frozenset({"DE", "fr"})),
        person("ben", languages=frozenset({"en"}), tags=frozenset({"healthcare"})),
        person("chi", languages=frozenset({"de"}), tags=frozenset({"Healthcare", "public"})),
    )
    assert set(eligible(team, facts, MONDAY, {})[0]) == who


def test_several_reasons_are_named_in_one_order_and_all_kept() -> None:
    ana = person("ana", absences=(Absence(TODAY, TODAY),), daily_cap=0, weekly_cap=0)
    _, skipped = eligible(enterprise(ana), {"language": "de"}, MONDAY, {}, unusable={"ana": "no Lead access"})
    assert only(skipped).why == "absent"
    assert only(skipped).also == ("no Lead access", "language", "weekly_cap", "daily_cap")


def test_whom_the_crm_refuses_is_out_in_the_callers_words() -> None:
    unusable = {"ana": "crm user inactive", "ben": ""}
    candidates, skipped = eligible(enterprise(), {}, MONDAY, {}, unusable=unusable)
    assert candidates == {"chi": 1}
    assert [s.why for s in skipped] == ["crm user inactive", "crm_inactive"]


def test_who_is_not_first_choice_stands_back_while_anybody_else_can() -> None:
    candidates, skipped = eligible(enterprise(), {}, MONDAY, {}, not_first=frozenset({"ana"}))
    assert list(candidates) == ["ben", "chi"]
    assert only(skipped) == Skipped("ana", "not_first")
    candidates, skipped = eligible(enterprise(person("ana")), {}, MONDAY, {}, not_first=frozenset({"ana"}))
    assert (candidates, skipped) == ({"ana": 1}, ())


SPEAKS = frozenset({"fr"})
CAPPED = {"daily_cap": 0}
AWAY = {"absences": (Absence(TODAY, TODAY),)}


@pytest.mark.parametrize(
    ("people", "reason"),
    [
        ((), "nobody_available"),
        (({},), "no_skill"),
        (({}, AWAY), "no_skill"),
        (({}, {"languages": SPEAKS, "active": False}), "no_skill"),
        (({}, {"languages": SPEAKS, **AWAY}), "nobody_available"),
        (({}, {"languages": SPEAKS, "start": TODAY + DAY}), "nobody_available"),
        (({"languages": SPEAKS, **CAPPED},), "all_capped"),
        (({"languages": SPEAKS, **CAPPED}, {"languages": SPEAKS, **AWAY}, {}), "all_capped"),
        (({"languages": SPEAKS, **CAPPED, **AWAY}, {}), "nobody_available"),
        (({"languages": SPEAKS, "active": False},), "nobody_available"),
    ],
)
def test_an_empty_e_has_one_reason(people: tuple[dict[str, object], ...], reason: str) -> None:
    rows = tuple(person(f"p{k}", **given) for k, given in enumerate(people))
    candidates, skipped = eligible(Team("Enterprise", people=rows), {"language": "fr"}, MONDAY, {})
    assert candidates == {}
    assert why_empty(skipped) == reason


def test_who_cannot_is_never_let_in_for_want_of_anybody_else() -> None:
    out = person("ana", **AWAY)
    candidates, _ = eligible(enterprise(out), {}, MONDAY, {}, not_first=frozenset({"ana"}))
    assert candidates == {}


some_person = st.builds(
    lambda active, start, end, away, daily, weekly, languages: {
        "active": active,
        "start": TODAY + start * DAY,
        "end": TODAY + end * DAY,
        "absences": tuple(Absence(TODAY + a * DAY, TODAY + (a + n) * DAY) for a, n in away),
        "daily_cap": daily,
        "weekly_cap": weekly,
        "languages": frozenset(languages),
    },
    st.booleans() | st.just(True),
    st.integers(-4, 2),
    st.integers(0, 12),
    st.lists(st.tuples(st.integers(-3, 12), st.integers(0, 3)), max_size=2),
    st.none() | st.integers(0, 3),
    st.none() | st.integers(0, 6),
    st.sets(st.sampled_from(["de", "fr"])),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(some_person, max_size=5), st.lists(st.sampled_from(["", "de", "fr"]), max_size=60))
def test_over_two_weeks_nobody_gets_what_they_may_not(
    people: list[dict[str, object]], leads: list[str]
) -> None:
    """F6 and F12, four leads a day: presence, skill and caps hold at the time of each decision."""
    team = Team("Enterprise", people=tuple(person(f"p{k}", **given) for k, given in enumerate(people)))
    rows = {p.id: p for p in team.people}
    rotation, got = Rotation(), list[tuple[date, str]]()
    for k, language in enumerate(leads):
        now = MONDAY + (k // 4) * DAY
        day, monday = now.date(), now.date() - now.weekday() * DAY
        taken = {
            i: Taken(sum(g == (day, i) for g in got), sum(d >= monday and p == i for d, p in got))
            for i in rows
        }
        candidates, skipped = eligible(team, {"language": language}, now, taken)
        assert sorted([*candidates, *(s.id for s in skipped)]) == sorted(rows)
        credits = dict(rotation.ledger("").credits)
        if candidates:
            got.append((day, rotation.take("", candidates).owner))
        after = rotation.ledger("").credits
        assert all(after.get(s.id) == credits.get(s.id) for s in skipped), "who is out earns nothing"
        if not candidates:
            assert why_empty(skipped) in {"nobody_available", "all_capped", "no_skill"}
            continue
        winner = rows[got[-1][1]]
        assert winner.active and winner.start and winner.end and winner.start <= day <= winner.end
        assert not any(a.from_ <= day <= a.until for a in winner.absences)
        assert not language or language in winner.languages
        assert winner.daily_cap is None or taken[winner.id].day < winner.daily_cap
        assert winner.weekly_cap is None or taken[winner.id].week < winner.weekly_cap
