"""Who gave a lead back stays back while somebody who has not had it can take it, delegates or not."""

from __future__ import annotations

from dataclasses import replace

from domain_company import MONDAY, company, inputs, lead, only, person, team

from rules.model import Absence


def test_a_delegate_of_who_had_the_lead_last_brings_nobody_else_back_who_had_it() -> None:
    today = MONDAY.date()
    chi = person("chi", absences=(Absence(today, today, delegate="ben"),))
    tables = company(team("Enterprise", person("ana"), person("ben"), chi, delegate="absentee"))
    work = replace(lead(1, stood_back=frozenset({"ana", "chi"})), last="chi", hops=2)
    one = only(inputs(tables, [work]))
    assert one.turn is not None
    assert list(one.turn.turn.weights) == ["ben", "chi"]
    assert [(s.id, s.why) for s in one.turn.skipped] == [("ana", "not_first")]
