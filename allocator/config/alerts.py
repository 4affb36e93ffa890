"""`[alerts]`: who is told by mail, through which server, and who watches us from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from allocator.config.addresses import (
    check_mail,
    check_web,
    host_is_loopback,
    own_mail,
    read_secret,
    split_url,
)

Security = Literal["starttls", "tls", "none"]
PORTS = {"none": 25, "starttls": 587, "tls": 465}
_SMTP = "smtp://mail.example.com:587"


class AlertsSection(BaseModel):
    """Mail and pings. Without `smtp` alerts are kept and shown, and nobody is mailed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    smtp: str = ""
    tls: Security | None = None
    username: str = ""
    password: SecretStr | None = None
    password_file: Path | None = None
    from_: str = Field(default="", alias="from")
    oncall: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    repeat_hours: float = Field(default=4, gt=0, le=168)
    ping_url: str = Field(default="", repr=False)
    runbook_url: str = ""
    ca_file: Path | None = None

    @field_validator("smtp")
    @classmethod
    def _server(cls, url: str) -> str:
        if not url:
            return url
        parts = split_url(url, "smtp", "smtps", example=_SMTP)
        if "@" in parts.netloc:
            raise ValueError("must not hold a user or password: use username and password_file")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(f"must end with the port, as {_SMTP}")
        return url.rstrip("/")

    @field_validator("from_")
    @classmethod
    def _one_address(cls, address: str) -> str:
        return check_mail(address) if address else address

    @field_validator("oncall", "editors")
    @classmethod
    def _addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(check_mail(address) for address in addresses))

    @field_validator("ping_url")
    @classmethod
    def _ping(cls, url: str) -> str:
        return check_web(url, example="https://hc-ping.com/...")

    @field_validator("runbook_url")
    @classmethod
    def _runbook(cls, url: str) -> str:
        return check_web(url, example="https://wiki.example.com/allocator/runbooks")

    @model_validator(mode="after")
    def _login_is_safe(self) -> AlertsSection:
        secret = self.password is not None or self.password_file is not None
        if secret and not self.username:
            raise ValueError("username is missing: the password needs one")
        if self.username and not secret:
            raise ValueError("password_file (or password) is missing: the username needs one")
        if self.smtp.startswith("smtps:") and self.security != "tls":
            raise ValueError('smtps:// is TLS from the start: remove tls, or write tls = "tls"')
        if secret and self.smtp and self.security == "none" and not host_is_loopback(self.host):
            raise ValueError('the password would travel in clear text: write tls = "starttls" or "tls"')
        return self

    @property
    def host(self) -> str:
        """The mail server; empty when none is configured."""
        return split_url(self.smtp, "smtp", "smtps", example=_SMTP).hostname or "" if self.smtp else ""

    @property
    def port(self) -> int:
        """As given, or the usual one of the way to connect: 25, 587 (starttls) or 465 (tls)."""
        given = split_url(self.smtp, "smtp", "smtps", example=_SMTP).port if self.smtp else None
        return given or PORTS[self.security]

    @property
    def security(self) -> Security:
        """`tls`, or what suits the server: none on this machine, tls for smtps, else starttls."""
        if self.tls is not None:
            return self.tls
        if self.smtp.startswith("smtps:"):
            return "tls"
        return "none" if host_is_loopback(self.host) else "starttls"

    @property
    def sender(self) -> str:
        """`from`, or allocator@ this machine's full name."""
        return self.from_ or own_mail()

    def secret(self) -> str:
        """The password, read from its file when one is named. Raises ConfigError without the value."""
        if self.password is not None:
            return self.password.get_secret_value()
        return read_secret(self.password_file) if self.password_file is not None else ""
