"""Who else has an e-mail or a web site: queries inside composite requests, so that no URL holds lead text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus

from allocator.adapters.crm.salesforce.client import Client, Row
from allocator.adapters.crm.salesforce.errors import NoAnswer, refusal
from allocator.adapters.crm.salesforce.shape import value_at
from allocator.adapters.crm.salesforce.soql import chunks, encoded, listed, matchable, packed, select, to18
from allocator.domain.lead import Match

EMAILS_AT_ONCE = 200
DOMAINS_AT_ONCE = 50
QUERIES_AT_ONCE = 5
"""A composite takes 25 sub-requests, five of them queries (requests_composite.htm)."""
LONGEST_EMAIL = 80
LONGEST_DOMAIN = 255 - len("https://www./")

Found = dict[str, tuple[Match, ...]]


class Lookup:
    """Answers by the text asked for; what no field can hold is never asked and matches nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def people(self, emails: Collection[str]) -> Found:
        """Open Leads and Contacts by e-mail: one composite per 200 e-mails (more if very long)."""
        folded = {asked: fold_email(asked) for asked in emails}
        askable = sorted({text for text in folded.values() if matchable(text, LONGEST_EMAIL)})
        calls = [
            [soql for group in groups for soql in _people_soql(group)]
            for chunk in chunks(askable, EMAILS_AT_ONCE)
            for groups in chunks(packed(chunk, [encoded([text]) for text in chunk]), QUERIES_AT_ONCE // 2)
        ]
        found = self._matches("people", calls, "Email", fold_email)
        return {asked: found.get(text, ()) for asked, text in folded.items()}

    def accounts(self, domains: Collection[str], field: str) -> Found:
        """Accounts by web site: one composite per 50 domains (more where they are very long)."""
        bare = {asked: domain_of(asked) for asked in domains}
        askable = sorted({text for text in bare.values() if matchable(text, LONGEST_DOMAIN)})
        calls = [
            [_accounts_soql(group, field) for group in groups]
            for chunk in chunks(askable, DOMAINS_AT_ONCE)
            for groups in chunks(packed(chunk, [encoded(spellings(text)) for text in chunk]), QUERIES_AT_ONCE)
        ]
        found = self._matches("accounts", calls, field, domain_of)
        return {asked: found.get(text, ()) for asked, text in bare.items()}

    def _matches(
        self, kind: str, calls: Iterable[Sequence[str]], field: str, key: Callable[[str], str]
    ) -> Found:
        asked = self._client.each(lambda one: ask_together(self._client, kind, one), calls)
        rows = [row for part in asked for row in part]
        found: dict[str, dict[str, Match]] = {}
        for row, seen in rows:
            text, match = value_at(row, field), _match(row, seen)
            if isinstance(text, str) and match:
                found.setdefault(key(text), {})[match.id] = match
        return {text: tuple(matches.values()) for text, matches in found.items()}


def ask_together(
    client: Client, kind: str, queries: Sequence[str], *, deleted: bool = False
) -> list[tuple[Row, datetime]]:
    """The rows of up to five queries in one request, each with the moment when the org said so; with
    `deleted`, also what is in the recycle bin."""
    query = "queryAll" if deleted else "query"
    parts = [
        {"method": "GET", "url": f"{client.base}/{query}?q={quote_plus(soql)}", "referenceId": f"q{number}"}
        for number, soql in enumerate(queries)
    ]
    pages = client.composite(kind, parts, lambda answer: read_parts(answer, len(parts)))
    seen = client.now()
    return [(row, seen) for page in pages for rows in client.following(kind, page) for row in rows]


def read_parts(answer: Any, count: int) -> list[Any]:
    """The sub-requests' bodies in order. Raises what the first one that failed means for the whole."""
    results = answer.get("compositeResponse") if isinstance(answer, dict) else None
    if not isinstance(results, list) or not all(isinstance(part, dict) for part in results):
        raise NoAnswer("a composite's answer is not one")
    by_reference = {part.get("referenceId"): part for part in results}
    if len(results) != count or set(by_reference) != {f"q{number}" for number in range(count)}:
        raise NoAnswer("a composite's answer has other parts than were asked")
    parts = [by_reference[f"q{number}"] for number in range(count)]
    for part in parts:
        status = part.get("httpStatusCode")
        if status != 200:
            raise refusal(status if isinstance(status, int) else 500, part.get("body"))
    return [part.get("body") for part in parts]


def fold_email(text: str) -> str:
    return text.strip().lower()


def domain_of(text: str) -> str:
    """A web site's bare domain: no scheme, www., closing slash or case."""
    bare = text.strip().lower()
    for scheme in ("https://", "http://"):
        bare = bare.removeprefix(scheme)
    return bare.removesuffix("/").removeprefix("www.")


def spellings(domain: str) -> tuple[str, ...]:
    """How people write a domain into a web site field."""
    hosts = (domain, f"www.{domain}")
    return tuple(
        f"{scheme}{host}{end}"
        for scheme in ("", "http://", "https://")
        for host in hosts
        for end in ("", "/")
    )


def _people_soql(emails: Sequence[str]) -> tuple[str, str]:
    among = listed(emails)
    columns = ("Id", "OwnerId", "Email")
    return (
        select(columns, "Lead", f"IsConverted = false AND Email IN {among}"),
        select(columns, "Contact", f"Email IN {among}"),
    )


def _accounts_soql(domains: Sequence[str], field: str) -> str:
    among = listed(text for domain in domains for text in spellings(domain))
    return select(("Id", "OwnerId", field), "Account", f"{field} IN {among}")


def _match(row: Row, seen: datetime) -> Match | None:
    one, attributes = to18(row.get("Id")), row.get("attributes")
    kind = attributes.get("type") if isinstance(attributes, dict) else None
    if one is None:
        return None
    objects = {"00Q": "Lead", "003": "Contact", "001": "Account"}
    return Match(
        kind if isinstance(kind, str) else objects.get(one[:3], ""), one, to18(row.get("OwnerId")) or "", seen
    )
