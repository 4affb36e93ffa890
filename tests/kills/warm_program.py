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
    "holidays.countries",
)


def imported():  # type: ignore[no-untyped-def]
    """The command line, ready to be forked."""
    from allocator.entrypoints import cli

    cli.build()
    for name in LATE:
        import_module(name)
    _read_a_workbook()
    gc.collect()
    gc.freeze()
    return cli


def _read_a_workbook() -> None:
    """What reading a workbook finds out, and what the shipped one says, is known to every fork."""
    from allocator.adapters.tables import tables_in
    from rules.workbook.template import shipped_bytes

    tables_in(shipped_bytes(), name="routing_tables.xlsx")
