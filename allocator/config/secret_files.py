"""Which files hold secrets, and who may read them."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from allocator.config import Settings, holds_secret


def secret_files(settings: Settings, config: Path) -> tuple[Path, ...]:
    """Files of secrets, where nobody else guards them, and the configuration if it holds a secret itself."""
    crm, mail, hub = settings.salesforce, settings.alerts, settings.hubspot
    kept = [
        crm.client_secret_file if crm.client_secret is None and crm.login == "client_credentials" else None,
        crm.private_key_file if crm.login == "jwt" else None,
        mail.password_file if mail.password is None else None,
        hub.token_file if hub and hub.token is None else None,
        config if holds_secret(config) else None,
    ]
    guarded = [Path("/run/secrets"), Path(os.environ.get("CREDENTIALS_DIRECTORY") or "/run/credentials")]
    return tuple(
        file for file in kept if file is not None and not any(file.is_relative_to(g) for g in guarded)
    )


def mode_of(file: Path) -> int | None:
    """The file's permissions; None where it cannot be asked."""
    try:
        return stat.S_IMODE(file.stat().st_mode)
    except OSError:
        return None
