"""The shipped company's rules, groups, absences and exceptions, as rows."""

from __future__ import annotations

from datetime import date
from typing import Final

Cells = tuple[str | int | float | date | None, ...]

LETTER: Final = {"Campaign": "C", "Country": "K", "Product": "P", "Team": "T"}
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "Campaign": ("If campaign", "Then Segment", "Then Lane", "Then Team"),
    "Country": ("If country", "Then Region", "Then Territory", "Then Language", "Then Hold"),
    "Product": ("If product", "Then Product line", "Then Hold"),
    "Team": (
        "If region",
        "If territory",
        "If segment",
        "If employees",
        "If product line",
        "If industry",
        "Then Team",
        "Then Language",
        "Then Tags",
        "Then Hold",
    ),
}

_CAMPAIGN: Final[tuple[Cells, ...]] = (
    ("PRT-2026-*", "Partner", None, "Partner desk", "All partner campaigns, wherever the lead is"),
    ("@HOT", "Priority", "hot", None, "People who ask for us: first in line"),
    ("ALW-07", "Referral", "hot", None, "Customer referral"),
    ("ALW-08", "Inbound", "hot", None, "Chat: somebody is waiting"),
    ("ALW-03", "Trial", None, None, "Free trial"),
    ("EVT-2026-USA, EVT-2026-DACH", "Key event", None, None, "The two big fairs"),
    ("EVT-2026-*", "Event", None, None),
    ("WBR-2026-*", "Event", None, None),
    ("WEB-2026-*", "Inbound", None, None),
    ("SEM-2026-*", "Inbound", None, None),
    ("ALW-05, ALW-06", "Nurture", None, None, "Newsletter and white paper"),
    ("(none)", "Inbound", None, None, "Nobody knows where they came from"),
    ("*", "Other", None, None, "A campaign that is not on sheet Values yet"),
)

_COUNTRY: Final[tuple[Cells, ...]] = (
    ("DE, AT", "EMEA", "DACH", "de", None, "German speakers only"),
    ("@DACH", "EMEA", "DACH", None, None, "The rest of the group: CH and LI"),
    ("GB, IE", "EMEA", "UK and Ireland", None, None),
    ("FR, MC", "EMEA", "France", None, None),
    ("ES, PT, AD", "EMEA", "Iberia", None, None),
    ("IT, SM, VA, MT", "EMEA", "Italy", None, None),
    ("@BENELUX", "EMEA", "Benelux", None, None),
    ("@NORDICS", "EMEA", "Nordics", None, None),
    ("@CEE", "EMEA", "Central and Eastern Europe", None, None),
    ("@GULF", "EMEA", "Gulf", None, None),
    ("@AFRICA", "EMEA", "Africa", None, None),
    ("US, CA", "Americas", "North America", None, None),
    ("BR", "Americas", "Brazil", None, None),
    ("@LATAM", "Americas", "Latin America", None, None),
    ("JP", "APAC", "Japan", "ja", None, "Two people speak Japanese"),
    ("AU, NZ", "APAC", "Australia and New Zealand", None, None),
    ("IN, BD, LK, NP", "APAC", "South Asia", None, None),
    ("@ASEAN", "APAC", "South-East Asia", None, None),
    ("CN, HK, TW, KR, MO, MN", "APAC", "East Asia", None, None),
    ("RU, BY", None, None, None, "Sales are stopped for this country", "Legal, March 2026"),
    ("not (none)", "EMEA", "Elsewhere", None, None, "Any other country that is known"),
    ("(none)", None, None, None, "No country: ask marketing to fill it in"),
)

_PRODUCT: Final[tuple[Cells, ...]] = (
    ("CRM Suite, Marketing Hub", "Customer", None),
    ("Help Desk, Field Service", "Service", None),
    ("Analytics, Analytics Pro, Reporting", "Insight", None),
    ("Planning", "Insight", None),
    ("Payroll", "People", None),
    ("Commerce", "Commerce", None),
    ("Data Platform, Integration", "Platform", None),
    ("(none)", "General", None, "No product said"),
    ("*", "General", None, "A product that is not on sheet Values yet"),
)

