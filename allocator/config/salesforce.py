"""`[salesforce]`: where the CRM is, how we log in, and whose leads we may give."""

from __future__ import annotations

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from allocator.config.addresses import is_loopback, read_secret


class SalesforceSection(BaseModel):
    """`[salesforce]`: where the CRM is, how we log in, and whose leads we may give."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    url: str
    login: Literal["client_credentials", "jwt"] = "client_credentials"
    client_id: str
    client_secret: SecretStr | None = None
    client_secret_file: Path | None = None
    username: str = ""
    private_key_file: Path | None = None
    ca_file: Path | None = None
    api_version: str = "63.0"
    intake: tuple[str, ...]
    account_domain_field: str = "Website"
    external_id: str = Field(default="Marketing_Id__c", pattern=r"^(?:[A-Za-z]\w{0,79})?$")
    usage_limit: float = Field(default=0.8, gt=0, le=1)

    @field_validator("url")
    @classmethod
    def _https_or_loopback(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise ValueError("must be an address such as https://acme.my.salesforce.com")
        if parts.scheme == "http" and not is_loopback(url):
            raise ValueError("must begin with https://; http is for this machine only")
        return url.rstrip("/")

    @field_validator("intake")
    @classmethod
    def _somebody(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not any(name.strip() for name in names):
            raise ValueError('name the queues or users whose leads are new, such as ["Inbound Leads"]')
        return names

    @field_validator("api_version")
    @classmethod
    def _version(cls, value: str) -> str:
        return value.removeprefix("v")

    @model_validator(mode="after")
    def _login_complete(self) -> SalesforceSection:
        if self.login == "client_credentials" and not (self.client_secret or self.client_secret_file):
            raise ValueError("client_secret_file (or client_secret) is needed for client_credentials")
        if self.login == "jwt" and not (self.username and self.private_key_file):
            raise ValueError("username and private_key_file are needed for jwt")
        return self

    def secret(self) -> str:
        """The client secret, read from its file when one is named. Raises ConfigError without the value."""
        if self.client_secret is not None:
            return self.client_secret.get_secret_value()
        if self.client_secret_file is None:
            return ""
        return read_secret(self.client_secret_file)
