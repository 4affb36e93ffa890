"""`[drop]`: the folder into which files of leads are put."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, field_validator


class DropSection(BaseModel):
    """`[drop]`: the folder into which files of leads are put. Without the section there is none."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    folder: Path
    map: dict[str, str] = {}

    @field_validator("map")
    @classmethod
    def _to_fields(cls, named: dict[str, str]) -> dict[str, str]:
        for header, field in named.items():
            if not header.strip() or not (field.isascii() and field.isidentifier()):
                raise ValueError('must map a column\'s name to a Lead field, such as "Nachname" = "LastName"')
        return named