_E, _A, _P = "EMEA", "Americas", "APAC"
_TEAM: Final[tuple[Cells, ...]] = (
    (_E, "*", "Referral", ">=250", "*", "*", "Enterprise", None, None, None, "Referrals of larger companies"),
    (_E, "*", "Priority", ">=500", "*", "*", "Enterprise", None, None, None, "They asked for us"),
    (_E, "DACH", "*", ">=1000", "*", "*", "Enterprise", None, None, None),
    (_E, "UK and Ireland", "*", ">=1000", "*", "*", "Enterprise", None, None, None),
    (_E, "*", "*", ">=1000", "*", "*", "Enterprise", None, None, None, "All other large companies of EMEA"),
    (_E, "*", "*", ">=500", "Platform", "*", "Enterprise", None, None, None, "Platform deals are long"),
    (_E, "DACH", "*", "50..999", "*", "*", "Mid-market DACH", None, None, None),
    (_E, "DACH", "Key event", "*", "*", "*", "Mid-market DACH", None, None, None, "The DACH fair's own team"),
    (_E, "DACH", "*", "(none), <50", "People", "*", "Mid-market DACH", None, None, None, "Payroll is local"),
    (
        _E,
        "DACH",
        "*",
        "(none), <50",
        "*",
        "*",
        "Mid-market DACH",
        None,
        None,
        None,
        "German speakers sit here",
    ),
    (_E, "UK and Ireland", "*", "50..999", "*", "*", "Mid-market Europe", None, None, None),
    (_E, "France, Benelux", "*", "50..999", "*", "*", "Mid-market Europe", None, None, None),
    (_E, "Iberia, Italy", "*", "50..999", "*", "*", "Mid-market Europe", None, None, None),
    (_E, "Nordics", "*", "50..999", "*", "*", "Mid-market Europe", None, None, None),
    (_E, "*", "*", "50..999", "*", "*", "Mid-market Europe", None, None, None, "All other of EMEA"),
    (_E, "*", "Trial, Nurture", "(none), <50", "*", "*", "Small business EMEA", None, None, None),
    (_E, "*", "*", "(none), <50", "*", "*", "Small business EMEA", None, None, None),
    (_A, "North America", "*", ">=1000", "*", "@HEALTH", "Enterprise Americas", None, "healthcare", None),
    (_A, "*", "Referral", ">=250", "*", "*", "Enterprise Americas", None, None, None),
    (_A, "*", "Priority", ">=500", "*", "*", "Enterprise Americas", None, None, None),
    (_A, "*", "*", ">=1000", "*", "*", "Enterprise Americas", None, None, None),
    (_A, "*", "*", ">=500", "Platform", "*", "Enterprise Americas", None, None, None),
    (_A, "*", "Key event", ">=250", "*", "*", "Enterprise Americas", None, None, None, "Met at the fair"),
    (_A, "Latin America", "*", "(none), <1000", "*", "*", "Small business Americas", "es", None, None),
    (_A, "*", "*", "(none), <1000", "*", "*", "Small business Americas", None, None, None),
    (
        _P,
        "Japan",
        "*",
        "*",
        "*",
        "*",
        "Asia Pacific",
        None,
        None,
        None,
        "Language ja comes from sheet Country",
    ),
    (_P, "*", "*", "*", "*", "*", "Asia Pacific", None, None, None),
)

RULES: Final = {"Campaign": _CAMPAIGN, "Country": _COUNTRY, "Product": _PRODUCT, "Team": _TEAM}
NOTHING_WRITTEN: Final[tuple[Cells, ...]] = (
    (
        "*",
        "*",
        "*",
        "*",
        "*",
        "*",
        None,
        None,
        None,
        "rules not written yet",
        "Replace this by your own rules",
    ),
)

