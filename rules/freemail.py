"""Which company an e-mail address belongs to, by its domain; a free-mail provider's domain names none.

The list data/free_mail_domains.txt names its source and licence in its head and is read at the first
question.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

# Letters of any script, digits and hyphens inside; two labels at least; the last one is no number.
_HOST = re.compile(r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?!\d+$)[^\W_](?:[\w-]{0,61}[^\W_])?")
_LOCAL = re.compile(r"[^\s@\x00-\x1f<>]{1,64}")


@lru_cache(maxsize=1)
def free_mail_domains() -> frozenset[str]:
    """Domains where anybody gets an address, in lower case ASCII."""
    text = (files("rules") / "data" / "free_mail_domains.txt").read_text(encoding="utf-8")
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def company_domain(email: str) -> str | None:
    """The whole host of an address in lower case ASCII (`Ana@Mail.Müller.de` -> `mail.xn--mller-kva.de`).

    None for a free-mail provider's domain or a subdomain of one, and for what is no address.
    """
    local, at, host = email.strip().rpartition("@")
    return domain(host) if at and _LOCAL.fullmatch(local) else None


def domain(host: str) -> str | None:
    """A bare domain as `company_domain` gives it: None when it is free mail or no domain."""
    plain = host.strip().rstrip(".").lower()
    if len(plain) > 253 or not _HOST.fullmatch(plain):
        return None
    try:
        ascii_host = plain if plain.isascii() else plain.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return None if _is_free(ascii_host) else ascii_host


def _is_free(host: str) -> bool:
    labels = host.split(".")
    return any(".".join(labels[i:]) in free_mail_domains() for i in range(len(labels) - 1))
