"""Pull, status and look-ups: pages, faults, missing fields, hostile values, limits, the number of calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import unquote_plus, urlsplit

import pytest
from scripted_org import (
    CUT,
    EXPIRED,
    HANG,
    HTML,
    MONDAY,
    QUEUE,
    RESET,
    Reply,
    ScriptedOrg,
    Waits,
    composite,
    crm_of,
    error,
    lead,
    lead_id,
    page,
    patience,
)

from allocator.adapters.crm.salesforce import SalesforceCRM, SalesforceSettings
from allocator.domain.lead import OwnerWrite, Record, WriteResult
from allocator.errors import ConfigError, QuotaError, SourceError
from allocator.sandbox.app import Sandbox

NEXT = "/services/data/v63.0/query/0r8000000000001-2000"
PULL = "FROM Lead WHERE IsConverted = false AND OwnerId"
GOOD = page(lead(1))
TRUNCATED = Reply(200, GOOD.body, do="truncate")
WEATHER = [
    HANG,
    CUT,
    RESET,
    TRUNCATED,
    Reply(200, HTML),
    Reply(500),
    Reply(502, HTML),
    error(503, "SERVER_UNAVAILABLE"),
]
MALFORMED = [
    [],
    None,
    7,
    {"records": []},
    {"totalSize": 0, "done": "yes", "records": []},
    {"totalSize": 1, "done": True, "records": [None]},
    {"totalSize": 1, "done": True, "records": [{"Id": "not an id"}]},
    {"totalSize": 1, "done": True, "records": [{"Id": None}]},
    {"totalSize": 2, "done": True, "records": [lead(1)]},
    {"totalSize": 2, "done": False, "records": [lead(1)]},
    {"totalSize": 1, "done": False, "records": [lead(1)], "nextRecordsUrl": "https://evil.example/"},
]


def pulled(crm: SalesforceCRM) -> list[Record]:
    return [record for some in crm.pull() for record in some]


def names(records: list[Record]) -> list[str]:
    return [record.key.source_id for record in records]


@pytest.mark.parametrize("bad", WEATHER)
def test_weather_is_tried_again_and_passes(org: ScriptedOrg, bad: Reply) -> None:
    org.on(PULL, bad, GOOD)
    crm = crm_of(org.url, patience=patience(bad))
    assert names(pulled(crm)) == [lead_id(1)]
    assert crm.usage.by_kind["pull"] == 2
    assert crm.usage.requests == len(org.seen)


@pytest.mark.parametrize("bad", WEATHER)
def test_weather_that_lasts_is_a_source_error_never_no_leads(org: ScriptedOrg, bad: Reply) -> None:
    org.on(PULL, bad)
    org.on("Id IN", bad)
    crm = crm_of(org.url, patience=patience(bad))
    with pytest.raises(SourceError):
        pulled(crm)
    assert crm.usage.by_kind["pull"] == 4
    with pytest.raises(SourceError):
        crm.status([lead_id(1)])


@pytest.mark.parametrize("body", MALFORMED)
def test_a_malformed_page_is_a_source_error(org: ScriptedOrg, body: Any) -> None:
    org.on(PULL, Reply(200, body))
    with pytest.raises(SourceError):
        pulled(crm_of(org.url))


@pytest.mark.parametrize("body", [b"[" * 200_000, b"[" * 400_000, b"\xff\xfe{}", b""])
def test_an_answer_that_is_too_deep_too_long_or_no_json_is_a_source_error(
    org: ScriptedOrg, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("allocator.adapters.crm.http.MAX_BODY", 300_000)
    org.on(PULL, Reply(200, body))
    with pytest.raises(SourceError):
        pulled(crm_of(org.url))


def test_short_pages_are_followed_to_the_end(org: ScriptedOrg) -> None:
    org.on(PULL, page(lead(1), total=3, more=NEXT))
    org.on("0r8000000000001-2000", page(total=3, more=f"{NEXT}1"), page(lead(2), lead(3), total=3))
    assert names(pulled(crm_of(org.url))) == [lead_id(1), lead_id(2), lead_id(3)]


def test_pages_that_never_end_are_noticed(org: ScriptedOrg) -> None:
    org.on(PULL, page(lead(1), total=9, more=NEXT))
    org.on("0r8000000000001-2000", page(lead(2), total=9, more=NEXT))
    with pytest.raises(SourceError):
        pulled(crm_of(org.url))
    assert len(org.requests("0r8")) <= 2


def test_a_lost_locator_starts_the_query_again(org: ScriptedOrg) -> None:
    lost = error(400, "INVALID_QUERY_LOCATOR")
    org.on(PULL, page(lead(1), total=2, more=NEXT))
    org.on("0r8000000000001-2000", lost, page(lead(2), total=2))
    assert names(pulled(crm_of(org.url))) == [lead_id(1), lead_id(1), lead_id(2)]


def test_a_locator_that_is_always_lost_ends(org: ScriptedOrg) -> None:
    org.on(PULL, page(lead(1), total=2, more=NEXT))
    org.on("0r8000000000001-2000", error(400, "INVALID_QUERY_LOCATOR"))
    with pytest.raises(SourceError):
        pulled(crm_of(org.url))
    assert len(org.requests(PULL)) == 3


def test_a_session_that_expires_between_pages_is_renewed(org: ScriptedOrg) -> None:
    org.on(PULL, page(lead(1), total=2, more=NEXT))
    org.on("0r8000000000001-2000", EXPIRED, page(lead(2), total=2))
    assert len(pulled(crm_of(org.url))) == 2
    assert len(org.requests("token")) == 2


def test_a_record_that_cannot_be_read_is_shown_as_such(org: ScriptedOrg) -> None:
    bad = [lead(2, CreatedDate=None), lead(3, LastModifiedDate=17), lead(4, OwnerId="nobody")]
    org.on(PULL, page(lead(1), *bad))
    good, *unreadable = pulled(crm_of(org.url))
    assert not good.unreadable
    assert [record.unreadable.rsplit(" ", 1)[-1] for record in unreadable] == [
        "CreatedDate",
        "LastModifiedDate",
        "OwnerId",
    ]


def test_ids_of_15_characters_are_the_same_leads(org: ScriptedOrg) -> None:
    org.on(PULL, page(lead(1, Id=lead_id(1)[:15], OwnerId=QUEUE[:15])))
    org.on("Id IN", page(lead(1, IsConverted=False, IsDeleted=False)))
    crm = crm_of(org.url)
    assert [(r.key.source_id, r.owner) for r in pulled(crm)] == [(lead_id(1), QUEUE)]
    short = lead_id(1)[:15]
    assert crm.status([short])[short].id == lead_id(1)


def test_fields_that_the_org_lacks_are_left_out_of_the_query(org: ScriptedOrg) -> None:
    described = [
        {"name": "Email"},
        {"name": "Country"},
        {"name": "OwnerId", "relationshipName": "Owner", "referenceTo": ["Group", "User"]},
        {"name": "Partner__c", "relationshipName": "Partner__r", "referenceTo": ["Partner__c"]},
    ]
    org.on("Lead/describe", Reply(200, {"fields": described}))
    org.on("Partner__c/describe", Reply(200, {"fields": [{"name": "Tier__c"}]}))
    org.on(PULL, page(lead(1, Country="France", Owner={"Name": "Inbound"}, Partner__r=None)))
    paths = ("country", "Nope__c", "owner.name", "Owner.Nope__c", "Partner__r.Tier__c", "Partner__r.Nope__c")
    crm = crm_of(org.url, paths=(*paths, "CampaignMember.Status"))
    assert dict(pulled(crm)[0].fields) == {
        "Email": "lead1@acme.example",
        "country": "France",
        "owner.name": "Inbound",
        "Partner__r.Tier__c": None,
    }
    assert set(crm.missing_fields) == {"Nope__c", "Owner.Nope__c", "Partner__r.Nope__c"}
    assert crm.campaigns_of([]) == {}, "which asks what a membership has"
    assert set(crm.missing_fields) == {
        "Nope__c",
        "Owner.Nope__c",
        "Partner__r.Nope__c",
        "CampaignMember.Status",
    }
    assert "Nope__c" not in unquote_plus(org.requests(PULL)[0].target)
    assert crm.campaigns_of([lead_id(1)]) == {}


def test_a_field_path_that_is_none_is_refused(org: ScriptedOrg) -> None:
    with pytest.raises(ConfigError):
        crm_of(org.url, paths=("Name FROM User",))


@pytest.mark.parametrize(
    ("intake", "ok"),
    [
        ("Inbound", True),
        ("In", True),
        ("inbound", True),
        ("Ana", True),
        ("ana@x.example", True),
        ("Ben", False),
        ("Twin", False),
    ],
)
def test_intake_names_are_queues_or_users(org: ScriptedOrg, intake: str, ok: bool) -> None:
    twins = [{"Id": f"00500000000000{n}AAA", "Name": "Twin"} for n in (2, 3)]
    org.on(
        "FROM User", page({"Id": "005000000000001AAA", "Name": "Ana", "Username": "ana@x.example"}, *twins)
    )
    crm = crm_of(org.url, intake=(intake,))
    if ok:
        assert len(crm.intake_ids()) == 1
    else:
        with pytest.raises(ConfigError, match=intake):
            crm.intake_ids()


def test_the_whole_pull_refused_is_a_source_error_with_the_code(org: ScriptedOrg) -> None:
    org.on(PULL, error(400, "INVALID_FIELD", "No such column secret-in-page"))
    with pytest.raises(SourceError, match="INVALID_FIELD") as caught:
        pulled(crm_of(org.url))
    assert "secret-in-page" not in str(caught.value)


LOOKUPS: list[Callable[[SalesforceCRM], Any]] = [
    lambda crm: crm.people_by_email(["chi@acme.example"]),
    lambda crm: crm.accounts_by_domain(["acme.example"]),
]


@pytest.mark.parametrize("ask", LOOKUPS)
@pytest.mark.parametrize(
    "bad",
    [
        *WEATHER,
        Reply(200, {"compositeResponse": []}),
        Reply(200, {"compositeResponse": None}),
        composite(("q9", 200, GOOD.body)),
        composite(("q0", 500, [{"errorCode": "UNKNOWN_EXCEPTION"}]), ("q1", 200, page().body)),
    ],
)
def test_a_lookup_without_a_whole_answer_is_never_nobody(org: ScriptedOrg, bad: Reply, ask: Any) -> None:
    org.on("composite", bad)
    crm = crm_of(org.url, patience=patience(bad))
    with pytest.raises(SourceError):
        ask(crm)
    assert len(org.requests("composite")) == 4


def test_a_domain_field_that_account_lacks_is_a_configuration_error(org: ScriptedOrg) -> None:
    org.on("composite", composite(("q0", 400, [{"errorCode": "INVALID_FIELD"}])))
    with pytest.raises(ConfigError, match="Domain__c"):
        crm_of(org.url, account_domain_field="Domain__c").accounts_by_domain(["acme.example"])


@pytest.mark.parametrize(
    "answer", [error(403, "REQUEST_LIMIT_EXCEEDED"), error(503, "REQUEST_LIMIT_EXCEEDED")]
)
def test_a_used_up_limit_stops_new_work(org: ScriptedOrg, answer: Reply) -> None:
    org.on(PULL, answer)
    org.on("Id IN", page())
    crm = crm_of(org.url)
    with pytest.raises(SourceError) as caught:
        pulled(crm)
    if answer.status == 403:
        assert isinstance(caught.value, QuotaError)
        with pytest.raises(QuotaError):
            crm.users()
        assert not org.requests("FROM User")
        assert not crm.status([lead_id(1)])[lead_id(1)].known


def test_our_share_of_the_limit_stops_new_work_but_not_confirmations(org: ScriptedOrg) -> None:
    org.on(
        PULL,
        Reply(200, GOOD.body, {"Sforce-Limit-Info": "api-usage=800/1000; per-app-api-usage=1/2(appName=x)"}),
    )
    org.on("Id IN", page(lead(1, IsConverted=False, IsDeleted=False)))
    crm = crm_of(org.url)
    assert len(pulled(crm)) == 1
    for ask in (pulled, lambda crm: crm.users(), *LOOKUPS):
        with pytest.raises(QuotaError):
            ask(crm)
    answers = crm.give([OwnerWrite(lead_id(1), "005000000000001AAA", MONDAY)])
    assert [answer.result for answer in answers] == [WriteResult.UNSENT]
    assert crm.status([lead_id(1)])[lead_id(1)].known
    assert not org.requests("composite")


def test_hostile_emails_and_domains_are_bound_or_not_asked(org: ScriptedOrg) -> None:
    org.on("composite", composite(("q0", 200, page().body), ("q1", 200, page().body)))
    hostile = [
        "' OR Name LIKE '%",
        "o'b@x.io",
        'back\\slash"@x.io',
        "nul\0@x.io",
        "line\nbreak@x.io",
        "sep\u2028@x.io",
        "lone\ud800@x.io",
        "x" * 100_000 + "@x.io",
        "",
    ]
    found = crm_of(org.url).people_by_email(hostile)
    assert found == dict.fromkeys(hostile, ())
    soql = unquote_plus(urlsplit(org.requests("composite")[0].body["compositeRequest"][0]["url"]).query)
    listed = soql.split("Email IN ")[1]
    assert listed == r"('\' or name like \'%','back\\slash\"@x.io','o\'b@x.io')"


@pytest.mark.parametrize("size", [25, 80])
def test_emails_are_asked_200_at_a_time_in_urls_that_fit(org: ScriptedOrg, size: int) -> None:
    def answer(seen: Any) -> Reply:
        return composite(*((part["referenceId"], 200, page().body) for part in seen.body["compositeRequest"]))

    plain = org.answer
    org.answer = lambda seen: answer(seen) if "composite" in (plain(seen), seen.target)[1] else plain(seen)  # type: ignore[method-assign]
    emails = [f"{number:04d}".ljust(size - 10, "x") + "@x.example" for number in range(401)]
    crm_of(org.url).people_by_email(emails)
    calls = [seen for seen in org.seen if "composite" in seen.target]
    assert len(calls) == 3
    parts = [part for call in calls for part in call.body["compositeRequest"]]
    assert max(len(call.body["compositeRequest"]) for call in calls) <= 5
    assert max(len(part["url"]) for part in parts) <= 16_000


def test_domains_are_asked_50_at_a_time_by_their_usual_spellings() -> None:
    with Sandbox(seed="empty") as sandbox:
        info = sandbox.info()
        settings = SalesforceSettings(
            url=info["url"], client_id=info["client_id"], client_secret=info["client_secret"], intake=("x",)
        )
        crm = SalesforceCRM(replace(settings, account_domain_field="website"), fact_paths=())
        kind = sandbox.org.records.type("Account")
        spelt = [
            "a.example",
            "www.b.example/",
            "http://c.example",
            "https://www.D.example/",
            "HTTP://WWW.e.example",
        ]
        for site in spelt:
            sandbox.org.records.put_raw(kind, {"Name": site, "Website": site}, "005000000000001AAA")
        domains = [f"{letter}.example" for letter in "abcde"] + [f"company-{n}.example" for n in range(96)]
        found = crm.accounts_by_domain(domains)
        assert [len(found[f"{letter}.example"]) for letter in "abcde"] == [1] * 5
        assert sum(map(len, found.values())) == 5
        assert crm.usage.by_kind["accounts"] == 3


def test_requests_are_as_many_as_the_org_counts_and_within_the_budget() -> None:
    with Sandbox(seed="demo") as sandbox:
        info = sandbox.info()
        settings = SalesforceSettings(
            url=info["url"],
            client_id=info["client_id"],
            client_secret=info["client_secret"],
            intake=("Inbound Leads",),
        )
        crm = SalesforceCRM(settings, fact_paths=("Country", "CampaignMember.Campaign.Name"), sleep=Waits())
        leads = pulled(crm)
        ids, emails = names(leads), [str(record.fields["Email"]) for record in leads]
        owner = next(user.id for user in crm.users().values() if user.active)
        crm.campaigns_of(ids)
        crm.people_by_email(emails)
        crm.give([OwnerWrite(record.key.source_id, owner, record.stamp) for record in leads])
        after = crm.status(ids)
        assert {status.owner for status in after.values()} == {owner}
        kinds, count = crm.usage.by_kind, len(ids)
        assert crm.usage.requests == sum(kinds.values()) == len(sandbox.log.entries())
        assert kinds["pull"] == 1
        assert kinds["write"] == -(-count // 25)
        assert kinds["read"] == kinds["members"] == kinds["people"] == -(-count // 200)
        assert kinds["users"] == kinds["login"] == 1
