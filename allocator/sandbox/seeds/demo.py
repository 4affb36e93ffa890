"""The demo company: people, queues, campaigns, accounts, and 240 sample leads of the last twelve hours.

The people, queues and campaigns are in company.json. The sample leads come from a fixed seed and are as
untidy as real ones: countries in many spellings, products in other case, memberships instead of codes.
"""

from __future__ import annotations

import json
import random
import unicodedata
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

from allocator.sandbox.clock import wire
from allocator.sandbox.salesforce.org import INTAKE_QUEUE, Org
from allocator.sandbox.salesforce.schema import to18
from allocator.sandbox.seeds import demo_words as words
from allocator.sandbox.seeds.empty import put, queue, user

SAMPLE_LEADS = 240
ACCOUNTS = 30
HOURS = 12
TEXT_FIELDS = (("Campaign_Code__c", 40), ("ProductInterest__c", 80), ("Language__c", 10))
Row = dict[str, Any]


def company() -> dict[str, Any]:
    """The demo company as data."""
    return json.loads((files("allocator.sandbox.seeds") / "company.json").read_text("utf-8"))  # type: ignore[no-any-return]


def load(org: Org, *, sample_leads: bool = True) -> None:
    """Add the demo company to an org that holds the empty seed."""
    data = company()
    for name, length in TEXT_FIELDS:
        org.schema.add_custom_field("Lead", name, length=length)
    zones = {team["name"]: team["time_zone"] for team in data["teams"]}
    put(org, "User", [_person(person, zones[person["team"]]) for person in data["people"]])
    for row in data["queues"]:
        if row["id"] != INTAKE_QUEUE:
            queue(org, row["id"], row["name"])
    put(org, "Campaign", [_campaign(row) for row in data["campaigns"]])
    _Leads(org, data).load(sample_leads=sample_leads)


def _person(person: Row, zone: str) -> Row:
    return user(
        person["crm_user_id"],
        person["first"],
        person["last"],
        person["email"],
        TimeZoneSidKey=zone,
        Department=person["team"],
        Title="Account Executive",
    )


def _campaign(row: Row) -> Row:
    return {"Id": row["id"], "Name": row["name"], "IsActive": True, "Status": "In Progress", "Type": "Other"}


