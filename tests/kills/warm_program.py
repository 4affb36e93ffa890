"""The whole program, imported once before it is forked: what it imports late too."""

import gc
from importlib import import_module

LATE = (
    "allocator.adapters.crm.salesforce",
    "allocator.adapters.mail.smtp",
    "allocator.entrypoints.scheduler",
    "allocator.entrypoints.service",
    "allocator.entrypoints.web",
    "alembic.command",
    "alembic.runtime.migration",
    "psycopg",
    "sqlalchemy.dialects.postgresql.psycopg",
    "sqlalchemy.dialects.sqlite.pysqlite",
    "holidays",
)


def imported():  # type: ignore[no-untyped-def]
    """The command line, ready to be forked."""
    from allocator.entrypoints import cli

    cli.build()
    for name in LATE:
        import_module(name)
    gc.collect()
    gc.freeze()
    return cli
