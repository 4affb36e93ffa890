"""Team Enterprise with Ana, Ben and Chi in an org where time is moved, for leads that come back."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

for _folder in ("", "faults", "rules"):
    sys.path.insert(0, str(Path(__file__).parents[1] / _folder))

import checker  # noqa: E402
import pytest  # noqa: E402
from faulty_org import (  # noqa: E402
    PULL,
    READ,
    WRITE,
    FaultyOrg,
    afterwards,
    company,
    instead,
    meanwhile,
)
from stamina.instrumentation import set_on_retry_hooks  # noqa: E402
from workbooks import build  # noqa: E402

from allocator.config import load_settings  # noqa: E402
from allocator.domain.lead import State  # noqa: E402

__all__ = ["NINE", "PULL", "READ", "WRITE", "SmallOrg", "afterwards", "instead", "meanwhile"]

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


class SmallOrg(FaultyOrg):
    """Its clock and the CRM's stand at nine until they are moved."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, leads: Any = 6) -> None:
        super().__init__(folder, monkeypatch, leads)
        set_on_retry_hooks([])
        self.at = NINE
        self.later(minutes=0)
        old = f"{NINE - timedelta(hours=2):%Y-%m-%dT%H:%M:%S}.000+0000"
        rows = [{"Id": lead, "LastModifiedDate": old, "SystemModstamp": old} for lead in self.leads]
        self.put("Lead", *rows)

    def close(self) -> None:
        set_on_retry_hooks(None)
        super().close()

    def later(self, **span: int) -> None:
        self.at += timedelta(**span)
        self.monkeypatch.setenv("ALLOCATOR_NOW", self.at.isoformat())
        self.control("POST", "clock", {"now": self.at.isoformat()})

    def tables(self, **columns: object) -> None:
        """The team with these columns of sheet Teams beside the usual ones."""
        sheets = company()
        sheets["Teams"] = [
            [*sheets["Teams"][0], *columns], [*sheets["Teams"][1], *columns.values()]
        ]  # fmt: skip
        self.book.write_bytes(build(sheets))

    def touch(self, lead: str, by: str = "Vera Voss", **fields: object) -> None:
        """A person changes a Lead now."""
        now = f"{self.at:%Y-%m-%dT%H:%M:%S}.000+0000"
        stamp = {"LastModifiedDate": now, "SystemModstamp": now, "LastModifiedById": self.user(by)}
        self.put("Lead", {"Id": lead, **stamp, **fields})

    def person_of(self, lead: str) -> str | None:
        return self.rows()[lead].person

    def with_somebody(self) -> list[str]:
        return [lead for lead, row in self.rows().items() if row.state is State.CONFIRMED]

    def ledger(self) -> dict[Any, Any]:
        with self.store() as store:
            return {
                place: book.canonical() for place, book in store.ledgers().items() if any(book.canonical())
            }

    def explain(self, lead: str) -> dict[str, Any]:
        return self("explain", lead)[1]

    def kept(self, *, settled: bool = True) -> None:
        """Every promise that can be seen from the outside is kept."""
        settings = load_settings(self.config)
        url = settings.store.replace("sqlite:///", f"sqlite:///{self.config.parent}/")
        changes = self.control("GET", "history")
        found = checker.check(
            url, self.requests(), self.records("Lead"), intake=[self.queue], changes=changes, settled=settled
        )
        assert found == []
