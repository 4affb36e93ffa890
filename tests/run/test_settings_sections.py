"""Settings for the service and its alerts: defaults, what is refused, and what is never shown."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from org import INBOUND, call

from allocator.adapters.mail.clean import address as mail_address
from allocator.config import Settings, load_settings
from allocator.errors import ConfigError

CRM = """
[salesforce]
url = "https://acme.my.salesforce.com"
client_id = "3MVG9"
client_secret = "kept-dark"
intake = ["Inbound Leads"]
"""
SERVER = 'smtp = "smtp://mail.example.com"\n'
LOGIN = 'username = "allocator"\npassword = "hunter-seven"\n'


def settings(folder: Path, text: str = "", *, top: str = "") -> Settings:
    file = folder / "allocator.toml"
    file.write_text(f"{top}\n{CRM}\n{text}", encoding="utf-8")
    return load_settings(file)


def alerts(folder: Path, text: str) -> Settings:
    return settings(folder, f"[alerts]\n{text}")


def refused(folder: Path, text: str, *, top: str = "") -> str:
    with pytest.raises(ConfigError) as error:
        settings(folder, text, top=top)
    return str(error.value).removeprefix(f"{folder / 'allocator.toml'}: ")


def test_both_sections_may_be_left_out(tmp_path: Path) -> None:
    made = settings(tmp_path)
    assert (made.serve.host, made.serve.port, made.serve.minute) == ("127.0.0.1", 9464, 0)
    assert (made.alerts.smtp, made.alerts.oncall, made.alerts.editors) == ("", (), ())
    assert (made.alerts.repeat_hours, made.alerts.secret()) == (4, "")


@pytest.mark.parametrize(
    ("listen", "host", "port"),
    [("0.0.0.0:80", "0.0.0.0", 80), ("[::1]:9000", "::1", 9000), ("localhost:0", "localhost", 0)],
)
def test_the_service_listens_where_it_is_told(tmp_path: Path, listen: str, host: str, port: int) -> None:
    made = settings(tmp_path, f'[serve]\nlisten = "{listen}"')
    assert (made.serve.host, made.serve.port) == (host, port)


@pytest.mark.parametrize(
    "listen", ["", "9464", "localhost", ":9464", "a:99999", "a:x", "u@a:1", "http://a:1"]
)
def test_what_is_no_host_and_port_is_refused(tmp_path: Path, listen: str) -> None:
    assert "serve.listen: must be HOST:PORT" in refused(tmp_path, f'[serve]\nlisten = "{listen}"')


@pytest.mark.parametrize("minute", [-1, 60])
def test_an_hour_has_sixty_minutes(tmp_path: Path, minute: int) -> None:
    assert refused(tmp_path, f"[serve]\nminute = {minute}").startswith("serve.minute")


@pytest.mark.parametrize(
    ("text", "host", "port", "security"),
    [
        ('smtp = "smtp://mail.example.com"', "mail.example.com", 587, "starttls"),
        ('smtp = "smtp://mail.example.com:2525"', "mail.example.com", 2525, "starttls"),
        ('smtp = "smtps://mail.example.com"', "mail.example.com", 465, "tls"),
        ('smtp = "smtps://localhost:1465"', "localhost", 1465, "tls"),
        ('smtp = "smtp://127.0.0.1"', "127.0.0.1", 25, "none"),
        ('smtp = "smtp://[::1]:25"', "::1", 25, "none"),
        ('smtp = "smtp://127.0.0.1"\ntls = "starttls"', "127.0.0.1", 587, "starttls"),
        ('smtp = "smtp://mail.example.com"\ntls = "tls"', "mail.example.com", 465, "tls"),
        ('smtp = "smtp://mail.example.com"\ntls = "none"', "mail.example.com", 25, "none"),
    ],
)
def test_the_way_to_the_mail_server_follows_from_its_address(
    tmp_path: Path, text: str, host: str, port: int, security: str
) -> None:
    made = alerts(tmp_path, text).alerts
    assert (made.host, made.port, made.security) == (host, port, security)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('smtp = "mail.example.com:25"', "alerts.smtp: must be an address such as smtp://"),
        ('smtp = "http://mail.example.com"', "alerts.smtp: must be an address such as smtp://"),
        ('smtp = "smtp://mail.example.com:99999"', "alerts.smtp: must be an address such as smtp://"),
        ('smtp = "smtp://mail.example.com/x"', "alerts.smtp: must end with the port"),
        ('smtp = "smtps://mail.example.com"\ntls = "starttls"', "alerts: smtps:// is TLS from the start"),
        (SERVER + LOGIN + 'tls = "none"', "alerts: the password would travel in clear text"),
        (SERVER + 'password = "hunter-seven"', "alerts: username is missing"),
        (SERVER + 'username = "allocator"', "alerts: password_file (or password) is missing"),
        ("repeat_hours = 0", "alerts.repeat_hours"),
        ("repeat_hours = 169", "alerts.repeat_hours"),
        ('ping_url = "http://example.com/x"', "alerts.ping_url: must begin with https://"),
        ('runbook_url = "ftp://example.com"', "alerts.runbook_url: must be an address such as https://"),
        ('oncall = "ops@example.com"', 'alerts.oncall must be a list. Write it like ["one", "two"].'),
        ('oncal = ["ops@example.com"]', "unknown key alerts.oncal. Did you mean oncall?"),
        ('sender = "ops@example.com"', "unknown key alerts.sender. Remove it."),
        ('form = "ops@example.com"', "unknown key alerts.form. Did you mean from?"),
    ],
)
def test_what_cannot_work_is_said_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    assert refused(tmp_path, f"[alerts]\n{text}").startswith(said)


def test_a_password_may_go_in_clear_text_to_this_machine_only(tmp_path: Path) -> None:
    made = alerts(tmp_path, 'smtp = "smtp://localhost"\n' + LOGIN)
    assert (made.alerts.security, made.alerts.secret()) == ("none", "hunter-seven")


@pytest.mark.parametrize(
    "address",
    [
        "ops",
        "a@b@c",
        "a b@c.de",
        "a@b.de,c@d.de",
        "<a@b.de>",
        '"a"@b.de',
        "a@b.de\\nBcc: x",
        "ä@b.de",
        "@",
        "",
    ],
)
@pytest.mark.parametrize("key", ["oncall", "editors", "from"])
def test_only_a_bare_mail_address_is_taken(tmp_path: Path, key: str, address: str) -> None:
    if key == "from" and not address:
        return
    value = f'"{address}"' if key == "from" else f'["ok@example.com", "{address}"]'
    if '"a"' in address:
        value = value.replace('"a"', '\\"a\\"')
    said = refused(tmp_path, f"[alerts]\n{key} = {value}")
    assert said.startswith(f"alerts.{key}") and "must be a bare mail address such as" in said


@pytest.mark.parametrize(
    "given",
    ["ops@example.com", "o.p+s@mail.example.com", "x@localhost", "a_b-c@1.example", "o{p}|s@example.com"],
)
def test_an_address_that_the_settings_take_the_mailer_takes_too(tmp_path: Path, given: str) -> None:
    made = alerts(tmp_path, f'from = "{given}"\noncall = ["{given}"]').alerts
    assert made.oncall == (given,) and mail_address(made.sender) == given


def test_the_sender_is_as_given_or_named_after_this_machine(tmp_path: Path) -> None:
    assert alerts(tmp_path, 'from = "a@example.com"').alerts.sender == "a@example.com"
    name, _, machine = alerts(tmp_path, "").alerts.sender.partition("@")
    assert name == "allocator" and machine
    assert all(c.isascii() and (c.isalnum() or c in ".-") for c in machine)


@pytest.mark.parametrize("name", ["", "a/b", "prod\\nBcc: x", "x" * 31, "größe"])
def test_an_environments_name_is_short_and_plain(tmp_path: Path, name: str) -> None:
    assert "environment: must be 1 to 30" in refused(tmp_path, "", top=f'environment = "{name}"')


def test_the_environment_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for key, value in {
        "ALERTS__ONCALL": '["night@example.com", "day@example.com"]',
        "ALERTS__FROM": "env@example.com",
        "ALERTS__PASSWORD": "from-outside",
        "SERVE__MINUTE": "15",
    }.items():
        monkeypatch.setenv(f"ALLOCATOR__{key}", value)
    made = alerts(tmp_path, SERVER + LOGIN + 'oncall = ["file@example.com"]\nfrom = "file@example.com"')
    assert made.alerts.oncall == ("night@example.com", "day@example.com")
    assert (made.alerts.sender, made.alerts.secret(), made.serve.minute) == (
        "env@example.com",
        "from-outside",
        15,
    )


def test_a_password_file_of_the_environment_beats_the_password_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "credential").write_text("from a credential\n", encoding="utf-8")
    monkeypatch.setenv("ALLOCATOR__ALERTS__PASSWORD_FILE", "credential")
    assert alerts(tmp_path, SERVER + LOGIN).alerts.secret() == "from a credential"


def test_a_list_in_the_environment_that_is_no_json_is_said_without_repeating_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALLOCATOR__ALERTS__ONCALL", "kept@example.com")
    said = refused(tmp_path, "")
    assert "ALLOCATOR__ALERTS" in said and "not JSON" in said and "kept@" not in said


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    made = settings(
        tmp_path,
        '[serve]\nmetrics_file = "m/allocator.prom"\n[alerts]\nca_file = "ca.pem"\n'
        + SERVER
        + 'username = "u"\npassword_file = "smtp_password"',
    )
    assert made.serve.metrics_file == tmp_path / "m" / "allocator.prom"
    assert made.alerts.ca_file == tmp_path / "ca.pem"
    (tmp_path / "smtp_password").write_text("first line\nsecond\n", encoding="utf-8")
    assert made.alerts.secret() == "first line"


def test_secrets_are_shown_nowhere(tmp_path: Path) -> None:
    made = alerts(tmp_path, SERVER + LOGIN + 'ping_url = "https://hc.example.com/dark-path"')
    for shown in (repr(made), str(made), repr(made.alerts), str(made.alerts)):
        assert "hunter-seven" not in shown and "dark-path" not in shown and "kept-dark" not in shown
    said = refused(tmp_path, '[alerts]\nsmtp = "smtp://me:hunter-seven@mail.example.com"')
    assert said == "alerts.smtp: must not hold a user or password: use username and password_file"


def test_init_writes_who_is_told(tmp_path: Path) -> None:
    code, _ = call(
        "init", str(tmp_path / "made"), "--salesforce-url", "http://127.0.0.1:1", "--client-id", "id",
        "--client-secret", "word", "--queue", INBOUND, "--smtp", "smtp://mail.example.com:2525",
        "--oncall", "a@example.com", "--oncall", "b@example.com", "--editor", "c@example.com", "--json",
    )  # fmt: skip
    assert code == 0
    written = tomllib.loads((tmp_path / "made" / "allocator.toml").read_text(encoding="utf-8"))
    assert written["alerts"] == {
        "smtp": "smtp://mail.example.com:2525",
        "oncall": ["a@example.com", "b@example.com"],
        "editors": ["c@example.com"],
    }


def test_init_refuses_a_wrong_address_and_leaves_nothing(tmp_path: Path) -> None:
    code, said = call(
        "init", str(tmp_path / "made"), "--salesforce-url", "http://127.0.0.1:1", "--client-id", "id",
        "--client-secret", "word", "--queue", INBOUND, "--oncall", "nobody", "--json",
    )  # fmt: skip
    assert code == 7 and "alerts.oncall" in said["error"]["message"]
    assert not (tmp_path / "made").exists()
