"""Settings of the marketing systems: defaults, what is refused, what `init` writes, what is never shown."""

from __future__ import annotations

import io
import stat
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from org import INBOUND, call

from allocator.bootstrap_marketing import marketing_of, sources_of
from allocator.config import Settings, load_settings
from allocator.config.secret_files import secret_files
from allocator.errors import ConfigError

CRM = """
[salesforce]
url = "https://acme.my.salesforce.com"
client_id = "3MVG9"
client_secret = "x"
intake = ["In"]
"""
TOKEN = 'token = "pat-kept-dark"\n'
HUB = f"[hubspot]\n{TOKEN}"
BACK = f"{HUB}[hubspot.write_back]\n"


def settings(folder: Path, text: str) -> Settings:
    file = folder / "allocator.toml"
    file.write_text(f"{CRM}\n{text}", encoding="utf-8")
    return load_settings(file)


def refused(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as error:
        settings(folder, text)
    return str(error.value).removeprefix(f"{folder / 'allocator.toml'}: ")


def test_without_the_sections_there_is_no_marketing_system(tmp_path: Path) -> None:
    made = settings(tmp_path, "")
    assert made.hubspot is made.drop is None and sources_of(made) == ()
    assert (made.sync.full_hours, made.sync.create_from_campaigns) == (24, ())


def test_a_token_is_enough_for_hubspot(tmp_path: Path) -> None:
    made = settings(tmp_path, f"{HUB}").hubspot
    assert made is not None and made.url == "https://api.hubapi.com" and made.secret() == "pat-kept-dark"
    assert made.intake == ("lead", "marketingqualifiedlead") and made.owner_field == "hubspot_owner_id"
    assert made.overlap == timedelta(minutes=15)
    assert len(made.write_back.names()) == 6


def test_both_systems_are_wired_in_order_with_what_is_written_back(tmp_path: Path) -> None:
    made = settings(
        tmp_path,
        f'{BACK}status = ""\n[drop]\nfolder = "in"\n[sync]\nfull_hours = 6',
    )
    marketing = marketing_of(made)
    assert [source.name for source in marketing.sources] == ["hubspot", "drop"]
    assert set(marketing.write_back["hubspot"]) == {
        "lead_id",
        "contact_id",
        "account_id",
        "converted",
        "owner",
    }
    assert marketing.full_hours == 6 and made.drop is not None and made.drop.folder == tmp_path / "in"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[hubspot]", "hubspot: token_file (or token) is needed"),
        (f'{HUB}url = "http://api.hubapi.com"', "hubspot.url: must begin with https://"),
        (f'{HUB}url = "https://api.hubapi.com/crm"', "hubspot.url: must be the host alone"),
        (f'{HUB}url = "https://u:p@api.hubapi.com"', "hubspot.url: must be the host alone"),
        (f'{HUB}path = "/crm/v3"', "hubspot.path: must be a path of objects"),
        (f"{HUB}intake = []", "hubspot.intake: name 1 to 100 values"),
        (f'{HUB}intake = "lead"', "hubspot.intake must be a list"),
        (f'{HUB}intake_field = "Life Cycle"', "hubspot.intake_field: must be a property"),
        (f'{HUB}list = "Hot leads"', "hubspot.list: must be a list's ID"),
        (f'{HUB}owner_field = "Owner"', "hubspot.owner_field: must be a property"),
        (f"{HUB}overlap_minutes = 0", "hubspot.overlap_minutes"),
        (f'{HUB}tokn = "x"', "unknown key hubspot.tokn. Did you mean token?"),
        (f'{BACK}owners = "x"', "unknown key hubspot.write_back.owners. Did"),
        (f'{BACK}owner = "crm_status"', "hubspot.write_back: two keys name one"),
        ("[drop]", "drop.folder is missing. Add it."),
        ('[drop]\nfolder = "x"\nmap = { "Nachname" = "Last Name" }', "drop.map: must map"),
        ("[sync]\nfull_hours = 0", "sync.full_hours"),
        ('[sync]\ncreate_from_campaigns = [" "]', "sync.create_from_campaigns: name the campaigns"),
        ('[hubspt]\ntoken = "x"', "unknown key hubspt. Did you mean hubspot?"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_with_its_key_and_without_the_token(
    tmp_path: Path, text: str, said: str
) -> None:
    found = refused(tmp_path, text)
    assert found.startswith(said) and "kept-dark" not in found


def test_the_token_is_shown_nowhere_and_its_file_is_guarded(tmp_path: Path) -> None:
    made = settings(tmp_path, f"{HUB}")
    [source] = sources_of(made)
    for shown in (repr(made), repr(made.hubspot), repr(source), repr(vars(source))):
        assert "kept-dark" not in shown
    (tmp_path / "hub").write_text("pat-of-file\n", encoding="utf-8")
    made = settings(tmp_path, '[hubspot]\ntoken_file = "hub"')
    assert made.hubspot is not None and made.hubspot.secret() == "pat-of-file"
    assert tmp_path / "hub" in secret_files(made, tmp_path / "allocator.toml")


def test_the_environment_may_name_another_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOCATOR__HUBSPOT__TOKEN", "pat-outside")
    made = settings(tmp_path, f"{HUB}").hubspot
    assert made is not None and made.secret() == "pat-outside"


def init(folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    return call(
        "init", str(folder), "--salesforce-url", "http://127.0.0.1:1", "--client-id", "id",
        "--client-secret", "word", "--queue", INBOUND, *more, "--json",
    )  # fmt: skip


def test_init_writes_the_sections_and_keeps_the_token_in_its_own_file(tmp_path: Path) -> None:
    given = (
        "--hubspot-url",
        "http://127.0.0.1:2",
        "--hubspot-token",
        "pat-1",
        "--drop",
        str(tmp_path / "in"),
    )
    assert init(tmp_path / "made", *given)[0] == 0
    text = (tmp_path / "made" / "allocator.toml").read_text(encoding="utf-8")
    written = tomllib.loads(text)
    assert (
        written["hubspot"] == {"url": "http://127.0.0.1:2", "token_file": "hubspot_token"}
        and "pat-1" not in text
    )
    assert written["drop"] == {"folder": str(tmp_path / "in")} and (tmp_path / "in").is_dir()
    token = tmp_path / "made" / "hubspot_token"
    assert token.read_text(encoding="utf-8") == "pat-1\n" and stat.S_IMODE(token.stat().st_mode) == 0o600


def test_init_reads_a_live_accounts_token_from_standard_input_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = init(tmp_path / "made", "--hubspot-token", "pat-1")
    assert code == 7 and "--hubspot-token -" in said["error"]["message"] and "pat-1" not in str(said)
    monkeypatch.setattr("sys.stdin", io.StringIO("pat-2\n"))
    assert init(tmp_path / "made", "--hubspot-token", "-")[0] == 0
    made = load_settings(tmp_path / "made" / "allocator.toml").hubspot
    assert made is not None and (made.url, made.secret()) == ("https://api.hubapi.com", "pat-2")


def test_an_init_that_fails_leaves_nothing(tmp_path: Path) -> None:
    assert init(tmp_path / "made", "--hubspot-url", "http://127.0.0.1:2")[0] == 7
    wrong = ("--hubspot-url", "http://127.0.0.1:2/x", "--hubspot-token", "p", "--drop", str(tmp_path / "in"))
    assert init(tmp_path / "made", *wrong)[0] == 7
    assert list(tmp_path.iterdir()) == []
