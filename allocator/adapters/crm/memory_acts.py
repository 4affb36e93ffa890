"""What people do in the CRM in memory: edit, convert, merge, delete, undelete."""

from __future__ import annotations

from allocator.adapters.crm.memory_records import MemoryRecords
from allocator.adapters.crm.memory_rows import OBJECTS, MemoryAccount, MemoryContact, MemoryLead, MemoryRow

_PLACE = ("Street", "City", "State", "PostalCode", "Country")
TO_CONTACT = {f"Mailing{name}": name for name in _PLACE}
TO_ACCOUNT = {"Name": "Company"} | {f"Billing{name}": name for name in _PLACE}
CONVERTED = "Closed - Converted"


class MemoryActs(MemoryRecords):
    """Every act stamps what it changes with the CRM's clock, to which the next read is held."""

    def edit(self, id: str, **fields: object) -> None:
        """Set raw values of a Lead, Contact or Account; OwnerId is its owner."""
        one = self._row(id)
        one.owner = str(fields.pop("OwnerId", one.owner))
        one.fields |= fields
        one.stamp = self._now()

    def convert(
        self, lead: str, contact: str | None = None, account: str | None = None, owner: str | None = None
    ) -> str:
        """The Lead becomes a Contact with an Account, new ones unless they are named: the Contact's id.

        Fields of one name on both, the external id among them, and those of the address are carried over; of
        a record that is there only empty ones are filled.
        """
        one = self.leads[lead]
        owner = owner or self._user_for(one.owner)
        person = self.contacts[contact] if contact else None
        firm = self._account_of(one, account or (person.account_id if person else None), owner)
        if person is None:
            person = self._new_contact(owner)
        person.account_id = person.account_id or firm
        self._fill("Contact", person, one, TO_CONTACT)
        one.converted, one.contact_id, one.account_id = True, person.id, firm
        one.owner, one.stamp = owner, self._now()
        one.fields["Status"] = CONVERTED
        return person.id

    def merge(self, winner: str, loser: str) -> None:
        """The loser goes into the bin and points at the winner, which keeps its own values."""
        lost, won = self._row(loser), self._row(winner)
        lost.deleted, lost.master_id = True, winner
        lost.stamp = won.stamp = self._now()

    def delete(self, id: str) -> None:
        one = self._row(id)
        one.deleted, one.stamp = True, self._now()

    def undelete(self, id: str) -> None:
        one = self._row(id)
        one.deleted, one.master_id, one.stamp = False, None, self._now()

    def purge(self, id: str) -> None:
        """Out of the bin: the CRM no longer knows the id."""
        self.leads.pop(id, None)
        self.contacts.pop(id, None)
        self.accounts.pop(id, None)

    def _row(self, id: str) -> MemoryRow:
        return self._rows(OBJECTS[id[:3]])[id]

    def _user_for(self, owner: str) -> str:
        """Contacts have no queues as owners: the first active user then converts for itself."""
        if owner not in self.queues.values():
            return owner
        return next((user.id for user in self._users.values() if user.active), owner)

    def _account_of(self, lead: MemoryLead, account: str | None, owner: str) -> str:
        if account is None:
            now, account = self._now(), self._id("001", "AAA")
            self.accounts[account] = MemoryAccount(account, owner, now, now)
        self._fill("Account", self.accounts[account], lead, TO_ACCOUNT)
        return account

    def _new_contact(self, owner: str) -> MemoryContact:
        now = self._now()
        made = MemoryContact(self._id("003", "AAA"), owner, now, now)
        self.contacts[made.id] = made
        return made

    def _fill(self, object: str, one: MemoryRow, lead: MemoryLead, renamed: dict[str, str]) -> None:
        for name in self.shape[object]:
            value = lead.fields.get(renamed.get(name, name))
            if one.fields.get(name) in (None, "") and value not in (None, ""):
                one.fields[name] = value
                one.stamp = self._now()
