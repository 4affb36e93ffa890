"""Versions of the tables: how each stands, what made it so, and what it was judged against."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_STATES = "'accepted', 'next', 'waiting', 'superseded'"
_HOWS = "'file', 'code', 'command', 'rollback'"
_COLUMNS = (
    f"state TEXT NOT NULL DEFAULT 'accepted' CHECK (state IN ({_STATES}))",
    f"how TEXT NOT NULL DEFAULT 'file' CHECK (how IN ({_HOWS}))",
    "base TEXT NOT NULL DEFAULT ''",
    *(f"{name} INT" for name in ("warnings", "added", "changed", "removed", "leads", "moved")),
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for column in _COLUMNS:
        statement = f"ALTER TABLE tables_versions ADD COLUMN {column}"
        op.execute(_for_postgresql(statement) if postgresql else statement)
    op.execute("CREATE INDEX tables_versions_state ON tables_versions (state, number)")


def _for_postgresql(statement: str) -> str:
    """As in 0001: texts sort and compare by code point on both databases."""
    return statement.replace(" INT", " BIGINT").replace(" TEXT", ' TEXT COLLATE "C"')
