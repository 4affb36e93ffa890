"""Every row of the table of cells, and every mistake with the text that mends it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.cells import CODES, CellError, Condition, ParsedCell, group_condition, parse_cell
from rules.condition import fits, is_inside
from rules.facts import default_facts
from rules.model import Fact, FactValue, KnownValue, Unmapped
from rules.vocabulary import vocabulary

FACTS = {f.name: f for f in default_facts()}
VALUES = (
    KnownValue("campaign", "Webinar, Q3"),
    KnownValue("campaign", "Not Specified"),
    KnownValue("campaign", "WEB-2026", "Website 2026", ("google", "Google Ads")),
    KnownValue("campaign", "(none)", aliases=("Select",)),
    KnownValue("country", "(none)", aliases=("n/a",)),
    KnownValue("country", "US", aliases=("Yankeeland",)),
)
GROUPS = {"@DACH": ("Country", ["DE", "Austria, CH"]), "@Web": ("campaign", ["WEB-*", "google"])}
WORDS = vocabulary(FACTS.values(), VALUES, GROUPS)

NONE, LOST = None, Unmapped("Untied Kingdom")


def parse(text: str, fact: str = "country") -> ParsedCell:
    return parse_cell(text, FACTS[fact], WORDS)


def accepted(text: str, fact: str, values: list[FactValue]) -> list[FactValue]:
    condition = parse(text, fact).condition
    return [v for v in values if condition.matches(v)]


COUNTRIES: list[FactValue] = ["DE", "AT", "CH", "FR", "GB", "NA", "KR", NONE, LOST]


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [
        ("*", COUNTRIES),
        ("germany", ["DE"]),
        ("ＤＥ", ["DE"]),
        ("DEU", ["DE"]),
        ("DE, AT; CH", ["DE", "AT", "CH"]),
        ("DE\nAT", ["DE", "AT"]),
        (" DE,\r\nAT\r\n", ["DE", "AT"]),
        ("@DACH", ["DE", "AT", "CH"]),
        ("@dach, not CH", ["DE", "AT"]),
        ("not GB", ["DE", "AT", "CH", "FR", "NA", "KR"]),
        ("!GB", ["DE", "AT", "CH", "FR", "NA", "KR"]),
        ("NOT UK", ["DE", "AT", "CH", "FR", "NA", "KR"]),
        ("not @DACH", ["FR", "GB", "NA", "KR"]),
        ('not "GB", not FR', ["DE", "AT", "CH", "NA", "KR"]),
        ("*, not GB", ["DE", "AT", "CH", "FR", "NA", "KR", NONE, LOST]),
        ("not GB, *", ["DE", "AT", "CH", "FR", "NA", "KR", NONE, LOST]),
        ("(none), DE", ["DE", NONE]),
        ("( None )", [NONE]),
        ("(unmapped)", [LOST]),
        ("not (none)", ["DE", "AT", "CH", "FR", "GB", "NA", "KR"]),
        ("*, not (none)", ["DE", "AT", "CH", "FR", "GB", "NA", "KR", LOST]),
        ("*, not (unmapped)", ["DE", "AT", "CH", "FR", "GB", "NA", "KR", NONE]),
        ("DE, not FR", ["DE"]),
        ("NA", ["NA"]),
        ('"Korea, Republic of"', ["KR"]),
        ("n/a", [NONE]),
    ],
)
def test_a_country_cell_means(cell: str, meaning: list[FactValue]) -> None:
    assert accepted(cell, "country", COUNTRIES) == meaning


CAMPAIGNS: list[FactValue] = [
    "Webinar, Q3", "Webinar", "Acme", "Inc.", "Acme, Inc.", "Not Specified", "Specified", "interested",
    "Notion", "not-for-profit", '5" pipe', "Other", "(not set)", "WEB-2026-A", "WEB-2026-*", "WEB-1234-DE",
    "1..5", "STRASSE",
    "WEB-2026", "say \"hi\"", "a@gmail.com", NONE,
]  # fmt: skip


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [
        ('"Webinar, Q3"', ["Webinar, Q3"]),
        ("Webinar; Acme", ["Webinar", "Acme"]),
        ("Acme, Inc.", ["Acme", "Inc."]),
        ("“Acme, Inc.”", ["Acme, Inc."]),
        ("„Acme, Inc.“, Acme", ["Acme", "Acme, Inc."]),
        ('"Not Specified"', ["Not Specified"]),
        ("Not interested", [c for c in CAMPAIGNS if c not in ("interested", NONE)]),
        ("Notion", ["Notion"]),
        ("not-for-profit", ["not-for-profit"]),
        ('5" pipe', ['5" pipe']),
        ("Other", ["Other"]),
        ("(not set)", ["(not set)"]),
        ("WEB-2026-*", ["WEB-2026-A", "WEB-2026-*"]),
        ("web-????-de", ["WEB-1234-DE"]),
        ("@web", ["WEB-2026-A", "WEB-2026-*", "WEB-1234-DE", "WEB-2026"]),
        ("WEB-*, not WEB-2026-*", ["WEB-1234-DE", "WEB-2026"]),
        ("WEB-*, not WEB-2026-A", ["WEB-2026-*", "WEB-1234-DE", "WEB-2026"]),
        ('"WEB-2026-*"', ["WEB-2026-*"]),
        ("1..5", ["1..5"]),
        ("Straße", ["STRASSE"]),
        ("GOOGLE ads", ["WEB-2026"]),
        ("Website 2026", ["WEB-2026"]),
        ("Select", [NONE]),
        ('"say ""hi"""', ['say "hi"']),
        ("*@gmail.com", ["a@gmail.com"]),
        ('"a@gmail.com"', ["a@gmail.com"]),
    ],
)
def test_a_text_cell_means(cell: str, meaning: list[FactValue]) -> None:
    assert accepted(cell, "campaign", CAMPAIGNS) == meaning


