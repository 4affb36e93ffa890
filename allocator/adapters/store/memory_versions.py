"""The part of `MemoryStore` that keeps the versions of the workbook."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from allocator.domain.records import Lease, TablesVersion, judged_otherwise, stands
from allocator.domain.versions import KEPT, Standing

Versions = tuple[TablesVersion, ...]


class MemoryVersions(ABC):
    """The versions in the shared state of a `MemoryStore`, oldest first."""

    _state: Any

    @abstractmethod
    def _changing(self, lease: Lease | None = None) -> AbstractContextManager[Any]:
        """A copy of the state that replaces it when the block ends well."""

    @property
    def _versions(self) -> Versions:
        versions: Versions = self._state.versions
        return versions

    def tables(self) -> TablesVersion | None:
        return _running(self._versions)

    def accept_tables(self, lease: Lease, version: TablesVersion, *, after: str = "") -> bool:
        return self._put(lease, version, after)

    def put_tables(self, version: TablesVersion, *, after: str = "") -> bool:
        return self._put(None, version, after)

    def withdraw_tables(self, sha256: str) -> None:
        with self._changing() as s:
            s.versions = tuple(_superseded(v) if v.sha256 == sha256 else v for v in s.versions)

    def tables_versions(self, *, limit: int = 50) -> Sequence[TablesVersion]:
        return [replace(v, content=b"") for v in reversed(self._versions)][:limit]

    def tables_version(self, sha256: str) -> TablesVersion | None:
        return next((v for v in reversed(self._versions) if v.sha256 == sha256), None)

    def tables_known(self, sha256: str) -> bool:
        return any(v.sha256 == sha256 for v in self._versions)

    def _put(self, lease: Lease | None, version: TablesVersion, after: str) -> bool:
        with self._changing(lease) as s:
            versions: Versions = s.versions
            running = _running(versions)
            if versions and stands(versions[-1], version):
                return True
            if versions and judged_otherwise(versions[-1], version):
                return False
            if after and (running is None or running.sha256 != after):
                return False
            if versions and versions[-1].open and versions[-1].sha256 == version.sha256:
                versions = versions[:-1]
            s.versions = _forgotten((*map(_superseded, versions), version))
        return True


def _running(versions: Versions) -> TablesVersion | None:
    return next((v for v in reversed(versions) if v.state is Standing.ACCEPTED), None)


def _superseded(version: TablesVersion) -> TablesVersion:
    return replace(version, state=Standing.SUPERSEDED) if version.open else version


def _forgotten(versions: Versions) -> Versions:
    old, kept = versions[:-KEPT], versions[-KEPT:]
    return (*(replace(v, content=b"") if v.state is Standing.SUPERSEDED else v for v in old), *kept)
