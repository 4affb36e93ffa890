"""Property definitions: what HubSpot knows of contacts and companies, and those an account adds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from allocator.sandbox.hubspot.answers import HubError, invalid

TYPES = {
    "string": ("text", "textarea", "html", "phonenumber", "file"),
    "number": ("number",),
    "date": ("date",),
    "datetime": ("date",),
    "enumeration": ("select", "radio", "checkbox", "booleancheckbox"),
    "bool": ("booleancheckbox", "radio", "select"),
}
"""Data types and the form fields that show them; the first is taken where none is said."""
NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
STAGES = (
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
)
YES_NO = (("true", "True"), ("false", "False"))
Options = tuple[tuple[str, str], ...]
"""Value and label of each."""


@dataclass(frozen=True)
class Property:
    """One property of an object type."""

    name: str
    label: str
    type: str = "string"
    field_type: str = "text"
    group: str = "contactinformation"
    options: Options = ()
    description: str = ""
    hidden: bool = False
    calculated: bool = False
    read_only: bool = False
    external: bool = False
    """Its options are kept elsewhere, as owners are."""
    own: bool = False
    """The account made it."""
    unique: bool = False

    def shown(self, made: str) -> dict[str, Any]:
        """As the properties resource lists it."""
        shape = {
            "updatedAt": made,
            "createdAt": made,
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "fieldType": self.field_type,
            "description": self.description,
            "groupName": self.group,
            "options": [_option(*pair, place) for place, pair in enumerate(self.options)],
            "displayOrder": -1,
            "calculated": self.calculated,
            "externalOptions": self.external,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "hubspotDefined": not self.own,
            "modificationMetadata": {
                "archivable": True,
                "readOnlyDefinition": not self.own,
                "readOnlyValue": self.read_only,
            },
            "formField": not (self.hidden or self.read_only),
            "dataSensitivity": "non_sensitive",
        }
        return {**shape, "archived": False} if self.own else shape


def _option(value: str, label: str, place: int) -> dict[str, Any]:
    return {"label": label, "value": value, "displayOrder": place, "hidden": False}


def read_property(spec: dict[str, Any]) -> Property:
    """A definition from the body of a create call, or the error that refuses it."""
    for key in ("name", "label", "type", "fieldType", "groupName"):
        if not isinstance(spec.get(key), str) or not spec[key]:
            raise invalid(f"Some required fields were not set: [{key}]")
    name, kind, field = spec["name"], spec["type"], spec["fieldType"]
    if NAME.fullmatch(name) is None or name.startswith("hs_"):
        raise invalid(f"Property name {name} is not valid: lower-case letters, digits and underscores only")
    if kind not in TYPES or field not in TYPES[kind]:
        raise invalid(f"Field type {field} is not valid for property type {kind}")
    given = spec.get("options") or []
    options = tuple((str(one["value"]), str(one.get("label") or one["value"])) for one in given)
    options = options or (YES_NO if kind == "bool" else ())
    if kind == "enumeration" and not options:
        raise HubError(400, "VALIDATION_ERROR", f"Enumeration property {name} must have options")
    return Property(
        name=name,
        label=spec["label"],
        type=kind,
        field_type=field,
        group=spec["groupName"],
        options=options,
        description=str(spec.get("description") or ""),
        hidden=bool(spec.get("hidden")),
        unique=bool(spec.get("hasUniqueValue")),
        own=True,
    )


def own_property(name: str, label: str, kind: str = "string", options: Options = ()) -> Property:
    """A property as an administrator adds it in the settings."""
    return Property(name, label, kind, TYPES[kind][0], options=options, own=True)


def _plain(*pairs: tuple[str, str]) -> list[Property]:
    return [Property(name, label) for name, label in pairs]


def _machine(name: str, label: str, kind: str = "string", field: str = "", **more: Any) -> Property:
    """A property that HubSpot alone writes."""
    return Property(name, label, kind, field or TYPES[kind][0], read_only=True, **more)


def _shared(stamp: str) -> list[Property]:
    """What every object type has; `stamp` is the property that tells its last change."""
    stages = tuple((stage, stage.capitalize()) for stage in STAGES)
    return [
        Property("lifecyclestage", "Lifecycle Stage", "enumeration", "radio", options=stages, external=True),
        Property("hubspot_owner_id", "Owner", "enumeration", "select", "sales_properties", external=True),
        Property("hs_pipeline", "Pipeline", "enumeration", "select", hidden=True, external=True),
        _machine("hs_object_id", "Record ID", "number"),
        _machine("createdate", "Create Date", "datetime"),
        _machine(stamp, "Last Modified Date", "datetime"),
        _machine("hs_merged_object_ids", "Merged record IDs", "enumeration", "checkbox"),
        _machine("hs_object_source", "Record creation source", hidden=True),
        _machine("hs_object_source_id", "Record creation source ID", hidden=True),
        _machine("hs_object_source_label", "Record source", "enumeration", external=True),
    ]


_COMPUTED: dict[str, Any] = {"hidden": True, "calculated": True}
LANGUAGES = (
    "af ar bg ca cs da de de-at de-ch el en en-au en-ca en-gb en-ie en-in en-us es es-es es-mx et fi fr "
    "fr-be fr-ca fr-ch he hi hr hu id it ja ko lt lv nb nl nl-be no pl pt pt-br pt-pt ro ru sk sl sr sv th "
    "tr uk vi zh zh-cn zh-hk zh-tw"
)
SIZES = ("1-5", "5-25", "25-50", "50-100", "100-500", "500-1000", "1000+")
STATUSES = (
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "OPEN_DEAL",
    "UNQUALIFIED",
    "ATTEMPTED_TO_CONTACT",
    "CONNECTED",
    "BAD_TIMING",
)


def _choice(name: str, label: str, values: tuple[str, ...], field: str = "select") -> Property:
    return Property(name, label, "enumeration", field, options=tuple((value, value) for value in values))


def contact_properties() -> list[Property]:
    """The default properties of contacts, as far as anything here uses them."""
    return [
        *_plain(
            ("salutation", "Salutation"),
            ("firstname", "First Name"),
            ("lastname", "Last Name"),
            ("email", "Email"),
            ("company", "Company Name"),
            ("jobtitle", "Job Title"),
            ("address", "Street Address"),
            ("city", "City"),
            ("state", "State/Region"),
            ("zip", "Postal Code"),
            ("country", "Country/Region"),
            ("industry", "Industry"),
            ("website", "Website URL"),
            ("annualrevenue", "Annual Revenue"),
        ),
        Property("phone", "Phone Number", field_type="phonenumber"),
        Property("mobilephone", "Mobile Phone Number", field_type="phonenumber"),
        Property("message", "Message", field_type="textarea", group="contact_activity"),
        Property("closedate", "Close Date", "datetime", "date", "deal_information"),
        _choice("numemployees", "Number of Employees", SIZES),
        _choice("hs_language", "Preferred language", tuple(LANGUAGES.split())),
        _choice("hs_lead_status", "Lead Status", STATUSES, "radio"),
        *_shared("lastmodifieddate"),
        _machine("hs_email_domain", "Email Domain", calculated=True),
        _machine("hs_additional_emails", "Additional email addresses", "enumeration", **_COMPUTED),
        _machine("hs_all_contact_vids", "All vids for a contact", "enumeration", **_COMPUTED),
        _machine(
            "hs_is_contact", "Is a contact", "bool", "calculation_read_time", options=YES_NO, **_COMPUTED
        ),
        _machine("hs_is_unworked", "Contact unworked", "bool", "calculation_equation", options=YES_NO),
        _machine("hs_lifecyclestage_lead_date", "Became a Lead Date", "datetime"),
    ]


def company_properties() -> list[Property]:
    names = ("name", "domain", "website", "phone", "address", "city", "state", "zip", "country", "industry")
    return [
        *_plain(*((name, name.capitalize()) for name in names)),
        Property("numberofemployees", "Number of Employees", "number", "number"),
        *_shared("hs_lastmodifieddate"),
    ]
