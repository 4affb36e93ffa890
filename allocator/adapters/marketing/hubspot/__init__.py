"""HubSpot contacts as a source of leads (CRM API v3, or its dated paths)."""

from allocator.adapters.marketing.hubspot.settings import HubspotSettings
from allocator.adapters.marketing.hubspot.source import HubspotSource

__all__ = ["HubspotSettings", "HubspotSource"]
