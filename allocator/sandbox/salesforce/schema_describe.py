"""The bodies of describe answers, key for key as recorded from real orgs (API 48.0 to 59.0)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from allocator.sandbox.salesforce.schema import ChildRelationship, Field, ObjectType

_SOAP_TYPES = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
    "location": "urn:location",
    "base64": "xsd:base64Binary",
    "anyType": "xsd:anyType",
}
_MASTER_RECORD_TYPE = "012000000000000AAA"
_UI_HOST = "https://sandbox.my.salesforce.com"
_BASIC_ONLY_FALSE = ("activateable", "customSetting", "deprecatedAndHidden", "hasSubtypes", "isInterface")


def soap_type(field_type: str) -> str:
    """The XML name of a type; error messages use its part after the colon."""
    return _SOAP_TYPES.get(field_type, "xsd:string")


def field_describe(field: "Field") -> dict[str, Any]:
    """One entry of `fields`, keys in the vendor's alphabetical order."""
    entry = _field_basics(field) | _field_abilities(field) | _field_constants()
    return dict(sorted(entry.items()))


def _field_basics(field: "Field") -> dict[str, Any]:
    textual = soap_type(field.type) == "xsd:string"
    return {
        "name": field.name,
        "label": field.label or field.name,
        "type": field.type,
        "soapType": soap_type(field.type),
        "length": field.length,
        "byteLength": field.length * 3 if textual else field.length,
        "digits": field.digits,
        "precision": field.precision,
        "scale": field.scale,
        "defaultValue": field.default_value,
        "compoundFieldName": field.compound_field,
        "extraTypeInfo": field.extra_type_info,
        "picklistValues": [_picklist_entry(*value) for value in field.picklist_values],
        "referenceTo": list(field.reference_to),
        "relationshipName": field.relationship_name,
    }


def _field_abilities(field: "Field") -> dict[str, Any]:
    return {
        "aggregatable": field.aggregatable,
        "autoNumber": field.auto_number,
        "calculated": field.calculated,
        "caseSensitive": field.case_sensitive,
        "createable": field.createable,
        "custom": field.custom,
        "defaultedOnCreate": field.defaulted_on_create,
        "externalId": field.external_id,
        "filterable": field.filterable,
        "groupable": field.groupable,
        "idLookup": field.id_lookup,
        "nameField": field.name_field,
        "namePointing": field.polymorphic,
        "nillable": field.nillable,
        "permissionable": field.permissionable,
        "polymorphicForeignKey": field.polymorphic,
        "queryByDistance": field.type in ("address", "location"),
        "restrictedPicklist": field.restricted_picklist,
        "sortable": field.sortable,
        "unique": field.unique,
        "updateable": field.updateable,
    }


def _field_constants() -> dict[str, Any]:
    """Keys that every field has and none of ours uses."""
    off = """
        aiPredictionField cascadeDelete dependentPicklist deprecatedAndHidden encrypted
        displayLocationInDecimal formulaTreatNullNumberAsZero highScaleNumber htmlFormatted restrictedDelete
        searchPrefilterable writeRequiresMasterRead
    """
    none = """
        calculatedFormula controllerName defaultValueFormula filteredLookupInfo inlineHelpText mask maskType
        referenceTargetField relationshipOrder
    """
    return dict.fromkeys(off.split(), False) | dict.fromkeys(none.split(), None)


def _picklist_entry(value: str, active: bool, default: bool) -> dict[str, Any]:
    return {"active": active, "defaultValue": default, "label": value, "validFor": None, "value": value}


def object_basic(entry: "ObjectType", version: str) -> dict[str, Any]:
    """What GET /sobjects/ lists of one object."""
    basics: dict[str, Any] = {**dict.fromkeys(_BASIC_ONLY_FALSE, False), **_object_abilities(entry)}
    basics |= {"associateEntityType": None, "associateParentEntity": None, "isSubtype": False}
    basics |= {
        "custom": entry.custom,
        "keyPrefix": entry.key_prefix,
        "label": entry.label,
        "labelPlural": entry.label_plural,
        "name": entry.name,
        "urls": _urls(entry, version, full=False),
    }
    return dict(sorted(basics.items()))


def _object_abilities(entry: "ObjectType") -> dict[str, bool]:
    return {
        "createable": entry.can("c"),
        "deepCloneable": entry.can("k"),
        "deletable": entry.can("d"),
        "feedEnabled": entry.can("f"),
        "layoutable": entry.can("l"),
        "mergeable": entry.can("m"),
        "mruEnabled": entry.can("w"),
        "queryable": entry.queryable,
        "replicateable": True,
        "retrieveable": True,
        "searchable": entry.can("s"),
        "triggerable": entry.can("t"),
        "undeletable": entry.can("r"),
        "updateable": entry.can("u"),
    }


def object_describe(entry: "ObjectType", version: str) -> dict[str, Any]:
    """The whole describe of one object."""
    whole = object_basic(entry, version) | {
        "actionOverrides": [],
        "childRelationships": [_child(child) for child in entry.child_relationships],
        "compactLayoutable": entry.can("l"),
        "fields": [field_describe(field) for field in entry.fields],
        "namedLayoutInfos": [],
        "recordTypeInfos": [_record_type(entry, version)],
        "searchLayoutable": entry.can("s"),
        "sobjectDescribeOption": "FULL",
        "supportedScopes": _scopes(entry),
        "urls": _urls(entry, version, full=True),
    }
    nothing = (
        "defaultImplementation extendedBy extendsInterfaces implementedBy implementsInterfaces listviewable "
        "lookupLayoutable networkScopeFieldName"
    )
    return dict(sorted((whole | dict.fromkeys(nothing.split(), None)).items()))


def _child(child: "ChildRelationship") -> dict[str, Any]:
    return {
        "cascadeDelete": child.cascade_delete,
        "childSObject": child.child,
        "deprecatedAndHidden": False,
        "field": child.field,
        "junctionIdListNames": [],
        "junctionReferenceTo": [],
        "relationshipName": child.name,
        "restrictedDelete": False,
    }


def _record_type(entry: "ObjectType", version: str) -> dict[str, Any]:
    layout = f"{_base(entry, version)}/describe/layouts/{_MASTER_RECORD_TYPE}"
    return {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "master": True,
        "name": "Master",
        "recordTypeId": _MASTER_RECORD_TYPE,
        "urls": {"layout": layout},
    }


def _scopes(entry: "ObjectType") -> list[dict[str, str]]:
    plural = entry.label_plural.lower()
    scopes = [{"label": f"All {plural}", "name": "everything"}]
    if entry.field("OwnerId") is not None:
        scopes.append({"label": f"My {plural}", "name": "mine"})
    return scopes


def _base(entry: "ObjectType", version: str) -> str:
    return f"/services/data/v{version.lstrip('v')}/sobjects/{entry.name}"


def _urls(entry: "ObjectType", version: str, *, full: bool) -> dict[str, str]:
    base = _base(entry, version)
    urls = {"rowTemplate": f"{base}/{{ID}}", "describe": f"{base}/describe", "sobject": base}
    if entry.can("l"):
        paths = ("describe/compactLayouts", "describe/approvalLayouts", "listviews", "quickActions")
        urls |= {path.rpartition("/")[2]: f"{base}/{path}" for path in paths}
        urls["layouts"] = f"{base}/describe/layouts"
    if full and entry.can("l"):
        ui = {"uiDetailTemplate": "{ID}", "uiEditTemplate": "{ID}/e", "uiNewRecord": f"{entry.key_prefix}/e"}
        urls |= {key: f"{_UI_HOST}/{path}" for key, path in ui.items()}
    return urls
