"""The Salesforce adapter; what other modules may name of it."""

from allocator.adapters.crm.http import Timeouts
from allocator.adapters.crm.salesforce.crm import SalesforceCRM
from allocator.adapters.crm.salesforce.settings import SalesforceSettings

__all__ = ["SalesforceCRM", "SalesforceSettings", "Timeouts"]