class _Leads:
    """Makes the sample records; the same on every start but for the hour they are counted back from."""

    def __init__(self, org: Org, data: dict[str, Any]) -> None:
        self._org, self._data = org, data
        self._random = random.Random(2026)
        self._owners = [person["crm_user_id"] for person in data["people"]]
        self._end = org.clock.now()

    def load(self, *, sample_leads: bool) -> None:
        accounts = [self._account(place) for place in range(ACCOUNTS)]
        contacts = [self._contact(place, account) for place, account in enumerate(accounts[:12])]
        put(self._org, "Account", accounts)
        put(self._org, "Contact", contacts)
        if not sample_leads:
            return
        owned = [self._owned(place) for place in range(5)]
        put(self._org, "Lead", owned + [self._converted(place, contacts[place]) for place in range(2)])
        leads = [self._lead(place) for place in range(SAMPLE_LEADS)]
        self._make_known(leads, contacts, owned)
        self._make_unclear(leads)
        memberships = [self._membership(place, lead) for place, lead in enumerate(leads) if place % 6 == 5]
        put(self._org, "Lead", leads)
        put(self._org, "CampaignMember", memberships)

    def _account(self, place: int) -> Row:
        name = self._company(place * 7)
        host = _host(name)
        website = (f"https://www.{host}", f"http://{host}/", host, f"www.{host}")[place % 4]
        owner = self._owners[(place * 3) % len(self._owners)]
        return {
            "Id": to18(f"0015g00000A{place:04}"),
            "Name": name,
            "Website": website,
            "OwnerId": owner,
            "BillingCountry": words.PLACES[place % len(words.PLACES)].code,
        }

    def _contact(self, place: int, account: Row) -> Row:
        where = words.PLACES[place % len(words.PLACES)]
        first, last = where.first[0], where.last[-1]
        return {
            "Id": to18(f"0035g00000C{place:04}"),
            "FirstName": first,
            "LastName": last,
            "OwnerId": account["OwnerId"],
            "AccountId": account["Id"],
            "Email": _email(first, last, _host(account["Name"])),
        }

    def _owned(self, place: int) -> Row:
        """A lead that a salesperson works on already."""
        lead = self._lead(300 + place)
        created = wire(self._end - timedelta(days=2, minutes=place))
        owner = self._owners[place * 8]
        return {**lead, "OwnerId": owner, "Status": "Working - Contacted", "CreatedDate": created}

    def _converted(self, place: int, contact: Row) -> Row:
        lead = self._lead(310 + place)
        created = self._end - timedelta(days=5, minutes=place)
        return {
            **lead,
            "OwnerId": contact["OwnerId"],
            "Status": "Closed - Converted",
            "IsConverted": True,
            "ConvertedDate": created.date().isoformat(),
            "ConvertedAccountId": contact["AccountId"],
            "ConvertedContactId": contact["Id"],
            "CreatedDate": wire(created),
        }

    def _lead(self, place: int) -> Row:
        pick = self._random
        where = pick.choices(words.PLACES, [candidate.weight for candidate in words.PLACES])[0]
        first, last, name = pick.choice(where.first), pick.choice(where.last), self._company(place)
        return {
            "Id": to18(f"00Q5g00000D{place:04}"),
            "FirstName": first,
            "LastName": last,
            "Company": name,
            "Email": _email(first, last, _host(name)),
            "Phone": f"+1 555 01{place % 100:02}",
            "City": pick.choice(where.cities),
            "Title": pick.choice(words.TITLES),
            "Industry": pick.choice(words.INDUSTRIES),
            "LeadSource": pick.choice(words.SOURCES),
            "NumberOfEmployees": self._employees(),
            "Language__c": pick.choice(where.languages),
            "ProductInterest__c": self._product(),
            "Campaign_Code__c": self._code(place, where),
            "OwnerId": INTAKE_QUEUE,
            "IsUnreadByOwner": True,
            "Status": "Open - Not Contacted",
            "CreatedDate": wire(self._created(place)),
            **self._country(where),
        }

    def _company(self, place: int) -> str:
        first = words.COMPANY_WORDS[place % len(words.COMPANY_WORDS)]
        return f"{first} {words.COMPANY_KINDS[(place // 3) % len(words.COMPANY_KINDS)]}"

    def _employees(self) -> int | None:
        if self._random.random() < 0.12:
            return None
        return round(10 ** self._random.uniform(0, 4.7))  # 1 to 50,000, small ones more often

    def _product(self) -> str:
        name = str(self._random.choice(self._data["products"]))
        return self._random.choices((name, name.upper(), f" {name.lower()} "), (90, 5, 5))[0]

    def _code(self, place: int, where: words.Place) -> str | None:
        """Every sixth lead has a membership instead, every thirtieth no campaign at all."""
        if place % 6 == 5 or place % 30 == 7:
            return None
        codes = [row["code"] for row in self._data["campaigns"]]
        regional = [code for code in codes if where.region and code.endswith(where.region)]
        general = [code for code in codes if code.startswith(("ALW", "PRT"))]
        return str(self._random.choice(regional if regional and self._random.random() < 0.75 else general))

    def _country(self, where: words.Place) -> Row:
        kind = self._random.random()
        if kind < 0.25:
            return {"Country": where.spellings[0].strip(), "CountryCode": where.code}
        return {"Country": where.code if kind < 0.5 else self._random.choice(where.spellings)}

    def _created(self, place: int) -> datetime:
        step = HOURS * 3600 // SAMPLE_LEADS
        back = HOURS * 3600 - (place % SAMPLE_LEADS) * step - self._random.randrange(step)
        return self._end - timedelta(seconds=back)

    def _make_known(self, leads: list[Row], contacts: list[Row], owned: list[Row]) -> None:
        """Twelve leads whose e-mail a salesperson knows already, and three from a free mail host."""
        known = [row["Email"] for row in contacts[2:10]] + [row["Email"] for row in owned[:4]]
        for place, email in enumerate(known):
            leads[place * 19 + 3]["Email"] = email
        for place in (44, 121, 200):
            lead = leads[place]
            lead["Email"] = _email(lead["FirstName"], lead["LastName"], "gmail.com")

    def _make_unclear(self, leads: list[Row]) -> None:
        """What a sensible workbook cannot place: about one lead in twenty."""
        for number, text in enumerate((*words.UNKNOWN_COUNTRIES, None, None, None)):
            leads[number * 31 + 10] |= {"Country": text, "CountryCode": None}
        for number, text in enumerate((*words.UNKNOWN_PRODUCTS, None, None, None)):
            leads[number * 37 + 16]["ProductInterest__c"] = text

    def _membership(self, place: int, lead: Row) -> Row:
        campaign = self._data["campaigns"][(place * 7) % len(self._data["campaigns"])]
        return {
            "Id": to18(f"00v5g00000M{place:04}"),
            "CampaignId": campaign["id"],
            "LeadId": lead["Id"],
            "Status": "Responded",
            "HasResponded": True,
            "CreatedDate": lead["CreatedDate"],
        }


def _host(name: str) -> str:
    return f"{_ascii(name).replace(' ', '')}.example"


def _email(first: str, last: str, host: str) -> str:
    return f"{_ascii(first)}.{_ascii(last)}@{host}".replace(" ", "").replace("'", "")


def _ascii(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return plain or "lead"
