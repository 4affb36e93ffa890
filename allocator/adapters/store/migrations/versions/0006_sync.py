"""The sync: links to what a marketing record became, agreed values, conflicts, and writes of fields."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COLUMNS = (
    # Nothing is the owner of a Lead that is there, which is what nearly every decision gives.
    "decisions ADD COLUMN effect TEXT CHECK (effect IN ('create', 'link'))",
    "outbox ADD COLUMN object TEXT NOT NULL DEFAULT ''",
    "outbox ADD COLUMN object_id TEXT NOT NULL DEFAULT ''",
)

_LINKS = (
    # Two more states; and a marketing record may be linked without ever having been a lead here.
    # SQLite changes no constraint: the table is made anew.
    "CREATE TABLE links_before AS SELECT * FROM links",
    "DROP TABLE links",
    """CREATE TABLE links (
        source TEXT, source_id TEXT, crm TEXT, object TEXT, crm_id TEXT,
        state TEXT NOT NULL CHECK (state IN ('live', 'converted', 'merged', 'deleted')), since TEXT NOT NULL,
        PRIMARY KEY (source, source_id, crm, object, crm_id)) WITHOUT ROWID""",
    "INSERT INTO links (source, source_id, crm, object, crm_id, state, since)"
    " SELECT source, source_id, crm, object, crm_id, state, since FROM links_before",
    "DROP TABLE links_before",
)

_MARKETING = "source <> crm"
_INDEXES = (
    # Two Leads of a CRM may have become one Contact: what is promised is promised of marketing records.
    "CREATE UNIQUE INDEX links_record ON links (source, source_id, crm)"
    f" WHERE state = 'live' AND {_MARKETING}",
    "CREATE UNIQUE INDEX links_object ON links (crm_id, object, crm, source)"
    f" WHERE state = 'live' AND {_MARKETING}",
    f"CREATE INDEX links_crm_id ON links (crm_id) WHERE {_MARKETING}",
    "CREATE INDEX syncs_again ON syncs (source, source_id) WHERE again",
    "CREATE INDEX sync_writes_record ON sync_writes (source, source_id)",
    "CREATE INDEX sync_writes_pending ON sync_writes (id) WHERE state = 'pending'",
    "CREATE INDEX conflicts_record ON conflicts (source, source_id)",
)

_TABLES = (
    """CREATE TABLE syncs (
        source TEXT NOT NULL, source_id TEXT NOT NULL,
        plan TEXT NOT NULL CHECK (plan IN ('lead', 'contact', 'held')), reason TEXT NOT NULL,
        detail TEXT NOT NULL, since TEXT NOT NULL, at TEXT NOT NULL, agreed TEXT NOT NULL, our_stamp TEXT,
        their_stamp TEXT, again BOOLEAN NOT NULL, problems TEXT NOT NULL, claim TEXT NOT NULL,
        PRIMARY KEY (source, source_id))""",
    """CREATE TABLE sync_writes (
        id INT PRIMARY KEY, source TEXT NOT NULL, source_id TEXT NOT NULL,
        side TEXT NOT NULL CHECK (side IN ('ours', 'theirs')), object TEXT NOT NULL, object_id TEXT NOT NULL,
        writes TEXT NOT NULL, agreed TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'refused', 'dropped')),
        attempts INT NOT NULL, run INT NOT NULL, created TEXT NOT NULL, done TEXT, detail TEXT NOT NULL,
        rerouted BOOLEAN NOT NULL)""",
    """CREATE TABLE conflicts (
        number INT PRIMARY KEY, source TEXT NOT NULL, source_id TEXT NOT NULL, run INT NOT NULL,
        at TEXT NOT NULL, conflict TEXT NOT NULL)""",
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    columns = [f"ALTER TABLE {column}" for column in _COLUMNS]
    for statement in [*columns, *_LINKS, *_TABLES, *_INDEXES]:
        op.execute(_for_postgresql(statement) if postgresql else statement)


def _for_postgresql(statement: str) -> str:
    """As in 0001: texts sort and compare by code point on both databases."""
    if not statement.startswith(("CREATE TABLE", "ALTER")) or " AS SELECT " in statement:
        return statement
    statement = statement.replace(" WITHOUT ROWID", "")
    return statement.replace(" INT", " BIGINT").replace(" TEXT", ' TEXT COLLATE "C"')