NUMBERS: list[FactValue] = [
    *map(Decimal, ("-3", "0", "5", "9", "9.5", "10", "20", "50", "51", "249", "250")),
    NONE,
    LOST,
]


@pytest.mark.parametrize(
    ("cell", "meaning"),
    [
        ("50..249", "50 51 249"),
        ("50 .. 249", "50 51 249"),
        ("> 50", "51 249 250"),
        ("≥50", "50 51 249 250"),
        ("≤ 0", "-3 0"),
        ("<0", "-3"),
        ("-3", "-3"),
        ("-5..-1", "-3"),
        ("(none), <10", "-3 0 5 9 9.5 none"),
        ("not 5..9", "-3 0 9.5 10 20 50 51 249 250"),
        ("5..20, not 9.5", "5 9 10 20"),
        ("10; 20", "10 20"),
        ("10, 20", "10 20"),
        ("９..10", "9 9.5 10"),
        ("not (none)", "-3 0 5 9 9.5 10 20 50 51 249 250"),
        ("*, not >5", "-3 0 5 none lost"),
        ("(unmapped)", "lost"),
    ],
)
def test_a_number_cell_means(cell: str, meaning: str) -> None:
    names: dict[str, FactValue] = {"none": NONE, "lost": LOST}
    wanted = [names[w] if w in names else Decimal(w) for w in meaning.split()]
    assert accepted(cell, "employees", NUMBERS) == wanted


@pytest.mark.parametrize(
    ("cell", "days"),
    [
        ("2026-01-01..2026-03-31", "2026-01-01 2026-03-31"),
        (">2026-03-31", "2026-04-01"),
        ("<= 2026-01-01", "2025-12-31 2026-01-01"),
        ("2026-01-01, 2026-04-01", "2026-01-01 2026-04-01"),
        ("not 2026-01-01..2026-03-31", "2025-12-31 2026-04-01"),
    ],
)
def test_a_date_cell_means(cell: str, days: str) -> None:
    values: list[FactValue] = [
        date(2025, 12, 31), date(2026, 1, 1), date(2026, 3, 31), date(2026, 4, 1), NONE, LOST
    ]  # fmt: skip
    assert accepted(cell, "created", values) == [date.fromisoformat(d) for d in days.split()]


