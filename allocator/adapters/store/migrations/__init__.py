"""The store's schema, step by step (Alembic). `schema.py` runs the steps; there is no alembic.ini."""
