"""`[sync]`: how records that are linked to the CRM are kept in step."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, field_validator


class SyncSection(BaseModel):
    """`[sync]`: how often everything is compared, and what of the CRM is made in the marketing system."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    full_hours: int = Field(default=24, ge=1, le=168)
    create_from_campaigns: tuple[str, ...] = ()

    @field_validator("create_from_campaigns")
    @classmethod
    def _named(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.strip() for name in names):
            raise ValueError('name the campaigns as the CRM shows them, such as ["Newsletter"]')
        return names
