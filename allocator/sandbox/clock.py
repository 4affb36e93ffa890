"""The sandbox's clock: real time plus an offset that the control interface moves, and date formats."""

import threading
from datetime import UTC, datetime, timedelta

HTTP_DATES = ("%a, %d %b %Y %H:%M:%S %Z", "%A, %d-%b-%y %H:%M:%S %Z", "%a %b %d %H:%M:%S %Y")


class Clock:
    """Runs as real time does; `set` moves it and it keeps running from there."""

    def __init__(self) -> None:
        self._offset = timedelta()
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Seconds are the finest grain that a row's stamps show."""
        with self._lock:
            return (datetime.now(UTC) + self._offset).replace(microsecond=0)

    def exact(self) -> datetime:
        """To the millisecond, as HubSpot's stamps are."""
        with self._lock:
            moment = datetime.now(UTC) + self._offset
        return moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    def set(self, moment: datetime) -> None:
        with self._lock:
            self._offset = moment - datetime.now(UTC)

    def reset(self) -> None:
        with self._lock:
            self._offset = timedelta()


def wire(moment: datetime) -> str:
    """A datetime as the REST API writes it: UTC, milliseconds, an offset without a colon."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}+0000"


def parse_iso(text: str) -> datetime:
    """ISO 8601 with or without a zone (then UTC); ValueError for anything else."""
    moment = datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_http_date(text: str) -> datetime:
    """The three formats that "Conditional Requests" in the REST API Developer Guide allows."""
    for pattern in HTTP_DATES:
        try:
            return datetime.strptime(text.strip(), pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
    raise ValueError(f"not an HTTP date: {text}")


def http_date(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
