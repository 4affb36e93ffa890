"""Settings: allocator.toml < environment (ALLOCATOR__SECTION__KEY) < flags, checked before anything starts.

Paths are relative to the file. A wrong or unknown key is a ConfigError that names it and the nearest known
one; no message ever repeats a value, since it might be a secret.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from allocator.domain.facts import SALESFORCE_FACTS
from allocator.errors import ConfigError

FILE_NAME = "allocator.toml"
PREFIX = "ALLOCATOR__"


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


class Settings(BaseSettings):
    """The whole configuration. Build it with `load_settings`."""

    model_config = SettingsConfigDict(
        extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__", str_strip_whitespace=True
    )

    environment: str = "prod"
    live: bool = False
    workbook: Path = Path("routing_tables.xlsx")
    store: str = "sqlite:///allocator.db"
    lease_seconds: int = Field(default=90, ge=10, le=3600)
    salesforce: SalesforceSection
    facts: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    base: Path = Field(default=Path(), exclude=True)
    """The folder of the file: what relative paths are relative to. Not a key of the file."""

    @field_validator("facts", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {str(k): (v,) if isinstance(v, str) else v for k, v in value.items()}

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The file arrives as init values, so the environment must stand before them."""
        return env_settings, init_settings

    def fact_fields(self) -> dict[str, tuple[str, ...]]:
        """Each fact with its fields: Salesforce's defaults, `[facts]` on top; names in lower case."""
        own = {name.strip().casefold().replace("_", " "): paths for name, paths in self.facts.items()}
        own = {("email_domain" if k == "email domain" else k): v for k, v in own.items()}
        return {**SALESFORCE_FACTS, **own}

    def path(self, path: Path) -> Path:
        return path if path.is_absolute() else self.base / path


def load_settings(file: Path, **flags: Any) -> Settings:
    """Read and check `file`. Raises ConfigError listing every wrong key, each with its fix."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"There is no {file}. Make one with: allocator init DIR, or name it: --config FILE"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} is not valid TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {error.strerror}") from None
    problems = _unknown_at_the_top(values)
    _prefer_secret_file_of_environment(values)
    try:
        settings = Settings(**{**values, **flags})
    except ValidationError as error:
        problems += [_line(e) for e in error.errors(include_input=False, include_url=False)]
    if problems:
        raise ConfigError("\n".join(f"{file}: {problem}" for problem in problems))
    settings.base = file.resolve().parent
    _anchor(settings)
    return settings


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def read_secret(file: Path) -> str:
    """The first line of a secret's file, without the line's end."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"The secret file {file} cannot be read: {error.strerror}") from None
    secret = text.splitlines()[0].strip() if text.strip() else ""
    if not secret:
        raise ConfigError(f"The secret file {file} is empty. Write the secret into it.")
    return secret


def _anchor(settings: Settings) -> None:
    crm = settings.salesforce
    for name in ("client_secret_file", "private_key_file", "ca_file"):
        path = getattr(crm, name)
        if path is not None:
            setattr(crm, name, settings.path(path))
    settings.workbook = settings.path(settings.workbook)


def _unknown_at_the_top(values: dict[str, Any]) -> list[str]:
    """What pydantic-settings would not say: unknown names in the environment, and our own `base`."""
    problems = ["unknown key base. Remove it."] if values.pop("base", None) is not None else []
    for variable in sorted(os.environ):
        if not variable.upper().startswith(PREFIX):
            continue
        name = variable[len(PREFIX) :].split("__")[0].lower()
        if name not in _known(("",)):
            near = difflib.get_close_matches(name, _known(("",)), n=1, cutoff=0.5)
            hint = f"Did you mean {PREFIX}{near[0].upper()}?" if near else "Remove it."
            problems.append(f"unknown key {variable} in the environment. {hint}")
    return problems


def _prefer_secret_file_of_environment(values: dict[str, Any]) -> None:
    """The environment beats the file, also where one names the secret and the other where it is kept."""
    crm = values.get("salesforce")
    if isinstance(crm, dict) and f"{PREFIX}SALESFORCE__CLIENT_SECRET_FILE" in map(str.upper, os.environ):
        crm.pop("client_secret", None)


def _line(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where.split(".")[-1], _known(error["loc"]), n=1, cutoff=0.5)
        return f"unknown key {where}." + (f" Did you mean {near[0]}?" if near else " Remove it.")
    if error["type"] == "missing":
        return f"{where} is missing. Add it."
    return f"{where or 'salesforce'}: {error['msg'].removeprefix('Value error, ')}"


def _known(loc: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = SalesforceSection if loc[0] == "salesforce" else Settings
    return [name for name in model.model_fields if name != "base"]
