"""Objects and fields of the sandbox's org: what exists, what it is called, what may be done with it.

`standard_schema` builds a fresh org; custom fields are added to it while it lives. Shapes of the describes
are in `schema_describe`, the tables in `schema_fields` and `schema_tables`.
"""

from dataclasses import dataclass, field, replace
from typing import Any

from allocator.sandbox.salesforce import schema_describe as describes
from allocator.sandbox.salesforce import schema_fields as columns
from allocator.sandbox.salesforce import schema_tables as tables
from allocator.sandbox.salesforce.schema_ids import id_keys, looks_like_id, to18, valid_id

__all__ = [
    "ChildRelationship",
    "Field",
    "ObjectType",
    "Schema",
    "id_keys",
    "looks_like_id",
    "standard_schema",
    "to18",
    "valid_id",
]

TEXT_TYPES = frozenset(
    {"string", "textarea", "email", "phone", "url", "picklist", "multipicklist", "combobox"}
    | {"encryptedstring", "anyType"}
)
_LONG_TEXT = 255
_NOT_GROUPABLE = frozenset({"double", "currency", "percent", "datetime", "address", "location", "base64"})
_NOT_SORTABLE = frozenset({"address", "location", "base64", "multipicklist"})
_NOT_AGGREGATABLE = frozenset({"boolean", "address", "location", "base64", "multipicklist"})


@dataclass(kw_only=True)
class Field:
    """One column of an object, with the vendor's names for its type and abilities."""

    name: str
    type: str = "string"
    label: str = ""
    length: int = 0
    digits: int = 0
    precision: int = 0
    scale: int = 0
    nillable: bool = True
    createable: bool = True
    updateable: bool = True
    defaulted_on_create: bool = False
    default_value: Any = None
    custom: bool = False
    external_id: bool = False
    unique: bool = False
    id_lookup: bool = False
    calculated: bool = False
    auto_number: bool = False
    case_sensitive: bool = False
    name_field: bool = False
    permissionable: bool = False
    hidden_in_filters: bool = False
    picklist_values: tuple[tuple[str, bool, bool], ...] = ()
    restricted_picklist: bool = False
    reference_to: tuple[str, ...] = ()
    relationship_name: str | None = None
    compound_field: str | None = None
    extra_type_info: str | None = None
    set_up: bool = False  # a standard field whose rules an administrator changed

    @property
    def long_text(self) -> bool:
        """Long text areas may be read but neither filtered, sorted nor grouped."""
        return self.type == "textarea" and self.length > _LONG_TEXT

    @property
    def filterable(self) -> bool:
        return not (self.long_text or self.hidden_in_filters or self.type == "base64")

    @property
    def sortable(self) -> bool:
        return self.filterable and self.type not in _NOT_SORTABLE

    @property
    def groupable(self) -> bool:
        return not self.long_text and self.type not in _NOT_GROUPABLE | {"multipicklist"}

    @property
    def aggregatable(self) -> bool:
        return not self.long_text and self.type not in _NOT_AGGREGATABLE

    @property
    def polymorphic(self) -> bool:
        return len(self.reference_to) > 1

    @property
    def is_text(self) -> bool:
        return self.type in TEXT_TYPES

    def describe(self) -> dict[str, Any]:
        """The field's entry in its object's describe."""
        return describes.field_describe(self)


@dataclass(frozen=True)
class ChildRelationship:
    """The way down from a parent to the rows whose `field` points at it."""

    child: str
    field: str
    name: str | None
    cascade_delete: bool = False


