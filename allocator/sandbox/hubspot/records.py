"""Records of one object type: their properties with history, what the search index shows, merges."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from allocator.sandbox.clock import parse_iso
from allocator.sandbox.hubspot.answers import NotThere, conflict, invalid, stamp
from allocator.sandbox.hubspot.definitions import STAGES, Property

APP, APP_ID, PERSON = "INTEGRATION", "4169410", "CRM_UI"
FIRST_ID = 73_000_000_001
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
Values = dict[str, str]


@dataclass
class Record:
    """One record. `index` holds its states as the search index gets them: when written, create or update."""

    id: str
    properties: Values
    created: datetime
    updated: datetime
    archived: datetime | None = None
    history: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    index: list[tuple[datetime, bool, Values]] = field(default_factory=list)


@dataclass(frozen=True)
class Kind:
    """An object type."""

    name: str
    title: str
    type_id: str
    stamp: str
    """The property that tells a record's last change."""
    shown: tuple[str, ...]
    """What a read shows when it names no properties."""
    unique: str


CONTACTS = Kind(
    name="contacts",
    title="CONTACT",
    type_id="0-1",
    stamp="lastmodifieddate",
    shown=("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    unique="email",
)
COMPANIES = Kind(
    name="companies",
    title="COMPANY",
    type_id="0-2",
    stamp="hs_lastmodifieddate",
    shown=("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    unique="domain",
)


class Records:
    """The records of one type. Callers hold the portal's lock."""

    def __init__(self, kind: Kind, known: Iterable[Property], now: Callable[[], datetime]) -> None:
        self.kind, self._now = kind, now
        self.known = {one.name: one for one in known}
        self.rows: dict[str, Record] = {}
        self.aliases: dict[str, str] = {}
        """The losers of merges, each with its winner."""
        self._by_key: dict[str, str] = {}
        self._last_id = FIRST_ID - 1 if kind is CONTACTS else FIRST_ID - 50_000_000_001

    # -- reading --------------------------------------------------------------------------------------------

    def find(self, text: str, by: str | None = None, *, archived: bool = False) -> Record:
        """A record by id, by the id of one that it swallowed, or by a unique property."""
        found = (
            self._by_property(text, by) if by and by != "hs_object_id" else self.rows.get(self.winner(text))
        )
        if found is None or (found.archived is not None) is not archived:
            raise NotThere(self.kind.title)
        return found

    def winner(self, record_id: str) -> str:
        while record_id in self.aliases:
            record_id = self.aliases[record_id]
        return record_id

    def _by_property(self, text: str, by: str) -> Record | None:
        wanted = text.strip().lower()
        if by == self.kind.unique:
            return self._keyed(wanted)
        found = self.known.get(by)
        if found is None or not found.unique:
            raise invalid(f"{by} is not a unique property of {self.kind.name}")
        rows = (row for row in self.rows.values() if row.archived is None)
        return next((row for row in rows if row.properties.get(by, "").lower() == wanted), None)

    def _keyed(self, key: str) -> Record | None:
        """Who has this e-mail address, as its own or from a contact that it swallowed."""
        found = self.rows.get(self.winner(self._by_key.get(key, "")))
        if found is None or found.archived is not None:
            return None
        others = found.properties.get("hs_additional_emails", "").split(";")
        return found if key in (found.properties.get(self.kind.unique, "").lower(), *others) else None

    def listed(self, *, archived: bool) -> list[Record]:
        """In the order of their ids."""
        rows = [row for row in self.rows.values() if (row.archived is not None) is archived]
        return sorted(rows, key=lambda row: int(row.id))

    # -- writing --------------------------------------------------------------------------------------------

    def check_free(self, values: Values, own: str | None = None) -> None:
        """An e-mail address belongs to one contact."""
        key = values.get("email", "") if self.kind is CONTACTS else ""
        holder = self._keyed(key) if key else None
        if holder is not None and holder.id != own:
            raise conflict(holder.id)

    def create(self, values: Values, source: str = APP) -> Record:
        """A new record with what HubSpot itself fills in; values are checked already."""
        self.check_free(values)
        record = self._added(self.next_id(), self._now())
        given = {**self._filled(record, values), **values}
        self.put(record, given, source, record.created)
        record.index.append((record.created, True, dict(record.properties)))
        return record

    def _added(self, record_id: str, moment: datetime) -> Record:
        record = self.rows[record_id] = Record(record_id, {}, moment, moment)
        return record

    def _filled(self, record: Record, values: Values) -> Values:
        made = stamp(record.created)
        common = {
            "createdate": made,
            "hs_object_id": record.id,
            "hs_object_source": APP,
            "hs_object_source_id": APP_ID,
            "hs_object_source_label": APP,
            "hs_pipeline": f"{self.kind.name}-lifecycle-pipeline",
            "lifecyclestage": "lead",
        }
        if self.kind is not CONTACTS:
            return {**common, "website": values["domain"]} if values.get("domain") else common
        host = values.get("email", "").rpartition("@")[2]
        own = {
            "hs_all_contact_vids": record.id,
            "hs_is_contact": "true",
            "hs_is_unworked": "true",
        }
        if values.get("lifecyclestage", "lead") == "lead":
            own["hs_lifecyclestage_lead_date"] = made
        return {**common, **own, **({"hs_email_domain": host} if host else {})}

    def update(self, record: Record, values: Values, source: str = APP) -> None:
        """Any write moves the record's stamp, also one that changes nothing."""
        self.check_free(values, record.id)
        if "email" in values and self.kind is CONTACTS:
            values = {**values, "hs_email_domain": values["email"].rpartition("@")[2]}
        self.put(record, values, source, self._next_moment(record))
        self.indexed(record)

    def put(self, record: Record, values: Values, source: str, moment: datetime) -> None:
        """Set values as they are, with their history, and the record's stamp."""
        record.updated = moment
        for name, value in {**values, self.kind.stamp: stamp(moment)}.items():
            if record.properties.get(name) != value:
                past = {"value": value, "timestamp": stamp(moment), "sourceType": source}
                past |= {"sourceId": APP_ID if source == APP else "userId:1"}
                record.history.setdefault(name, []).insert(0, past)
            record.properties[name] = value
        if key := record.properties.get(self.kind.unique):
            self._by_key[key.lower()] = record.id

    def indexed(self, record: Record) -> None:
        record.index.append((record.updated, False, dict(record.properties)))
        if len(record.index) > 50:
            del record.index[1:11]

    def _next_moment(self, record: Record) -> datetime:
        """Two writes of one record never share a stamp."""
        now = self._now()
        return now if now != record.updated else now + timedelta(milliseconds=1)

    def next_id(self) -> str:
        self._last_id += 1
        while str(self._last_id) in self.rows:
            self._last_id += 1
        return str(self._last_id)

    def archive(self, record: Record) -> None:
        record.archived = self._now()

    def restore(self, record: Record) -> None:
        """Out of the list of archived ones; the index has to learn of it again."""
        record.archived = None
        self.put(record, {}, PERSON, self._next_moment(record))
        record.index.clear()
        self.indexed(record)

    def merge(self, primary: Record, other: Record, source: str = APP) -> Record:
        """`primary` lives on with its values, and takes from the other what it lacks."""
        if primary.id == other.id:
            raise invalid("Cannot merge a record with itself")
        taken = self._taken(primary, other)
        del self.rows[other.id]
        self.aliases[other.id] = primary.id
        self.put(primary, taken, source, self._next_moment(primary))
        self.indexed(primary)
        return primary

    def _taken(self, primary: Record, other: Record) -> Values:
        """The earlier creation, the later stage, both addresses, the ids of all that went into it."""
        have, more = primary.properties, other.properties
        taken = {name: value for name, value in more.items() if value and not have.get(name)}
        taken["hs_merged_object_ids"] = _joined(have, more, "hs_merged_object_ids", other.id)
        if self.kind is CONTACTS:
            taken["hs_all_contact_vids"] = f"{have.get('hs_all_contact_vids') or primary.id};{other.id}"
            emails = _joined(have, more, "hs_additional_emails", more.get("email", ""))
            taken["hs_additional_emails"] = emails
        reached = [STAGES.index(one.get("lifecyclestage", "")) for one in (have, more) if _staged(one)]
        if reached:
            taken["lifecyclestage"] = STAGES[max(reached)]
        primary.created = min(primary.created, other.created)
        return {**taken, "createdate": stamp(primary.created)}

    # -- behind the API's back ------------------------------------------------------------------------------

    def put_raw(self, row: dict[str, Any], text_of: Callable[[Any], str]) -> Record:
        """Store a row unchecked; the search index has it at once."""
        values = {name: text_of(value) for name, value in (row.get("properties") or {}).items()}
        record_id = str(row.get("id") or "") or self.next_id()
        if not record_id.isdigit():
            raise ValueError(f"an id is a number, not {record_id!r}")
        record = self.rows.get(record_id) or self._added(record_id, self._now())
        if "createdate" in values:
            record.created = parse_iso(values["createdate"])
        moved = values.get(self.kind.stamp)
        moment = parse_iso(moved) if moved else self._next_moment(record)
        fixed = {"createdate": stamp(record.created), "hs_object_id": record_id}
        self.put(record, {**values, **fixed}, PERSON, moment)
        self.aliases.pop(record_id, None)
        record.index = [(LONG_AGO, True, dict(record.properties))]
        record.archived = self._now() if row.get("archived") else None
        return record

    def clear(self) -> None:
        for held in (self.rows, self.aliases, self._by_key):
            held.clear()

    def dump(self) -> dict[str, Any]:
        return {
            "last_id": self._last_id,
            "aliases": self.aliases,
            "rows": [_dumped(row) for row in self.rows.values()],
        }

    def load(self, saved: dict[str, Any]) -> None:
        self.clear()
        self._last_id, self.aliases = saved["last_id"], dict(saved["aliases"])
        for row in saved["rows"]:
            record = self.rows[row["id"]] = _loaded(row)
            for key in (record.properties.get(self.kind.unique), *_others(record)):
                if key:
                    self._by_key[key.lower()] = record.id


def _others(record: Record) -> list[str]:
    return record.properties.get("hs_additional_emails", "").split(";")


def _joined(have: Values, more: Values, name: str, last: str) -> str:
    parts = (*have.get(name, "").split(";"), *more.get(name, "").split(";"), last)
    return ";".join(dict.fromkeys(part for part in parts if part))


def _staged(values: Values) -> bool:
    return values.get("lifecyclestage") in STAGES


def _dumped(record: Record) -> dict[str, Any]:
    return {
        **vars(record),
        "created": record.created.isoformat(),
        "updated": record.updated.isoformat(),
        "archived": record.archived.isoformat() if record.archived else None,
        "index": [(moment.isoformat(), new, values) for moment, new, values in record.index],
    }


def _loaded(row: dict[str, Any]) -> Record:
    return Record(
        id=row["id"],
        properties=row["properties"],
        created=datetime.fromisoformat(row["created"]),
        updated=datetime.fromisoformat(row["updated"]),
        archived=datetime.fromisoformat(row["archived"]) if row["archived"] else None,
        history=row["history"],
        index=[(datetime.fromisoformat(moment), new, values) for moment, new, values in row["index"]],
    )
