"""APScheduler as an alarm clock: it wakes the service on the minute, and remembers nothing.

Its own memory loses overdue runs, runs twice under two processes and dies in silence on a locked database;
so there is one job in memory, and the store's slots say what is to be done.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.cron import CronTrigger

THREAD = "APScheduler"
GRACE_SECONDS = 3600


class Alarm:
    """Calls `wake` at `minute` past every hour, UTC. `alive` tells whether it still can."""

    def __init__(self, wake: Callable[[], None], *, minute: int, warn: Callable[[str], None]) -> None:
        self.scheduler = BackgroundScheduler(
            timezone=UTC,
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": GRACE_SECONDS},
        )
        self.scheduler.add_job(wake, CronTrigger(minute=minute, second=0, timezone=UTC), id="hour")
        self._warn, self._wake = warn, wake
        watched = EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES
        self.scheduler.add_listener(self._on_trouble, watched)

    def start(self) -> None:
        before = set(threading.enumerate())
        self.scheduler.start()
        new = [t for t in threading.enumerate() if t not in before and t.name.startswith(THREAD)]
        self._thread = new[0] if new else None

    @property
    def alive(self) -> bool:
        """The scheduler's own `running` stays True when its thread has died; the thread does not lie."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        if self.scheduler.running:
            self.scheduler.shutdown(wait=False)

    def _on_trouble(self, event: Any) -> None:
        """Whatever went wrong with the alarm, the hour is looked at all the same."""
        self._warn(type(event).__name__)
        self._wake()
