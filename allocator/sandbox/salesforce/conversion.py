"""Lead conversion: what convertLead() checks, and what it leaves behind.

After "convertLead()" (SOAP API Developer Guide), "LeadConvert Class" (Apex Reference) and "Lead Conversion
Field Mapping" (Salesforce Help).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from typing import TYPE_CHECKING

from allocator.sandbox.salesforce.records import Row
from allocator.sandbox.salesforce.schema import to18, valid_id
from allocator.sandbox.wire import ApiError

if TYPE_CHECKING:
    from allocator.sandbox.salesforce.writer import Writer

_PLACE = ("Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode")
TO_ACCOUNT = {
    "Name": "Company",
    "Website": "Website",
    "Phone": "Phone",
    "Fax": "Fax",
    "Industry": "Industry",
    "AnnualRevenue": "AnnualRevenue",
    "NumberOfEmployees": "NumberOfEmployees",
    "Rating": "Rating",
    **{f"Billing{name}": name for name in _PLACE},
}
NOT_INTO_EXISTING = ("DoNotCall", "HasOptedOutOfEmail", "HasOptedOutOfFax")
_SAME = (
    *("FirstName", "LastName", "Salutation", "Title", "Email", "Phone", "MobilePhone", "Fax"),
    *("LeadSource", "Description"),
    *NOT_INTO_EXISTING,
)
TO_CONTACT = {
    **dict(zip(_SAME, _SAME, strict=True)),
    **{f"Mailing{name}": name for name in _PLACE},
}
NAME_LENGTH = 80  # of an opportunityName
NO_QUEUE = (
    "Converted objects can only be owned by users.  If the lead is not owned by a user, "
    "you must specify a user for the Owner field."
)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One LeadConvert. Without a status the first converted one is taken, which only a person may do."""

    lead: str
    status: str | None = None
    account: str | None = None
    contact: str | None = None
    opportunity: str | None = None
    opportunity_name: str | None = None
    no_opportunity: bool = False
    overwrite_source: bool = False
    owner: str | None = None