GROUPS: Final[tuple[Cells, ...]] = (
    ("@DACH", "country", "DE, AT, CH, LI", "German-speaking countries"),
    ("@BENELUX", "country", "BE, NL, LU", None),
    ("@NORDICS", "country", "DK, SE, NO, FI, IS", None),
    ("@CEE", "country", "PL, CZ, SK, HU, RO, BG, SI, HR, RS, BA, MK, AL, ME, EE, LV, LT, UA, MD", None),
    ("@GULF", "country", "AE, SA, QA, KW, BH, OM", None),
    ("@AFRICA", "country", "ZA, NG, KE, EG, MA, TN, GH, ET, TZ, UG, NA, BW", "NA is Namibia"),
    ("@LATAM", "country", "MX, AR, CL, CO, PE, EC, UY, PY, BO, CR, PA, GT, DO", "Spanish-speaking"),
    ("@ASEAN", "country", "SG, MY, TH, VN, PH, ID", None),
    ("@HOT", "campaign", "ALW-01, ALW-02, ALW-04", "Demo request, Pricing page, Executive briefing"),
    ("@HEALTH", "industry", "Healthcare, Hospitals, Pharma, Biotechnology", None),
)
MORE_FACTS: Final[tuple[Cells, ...]] = (("territory", "text", "Set by a row, Then Territory"),)
MORE_VALUES: Final[tuple[Cells, ...]] = (
    ("product", "(none)", None, "n/a; not specified", None, None, "These mean that no product was said"),
    ("country", "GB", "Great Britain", "England; Scotland; Wales; Northern Ireland", None, None, None),
    ("country", "AE", "Emirates", "Dubai; Abu Dhabi", None, None, None),
    ("country", "US", "America", "U.S.; U.S.A.; States", None, None, None),
    *(
        ("industry", name, None, None, None, None, None)
        for name in ("Healthcare", "Hospitals", "Pharma", "Biotechnology")
    ),
)

IF_NOBODY: Final[dict[str, tuple[str, str | None]]] = {
    "Enterprise": ("fallback team", "Mid-market DACH"),
    "Partner desk": ("queue", "Review desk"),
}
CHOICES: Final[dict[str, dict[str, str]]] = {
    "Mid-market DACH": {"After absence": "catch up", "Catch-up rate": "Holiday: 0 %, 50 %"},
    "Enterprise Americas": {"Reject": "refund", "Delegate": "absentee"},
    "Partner desk": {"Holiday calendar": "GB-ENG"},
}
"""What teams choose besides the defaults."""
SECOND_TEAMS: Final = (("P-040", "Mid-market Europe"),)
FULL_WEIGHT: Final = {"Small business EMEA": 5}
SHARES: Final[dict[tuple[str, str], tuple[int, int | None, int | None, str | None]]] = {
    ("P-010", "Mid-market DACH"): (2, None, None, "Takes twice as many"),
    ("P-020", "Small business EMEA"): (3, None, None, "Part time: three days of five"),
    ("P-021", "Small business EMEA"): (5, 15, None, "New: at most 15 a day"),
    ("P-040", "Mid-market Europe"): (1, None, 10, "Helps out: at most 10 a week"),
}
ABSENCES: Final[tuple[Cells, ...]] = (
    ("Greta Graf", date(2026, 11, 16), date(2026, 11, 27), "holiday", None, None),
    ("Ana Alvarez", date(2026, 12, 21), date(2027, 1, 3), "holiday", None, "Christmas"),
    ("Luc Laurent", date(2026, 12, 23), date(2027, 1, 1), "holiday", None, "Christmas"),
    ("Hugo Huber", date(2026, 12, 24), date(2026, 12, 31), "holiday", None, "Christmas"),
    ("Sam Smith", date(2026, 12, 24), date(2026, 12, 31), "holiday", None, "Christmas"),
    ("Walt Walker", date(2026, 12, 24), date(2026, 12, 26), "holiday", "Zack Zeller", "Christmas"),
    ("Cora Cruz", date(2026, 12, 22), date(2026, 12, 30), "holiday", None, "Christmas"),
    ("Fumi Fujita", date(2026, 12, 29), date(2027, 1, 4), "holiday", None, "New year"),
)
