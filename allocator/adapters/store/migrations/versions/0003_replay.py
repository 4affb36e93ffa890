"""Replay: what each decision and each run saw, and which run settled a decision."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_COLUMNS = (
    "ALTER TABLE runs ADD COLUMN seen TEXT",
    "ALTER TABLE decisions ADD COLUMN seen TEXT",
    "ALTER TABLE decisions ADD COLUMN settled_run INT",
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _COLUMNS:
        op.execute(_for_postgresql(statement) if postgresql else statement)


def _for_postgresql(statement: str) -> str:
    """As in 0001: texts sort and compare by code point on both databases."""
    return statement.replace(" INT", " BIGINT").replace(" TEXT", ' TEXT COLLATE "C"')
