"""How to reach one HubSpot account, checked before anything is sent."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

from allocator.adapters.crm.http import is_loopback, is_private, origin_of
from allocator.errors import ConfigError

OWNER = "hubspot_owner_id"
_PATH = re.compile(r"(?:/[A-Za-z0-9._-]{1,30}){0,3}/objects(?:/[A-Za-z0-9._-]{1,30}){0,2}", re.ASCII)
_LIST = re.compile(r"\d{1,20}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class HubspotSettings:
    """The [hubspot] section. A contact is in intake while `intake_field` holds one of `intake`, `owner_field`
    (empty: owners do not matter) names no owner, and none of the properties `marked`, to which the CRM's ids
    are written back, is filled. With `list` its members are in intake instead of those of a stage.

    `written` are all properties that are written back to. A property that the account does not have is left
    out of every question.
    """

    token: str = field(repr=False)
    url: str = "https://api.hubapi.com"
    path: str = "/crm/v3/objects"
    intake_field: str = "lifecyclestage"
    intake: tuple[str, ...] = ("lead", "marketingqualifiedlead")
    list: str = ""
    owner_field: str = OWNER
    marked: tuple[str, ...] = ("crm_lead_id", "crm_contact_id")
    written: tuple[str, ...] = ()
    overlap: timedelta = timedelta(minutes=15)
    ca_file: str | None = None

    @property
    def contacts(self) -> str:
        return f"{self.path}/contacts"

    @property
    def definitions(self) -> str:
        return f"{self.path.replace('/objects', '/properties', 1)}/contacts"

    @property
    def members(self) -> str:
        return f"{self.path.replace('/objects', '/lists', 1)}/{self.list}/memberships"

    @property
    def owners(self) -> str:
        return self.path.replace("/objects", "/owners", 1)


def check(settings: HubspotSettings) -> None:
    """Raises ConfigError for what can never work. Repeats no token."""
    _check_url(settings.url)
    if not settings.token or not settings.token.isascii() or not settings.token.isprintable():
        raise ConfigError("hubspot.token is missing or is no token. Copy it from the private app.")
    if not _PATH.fullmatch(settings.path):
        raise ConfigError(
            'hubspot.path is no path of HubSpot\'s objects. Write "/crm/v3/objects" or a dated one, '
            'such as "/crm/objects/2026-03".'
        )
    owner = (settings.owner_field,) if settings.owner_field else ()
    for name in (settings.intake_field, *owner, *settings.marked, *settings.written):
        if not _NAME.fullmatch(name):
            raise ConfigError(
                f'"{name[:80]}" under [hubspot] is no internal name of a property. Write it as HubSpot shows '
                "it under Settings, Properties, Details: small letters, digits and underscores."
            )
    if settings.list and not _LIST.fullmatch(settings.list):
        raise ConfigError("hubspot.list is no id of a list. Write the number that HubSpot shows as its ID.")
    if not settings.intake or len(settings.intake) > 100:
        raise ConfigError("hubspot.intake needs 1 to 100 values whose contacts are new leads.")


def _check_url(url: str) -> None:
    try:
        scheme, host, _ = origin_of(url)
    except ValueError:
        raise ConfigError("hubspot.url is no URL. Write https://api.hubapi.com") from None
    if is_loopback(host):
        return
    if scheme != "https":
        raise ConfigError(f"hubspot.url must begin with https:// ({host}); plain http is for loopback only.")
    if is_private(host):
        raise ConfigError(f"hubspot.url names the private host {host}. Only loopback may be private.")
