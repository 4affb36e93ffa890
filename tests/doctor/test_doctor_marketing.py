"""Doctor looks at HubSpot's token and properties, and at the drop folder."""

from __future__ import annotations

import os
from typing import Any

import pytest
import requests
from examined import edit, failed, look, subject
from org import Org


def with_hubspot(org: Org, *properties: str, **settings: Any) -> None:
    """Of an account that has these properties of its own beside the usual ones."""
    hub = org.info["hubspot"]
    for name in properties:
        requests.delete(f"{hub['url']}/crm/v3/properties/contacts/{name}", headers=token(org), timeout=10)
    lines = [f"{key} = {value!r}" for key, value in settings.items()]
    text = "\n".join(["", "[hubspot]", f'url = "{hub["url"]}"', f'token = "{hub["token"]}"', *lines, ""])
    with org.config.open("a", encoding="utf-8") as file:
        file.write(text)


def token(org: Org) -> dict[str, str]:
    return {"Authorization": f"Bearer {org.info['hubspot']['token']}"}


def test_without_marketing_systems_all_is_fine(org: Org) -> None:
    _, checks = look(org)
    assert [checks[name]["status"] for name in ("hubspot_token", "hubspot_properties", "drop_folder")] == [
        "ok"
    ] * 3
    assert "no HubSpot account is configured" in checks["hubspot_token"]["message"]


def test_an_account_with_every_property_is_fine(org: Org) -> None:
    with_hubspot(org)
    code, checks = look(org)
    assert code == 0 and checks["hubspot_token"]["message"].startswith(org.info["hubspot"]["url"])
    assert checks["hubspot_properties"]["status"] == "ok", checks["hubspot_properties"]


def test_a_token_that_is_refused_is_said_and_never_shown(org: Org) -> None:
    with_hubspot(org)
    edit(org, org.info["hubspot"]["token"], "pat-wrong-canary")
    found = failed(org, "hubspot_token", "error")
    assert "refused the token" in found["message"] and "private app" in found["fix"] and found["code"] == "5"
    assert "canary" not in str(look(org))
    assert look(org)[1]["hubspot_properties"]["message"] == "not checked: see hubspot_token"


def test_missing_properties_are_named_with_how_to_add_them(org: Org) -> None:
    with_hubspot(org, "crm_lead_id", "crm_converted")
    found = failed(org, "hubspot_properties", "warning")
    assert found["message"].endswith("crm_lead_id, crm_converted")
    for step in ("Create property", "crm_lead_id (single-line text)", "crm_converted (single checkbox)"):
        assert step in found["fix"]


def test_a_property_that_nobody_may_write_is_named(org: Org) -> None:
    with_hubspot(org)
    with org.config.open("a", encoding="utf-8") as file:
        file.write('[hubspot.write_back]\nstatus = "createdate"\n')
    assert "cannot be written: createdate" in failed(org, "hubspot_properties", "warning")["message"]


@pytest.mark.parametrize(
    ("settings", "said", "fix"),
    [
        (
            {"intake": ["lead", "hot"]},
            "has no value hot",
            "internal names of values that it has: subscriber, lead",
        ),
        ({"intake_field": "stage"}, "no contact property stage", "intake_field under [hubspot]"),
    ],
)
def test_an_intake_that_finds_nothing_is_an_error(
    org: Org, settings: dict[str, Any], said: str, fix: str
) -> None:
    with_hubspot(org, **settings)
    found = failed(org, "hubspot_properties", "error")
    assert said in found["message"] and fix in found["fix"] and found["code"] == "7"


def test_a_drop_folder_is_there_and_can_be_used(org: Org) -> None:
    folder = org.config.parent / "arrivals"
    with org.config.open("a", encoding="utf-8") as file:
        file.write('\n[drop]\nfolder = "arrivals"\n')
    found = failed(org, "drop_folder", "error")
    assert found["message"] == f"{folder} is not there" and str(folder) in found["fix"]
    folder.write_text("", encoding="utf-8")
    assert "is no folder" in failed(org, "drop_folder", "error")["message"]
    folder.unlink()
    folder.mkdir()
    assert look(org)[1]["drop_folder"]["status"] == "ok"


def test_a_folder_without_permissions_is_named(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked as another user would be: whoever runs the tests may be allowed everything."""
    folder = org.config.parent / "arrivals"
    folder.mkdir()
    with org.config.open("a", encoding="utf-8") as file:
        file.write('\n[drop]\nfolder = "arrivals"\n')
    systems = subject(org).systems
    assert systems.unusable(folder) == ""
    for denied, said in ((os.R_OK, "cannot be read"), (os.W_OK, "cannot be written to")):
        with monkeypatch.context() as patch:
            patch.setattr(os, "access", lambda path, mode, denied=denied: not mode & denied)
            assert systems.unusable(folder) == said


def test_contacts_that_are_left_to_their_owners_are_counted(org: Org) -> None:
    with_hubspot(org)
    assert "because somebody owns it" in look(org)[1]["hubspot_intake"]["message"]
    hub = f"{org.info['url']}/_sandbox/hubspot"
    [owner, *_] = requests.put(f"{hub}/owners", json=[{"email": "o@acme.example"}], timeout=10).json()
    owned = {"lifecyclestage": "lead", "hubspot_owner_id": owner["id"]}
    rows = [
        {**owned, "email": "one@a.example"},
        {**owned, "email": "two@a.example"},
        {**owned, "email": "known@a.example", "crm_lead_id": "00Q000000000001AAA"},
        {**owned, "email": "late@a.example", "lifecyclestage": "customer"},
        {"lifecyclestage": "lead", "email": "free@a.example"},
    ]
    requests.put(f"{hub}/contacts", json=[{"properties": row} for row in rows], timeout=10)
    found = look(org)[1]["hubspot_intake"]
    assert found["message"].startswith("2 contacts are left to the owner that hubspot_owner_id names")
    assert found["status"] == "ok"
    edit(org, "[hubspot]\n", '[hubspot]\nowner_field = ""\n')
    assert "whether or not somebody owns them" in look(org)[1]["hubspot_intake"]["message"]


def test_an_owner_property_that_is_not_there_is_an_error(org: Org) -> None:
    with_hubspot(org, owner_field="rep")
    found = failed(org, "hubspot_properties", "error")
    assert "no contact property rep" in found["message"] and "owner_field under [hubspot]" in found["fix"]
