"""The wiring of marketing systems: with `bootstrap`, the only file that names adapters."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from allocator.adapters.clock import clock_from
from allocator.adapters.marketing.predicting import PredictingSource
from allocator.config import DropSection, HubspotSection, Settings
from allocator.domain.sync.mapping_doubts import doubts
from allocator.errors import ConfigError, SourceError
from allocator.ports import CRM, Clock, LeadSource
from allocator.service.doctor.subject import Systems
from allocator.service.sync.stage import Marketing
from rules.errors import Problem
from rules.model import RoutingTables

if TYPE_CHECKING:
    from allocator.adapters.marketing.hubspot import HubspotSource

Wanted = Callable[[], Collection[str] | None]
"""The properties that the tables map, when they are known; None: all of them."""


def sources_of(
    settings: Settings,
    *,
    properties: Wanted = lambda: None,
    clock: Clock | None = None,
    sleep: Callable[[float], object] = time.sleep,
) -> tuple[LeadSource, ...]:
    """The configured marketing systems, new ones for each run. Raises ConfigError; asks nothing yet."""
    found: list[LeadSource] = []
    if settings.hubspot is not None:
        found.append(_hubspot(settings.hubspot, properties, clock, sleep))
    if settings.drop is not None:
        found.append(_drop(settings.drop, clock or clock_from(), sleep))
    return tuple(found)


def marketing_of(settings: Settings, *, clock: Clock | None = None) -> Marketing:
    """The configured marketing systems, and what is written back to them."""
    hub = settings.hubspot
    told = {key: name for key, name in hub.write_back.model_dump().items() if name} if hub else {}
    wanted: dict[str, tuple[str, ...]] = {}
    facts = {path for paths in settings.fact_fields().values() for path in paths}
    sources = sources_of(
        settings,
        properties=lambda: {*facts, *wanted["hubspot"]} if "hubspot" in wanted else None,
        clock=clock,
    )
    own, back = settings.sync, {"hubspot": told} if told else {}
    return Marketing(sources, back, own.full_hours, own.create_from_campaigns, wanted)


def predicted(real: Marketing) -> Marketing:
    """The same systems, which only seem to be written to: for a dry run."""
    return replace(real, sources=tuple(PredictingSource(source) for source in real.sources))


def field_doubts(
    settings: Settings, tables: RoutingTables, crm: Callable[[], CRM]
) -> tuple[Problem, ...] | None:
    """What the systems show to be wrong with sheet Fields; None where one of them cannot be asked now."""
    try:
        sources = sources_of(settings, sleep=lambda seconds: None)
        known = crm() if sources else None
        maps = [marketing_of(settings).map_of(known, source, tables) for source in sources if known]
    except (ConfigError, SourceError):
        return None
    return tuple(dict.fromkeys(problem for one in maps for problem in doubts(tables.fields, one.sides)))


def systems_of(settings: Settings) -> Systems:
    """What `doctor` looks at. Opens and asks nothing."""
    hub, drop = settings.hubspot, settings.drop
    folder = drop.folder if drop else None
    if hub is None:
        return Systems(folder=folder, unusable=_unusable)
    return Systems(
        hubspot=lambda: _hubspot(hub, lambda: (), None, lambda seconds: None),
        owned=lambda: _hubspot(hub, lambda: (), None, lambda seconds: None).owned(),
        address=hub.url,
        owner_field=hub.owner_field,
        intake_field="" if hub.list else hub.intake_field,
        intake=hub.intake,
        written=hub.write_back.names(),
        flag=hub.write_back.converted,
        folder=folder,
        unusable=_unusable,
    )


def _hubspot(
    own: HubspotSection, properties: Wanted, clock: Clock | None, sleep: Callable[[float], object]
) -> HubspotSource:
    from allocator.adapters.marketing.hubspot import HubspotSettings, HubspotSource

    back = own.write_back
    known = HubspotSettings(
        token=own.secret(),
        url=own.url,
        path=own.path,
        intake_field=own.intake_field,
        intake=own.intake,
        list=own.list,
        owner_field=own.owner_field,
        marked=tuple(name for name in (back.lead_id, back.contact_id) if name),
        written=back.names(),
        overlap=own.overlap,
        ca_file=str(own.ca_file) if own.ca_file else None,
    )
    return HubspotSource(known, properties=properties, clock=clock, sleep=sleep)


def _drop(own: DropSection, clock: Clock, sleep: Callable[[float], object]) -> LeadSource:
    from allocator.adapters.marketing.drop import DropSource

    return DropSource(own.folder, clock=clock, own=own.map, sleep=sleep)


def _unusable(folder: Path) -> str:
    """Why files cannot be taken from a folder; empty when they can."""
    if not folder.is_dir():
        return "is not there" if not folder.exists() else "is no folder"
    if not os.access(folder, os.R_OK | os.X_OK):
        return "cannot be read"
    done = folder / "done"
    writable = all(os.access(one, os.W_OK | os.X_OK) for one in (folder, done) if one.exists())
    return "" if writable else "cannot be written to"
