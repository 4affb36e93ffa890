"""The HTTP session under a vendor's client library: timeouts, TLS, origins, counting, and what answers tell.

It never follows a redirect, never talks to an origin it was not given, never retries and never switches
certificate verification off. Its exceptions are requests' own and may hold headers and bodies: callers turn
them into errors of ours and do not chain them.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError

from allocator.errors import ConfigError, SourceError

MAX_BODY = 64 * 1024 * 1024
LONGEST_RETRY_AFTER = 300.0
_USAGE = re.compile(r"(?:^|[;\s])api-usage=(\d{1,15})/(\d{1,15})\b")

Origin = tuple[str, str, int]
"""Scheme, host, port."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds: to connect, between bytes of an answer, and the same for a composite request."""

    connect: float = 5.0
    read: float = 30.0
    composite: float = 120.0

    @property
    def plain(self) -> tuple[float, float]:
        return self.connect, self.read

    @property
    def long(self) -> tuple[float, float]:
        return self.connect, self.composite


class TooLarge(requests.RequestException):
    """The answer is larger than any honest one."""


def origin_of(url: str) -> Origin:
    """Scheme, host and port of a URL; ValueError when it has none of the web's."""
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme)
    if default is None or not parts.hostname or parts.username or parts.password:
        raise ValueError("not an http(s) URL")
    return parts.scheme, parts.hostname.lower(), parts.port or default


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(host: str) -> bool:
    """An address literal that is not a public one: never a CRM's, loopback aside."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host.endswith((".local", ".internal", ".localhost"))


class Transport(requests.Session):
    """One run's connections to one CRM. `count` hears the kind of every request that left this machine."""

    def __init__(self, *, ca_file: str | None, timeouts: Timeouts, count: Callable[[str], None]) -> None:
        super().__init__()
        self.date: datetime | None = None
        """The CRM's clock in its last answer."""
        self.used: tuple[int, int] | None = None
        """Requests of the last 24 hours and how many are allowed, as the last answer told."""
        self.timeouts = timeouts
        self._ca_file = _checked(ca_file)
        self._count = count
        self._origins: dict[tuple[str, int], Origin] = {}
        self._wait_until = 0.0
        self._thread = threading.local()
        # A netrc entry for the host would replace our Authorization header.
        self.auth = _unchanged
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))

    def allow(self, url: str) -> None:
        """Requests may go to this URL's origin, by its own scheme whatever the client library writes."""
        found = origin_of(url)
        self._origins[found[1:]] = found

    def wait(self) -> float:
        """Seconds that the CRM's Retry-After still asks us to stay away; at most 300."""
        return max(0.0, self._wait_until - time.monotonic())

    def request(
        self, method: Any, url: Any, *args: Any, kind: str = "read", **kwargs: Any
    ) -> requests.Response:
        """As requests', with our timeouts; `kind` is what the request counts as."""
        kwargs["timeout"] = kwargs.get("timeout") or self.timeouts.plain
        kwargs["allow_redirects"] = False
        self._thread.kind = kind
        return super().request(method, self._ours(str(url)), *args, **kwargs)

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        kwargs["stream"] = True
        kind = getattr(self._thread, "kind", "read")
        try:
            response = super().send(request, **kwargs)
        except requests.RequestException as error:
            if was_sent(error):
                self._count(kind)
            raise
        self._count(kind)
        self._note(response)
        _load(response)
        return response

    def merge_environment_settings(self, url: Any, proxies: Any, stream: Any, verify: Any, cert: Any) -> Any:
        """Proxies come from the environment as ever; a CA bundle only where there is no `ca_file`."""
        merged = super().merge_environment_settings(url, proxies, stream, True, cert)
        merged["verify"] = self._ca_file or merged["verify"] or True
        return merged

    def _ours(self, url: str) -> str:
        """simple-salesforce writes https whatever the instance's URL says: the origin we allowed decides."""
        parts = urlsplit(url)
        try:
            _, host, port = origin_of(url)
        except ValueError:
            raise SourceError("The CRM named an address that is no web address. Nothing was sent.") from None
        plain = parts.port is None and self._origins.get((host, 80))
        found = self._origins.get((host, port)) or plain
        if not found:
            raise SourceError(f"The CRM sent us to another host ({host}). Nothing was sent there.")
        return urlunsplit(parts._replace(scheme=found[0], netloc=netloc(found)))

    def _note(self, response: requests.Response) -> None:
        self.date = _http_date(response.headers.get("Date")) or self.date
        usage = _USAGE.search(response.headers.get("Sforce-Limit-Info", ""))
        if usage:
            # Answers of several threads may come out of order: the highest count is the newest.
            before = self.used[0] if self.used else 0
            self.used = max(before, int(usage[1])), int(usage[2])
        if response.status_code in (429, 503):
            seconds = retry_after(response.headers.get("Retry-After"), self.date)
            self._wait_until = max(self._wait_until, time.monotonic() + seconds)


def netloc(origin: Origin) -> str:
    scheme, host, port = origin
    shown = f"[{host}]" if ":" in host else host
    return shown if port == {"https": 443, "http": 80}[scheme] else f"{shown}:{port}"


def retry_after(value: str | None, now: datetime | None) -> float:
    """Retry-After in seconds, from seconds or a date, between 0 and 300; nonsense is 0."""
    text = (value or "").strip()
    if re.fullmatch(r"\d{1,20}", text):
        return min(float(text), LONGEST_RETRY_AFTER)
    moment = _http_date(text)
    if moment is None:
        return 0.0
    seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER)


def was_sent(error: requests.RequestException) -> bool:
    """False only where surely no byte of the request reached the CRM."""
    if isinstance(error, (requests.ConnectTimeout, requests.exceptions.ProxyError)):
        return False
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    if isinstance(error, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" not in str(reason) and "doesn't match" not in str(reason)
    if isinstance(error, requests.ConnectionError):
        return not isinstance(reason, (NewConnectionError, NameResolutionError))
    unsendable = (requests.exceptions.InvalidURL, requests.exceptions.InvalidHeader)
    return not isinstance(error, unsendable)


def _http_date(text: str | None) -> datetime | None:
    try:
        return parsedate_to_datetime(text).astimezone(UTC) if text else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _load(response: requests.Response) -> None:
    """Read the body up to a cap, so that no answer can fill the memory."""
    parts, size = [], 0
    for part in response.iter_content(1 << 16):
        size += len(part)
        if size > MAX_BODY:
            response.close()
            raise TooLarge("the answer is larger than 64 MiB")
        parts.append(part)
    response._content = b"".join(parts)


def _checked(ca_file: str | None) -> str | None:
    if not ca_file:
        return None
    try:
        ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError):
        raise ConfigError(
            f"ca_file {ca_file} cannot be read as certificates. Name the PEM file of the CRM's CA."
        ) from None
    return str(ca_file)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request
