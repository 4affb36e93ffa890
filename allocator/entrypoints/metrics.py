"""The metrics in Prometheus' text format: for /metrics, and as a textfile where cron starts the runs.

Names and meanings: docs/reference/metrics.md. No label ever holds a text of a lead.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from allocator.domain.pauses import Paused
from allocator.errors import AllocatorError, ConfigError
from allocator.ports import Store
from allocator.service.health import Figures, figures

Pair = tuple[str, str]
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_STATES = ("running", "done", "failed", "handed_over")
_OUTCOMES = (
    "pulled", "redecided", "returned", "assigned", "held", "taken", "closed", "retry", "converted",
)  # fmt: skip


class StoreMetrics(Collector):
    """Reads the store at each scrape: it shows what is there, whoever did it."""

    def __init__(
        self, store: Store | None, program: str, *, now: datetime, beat_age: float | None = None
    ) -> None:
        self._store, self._program, self._now, self._beat_age = store, program, now, beat_age

    def collect(self) -> Iterable[Metric]:
        yield _labelled("build_info", "The program's version.", "version", {self._program: 1})
        if self._beat_age is not None:
            yield _one("beat_age_seconds", "Seconds since the service's loop went round.", self._beat_age)
        try:
            found = figures(self._store, self._now) if self._store is not None else None
        except AllocatorError:
            found = None
        if found is None:
            yield _one("store_up", "Whether the store could be read.", 0)
            return
        yield _one("store_up", "Whether the store could be read.", 1)
        yield from _of_runs(found)
        yield from _of_alerts(found, self._now)


def text(store: Store | None, program: str, *, now: datetime, beat_age: float | None = None) -> bytes:
    """All metrics as Prometheus reads them; without a store, what is known without it."""
    registry = CollectorRegistry()
    registry.register(StoreMetrics(store, program, now=now, beat_age=beat_age))
    return generate_latest(registry)


def write_file(path: Path, body: bytes) -> None:
    """The textfile, readable by node_exporter; it appears whole or not at all. Raises ConfigError."""
    try:
        _replace(path, body)
    except OSError as error:
        raise ConfigError(f"metrics_file {path} cannot be written: {error.strerror}") from None


def _replace(path: Path, body: bytes) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(body)
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _of_runs(found: Figures) -> Iterable[Metric]:
    made = found.last_run
    if found.last_done is not None:
        said = "When a run last did its hour, in seconds since 1970."
        yield _one("last_done_timestamp_seconds", said, found.last_done.timestamp())
    states = {
        state: float(state == found.last_state) for state in ("running", "done", "failed", "handed_over")
    }
    yield _labelled("last_run_state", "How the newest run ended: 1 for its state.", "state", states)
    if made.get("leads"):
        counts = {name: float(made["leads"].get(name, 0)) for name in _OUTCOMES}
        yield _labelled(
            "last_run_leads", "Leads of the newest run by what became of them.", "outcome", counts
        )
        yield _one("last_run_seconds", "How long the newest run took.", made.get("seconds", 0))
        calls = {kind: float(n) for kind, n in made["crm"]["by_kind"].items()}
        yield _labelled("last_run_crm_requests", "CRM requests of the newest run by kind.", "kind", calls)
        yield from _of_systems(made)
    yield _one("leads_held", "Leads that are held, over all runs.", found.held)
    by_reason = {reason: float(n) for reason, n in found.held_by_reason.items()}
    yield _labelled("leads_held_by_reason", "The same by reason, as of the newest run.", "reason", by_reason)
    yield _one("slots_open", "Hours that no run has done yet.", found.open_slots)
    paused = {kind.value: float(found.paused.get(kind.value, 0)) for kind in Paused}
    yield _labelled("paused", "People, teams and the service (0 or 1) that are paused.", "kind", paused)


def _of_systems(made: Mapping[str, Any]) -> Iterable[Metric]:
    """Marketing systems as the newest run found them."""
    asked, synced = made.get("sources", {}), made.get("sync", {})
    calls = {name: float(one["requests"]) for name, one in asked.items()}
    yield _labelled("last_run_source_requests", "Requests of the newest run by system.", "source", calls)
    usable = {name: float(one["trouble"] is None) for name, one in asked.items()}
    yield _labelled(
        "last_run_source_usable", "1 for a system that the newest run could use.", "source", usable
    )
    said = "What the newest run did to keep a system and the CRM in step."
    both = {(name, what): float(n) for name, counts in synced.items() for what, n in counts.items()}
    yield _labelled("last_run_sync", said, ("source", "what"), both)


def _of_alerts(found: Figures, now: datetime) -> Iterable[Metric]:
    open_ = {kind: float(n) for kind, n in found.incidents.items()}
    yield _labelled("incidents_open", "Open incidents by kind.", "kind", open_)
    mails = {"pending": found.post.pending, "sent": found.post.sent, "dead": found.post.dead}
    yield _labelled("alert_mails", "Mails by state; dead ones were given up.", "state", mails)
    oldest = found.post.oldest
    age = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    yield _one("alert_oldest_unsent_seconds", "Age of the oldest mail that is not sent yet.", age)
    if found.tables_accepted is not None:
        said = "When the workbook in use was accepted, in seconds since 1970."
        yield _one("tables_accepted_timestamp_seconds", said, found.tables_accepted.timestamp())
        yield _labelled("tables_info", "The workbook in use.", "version", {found.tables_version: 1})


def _one(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(f"allocator_{name}", said, value=value)


def _labelled(
    name: str, said: str, label: str | tuple[str, str], values: Mapping[str, float] | Mapping[Pair, float]
) -> Metric:
    labels = (label,) if isinstance(label, str) else label
    metric = GaugeMetricFamily(f"allocator_{name}", said, labels=labels)
    for one, value in sorted(values.items()):
        metric.add_metric((one,) if isinstance(one, str) else one, value)
    return metric