@pytest.mark.parametrize(
    ("fact", "cell", "code", "suggestion"),
    [
        ("country", "", "T201", "*"),
        ("country", " \u200b\n", "T201", "*"),
        ("country", "DE,,AT", "T202", ""),
        ("country", "DE,", "T202", ""),
        ("country", ", DE", "T202", ""),
        ("country", "DE;", "T202", ""),
        ("country", '""', "T202", "(none)"),
        ("country", "Genmany", "T203", "DE (Germany)"),
        ("country", "DE, Genmany", "T203", "DE (Germany)"),
        ("country", "not Genmany", "T203", "DE (Germany)"),
        ("country", '"D*"', "T203", ""),
        ("country", "Yankeland", "T203", "US (United States)"),
        ("country", "@DAHC", "T204", "@DACH"),
        ("campaign", "@gmail.com", "T204", ""),
        ("country", "D*", "T205", "DE; DJ; DK"),
        ("country", "all", "T206", "*"),
        ("campaign", "any", "T206", "*"),
        ("campaign", "(blank)", "T206", "(none)"),
        ("campaign", '"Acme" Inc', "T207", ""),
        ("campaign", '"Acme" "Inc"', "T207", ""),
        ("campaign", '"Acme', "T207", ""),
        ("country", "Korea, Republic of", "T208", '"Korea, Republic of"'),
        ("campaign", "Webinar, Q3", "T208", '"Webinar, Q3"'),
        ("campaign", "not specified", "T208", '"not specified"'),
        ("country", "not", "T209", ""),
        ("country", "!", "T209", ""),
        ("country", "DE, not", "T209", ""),
        ("country", "!!DE", "T209", ""),
        ("country", "not not DE", "T209", ""),
        ("country", "not *", "T209", ""),
        ("country", "GB, not UK", "T210", ""),
        ("country", "(none), not (none)", "T210", ""),
        ("campaign", "WEB-*, not W*", "T210", ""),
        ("employees", "5, not 1..9", "T210", ""),
        ("employees", ">=50, <=249", "T211", "*"),
        ("employees", "1,000", "T212", "1000"),
        ("employees", "1,000,000", "T212", "1000000"),
        ("employees", "1.000", "T212", "1000"),
        ("employees", "1 000", "T212", "1000"),
        ("employees", ">=1,000", "T212", ">=1000"),
        ("employees", "1k", "T212", "1000"),
        ("employees", "50+", "T212", ">=50"),
        ("employees", "50-249", "T212", "50..249"),
        ("employees", "10,20", "T212", "10; 20"),
        ("employees", "007", "T212", "7"),
        ("employees", "1e5", "T212", ""),
        ("employees", "many", "T212", ""),
        ("employees", "5*", "T212", ""),
        ("employees", "249..50", "T213", "50..249"),
        ("employees", "..49", "T213", "<=49"),
        ("employees", "50..", "T213", ">=50"),
        ("employees", ">5..9", "T213", "LOW..HIGH"),
        ("created", "31.01.2026", "T214", "2026-01-31"),
        ("created", "2026-02-30", "T214", "2026-02-28"),
        ("created", "2026-03", "T214", "2026-03-01..2026-03-31"),
        ("created", "2026", "T214", "2026-01-01..2026-12-31"),
        ("created", "01/02/2026", "T214", ""),
        ("created", "2026-03-31..2026-01-01", "T213", "2026-01-01..2026-03-31"),
        ("product", "@DACH", "T215", ""),
    ],
)
def test_a_wrong_cell_says_what_to_type(fact: str, cell: str, code: str, suggestion: str) -> None:
    with pytest.raises(CellError) as caught:
        parse(cell, fact)
    error = caught.value
    assert (error.code, error.suggestion) == (code, suggestion)
    assert error.code in CODES
    assert error.message.endswith((".", '."')) and error.fix.endswith(".")


def test_an_unknown_country_is_named_as_the_check_prints_it() -> None:
    with pytest.raises(CellError) as caught:
        parse("Genmany")
    assert caught.value.message == '"Genmany" is not a country, code or group.'
    assert caught.value.fix == "type DE, or add the spelling to sheet Values, column Aliases."


