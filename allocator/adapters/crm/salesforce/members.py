"""Members of campaigns who have no marketing record yet.

"Relationship Queries" (SOQL Reference, sforce_api_calls_soql_relationships.htm): a member is asked for by
what its campaign, its Lead and its Contact are. The member of a converted Lead names both.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from allocator.adapters.crm.salesforce.client import Client
from allocator.adapters.crm.salesforce.read import IDS_AT_ONCE
from allocator.adapters.crm.salesforce.records import Records
from allocator.adapters.crm.salesforce.shape import MEMBER, Shape
from allocator.adapters.crm.salesforce.soql import chunks, listed, matchable, select, to18
from allocator.domain.sync.values import CrmRecord
from allocator.errors import SourceError

LONGEST_NAME = 80


class Members:
    """One request for 2,000 members, then one for 200 of their Leads or Contacts."""

    def __init__(self, client: Client, shape: Shape, records: Records) -> None:
        self._client, self._shape, self._records = client, shape, records

    def members(
        self, kind: str, campaigns: Collection[str], fields: Sequence[str]
    ) -> Iterator[list[CrmRecord]]:
        names = sorted(name for name in set(campaigns) if matchable(name, LONGEST_NAME))
        if not names:
            return
        self._records.need_external_id(kind)
        if not self._shape.described(MEMBER):
            raise SourceError(
                "Salesforce shows this user no members of campaigns. Give it the right to read campaigns, or "
                "leave sync.create_from_campaigns empty."
            )
        for ids in chunks(self._ids(kind, names), IDS_AT_ONCE):
            found = self._records.records(kind, ids, fields).values()
            yield [one for one in found if _is_free(one)]

    def _ids(self, kind: str, names: Sequence[str]) -> list[str]:
        field = f"{kind}Id"
        where = f"Campaign.Name IN {listed(names)} AND {field} != null"
        where += f" AND {kind}.{self._records.external_id} = null"
        where += " AND Lead.IsConverted = false" if kind == "Lead" else ""
        pages = self._client.pages("members", select((field,), MEMBER, where, "Id ASC"))
        found = (to18(row.get(field)) for rows in pages for row in rows)
        return list(dict.fromkeys(one for one in found if one))


def _is_free(one: CrmRecord) -> bool:
    """By the fresh read: still there, still a Lead, and nobody's."""
    return one.known and one.deleted is False and not one.external_id and one.converted is not True
