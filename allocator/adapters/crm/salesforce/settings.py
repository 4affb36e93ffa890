"""How to reach one Salesforce org, checked before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from allocator.adapters.crm.http import is_loopback, is_private, origin_of
from allocator.errors import ConfigError

LOGINS = ("client_credentials", "jwt")
FIELD_PATH = re.compile(r"[A-Za-z]\w{0,79}(?:\.[A-Za-z]\w{0,79}){0,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class SalesforceSettings:
    """The [salesforce] section. `url` is the org's My Domain URL; `intake` names queues or users."""

    url: str
    login: str = "client_credentials"
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    username: str = ""
    private_key_file: str = ""
    ca_file: str | None = None
    api_version: str = "63.0"
    intake: tuple[str, ...] = ()
    account_domain_field: str = "Website"
    external_id: str = "Marketing_Id__c"
    """The field on Lead and Contact that holds the marketing record; empty: none."""
    usage_limit: float = 0.8
    jwt_audience: str = "https://login.salesforce.com"


def check(settings: SalesforceSettings) -> None:
    """Raises ConfigError for what can never work."""
    _check_url(settings.url)
    _check_login(settings)
    if not re.fullmatch(r"\d{2,3}\.0", settings.api_version):
        raise ConfigError(
            f'salesforce.api_version "{settings.api_version}" is no version. Write for example "63.0".'
        )
    if not settings.intake:
        raise ConfigError(
            "salesforce.intake is empty. Name the queue or user whose Leads are to be given out."
        )
    if not 0 < settings.usage_limit <= 1:
        raise ConfigError("salesforce.usage_limit is a share of the daily requests: write a number like 0.8.")
    check_path(settings.account_domain_field)
    _check_external_id(settings.external_id)


def check_path(path: str) -> str:
    """A field path as SOQL takes it, or ConfigError."""
    if not FIELD_PATH.fullmatch(path):
        raise ConfigError(
            f'"{path[:80]}" is no field path. Write API names joined by dots, like Campaign.Name.'
        )
    return path


def _check_external_id(name: str) -> None:
    if name and (not FIELD_PATH.fullmatch(name) or "." in name):
        raise ConfigError(
            f'salesforce.external_id "{name[:80]}" is no field. Write its API name, like Marketing_Id__c.'
        )


def _check_url(url: str) -> None:
    try:
        scheme, host, _ = origin_of(url)
    except ValueError:
        raise ConfigError(
            "salesforce.url is no URL. Write for example https://acme.my.salesforce.com"
        ) from None
    if is_loopback(host):
        return
    if scheme != "https":
        raise ConfigError(
            f"salesforce.url must begin with https:// ({host}); plain http is for loopback only."
        )
    if is_private(host):
        raise ConfigError(f"salesforce.url names the private host {host}. Only loopback may be private.")


def _check_login(settings: SalesforceSettings) -> None:
    if settings.login not in LOGINS:
        raise ConfigError(f'salesforce.login "{settings.login}" is unknown. Choose {" or ".join(LOGINS)}.')
    needed = {
        "client_credentials": ("client_id", "client_secret"),
        "jwt": ("client_id", "username", "private_key_file"),
    }[settings.login]
    missing = [name for name in needed if not getattr(settings, name)]
    if missing:
        raise ConfigError(f"salesforce.{missing[0]} is missing; login = {settings.login} needs it.")
