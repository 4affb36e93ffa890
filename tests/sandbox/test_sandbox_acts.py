"""Acting as a salesperson: the control calls, and the commands that send them to a running sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sandbox_client import ANA, BEN, QUEUE, Client, error

from allocator.entrypoints.cli import main
from allocator.sandbox.app import Sandbox


def act(client: Client, what: str, record: str, **body: Any) -> Any:
    return client.call("POST", f"/_sandbox/{what}", json={"record": record, **body})


def test_a_person_converts_a_lead_from_a_queue_and_owns_it(client: Client) -> None:
    lead = client.lead()
    done = act(client, "convert", lead, by=BEN).json()
    assert (done["record"], done["by"]) == (lead, BEN)
    row = client.row("Lead", lead)
    assert [row["ConvertedAccountId"], row["ConvertedContactId"], row["ConvertedOpportunityId"]] == [
        done["account"], done["contact"], done["opportunity"],
    ]  # fmt: skip
    assert (row["OwnerId"], row["LastModifiedById"]) == (BEN, BEN)


def test_a_person_is_bound_by_the_rules_of_the_org(client: Client) -> None:
    lead = client.lead(OwnerId=ANA)
    assert act(client, "convert", lead, no_opportunity=True).json()["opportunity"] is None
    assert error(act(client, "edit", lead, fields={"City": "Oslo"})) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    assert error(act(client, "convert", lead)) == (400, "CANNOT_UPDATE_CONVERTED_LEAD")
    other = client.lead()
    assert error(act(client, "edit", other, fields={"Email": "nonsense"})) == (400, "INVALID_EMAIL_ADDRESS")
    assert error(act(client, "take", "00Q5g00000ZzZzZ")) == (404, "NOT_FOUND")
    assert error(act(client, "take", other, by="nobody@else.example")) == (404, "NOT_FOUND")
    assert client.owner(other) == QUEUE


def test_no_assignment_rule_steals_what_a_person_takes(client: Client) -> None:
    lead = client.lead()
    name = client.row("User", ANA)["Email"]
    assert act(client, "take", lead, by=name.upper()).json()["owner"] == ANA == client.owner(lead)


def test_a_person_merges_deletes_and_undeletes(client: Client) -> None:
    master, other = client.lead(), client.lead()
    assert act(client, "merge", master, others=[other]).json()["merged"] == [other]
    assert client.row("Lead", other)["MasterRecordId"] == master
    assert act(client, "delete", master).status_code == 200
    assert error(act(client, "take", master)) == (404, "ENTITY_IS_DELETED")
    assert act(client, "undelete", master).status_code == 200
    assert not client.row("Lead", master)["IsDeleted"]


@pytest.mark.parametrize("body", [{}, {"record": 7}, {"record": "00Q"}, []])
def test_an_act_that_cannot_be_understood_is_refused(client: Client, body: Any) -> None:
    assert client.call("POST", "/_sandbox/edit", json=body).status_code in (400, 404)
    assert client.call("GET", "/_sandbox/convert").status_code == 405


def test_what_was_set_up_and_deleted_together_outlives_a_stop(tmp_path: Path) -> None:
    with Sandbox(seed="empty", state_dir=tmp_path) as sandbox:
        client = Client(sandbox)
        client.call("PUT", "/_sandbox/fields/Lead", json=[{"name": "LeadSource", "restricted": True}])
        account = client.put("Account", {"Name": "Engines"})
        contact = client.put("Contact", {"LastName": "King", "AccountId": account})
        act(client, "delete", account)
    with Sandbox(state_dir=tmp_path) as sandbox:
        client = Client(sandbox)
        assert error(act(client, "edit", client.lead(), fields={"LeadSource": "Rumour"})) == (
            400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        )  # fmt: skip
        act(client, "undelete", account)
        assert not client.row("Contact", contact)["IsDeleted"]


# -- the commands ---


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Client]]:
    """A sandbox whose state lies where the demo has it, with TLS: the command must find the authority too."""
    folder = tmp_path_factory.mktemp("playground")
    with Sandbox(seed="demo", tls=True, state_dir=folder / "sandbox") as sandbox:
        yield folder, Client(sandbox)


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, Any, str]:
    with pytest.raises(SystemExit) as stop:
        main(["sandbox", *words, "--json"])
    said = capsys.readouterr()
    return int(stop.value.code or 0), json.loads(said.out) if said.out else {}, said.err


def test_the_commands_find_the_sandbox_in_the_folder_and_act_in_it(
    kept: tuple[Path, Client], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, client = kept
    monkeypatch.chdir(folder)
    lead, other = client.lead(City="Oslo"), client.lead()
    code, done, _ = run(capsys, "take", lead, "--by", BEN)
    assert (code, done["schema"], done["owner"], client.owner(lead)) == (0, 1, BEN, BEN)
    code, done, _ = run(capsys, "edit", lead, "Phone=+44 = 1", "City=")
    assert (code, done["fields"]) == (0, {"Phone": "+44 = 1", "City": None})
    assert run(capsys, "merge", lead, other)[1]["merged"] == [other]
    code, done, _ = run(capsys, "convert", lead, "--opportunity", "Mill")
    assert client.row("Opportunity", done["opportunity"])["Name"] == "Mill"
    assert client.row("Lead", lead)["ConvertedContactId"] == done["contact"]
    assert run(capsys, "delete", done["contact"])[0] == 0
    assert client.row("Contact", done["contact"])["IsDeleted"]
    assert run(capsys, "undelete", done["contact"])[0] == 0
    code, done, said = run(capsys, "convert", lead)
    assert (code, done["error"]["exit"]) == (1, 1) and "CANNOT_UPDATE_CONVERTED_LEAD" in said
    assert run(capsys, "take", "00Q5g00000ZzZzZ")[0] == 2


def test_a_sandbox_is_named_by_url_or_state_and_is_on_this_machine(
    client: Client, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lead = client.lead()
    code, _, said = run(capsys, "take", lead)
    assert code == 5 and "--state" in said
    assert run(capsys, "take", lead, "--by", ANA, "--url", client.url)[0] == 0
    state = str(client.sandbox.state_dir)
    assert run(capsys, "take", lead, "--by", BEN, "--state", state)[0] == 0
    assert client.owner(lead) == BEN
    for url in (
        "https://acme.my.salesforce.com",
        "http://127.0.0.1@acme.example",
        "ftp://localhost",
        "http://[::1",
    ):
        assert run(capsys, "take", lead, "--url", url)[0] == 2
    assert run(capsys, "take", lead, "--url", "http://127.0.0.1:1")[0] == 5


def test_a_stopped_sandbox_is_not_found_any_more(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with Sandbox(seed="empty", state_dir=tmp_path):
        assert (tmp_path / "running.json").exists()
    assert run(capsys, "take", "00Q5g00000ZzZzZ", "--state", str(tmp_path))[0] == 5


def test_the_text_says_what_came_of_it(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    lead = client.lead(OwnerId=ANA)
    with pytest.raises(SystemExit) as stop:
        main(["sandbox", "convert", lead, "--no-opportunity", "--url", client.url])
    said = capsys.readouterr().out
    assert stop.value.code == 0
    assert lead in said and client.row("Lead", lead)["ConvertedContactId"] in said and "none" in said
