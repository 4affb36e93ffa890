"""What an address in the configuration may look like. No message repeats it: it might hold a secret."""

from __future__ import annotations

import ipaddress
import re
import socket
from functools import cache
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from allocator.errors import ConfigError

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_MAIL = re.compile(rf"(?=[^@]{{1,64}}@){_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})*")
"""RFC 5322's dot-atom and a host's name: no quotes, no comments, nothing outside ASCII."""
_NO_HOST_LETTER = re.compile(r"[^a-z0-9.-]")


def is_loopback(url: str) -> bool:
    """Whether an address is on this machine."""
    try:
        return host_is_loopback(urlsplit(url).hostname or "")
    except ValueError:
        return False


def host_is_loopback(host: str) -> bool:
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_url(url: str, *schemes: str, example: str) -> SplitResult:
    """The parts of a URL with a host, of one of these schemes; ValueError with an example otherwise."""
    try:
        parts = urlsplit(url)
        whole = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not url.isprintable() or " " in url:
        raise ValueError(f"must be an address such as {example}")
    return parts


def check_web(url: str, *, example: str) -> str:
    """An https address, or http on this machine; empty stays empty."""
    if url and split_url(url, "https", "http", example=example).scheme == "http" and not is_loopback(url):
        raise ValueError("must begin with https://; http is for this machine only")
    return url


def split_listen(listen: str) -> tuple[str, int]:
    """Host and port of "127.0.0.1:9464" or "[::1]:9464"; port 0 takes a free one."""
    try:
        parts = urlsplit(f"//{listen}")
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or port is None or parts.netloc != listen or "@" in listen or not listen.isprintable():
        raise ValueError("must be HOST:PORT, such as 127.0.0.1:9464")
    return host, port


def check_mail(address: str) -> str:
    """A bare mail address: one @, nothing that could end a header or begin a second address."""
    if len(address) > 254 or "=?" in address or not _MAIL.fullmatch(address):
        raise ValueError("must be a bare mail address such as ops@example.com, without a name around it")
    return address


@cache
def own_mail() -> str:
    """allocator@ this machine's full name."""
    host = socket.gethostname()
    name = _NO_HOST_LETTER.sub("-", (host if "." in host else socket.getfqdn()).casefold()).strip("-.")
    return f"allocator@{name or 'localhost'}"


def read_secret(file: Path) -> str:
    """The first line of a secret's file, without the line's end."""
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"The secret file {file} is no text. Write the secret into it.") from None
    except OSError as error:
        raise ConfigError(f"The secret file {file} cannot be read: {error.strerror}") from None
    secret = text.splitlines()[0].strip() if text.strip() else ""
    if not secret:
        raise ConfigError(f"The secret file {file} is empty. Write the secret into it.")
    return secret