@dataclass(kw_only=True)
class ObjectType:
    """One kind of record. Look-ups ignore case, as the vendor's do."""

    name: str
    label: str
    label_plural: str
    key_prefix: str | None
    fields: list[Field]
    abilities: str = "cudrtl"
    custom: bool = False
    queryable: bool = True
    child_relationships: list[ChildRelationship] = field(default_factory=list)
    _by_name: dict[str, Field] = field(default_factory=dict, repr=False)
    _by_relationship: dict[str, Field] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for entry in self.fields:
            self._index(entry)

    def field(self, name: str) -> Field | None:
        """The field of that name in any case."""
        return self._by_name.get(name.lower())

    def relationship(self, name: str) -> Field | None:
        """The reference field behind a relationship name such as `Owner`."""
        return self._by_relationship.get(name.lower())

    def child_relationship(self, name: str) -> ChildRelationship | None:
        """The named way down, such as `CampaignMembers`."""
        wanted = name.lower()
        return next((c for c in self.child_relationships if c.name and c.name.lower() == wanted), None)

    def can(self, ability: str) -> bool:
        """Whether the object has an ability; the letters are those of `schema_tables.OBJECTS`."""
        return ability in self.abilities

    def add(self, entry: Field) -> None:
        """Put a field at the end, or in the place of the one with its name."""
        known = self.field(entry.name)
        if known is not None:
            self.fields.remove(known)
        self.fields.append(entry)
        self._index(entry)

    def describe(self, version: str) -> dict[str, Any]:
        """The answer to GET /sobjects/{name}/describe."""
        return describes.object_describe(self, version)

    def basic(self, version: str) -> dict[str, Any]:
        """The object's entry in GET /sobjects/ and in GET /sobjects/{name}/."""
        return describes.object_basic(self, version)

    def _index(self, entry: Field) -> None:
        self._by_name[entry.name.lower()] = entry
        if entry.relationship_name:
            self._by_relationship[entry.relationship_name.lower()] = entry


class Schema:
    """All objects of one org."""

    def __init__(self, objects: list[ObjectType], name_object: ObjectType) -> None:
        self._objects = {entry.name.lower(): entry for entry in objects}
        self.name_object = name_object
        """What `Owner` and its like show of a user or a group: the vendor's object `Name`."""

    @property
    def objects(self) -> tuple[ObjectType, ...]:
        return tuple(self._objects.values())

    def object(self, name: str) -> ObjectType | None:
        """The object of that name in any case."""
        return self._objects.get(name.lower())

    def object_of_id(self, record_id: str) -> ObjectType | None:
        """The object whose key prefix starts this id."""
        return next((o for o in self.objects if o.key_prefix and record_id[:3] == o.key_prefix), None)

    def add_custom_field(
        self,
        object_name: str,
        name: str,
        type: str = "string",
        *,
        length: int = 255,
        external_id: bool = False,
        unique: bool = False,
        **more: Any,
    ) -> Field:
        """Add a field to an object; `__c` is appended when it is missing. More arguments are those of Field.

        Raises KeyError when there is no such object.
        """
        owner = self.object(object_name)
        if owner is None:
            raise KeyError(object_name)
        full = name if name.endswith("__c") else f"{name}__c"
        shown = more.pop("label", full[:-3].replace("_", " "))
        made = Field(
            name=full, type=type, label=shown, external_id=external_id, unique=unique, id_lookup=external_id
        )
        owner.add(replace(made, **{**_custom_defaults(full, type, length), **more}))
        if made.reference_to or more.get("reference_to"):
            self._add_children(owner, full)
        return owner.field(full) or made

    def describe_global(self, version: str) -> dict[str, Any]:
        """The answer to GET /sobjects/."""
        return {
            "encoding": "UTF-8",
            "maxBatchSize": 200,
            "sobjects": [entry.basic(version) for entry in self.objects],
        }

    def _add_children(self, child: ObjectType, field_name: str) -> None:
        """A custom look-up is also a way down: `Leads__r` from the object it points at."""
        made = child.field(field_name)
        for target in made.reference_to if made else ():
            parent = self.object(target)
            if parent is not None:
                name = f"{child.label_plural.replace(' ', '_')}__r"
                parent.child_relationships.append(ChildRelationship(child.name, field_name, name))


