"""Alembic's entry: run the steps on the connection that `schema.py` opened, inside its transaction."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
context.run_migrations()
