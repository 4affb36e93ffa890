"""A folder into which files of leads are put: forms, events, bought lists."""

from allocator.adapters.marketing.drop.source import DropSource

__all__ = ["DropSource"]
