"""Links to objects of the CRM: its own leads to themselves, marketing records to what they became."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from allocator.adapters.store import leads
from allocator.adapters.store.bulk import insert_rows
from allocator.adapters.store.leads import by_key, chunks, named, one
from allocator.adapters.store.tables import links
from allocator.domain.lead import LeadKey
from allocator.domain.records import LeadRow, Link
from allocator.domain.sync.relations import is_own, means, place, refuse_doubles, self_link
from allocator.domain.sync.values import Linked

_OF_MARKETING = sa.text("links.source <> links.crm")
_LIVE = sa.text("links.state = 'live'")
"""Spelt as in the partial indexes, which are used only where a query says so itself."""
_PLACE = ("source", "source_id", "crm", "object", "crm_id")


# --- reading ----------------------------------------------------------------------------------------------


def linked(
    connection: Connection,
    keys: Collection[LeadKey] | None = None,
    state: str | None = None,
    source: str | None = None,
) -> list[Link]:
    """By record, state or source; ordered by record, CRM and date."""
    conditions = [sa.true()] if keys is None else list(by_key(links, keys))
    more = [] if state is None else [links.c.state == state]
    more += [] if source is None else [links.c.source == source]
    return _ordered(link for part in conditions for link in _select(connection, part, *more))


def to_objects(
    connection: Connection, objects: Collection[tuple[str, str]], source: str | None = None
) -> dict[tuple[str, str], LeadKey]:
    """(object, CRM id) -> the marketing record with a live link to it, the first by key."""
    found = sorted(_live_to(connection, objects), key=lambda link: link.key, reverse=True)
    return {(link.object, link.crm_id): link.key for link in found if source in (None, link.key.source)}


def of_id(connection: Connection, text: str) -> list[Link]:
    """Links of marketing records to the object with this id, in any state."""
    fits = links.c.crm_id == text
    if len(text) == 15 and text.isascii():
        fits = sa.and_(links.c.crm_id >= text, links.c.crm_id < text + "\x7f")
    found = _select(connection, _OF_MARKETING, fits)
    return _ordered(link for link in found if means(link.crm_id, text))


def find_leads(connection: Connection, text: str) -> list[LeadRow]:
    """Leads by their key; where none has it, leads of marketing systems by the id of an object of the CRM."""
    return leads.find(connection, text) or leads.rows(connection, {k.key for k in of_id(connection, text)})


def _live_to(connection: Connection, objects: Collection[tuple[str, str]]) -> list[Link]:
    wanted = set(objects)
    found: list[Link] = []
    for part in chunks(sorted({crm_id for _, crm_id in wanted})):
        found.extend(_select(connection, _LIVE, _OF_MARKETING, links.c.crm_id.in_(part)))
    return [link for link in found if (link.object, link.crm_id) in wanted]


def _select(connection: Connection, *conditions: sa.ColumnElement[bool] | sa.TextClause) -> list[Link]:
    return [_link(row) for row in connection.execute(sa.select(links).where(*conditions))]


def _link(row: Row[Any]) -> Link:
    return Link(LeadKey(row.source, row.source_id), row.crm, row.object, row.crm_id, row.state, row.since)


def _ordered(found: Iterable[Link]) -> list[Link]:
    return sorted(found, key=lambda link: (link.key, link.crm, link.since, link.object, link.crm_id))


# --- writing ----------------------------------------------------------------------------------------------


def save(connection: Connection, new: Sequence[Link]) -> None:
    """Add these, or bring them to the state given; one that stands so already keeps its date."""
    wanted = {place(link): link for link in new}
    if not wanted:
        return
    _refuse_doubles(connection, list(wanted.values()))
    for live in (False, True):  # what steps aside goes first: an index allows one live link at any moment
        rows = [_values(link) for link in wanted.values() if (link.state == Linked.LIVE) is live]
        insert_rows(connection, links, rows, _change_state)


def link_to_itself(connection: Connection, keys: Collection[LeadKey], at: datetime) -> None:
    """Leads of a CRM that have their owner now."""
    own = [Link(key, *self_link(key), Linked.LIVE, at) for key in keys]
    insert_rows(connection, links, [_values(link) for link in own], _leave)


def switch(connection: Connection, contacts: Mapping[LeadKey, str], at: datetime) -> int:
    """Live Lead links become converted, live Contact links are made. Returns how many."""
    live = [link for link in linked(connection, list(contacts), "live") if link.object == "Lead"]
    if not live:
        return 0
    connection.execute(
        sa.update(links)
        .where(one(links), links.c.object == "Lead", links.c.state == "live")
        .values(state="converted", since=at),
        [named(link.key) for link in live],
    )
    made = [Link(link.key, link.crm, "Contact", contacts[link.key], "live", at) for link in live]
    insert_rows(connection, links, [_values(link) for link in made], _leave)
    return len({link.key for link in live})


def _refuse_doubles(connection: Connection, new: Sequence[Link]) -> None:
    """What is live among those that the new ones could stand beside, seen with the new ones."""
    live = [link for link in new if link.state == Linked.LIVE and not is_own(link)]
    if live:
        beside = linked(connection, [link.key for link in live], Linked.LIVE)
        beside += _live_to(connection, [(link.object, link.crm_id) for link in live])
        refuse_doubles({place(link): link for link in (*beside, *new)}.values())


def _values(link: Link) -> dict[str, Any]:
    return {
        "source": link.key.source, "source_id": link.key.source_id, "crm": link.crm, "object": link.object,
        "crm_id": link.crm_id, "state": str(link.state), "since": link.since,
    }  # fmt: skip


def _change_state(insert: Any) -> Any:
    new = {"state": insert.excluded.state, "since": insert.excluded.since}
    changed = links.c.state != insert.excluded.state
    return insert.on_conflict_do_update(index_elements=_PLACE, set_=new, where=changed)


_leave: Callable[[Any], Any] = lambda insert: insert.on_conflict_do_nothing()  # noqa: E731
