"""`[hubspot]`: the account whose contacts are leads, and the properties that the CRM's ids go back to."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from allocator.config.addresses import check_web, read_secret, split_url

_HOST = "https://api.hubapi.com"
_PATH = re.compile(r"(?:/[A-Za-z0-9._-]{1,30}){0,3}/objects(?:/[A-Za-z0-9._-]{1,30}){0,2}", re.ASCII)
_LIST = re.compile(r"\d{1,20}", re.ASCII)
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}", re.ASCII)


def _property(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError("must be a property's internal name: small letters, digits and underscores")
    return name


class WriteBackSection(BaseModel):
    """`[hubspot.write_back]`: properties that tell marketing how the CRM stands; empty: not written."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    lead_id: str = "crm_lead_id"
    contact_id: str = "crm_contact_id"
    account_id: str = "crm_account_id"
    converted: str = "crm_converted"
    status: str = "crm_status"
    owner: str = "crm_owner"

    @field_validator("*")
    @classmethod
    def _names(cls, name: str) -> str:
        return _property(name) if name else name

    @model_validator(mode="after")
    def _each_its_own(self) -> WriteBackSection:
        names = self.names()
        if len(set(names)) < len(names):
            raise ValueError("two keys name one property; each needs one of its own")
        return self

    def names(self) -> tuple[str, ...]:
        """The properties that are written."""
        return tuple(name for name in self.__dict__.values() if name)


class HubspotSection(BaseModel):
    """`[hubspot]`: the account whose contacts are leads. Without the section there is none."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    url: str = _HOST
    token: SecretStr | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    path: str = "/crm/v3/objects"
    intake_field: str = "lifecyclestage"
    intake: tuple[str, ...] = ("lead", "marketingqualifiedlead")
    list: str = ""
    owner_field: str = "hubspot_owner_id"
    overlap_minutes: int = Field(default=15, ge=1, le=1440)
    write_back: WriteBackSection = Field(default_factory=WriteBackSection)

    @field_validator("url")
    @classmethod
    def _https_or_loopback(cls, url: str) -> str:
        parts = split_url(url, "https", "http", example=_HOST)
        if "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"must be the host alone, as {_HOST}; the rest goes under path")
        return check_web(url, example=_HOST).rstrip("/")

    @field_validator("path")
    @classmethod
    def _objects(cls, path: str) -> str:
        if not _PATH.fullmatch(path.rstrip("/")):
            raise ValueError('must be a path of objects, such as "/crm/v3/objects" or "/crm/objects/2026-03"')
        return path.rstrip("/")

    @field_validator("intake_field")
    @classmethod
    def _name(cls, name: str) -> str:
        return _property(name)

    @field_validator("list")
    @classmethod
    def _id_of_a_list(cls, text: str) -> str:
        if text and not _LIST.fullmatch(text):
            raise ValueError("must be a list's ID: the number that HubSpot shows for it")
        return text

    @field_validator("owner_field")
    @classmethod
    def _name_or_none(cls, name: str) -> str:
        return _property(name) if name else name

    @field_validator("intake")
    @classmethod
    def _something(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not 1 <= len(values) <= 100 or not all(value.strip() for value in values):
            raise ValueError('name 1 to 100 values whose contacts are new leads, such as ["lead"]')
        return values

    @model_validator(mode="after")
    def _token_somewhere(self) -> HubspotSection:
        if not (self.token or self.token_file):
            raise ValueError("token_file (or token) is needed")
        return self

    @property
    def overlap(self) -> timedelta:
        return timedelta(minutes=self.overlap_minutes)

    def secret(self) -> str:
        """The token, read from its file when one is named. Raises ConfigError without the value."""
        if self.token is not None:
            return self.token.get_secret_value()
        return read_secret(self.token_file) if self.token_file else ""