def _custom_defaults(name: str, type: str, length: int) -> dict[str, Any]:
    texts = {"custom": True, "permissionable": True, "length": length if type in TEXT_TYPES else 0}
    if type == "boolean":
        return texts | {"nillable": False, "defaulted_on_create": True, "default_value": False}
    if type in ("double", "currency", "percent"):
        return texts | {"precision": 18, "scale": 2}
    if type == "int":
        return texts | {"digits": 8}
    if type == "reference":
        return texts | {"length": 18, "relationship_name": f"{name[:-3]}__r"}
    return texts


def standard_schema() -> Schema:
    """A fresh org with the standard objects that lead routing touches."""
    objects = [_object_from(row) for row in tables.OBJECTS]
    schema = Schema(objects, _object_from(("Name", "Name", "Names", None, columns.NAME, "")))
    schema.name_object.queryable = False
    _relate(schema)
    return schema


def _object_from(row: tuple[str, str, str, str | None, str, str]) -> ObjectType:
    name, label, plural, prefix, lines, abilities = row
    fields = [_field_from(name, line) for line in _expanded(lines)]
    return ObjectType(
        name=name, label=label, label_plural=plural, key_prefix=prefix, fields=fields, abilities=abilities
    )


def _expanded(block: str) -> list[str]:
    """The lines of a table, with the audit stamps where `*audit` stands."""
    return block.replace("*audit\n", columns.AUDIT.lstrip()).strip().splitlines()


def _field_from(object_name: str, line: str) -> Field:
    head, label = line.split(" | ")
    name, kind, size, *rest = head.split(" ")
    flags = rest.pop(0) if rest and rest[0][:1] not in (">", "@", "~") else ""
    marks = {part[0]: part[1:] for part in rest}
    targets, _, relationship = marks.get(">", "").partition(":")
    whole, _, scale = size.partition(".")
    made = Field(
        name=name,
        type=kind,
        label=label,
        nillable="n" in flags,
        createable="c" in flags,
        updateable="u" in flags,
        defaulted_on_create="d" in flags,
        id_lookup="i" in flags,
        unique="U" in flags,
        name_field="N" in flags,
        permissionable="p" in flags,
        hidden_in_filters="x" in flags,
        restricted_picklist="r" in flags,
        reference_to=tuple(targets.split(",")) if targets else (),
        relationship_name=relationship or None,
        compound_field=marks.get("@"),
        extra_type_info=marks.get("~"),
        default_value=tables.DEFAULTS.get(f"{object_name}.{name}", False if kind == "boolean" else None),
        picklist_values=_picklist(object_name, name) if kind == "picklist" else (),
    )
    return replace(made, **_sizes(kind, int(whole), int(scale or 0)))


def _sizes(kind: str, whole: int, scale: int) -> dict[str, Any]:
    if kind == "int":
        return {"digits": whole}
    if kind in ("double", "currency", "percent"):
        return {"precision": whole, "scale": scale}
    return {"length": whole}


def _picklist(object_name: str, name: str) -> tuple[tuple[str, bool, bool], ...]:
    suffixes = [name[start:] for start in range(len(name))]
    keys = [f"{object_name}.{name}", *(s for s in suffixes if s in tables.PICKLISTS)]
    values = next((tables.PICKLISTS[key] for key in keys if key in tables.PICKLISTS), "")
    return tuple((v.lstrip("*"), True, v.startswith("*")) for v in values.split(";") if v)


def _relate(schema: Schema) -> None:
    """Give parents their named ways down, and the unnamed ones that a describe lists too."""
    named = {(child, name): parent for parent, _, child, name, _ in tables.CHILDREN}
    for parent, relationship, child, name, cascade in tables.CHILDREN:
        _parent_of(schema, parent).append(ChildRelationship(child, name, relationship, cascade))
    for below in schema.objects:
        for entry in below.fields:
            for target in entry.reference_to:
                if named.get((below.name, entry.name)) != target and schema.object(target):
                    _parent_of(schema, target).append(ChildRelationship(below.name, entry.name, None))


def _parent_of(schema: Schema, name: str) -> list[ChildRelationship]:
    parent = schema.object(name)
    if parent is None:
        raise KeyError(name)
    return parent.child_relationships
