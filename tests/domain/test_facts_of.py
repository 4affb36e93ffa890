"""From a record's fields to raw facts, and which texts count as an e-mail address."""

from __future__ import annotations

from dataclasses import replace

import pytest
from domain_company import lead
from hypothesis import given
from hypothesis import strategies as st

from allocator.domain.facts import SALESFORCE_FACTS, company_of, email_of, facts_of
from allocator.domain.lead import Record
from rules.freemail import company_domain


def record(**fields: object) -> Record:
    return lead(1, **fields).record  # type: ignore[arg-type]


def test_the_first_filled_field_gives_the_fact() -> None:
    fields = {"country": ("CountryCode", "Country", "Land__c")}
    assert facts_of(record(CountryCode="", Country=" \t", Land__c="DE"), fields) == {"country": "DE"}
    assert facts_of(record(CountryCode="FR", Country="Germany"), fields) == {"country": "FR"}


def test_zero_and_no_are_answers() -> None:
    fields = {"employees": ("A", "B"), "partner": ("C", "D")}
    assert facts_of(record(A=0, B=5, C=False, D=True), fields) == {"employees": 0, "partner": False}


def test_a_field_that_is_not_there_gives_no_fact_but_names_it() -> None:
    found = facts_of(record(), SALESFORCE_FACTS)
    assert set(found) == set(SALESFORCE_FACTS)
    assert set(found.values()) == {None}


def test_a_membership_stands_in_where_the_lead_names_no_campaign() -> None:
    member = {"CampaignMember.Campaign.Name": "Fair 2026"}
    both = replace(record(), fields={**member, "Campaign_Code__c": "WEB"})
    assert facts_of(replace(record(), fields=member), SALESFORCE_FACTS)["campaign"] == "Fair 2026"
    assert facts_of(both, SALESFORCE_FACTS)["campaign"] == "WEB"


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        ("Ana@Mail.Example.com", "mail.example.com"),
        ("ana@gmail.com", None),
        ("no address@", None),
        ("example.com", "example.com"),
        ("x" * 100_000 + "@example.com", None),
    ],
)
def test_the_email_domain_is_a_companys(text: str, domain: str | None) -> None:
    assert facts_of(record(Email=text), SALESFORCE_FACTS)["email_domain"] == domain


@pytest.mark.parametrize(
    ("value", "email"),
    [
        (" Ana@Example.COM\n", "ana@example.com"),
        ("ana@localhost", "ana@localhost"),
        ("", None),
        ("none", None),
        ("n/a", None),
        ("@", None),
        ("ana@", None),
        ("a b@example.com", None),
        ("ana@example.com, ben@example.com", None),
        ("ana\x00@example.com", None),
        ("Ana <ana@example.com>", None),
        ("x" * 100_000 + "@example.com", None),
        (None, None),
        (42, None),
    ],
)
def test_an_email_is_an_address_in_lower_case_or_none(value: object, email: str | None) -> None:
    assert email_of(record(Email=value)) == email


@given(st.from_regex(r"[a-zA-Z0-9.<> @_-]{0,12}@(gmail|Mail\.Acme|acme|müller)\.(com|de)\.?", fullmatch=True))
def test_a_remembered_host_says_what_the_address_itself_says(email: str) -> None:
    assert company_of(email) == company_domain(email)