@dataclass(frozen=True)
class Conversion:
    """Converts on behalf of the writer's user. Without `checks` the new rows are stored as they come."""

    writer: Writer
    checks: bool = True

    def convert(self, wish: Wish) -> Row:
        """The ids of account, contact and opportunity; ApiError, and nothing changed, when it cannot be."""
        records = self.writer.org.records
        with records.lock, records.undoable() as journal:
            try:
                return self._convert(wish)
            except ApiError:
                records.roll_back(journal)
                raise

    def _convert(self, wish: Wish) -> Row:
        lead = self._lead(wish.lead)
        _agree(wish)
        status, owner = self._status(wish.status), self._owner(wish, lead)
        account = self._account(wish, lead, owner)
        contact = self._contact(wish, lead, owner, account)
        opportunity = self._opportunity(wish, lead, owner, account)
        values = {
            "IsConverted": True,
            "ConvertedDate": self.writer.org.clock.now().date().isoformat(),
            "OwnerId": owner,
            "ConvertedAccountId": account,
            "ConvertedContactId": contact,
            "ConvertedOpportunityId": opportunity,
            "Status": status,
        }
        self._change("Lead", lead, values)
        for member in self._memberships(lead):
            self._change("CampaignMember", member, {"ContactId": contact})
        return {
            "accountId": account,
            "contactId": contact,
            "leadId": lead["Id"],
            "opportunityId": opportunity,
        }

    def _lead(self, lead_id: str) -> Row:
        lead = self._existing("Lead", lead_id, "leadId")
        if lead.get("IsConverted"):
            raise ApiError(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead", [])
        return lead

    def _existing(self, name: str, record_id: str, argument: str) -> Row:
        kind = self.writer.org.records.type(name)
        if not valid_id(record_id) or to18(record_id)[:3] != kind.key_prefix:
            raise ApiError(400, "MALFORMED_ID", f"{argument}: id value of incorrect type: {record_id}", [])
        row = self.writer.org.records.get(name, to18(record_id))
        if row is None:
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [])
        if row.get("IsDeleted"):
            raise ApiError(400, "ENTITY_IS_DELETED", "entity is deleted", [])
        return row

    def _status(self, wanted: str | None) -> str:
        converted = [row for row in self.writer.org.records.live("LeadStatus") if row.get("IsConverted")]
        for row in converted:
            if wanted in (None, row.get("ApiName"), row.get("MasterLabel")):
                return str(row["ApiName"])
        raise ApiError(400, "INVALID_STATUS", f"invalid convertedStatus: {wanted or ''}", ["Status"])

    def _owner(self, wish: Wish, lead: Row) -> str:
        owner = wish.owner or str(lead.get("OwnerId"))
        if not valid_id(owner) or not owner.startswith("005"):
            raise ApiError(400, "UNKNOWN_EXCEPTION", NO_QUEUE, ["OwnerId"])
        if self.checks and not self._existing("User", owner, "ownerId").get("IsActive"):
            text = f"operation performed with inactive user [{owner[:15]}]"
            raise ApiError(400, "INACTIVE_OWNER_OR_USER", text, ["OwnerId"])
        return to18(owner)

    def _account(self, wish: Wish, lead: Row, owner: str) -> str:
        values = {**_mapped(TO_ACCOUNT, lead), **self._custom("Account", lead)}
        if wish.account is None:
            return self._made("Account", {**values, "OwnerId": owner}, lead)
        account = self._existing("Account", wish.account, "accountId")
        self._fill("Account", account, values)
        return str(account["Id"])

    def _contact(self, wish: Wish, lead: Row, owner: str, account: str) -> str:
        values = {**_mapped(TO_CONTACT, lead), **self._custom("Contact", lead)}
        if wish.contact is None:
            return self._made("Contact", {**values, "AccountId": account, "OwnerId": owner}, lead)
        contact = self._existing("Contact", wish.contact, "contactId")
        if contact.get("AccountId") != account:
            text = "the contact must be associated with the specified accountId"
            raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", text, ["contactId"])
        self._fill("Contact", contact, {n: v for n, v in values.items() if n not in NOT_INTO_EXISTING})
        if wish.overwrite_source and lead.get("LeadSource"):
            self._change("Contact", contact, {"LeadSource": lead["LeadSource"]})
        return str(contact["Id"])

    def _opportunity(self, wish: Wish, lead: Row, owner: str, account: str) -> str | None:
        if wish.no_opportunity:
            return None
        if wish.opportunity is not None:
            return str(self._existing("Opportunity", wish.opportunity, "opportunityId")["Id"])
        kind = self.writer.org.records.type("Opportunity")
        stage = kind.field("StageName")
        values = {
            "Name": (wish.opportunity_name or str(lead.get("Company") or ""))[:NAME_LENGTH],
            "AccountId": account,
            "OwnerId": owner,
            "StageName": stage.picklist_values[0][0] if stage else None,
            "CloseDate": self._end_of_quarter(),
            "LeadSource": lead.get("LeadSource"),
            "CampaignId": self._campaign(lead),
            **self._custom("Opportunity", lead),
        }
        return self._made("Opportunity", {n: v for n, v in values.items() if v is not None}, lead)

    def _custom(self, target: str, lead: Row) -> Row:
        """What the org's own mapping sends to this object: "Field__c": "Contact.Field__c" in the settings."""
        found = {}
        for name, goal in self.writer.org.settings.lead_mapping.items():
            kind, _, field = str(goal).partition(".")
            if kind.lower() == target.lower() and lead.get(name) is not None:
                found[field] = lead[name]
        return found

    def _made(self, name: str, values: Row, lead: Row) -> str:
        kind = self.writer.org.records.type(name)
        if self.checks:
            return str(self.writer.create(kind, values, apart_from=lead["Id"])["Id"])
        row = self.writer.org.records.insert(kind, values, self.writer.user_id, request=self.writer.request)
        return str(row["Id"])

    def _fill(self, name: str, row: Row, values: Row) -> None:
        """Only empty fields of an existing record are written."""
        blank = {field: value for field, value in values.items() if row.get(field) in (None, "")}
        if blank:
            self._change(name, row, blank)

    def _change(self, name: str, row: Row, values: Row) -> None:
        records = self.writer.org.records
        records.change(records.type(name), row, values, self.writer.user_id, request=self.writer.request)

    def _memberships(self, lead: Row) -> list[Row]:
        rows = self.writer.org.records.live("CampaignMember")
        return [row for row in rows if row.get("LeadId") == lead["Id"]]

    def _campaign(self, lead: Row) -> str | None:
        """The campaign that the lead was last associated with."""
        dated = [(str(row.get("CreatedDate")), str(row["CampaignId"])) for row in self._memberships(lead)]
        return max(dated)[1] if dated else None

    def _end_of_quarter(self) -> str:
        today = self.writer.org.clock.now().date()
        month = (today.month + 2) // 3 * 3
        return today.replace(month=month, day=monthrange(today.year, month)[1]).isoformat()


def _agree(wish: Wish) -> None:
    """Which arguments exclude or need each other ("LeadConvert Class")."""
    named = [name for name in ("opportunity", "opportunity_name") if getattr(wish, name)]
    if wish.contact and not wish.account:
        raise _refused("accountId must be specified if contactId is not null", "accountId")
    if wish.overwrite_source and not wish.contact:
        raise _refused("contactId must be specified if overwriteLeadSource is true", "contactId")
    if wish.no_opportunity and named:
        raise _refused("no opportunity may be named if doNotCreateOpportunity is true", "opportunityName")
    if len(named) > 1:
        raise _refused("opportunityId and opportunityName are mutually exclusive", "opportunityName")


def _refused(text: str, field: str) -> ApiError:
    return ApiError(400, "FIELD_INTEGRITY_EXCEPTION", text, [field])


def _mapped(mapping: dict[str, str], lead: Row) -> Row:
    return {name: lead[source] for name, source in mapping.items() if lead.get(source) not in (None, "")}
