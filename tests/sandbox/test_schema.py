"""The sandbox's org describes itself as recorded orgs do."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.sandbox.salesforce.schema import Schema, standard_schema, to18, valid_id

RECORDED = Path(__file__).parents[2].parent / "shared" / "data" / "recorded" / "salesforce_describe"
# Fields of the recorded orgs' own making, and objects that the sandbox does not have.
FOREIGN = {"Primary_Contact__c", "ns__Description__c", "History__c", "ns__LinkedAccount__c"}
NOT_SHIPPED = {
    "LastAmountChangedHistoryId",
    "LastCloseDateChangedHistoryId",
    "RecordTypeId",
    "DandbCompanyId",
    "IndividualId",
    "JigsawContactId",
    "JigsawCompanyId",
}
COMPARED = """
    type soapType length digits precision scale nillable createable updateable defaultedOnCreate idLookup
    restrictedPicklist referenceTo relationshipName compoundFieldName custom unique externalId nameField
    defaultValue polymorphicForeignKey namePointing
"""


@pytest.fixture
def schema() -> Schema:
    return standard_schema()


def recorded(name: str) -> dict[str, Any]:
    return json.loads((RECORDED / f"GET_sobjects_{name}_describe.json").read_text())


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["Lead", "Contact", "Account", "Opportunity"])
def test_a_describe_has_every_key_of_a_recorded_one(schema: Schema, name: str) -> None:
    real, ours = recorded(name), schema.object(name).describe("59.0")
    assert set(real) <= set(ours)
    assert set(real["fields"][0]) == set(ours["fields"][0])
    assert set(real["childRelationships"][0]) == set(ours["childRelationships"][0])
    assert set(real["recordTypeInfos"][0]) == set(ours["recordTypeInfos"][0])
    assert set(real["urls"]) - {"defaultValues"} <= set(ours["urls"])


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["Lead", "Contact", "Account", "Opportunity"])
def test_standard_fields_are_described_as_recorded(schema: Schema, name: str) -> None:
    ours = {field["name"]: field for field in schema.object(name).describe("59.0")["fields"]}
    for real in recorded(name)["fields"]:
        if real["name"] in FOREIGN | NOT_SHIPPED:
            continue
        mine = ours[real["name"]]
        assert {key: mine[key] for key in COMPARED.split()} == {key: real[key] for key in COMPARED.split()}, (
            real["name"]
        )


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["Lead", "Contact", "Account", "Opportunity"])
def test_what_may_be_filtered_sorted_and_grouped_is_as_recorded(schema: Schema, name: str) -> None:
    # Three fields are odd in the recorded orgs: groupable although they can not be filtered.
    odd = {"ChannelProgramName", "ChannelProgramLevelName"}
    for real in recorded(name)["fields"]:
        if real["name"] in FOREIGN | NOT_SHIPPED | odd:
            continue
        mine = schema.object(name).field(real["name"]).describe()
        for key in ("filterable", "sortable", "groupable", "aggregatable"):
            assert mine[key] == real[key], (real["name"], key)


@pytest.mark.shared_data
def test_the_global_describe_lists_objects_with_the_recorded_keys(schema: Schema) -> None:
    real = {entry["name"]: entry for entry in recorded("Global")["sobjects"]}
    ours = {entry["name"]: entry for entry in schema.describe_global("52.0")["sobjects"]}
    for name in ("Account", "Campaign", "CampaignMember", "Contact", "Opportunity", "Organization", "User"):
        assert set(real[name]) == set(ours[name])
        for key in (
            "createable",
            "deletable",
            "undeletable",
            "mergeable",
            "updateable",
            "keyPrefix",
            "labelPlural",
        ):
            assert ours[name][key] == real[name][key], (name, key)


def test_names_are_found_in_any_case(schema: Schema) -> None:
    lead = schema.object("LEAD")
    assert lead is schema.object("lead")
    assert lead.field("ownerid").name == "OwnerId"
    assert lead.relationship("OWNER").reference_to == ("Group", "User")
    assert schema.object("Nothing") is None and lead.field("Nothing") is None


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        (
            "Lead",
            "CountryCode StateCode HasOptedOutOfEmail DoNotCall Fax MasterRecordId ConvertedDate",
        ),
        ("User", "IsActive UserType ProfileId TimeZoneSidKey ManagerId Email Username"),
        ("Group", "Name DeveloperName Type Email"),
        ("GroupMember", "GroupId UserOrGroupId"),
        ("QueueSobject", "QueueId SobjectType"),
        ("CampaignMember", "CampaignId LeadId ContactId Status"),
        ("LeadStatus", "MasterLabel ApiName SortOrder IsDefault IsConverted"),
        ("Organization", "Name OrganizationType IsSandbox"),
    ],
)
def test_objects_of_lead_routing_have_their_fields(schema: Schema, name: str, fields: str) -> None:
    assert [f for f in fields.split() if schema.object(name).field(f) is None] == []


def test_only_leads_may_be_owned_by_a_queue(schema: Schema) -> None:
    owners = {o.name: o.field("OwnerId").reference_to for o in schema.objects if o.field("OwnerId")}
    assert [name for name, targets in owners.items() if "Group" in targets] == ["Lead"]


def test_a_custom_field_belongs_to_one_org_only(schema: Schema) -> None:
    made = schema.add_custom_field("lead", "Ext_Id__c", external_id=True, unique=True, length=40)
    assert (made.custom, made.external_id, made.id_lookup, made.length) == (True, True, True, 40)
    assert schema.object("Lead").describe("59.0")["fields"][-1]["name"] == "Ext_Id__c"
    assert standard_schema().object("Lead").field("Ext_Id__c") is None


def test_a_custom_lookup_is_a_relationship_both_ways(schema: Schema) -> None:
    schema.add_custom_field("Lead", "Partner", "reference", reference_to=("Account",))
    assert schema.object("Lead").relationship("Partner__r").name == "Partner__c"
    assert schema.object("Account").child_relationship("leads__r").field == "Partner__c"


def test_a_custom_field_on_no_object_is_refused(schema: Schema) -> None:
    with pytest.raises(KeyError):
        schema.add_custom_field("Nothing", "X__c")


# Documented pairs: vendor's object reference and public client libraries' tests.
@pytest.mark.parametrize(
    "id18", ["00Q0v0000067MoiEAE", "012000000000000AAA", "701E0000000JuFHIA0", "a00E0000004D5lsIAC"]
)
def test_ids_get_their_documented_suffix(id18: str) -> None:
    assert to18(id18[:15]) == id18 == to18(id18)
    assert valid_id(id18) and valid_id(id18[:15])


def test_an_id_that_lost_its_case_is_mended_from_its_suffix() -> None:
    assert to18("00q0V0000067mOIeae") == "00Q0v0000067MoiEAE"
    assert not valid_id("00q0v0000067moiEAE")


@pytest.mark.parametrize("text", ["", "abc", "00Q0v0000067Mo!", "00Q0v0000067MoiEA", None, 5])
def test_other_texts_are_no_ids(text: object) -> None:
    assert not valid_id(text)


@given(st.from_regex(r"[A-Za-z0-9]{15}", fullmatch=True), st.booleans())
def test_the_suffix_keeps_ids_apart_whatever_the_case(id15: str, upper: bool) -> None:
    whole = to18(id15)
    assert to18(whole.upper() if upper else whole.lower()) == whole


def test_no_two_objects_share_a_key_prefix(schema: Schema) -> None:
    prefixes = [entry.key_prefix for entry in schema.objects]
    assert len(prefixes) == len(set(prefixes))
    assert schema.object_of_id("00Q0v0000067MoiEAE").name == "Lead"
