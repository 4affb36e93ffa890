"""What the seeds and the leads file put into the org."""

from collections import Counter
from pathlib import Path

import pytest
from sandbox_client import ANA, QUEUE, SHARED

from allocator.sandbox.app import Sandbox
from allocator.sandbox.seeds import demo

Rows = list[dict]


def rows(sandbox: Sandbox, name: str = "Lead") -> Rows:
    return sandbox.org.records.rows(name)


def load(tmp_path: Path, text: str | bytes, **options: object) -> tuple[Rows, Sandbox]:
    path = tmp_path / "leads.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with Sandbox(seed="empty", leads=path, **options) as sandbox:  # type: ignore[arg-type]
        return rows(sandbox), sandbox


def test_the_demo_org_holds_the_company(shared_sandbox: Sandbox) -> None:
    shared_sandbox.reset()
    data = demo.company()
    users = {row["Id"]: row for row in rows(shared_sandbox, "User")}
    for person in data["people"]:
        user = users[person["crm_user_id"]]
        assert (user["Name"], user["Email"], user["IsActive"]) == (person["name"], person["email"], True)
    campaigns = {row["Id"]: row["Name"] for row in rows(shared_sandbox, "Campaign")}
    assert campaigns == {row["id"]: row["name"] for row in data["campaigns"]}
    assert shared_sandbox.org.queues() == {row["name"]: row["id"] for row in data["queues"]}
    assert (len(data["people"]), len(campaigns)) == (40, 60)


def test_the_sample_leads_are_240_untidy_and_in_a_total_order(shared_sandbox: Sandbox) -> None:
    shared_sandbox.reset()
    leads = rows(shared_sandbox)
    waiting = [row for row in leads if row["OwnerId"] == QUEUE]
    assert (len(waiting), len(leads) - len(waiting)) == (240, 7)
    assert len({row["CreatedDate"] for row in waiting}) == 240
    assert sum(1 for row in leads if row["IsConverted"]) == 2
    members = {row["LeadId"] for row in rows(shared_sandbox, "CampaignMember")}
    without_code = [row for row in waiting if not row.get("Campaign_Code__c")]
    assert len(members) == 40
    assert len([row for row in without_code if row["Id"] not in members]) == 8
    countries = Counter(row.get("Country") for row in waiting)
    assert countries[None] == 3
    assert {"Untied Kingdom", "Asia/Pacific Region", "Deutschland", "U.K."} <= set(countries)
    assert sum(row["Email"].endswith("@gmail.com") for row in waiting) == 3


def test_twelve_sample_leads_are_known_to_a_salesperson(shared_sandbox: Sandbox) -> None:
    shared_sandbox.reset()
    known = {row["Email"] for row in rows(shared_sandbox, "Contact")}
    known |= {
        row["Email"] for row in rows(shared_sandbox) if row["OwnerId"] != QUEUE and not row["IsConverted"]
    }
    assert sum(row["Email"] in known for row in rows(shared_sandbox) if row["OwnerId"] == QUEUE) >= 12


def test_two_starts_make_the_same_leads() -> None:
    with Sandbox(seed="demo") as one, Sandbox(seed="demo") as two:
        names = ("Id", "Name", "Email", "Country", "ProductInterest__c", "Campaign_Code__c")
        assert [[r.get(n) for n in names] for r in rows(one)] == [
            [r.get(n) for n in names] for r in rows(two)
        ]


def test_headers_are_mapped_and_unknown_ones_become_custom_fields(tmp_path: Path) -> None:
    header = "Prospect ID,E-mail,first NAME,Lead Source,Converted,Owner,Mood (today)\n"
    text = f"{header}7f,a@b.example,Ada,Web,1,Ana,blue\n"
    (row,), _ = load(tmp_path, text)
    assert (row["Email"], row["FirstName"], row["LeadSource"]) == ("a@b.example", "Ada", "Web")
    assert (row["LastName"], row["Company"], row["OwnerId"]) == ("7f", "[not provided]", QUEUE)
    assert (row["IsConverted"], row["Converted__c"], row["Owner__c"]) == (False, "1", "Ana")
    assert row["Mood_today__c"] == "blue"


def test_a_map_wins_over_every_guess(tmp_path: Path) -> None:
    (row,), _ = load(
        tmp_path, "Name of it,City\nx,Oslo\n", field_map={"city": "Product__c", "Name of it": "LastName"}
    )
    assert (row["Product__c"], row["LastName"], row.get("City")) == ("Oslo", "x", None)


