"""What somebody would have needed, in words that a sales manager reads."""

from __future__ import annotations

from typing import Any

import pytest
from domain_company import company, person, team

from allocator.domain.counterfactual import Higher, Tie, WhatIf
from allocator.domain.decision import TurnRow
from allocator.domain.lead import LeadKey
from allocator.service.turn_shown import what_if_objects
from allocator.service.what_if_words import Names, amount, needed, sentence
from rules.eligibility import Skipped, Why
from rules.rotation import Ledger, U, take_turn

AHEAD, BEHIND = Tie("ben", "last turn", True), Tie("ben", "Person ID", False)


def said(one: WhatIf, **needs: Any) -> str:
    return sentence(one, Names(company(team())), needs)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (WhatIf("ana", ("absent",)), "to be present"),
        (WhatIf("ana", ("absent", "daily_cap")), "to be present and to be under the daily cap"),
        (WhatIf("ana", ("language",)), "to speak fr"),
        (WhatIf("ana", ("tags",)), "to have the tag vip"),
        (WhatIf("ana", ("refused by the CRM",)), "not to be out (refused by the CRM)"),
        (
            WhatIf("ana", credit=Higher(U // 2, AHEAD)),
            "a credit 0.500 higher: then equal to Ben's, and first (longer since the last turn)",
        ),
        (
            WhatIf("ana", credit=Higher(U // 2 + 1, BEHIND)),
            "a credit more than 0.500 higher: when equal, Ben comes first (by Person ID)",
        ),
        (
            WhatIf("ana", ("paused",), credit=Higher(1, BEHIND)),
            "not to be paused and the least bit more credit: it was equal, and Ben came first (by Person ID)",
        ),
        (WhatIf("ana", catch_ups=("ben", "chi")), "no catch-up lead due to Ben and Chi"),
        (
            WhatIf("ana", ("absent",), known=False),
            "to be present; whether that was enough cannot be told from the turn",
        ),
        (
            WhatIf("ana", credit=Higher(U, AHEAD), at_limit=True, served_by="chi"),
            "a credit 1.000 higher: then equal to Ben's, and first (longer since the last turn);"
            " at the limit, so without a share of this lead; Chi would have served",
        ),
    ],
)
def test_it_is_said_in_words(one: WhatIf, words: str) -> None:
    assert said(one, language="fr", tags=["vip"]) == words


@pytest.mark.parametrize("why", [*Why, "crm_unknown"])
def test_every_reason_to_be_out_has_its_opposite(why: str) -> None:
    assert not needed(why, {}).startswith("not to be out")


def test_an_amount_that_would_round_to_nothing_is_told_in_units() -> None:
    assert amount(7) == f"7 of {U:,} units"


@pytest.mark.parametrize(
    ("why", "choice"),
    [("absent", {"delegate": "delegate"}), ("outside_hours", {"outside_hours": "next"})],
)
def test_nothing_is_claimed_where_a_presence_would_have_changed_who_else_earns(
    why: str, choice: dict[str, str]
) -> None:
    people = (person("ana"), person("ben"), person("chi"))
    turn, _ = take_turn(Ledger(), {"ana": 1, "ben": 1})
    row = TurnRow("Enterprise", "", turn, LeadKey("salesforce", "00Q1"), 1, (Skipped("chi", why),))
    for told, known in ((choice, False), ({}, True)):
        tables = company(team("Enterprise", *people, **told))
        *_, chi = what_if_objects(row, Ledger(), tables, needs={})
        assert (chi["id"], chi["known"], chi["credit"] is None) == ("chi", known, not known)
