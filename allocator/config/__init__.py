"""Settings: allocator.toml < environment (ALLOCATOR__SECTION__KEY) < flags, checked before anything starts.

Paths are relative to the file. A wrong or unknown key is a ConfigError that names it and the nearest known
one; no message ever repeats a value, since it might be a secret.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from allocator.config.addresses import is_loopback, read_secret
from allocator.config.alerts import AlertsSection
from allocator.config.drop import DropSection
from allocator.config.hubspot import HubspotSection, WriteBackSection
from allocator.config.salesforce import SalesforceSection
from allocator.config.serve import ServeSection
from allocator.config.sync import SyncSection
from allocator.domain.facts import SALESFORCE_FACTS
from allocator.errors import ConfigError

__all__ = [
    "FILE_NAME",
    "PREFIX",
    "SECTIONS",
    "AlertsSection",
    "DropSection",
    "HubspotSection",
    "SalesforceSection",
    "ServeSection",
    "Settings",
    "SyncSection",
    "holds_secret",
    "is_loopback",
    "load_settings",
    "read_secret",
]

FILE_NAME = "allocator.toml"
PREFIX = "ALLOCATOR__"
SECTIONS: Mapping[str, type[BaseModel]] = {
    "salesforce": SalesforceSection,
    "serve": ServeSection,
    "alerts": AlertsSection,
    "hubspot": HubspotSection,
    "hubspot.write_back": WriteBackSection,
    "drop": DropSection,
    "sync": SyncSection,
}
_FILES = {
    "salesforce": ("client_secret_file", "private_key_file", "ca_file"),
    "serve": ("metrics_file",),
    "alerts": ("password_file", "ca_file"),
    "hubspot": ("token_file", "ca_file"),
    "drop": ("folder",),
}
_SECRETS = {"salesforce": "client_secret", "alerts": "password", "hubspot": "token"}
"""Secrets that may stand in a file of their own, named by KEY_file."""
_NAME = re.compile(r"[A-Za-z0-9 ._-]{1,30}")


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
    serve: ServeSection = Field(default_factory=ServeSection)
    alerts: AlertsSection = Field(default_factory=AlertsSection)
    hubspot: HubspotSection | None = None
    drop: DropSection | None = None
    sync: SyncSection = Field(default_factory=SyncSection)

    base: Path = Field(default=Path(), exclude=True)
    """The folder of the file: what relative paths are relative to. Not a key of the file."""

    @field_validator("environment")
    @classmethod
    def _a_plain_name(cls, name: str) -> str:
        if not _NAME.fullmatch(name):
            raise ValueError("must be 1 to 30 letters, digits, spaces, dots, dashes or underscores")
        return name

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
    except SettingsError as error:
        problems.append(_not_json(error))
    except ValidationError as error:
        problems += [_line(e) for e in error.errors(include_input=False, include_url=False)]
    if problems:
        raise ConfigError("\n".join(f"{file}: {problem}" for problem in problems))
    settings.base = file.resolve().parent
    _anchor(settings)
    return settings


def holds_secret(file: Path) -> bool:
    """Whether a secret stands in the configuration file itself. `file` is one that `load_settings` took."""
    values = tomllib.loads(file.read_text(encoding="utf-8"))
    inside = (*_SECRETS.items(), ("alerts", "ping_url"))
    return any(values.get(section, {}).get(key) for section, key in inside) or bool(
        re.match(r"[^/]*//[^/@]*:[^/]*@", str(values.get("store", "")))
    )


def _anchor(settings: Settings) -> None:
    for section, names in _FILES.items():
        part = getattr(settings, section)
        for name in names:
            path = getattr(part, name, None)
            if path is not None:
                setattr(part, name, settings.path(path))
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
    named = set(map(str.upper, os.environ))
    for section, secret in _SECRETS.items():
        part = values.get(section)
        if isinstance(part, dict) and f"{PREFIX}{section}__{secret}_file".upper() in named:
            part.pop(secret, None)


def _not_json(error: SettingsError) -> str:
    """The library's text names the field; the rest of it might hold a value."""
    found = re.search(r'field "(\w+)"', str(error))
    where = f"{PREFIX}{found[1].upper()}" if found else PREFIX
    return f'a list under {where} in the environment is not JSON. Write it like ["one", "two"].'


def _line(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(where.split(".")[-1], _known(error["loc"]), n=1, cutoff=0.5)
        return f"unknown key {where}." + (f" Did you mean {near[0]}?" if near else " Remove it.")
    if error["type"] == "missing":
        return f"{where} is missing. Add it."
    if error["type"] == "tuple_type":
        return f'{where} must be a list. Write it like ["one", "two"].'
    return f"{where or 'salesforce'}: {error['msg'].removeprefix('Value error, ')}"


def _known(loc: tuple[Any, ...]) -> list[str]:
    """The keys of the section where something stands, as they are written in the file."""
    model = SECTIONS.get(".".join(map(str, loc[:-1])), Settings)
    return [field.alias or name for name, field in model.model_fields.items() if name != "base"]
