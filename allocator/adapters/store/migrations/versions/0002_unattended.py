"""Unattended: how slots ended, incidents, the outbox of mails, silences, signs of life, answered files."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_STATES = "state IN ('open', 'done', 'failed', 'skipped_overrun', 'caught_up')"
_SLOTS_ON_SQLITE = (
    # SQLite cannot change a CHECK: the table is made anew, and `runs` finds its slots before the commit.
    "PRAGMA defer_foreign_keys = ON",
    "CREATE TABLE slots_before AS SELECT * FROM slots",
    "DROP TABLE slots",
    f"""CREATE TABLE slots (
        slot TEXT PRIMARY KEY, state TEXT NOT NULL CHECK ({_STATES}), opened TEXT NOT NULL,
        done_by_run INT)""",
    "INSERT INTO slots SELECT slot, state, opened, done_by_run FROM slots_before",
    "DROP TABLE slots_before",
)
_SLOTS_ON_POSTGRESQL = (
    "ALTER TABLE slots DROP CONSTRAINT slots_state_check",
    f"ALTER TABLE slots ADD CONSTRAINT slots_state_check CHECK ({_STATES})",
)

_TABLES = (
    """CREATE TABLE incidents (
        number INT PRIMARY KEY, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, place TEXT NOT NULL,
        opened TEXT NOT NULL, seen TEXT NOT NULL, count INT NOT NULL, resolved TEXT, live BOOLEAN NOT NULL,
        told TEXT NOT NULL, finding TEXT NOT NULL, acked_until TEXT, acked_by TEXT NOT NULL)""",
    """CREATE TABLE mails (
        id INT PRIMARY KEY, message_id TEXT NOT NULL, thread TEXT NOT NULL, recipient TEXT NOT NULL,
        kind TEXT NOT NULL, incident TEXT NOT NULL, phase TEXT NOT NULL, subject TEXT NOT NULL,
        content TEXT NOT NULL, created TEXT NOT NULL, answer BOOLEAN NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'sent', 'dead')), attempts INT NOT NULL,
        due TEXT NOT NULL, error TEXT NOT NULL, sent TEXT)""",
    """CREATE TABLE silences (
        kind TEXT, place TEXT, until TEXT NOT NULL, said_by TEXT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (kind, place))""",
    """CREATE TABLE beats (
        host TEXT, pid INT, started TEXT NOT NULL, at TEXT NOT NULL, program TEXT NOT NULL,
        PRIMARY KEY (host, pid))""",
    """CREATE TABLE answers (place TEXT PRIMARY KEY, seen TEXT NOT NULL, at TEXT NOT NULL)""",
)

_INDEXES = (
    "CREATE UNIQUE INDEX incidents_open ON incidents (kind, place) WHERE resolved IS NULL",
    "CREATE INDEX mails_state ON mails (state, due)",
    "CREATE INDEX mails_created ON mails (created)",
    "CREATE INDEX slots_state ON slots (state)",
    "CREATE INDEX runs_slot ON runs (slot)",
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in _SLOTS_ON_POSTGRESQL if postgresql else _SLOTS_ON_SQLITE:
        op.execute(statement)
    for statement in (*_TABLES, *_INDEXES):
        op.execute(_for_postgresql(statement) if postgresql else statement)


def _for_postgresql(statement: str) -> str:
    """As in 0001: texts sort and compare by code point on both databases."""
    if not statement.startswith("CREATE TABLE"):
        return statement
    return statement.replace(" INT", " BIGINT").replace(" TEXT", ' TEXT COLLATE "C"')