def test_a_byte_order_mark_and_rows_quoted_whole_are_read(tmp_path: Path) -> None:
    text = '\ufeffId no,City,Company\n"1,""Oslo, North"",Engines"\n2,Rome,Mills\n'
    loaded, sandbox = load(tmp_path, text)
    assert [row["City"] for row in loaded] == ["Oslo, North", "Rome"]
    assert sandbox.load_report == []


def test_rows_that_cannot_be_loaded_are_reported_and_blank_lines_counted(tmp_path: Path) -> None:
    long_city = "x" * 41
    text = f"Key,City\n1,Oslo\n\n2,{long_city}\n3\n4,Rome,extra\n".encode() + b"5,\xff\n6,Bonn\n"
    loaded, sandbox = load(tmp_path, text)
    assert [row["City"] for row in loaded] == ["Oslo", "Bonn"]
    assert [row["line"] for row in sandbox.load_report] == [4, 5, 6, 7]
    assert all(row["reason"] for row in sandbox.load_report)
    assert sandbox.load_counts == {"rows": 6, "loaded": 2, "refused": 4, "blank": 1}


def test_a_real_export_keeps_its_ids_dates_and_conversion_but_not_its_owners(tmp_path: Path) -> None:
    header = "Id,LastName,Company,OwnerId,IsConverted,CreatedDate,LastModifiedDate\n"
    line = f"00Q5g00000ReAl1,Ada,Engines,{ANA},true,2024-01-22T20:36:47.000+0000,2020-01-01\n"
    (row,), _ = load(tmp_path, header + line)
    assert row["Id"].startswith("00Q5g00000ReAl1")
    assert (row["OwnerId"], row["IsConverted"]) == (QUEUE, True)
    assert row["CreatedDate"] == row["LastModifiedDate"] == "2024-01-22T20:36:47.000+0000"


def test_an_id_twice_is_reported(tmp_path: Path) -> None:
    line = "00Q5g00000ReAl1,Ada,Engines\n"
    loaded, sandbox = load(tmp_path, "Id,LastName,Company\n" + line + line)
    assert (len(loaded), [row["line"] for row in sandbox.load_report]) == (1, [3])


def test_a_leads_file_takes_the_place_of_the_sample_leads(tmp_path: Path) -> None:
    path = tmp_path / "leads.csv"
    path.write_text("LastName,Company\nAda,Engines\n")
    with Sandbox(seed="demo", leads=path) as sandbox:
        assert [row["LastName"] for row in rows(sandbox)] == ["Ada"]
        assert len(rows(sandbox, "User")) == 42


def test_an_unknown_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="seed must be one of"):
        Sandbox(seed="nothing")


@pytest.mark.shared_data
def test_9240_education_leads_load_whole() -> None:
    path = SHARED / "xeducation" / "Leads_with_338_rows_quoted_whole.csv"
    with Sandbox(leads=path, field_map={"Specialization": "Product__c"}) as sandbox:
        assert (sandbox.load_counts["loaded"], sandbox.load_report) == (9240, [])
        leads = rows(sandbox)
        assert len({row["CreatedDate"] for row in leads}) == 9240
        assert {row["IsConverted"] for row in leads} == {False}
        assert sum(row.get("Product__c") == "Banking, Investment And Insurance" for row in leads) == 338


@pytest.mark.shared_data
@pytest.mark.parametrize(("name", "count"), [("Lead.csv", 60), ("Lead_genai_demo.csv", 14)])
def test_the_workshop_leads_load_whole(name: str, count: int) -> None:
    with Sandbox(leads=SHARED / "salesforce_workshop" / name) as sandbox:
        assert (sandbox.load_counts["loaded"], sandbox.load_report) == (count, [])
        assert len(rows(sandbox)) == count
        if name == "Lead.csv":
            assert rows(sandbox)[0]["Address"]["city"] == rows(sandbox)[0]["City"]


@pytest.mark.shared_data
def test_the_developer_seed_holds_the_stock_records() -> None:
    with Sandbox(seed="developer", data_dir=SHARED / "salesforce_de_sample") as sandbox:
        assert sandbox.load_report == []
        counts = {name: len(rows(sandbox, name)) for name in ("Lead", "Contact", "Account", "Opportunity")}
        assert counts == {"Lead": 22, "Contact": 25, "Account": 18, "Opportunity": 36}
        assert sum(row["IsConverted"] for row in rows(sandbox)) == 5
