"""When somebody was last told that the store is down: a small file, so that a timer does not flood them."""

from __future__ import annotations

import hashlib
import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

WINDOW = timedelta(minutes=10)


class Spool:
    """Remembers when somebody was last told, in this configuration's own file in the temporary folder."""

    def __init__(self, config: Path, folder: Path | None = None) -> None:
        name = hashlib.sha256(str(config.resolve()).encode()).hexdigest()[:16]
        self._path = (folder or Path(tempfile.gettempdir())) / f"allocator-told-{os.getuid()}-{name}"

    def may_tell(self, now: datetime, every: timedelta) -> bool:
        """True at most once in `every`, and remembers it. Where it cannot remember, by the clock alone."""
        last = self._read()
        if last is not None and timedelta(0) <= now - last < every:
            return False
        if self._write(now):
            return True
        return timedelta(seconds=now.timestamp() % every.total_seconds()) < WINDOW

    def forget(self) -> None:
        """The store works again."""
        self._path.unlink(missing_ok=True)

    def _read(self) -> datetime | None:
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(handle) as file:
                return datetime.fromisoformat(file.read(40))
        except (OSError, ValueError):
            return None

    def _write(self, now: datetime) -> bool:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
            with os.fdopen(os.open(self._path, flags, 0o600), "w") as file:
                file.write(now.isoformat())
        except OSError:
            return False
        return True