@pytest.mark.parametrize(
    ("fact", "cell", "codes"),
    [
        ("country", "DE, AT", []),
        ("country", "DE, not FR", ["T251"]),
        ("country", "DE, Germany", ["T251"]),
        ("country", "*, DE", ["T251"]),
        ("employees", "5..9, 7", ["T251"]),
        ("campaign", "WEB-2026", []),
        ("campaign", "WEB-*", []),
        ("campaign", "Inc.", ["T252"]),
        ("campaign", "Acme, Inc.", ["T252", "T252"]),
        ("campaign", "Not interested", ["T253", "T252"]),
        ("campaign", "!interested", ["T252"]),
        ("industry", "Steel", []),
        ("industry", "Not Steel", ["T253"]),
    ],
)
def test_a_doubtful_cell_warns(fact: str, cell: str, codes: list[str]) -> None:
    assert [w.code for w in parse(cell, fact).warnings] == codes
    assert set(codes) <= set(CODES)


def test_an_unlisted_campaign_suggests_the_nearest_code() -> None:
    (warning,) = parse("WBE-2026", "campaign").warnings
    assert warning.suggestion == "WEB-2026 (Website 2026)"


def test_a_blank_cell_is_any_when_the_workbook_says_so() -> None:
    assert parse_cell(" ", FACTS["country"], WORDS, blank_means_any=True).condition.matches(None)


@pytest.mark.parametrize("members", [["*"], ["not DE"], ["@DACH"], ["(none)"], []])
def test_a_group_holds_plain_values(members: list[str]) -> None:
    with pytest.raises(CellError):
        group_condition(FACTS["country"], members, WORDS)


def test_a_group_of_numbers_may_hold_ranges() -> None:
    words = vocabulary(FACTS.values(), (), {"@small": ("employees", ["1..9"])})
    assert parse_cell("@small", FACTS["employees"], words).condition.matches(Decimal(5))


def test_one_spelling_of_two_codes_names_neither() -> None:
    words = vocabulary(
        FACTS.values(), [KnownValue("product", "A", aliases=("x",)), KnownValue("product", "B", "X")]
    )
    assert [(c.spelling, c.codes) for c in words.clashes] == [("x", ("A", "B"))]
    assert words.code("product", "x") is None


def test_not_of_every_listed_value_matches_nothing() -> None:
    size = Fact("size", "closed")
    words = vocabulary([size], [KnownValue("size", "S"), KnownValue("size", "L")])
    with pytest.raises(CellError, match="No lead can match"):
        parse_cell("not S, not L", size, words)


@given(st.text(alphabet='DE*?!@"“,;\n not().<>=1259-k', max_size=20), st.sampled_from(sorted(FACTS)))
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_refused_with_a_fix(text: str, fact: str) -> None:
    try:
        parsed = parse(text, fact)
    except CellError as error:
        assert error.code in CODES and error.fix
    else:
        assert parsed.condition != Condition(FACTS[fact].type)


@given(st.text(alphabet="ab", max_size=8), st.text(alphabet="ab*?", max_size=6))
@settings(max_examples=500, deadline=None)
def test_patterns_match_as_the_obvious_recursion_does(text: str, pattern: str) -> None:
    def obviously(p: str, t: str) -> bool:
        if not p:
            return not t
        if p[0] == "*":
            return obviously(p[1:], t) or (bool(t) and obviously(p, t[1:]))
        return bool(t) and p[0] in ("?", t[0]) and obviously(p[1:], t[1:])

    assert fits(pattern, text) == obviously(pattern, text)


@given(
    st.text(alphabet="ab*?", max_size=5),
    st.text(alphabet="ab*?", max_size=5),
    st.text(alphabet="ab", max_size=6),
)
@settings(max_examples=500, deadline=None)
def test_a_pattern_inside_another_matches_nothing_more(inner: str, outer: str, text: str) -> None:
    if is_inside(inner, outer) and fits(inner, text):
        assert fits(outer, text)


def test_a_pattern_takes_linear_time_on_a_hostile_text() -> None:
    assert not fits("*a" * 30 + "*b", "a" * 100_000)
