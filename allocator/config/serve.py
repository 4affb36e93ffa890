"""`[serve]`: where the service answers and when it starts its runs."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

from allocator.config.addresses import split_listen


class ServeSection(BaseModel):
    """What `allocator serve` needs beside the rest; a host that is not loopback is the operator's choice."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    listen: str = "127.0.0.1:9464"
    minute: int = Field(default=0, ge=0, le=59)
    metrics_file: Path | None = None

    @field_validator("listen")
    @classmethod
    def _host_and_port(cls, listen: str) -> str:
        split_listen(listen)
        return listen

    @property
    def host(self) -> str:
        return split_listen(self.listen)[0]

    @property
    def port(self) -> int:
        """0: any free one."""
        return split_listen(self.listen)[1]
