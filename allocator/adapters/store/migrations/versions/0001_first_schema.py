"""The first schema: lease, runs, leads, decisions, turns, ledger, outbox, links, marks, table versions."""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = (
    """CREATE TABLE lease (
        one INT PRIMARY KEY CHECK (one = 1), token INT NOT NULL, run INT, claim TEXT NOT NULL,
        host TEXT NOT NULL, boot TEXT NOT NULL, pid INT NOT NULL, process_start TEXT NOT NULL,
        acquired TEXT, renewed TEXT, expires TEXT)""",
    """CREATE TABLE slots (
        slot TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state IN ('open', 'done')), opened TEXT NOT NULL,
        done_by_run INT)""",
    """CREATE TABLE runs (
        run INT PRIMARY KEY, slot TEXT NOT NULL REFERENCES slots, started_by TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed', 'handed_over')),
        started TEXT NOT NULL, finished TEXT, live BOOLEAN NOT NULL, tables_version TEXT, token INT NOT NULL,
        host TEXT NOT NULL, pid INT NOT NULL, summary TEXT NOT NULL, UNIQUE (token))""",
    """CREATE TABLE tables_versions (
        number INT PRIMARY KEY, sha256 TEXT NOT NULL, content BLOB NOT NULL, accepted_at TEXT NOT NULL,
        origin TEXT NOT NULL, saved_by TEXT NOT NULL)""",
    """CREATE TABLE marks (source TEXT PRIMARY KEY, mark TEXT NOT NULL)""",
    """CREATE TABLE leads (
        source TEXT, source_id TEXT, created TEXT NOT NULL, stamp TEXT NOT NULL, crm_owner TEXT NOT NULL,
        fields TEXT NOT NULL, unreadable TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'decided', 'confirmed', 'taken', 'held', 'closed')),
        epoch INT NOT NULL, reason TEXT, detail TEXT NOT NULL, decided_by TEXT, team TEXT, lane TEXT NOT NULL,
        person TEXT, owner TEXT, since TEXT, basis TEXT NOT NULL, last_person TEXT, run INT,
        live BOOLEAN NOT NULL, PRIMARY KEY (source, source_id))""",
    """CREATE TABLE decisions (
        source TEXT, source_id TEXT, epoch INT, at TEXT NOT NULL, run INT NOT NULL REFERENCES runs,
        state TEXT NOT NULL CHECK (state IN ('decided', 'confirmed', 'taken', 'held', 'closed')),
        reason TEXT, detail TEXT NOT NULL, decided_by TEXT, team TEXT, lane TEXT NOT NULL, person TEXT,
        owner TEXT, basis TEXT NOT NULL, tables_version TEXT NOT NULL, live BOOLEAN NOT NULL,
        given_back BOOLEAN NOT NULL, settled_at TEXT, trace TEXT NOT NULL,
        PRIMARY KEY (source, source_id, epoch), FOREIGN KEY (source, source_id) REFERENCES leads)""",
    """CREATE TABLE eligibility (sha256 TEXT PRIMARY KEY, content TEXT NOT NULL)""",
    """CREATE TABLE turns (
        team TEXT, lane TEXT, number INT CHECK (number >= 1), sequence INT NOT NULL, kind TEXT NOT NULL,
        owner TEXT NOT NULL, payer TEXT NOT NULL, paid INT NOT NULL, credit_limit INT, before TEXT NOT NULL,
        team_before TEXT NOT NULL, last_before TEXT NOT NULL,
        eligibility TEXT NOT NULL REFERENCES eligibility,
        source TEXT NOT NULL, source_id TEXT NOT NULL, epoch INT NOT NULL, run INT NOT NULL, at TEXT NOT NULL,
        live BOOLEAN NOT NULL, PRIMARY KEY (team, lane, number), UNIQUE (team, sequence),
        UNIQUE (source, source_id, epoch), FOREIGN KEY (source, source_id, epoch) REFERENCES decisions)""",
    """CREATE TABLE refunds (
        team TEXT, lane TEXT, number INT, at TEXT NOT NULL, run INT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (team, lane, number), FOREIGN KEY (team, lane, number) REFERENCES turns)""",
    """CREATE TABLE ledger (
        team TEXT, lane TEXT, person TEXT, credit INT NOT NULL, PRIMARY KEY (team, lane, person))""",
    """CREATE TABLE last_turns (
        team TEXT, person TEXT, sequence INT NOT NULL, PRIMARY KEY (team, person))""",
    """CREATE TABLE outbox (
        id INT PRIMARY KEY, kind TEXT NOT NULL, idempotency_key TEXT NOT NULL UNIQUE, source TEXT NOT NULL,
        source_id TEXT NOT NULL, epoch INT NOT NULL, owner TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('pending', 'observed', 'done')), attempts INT NOT NULL,
        created TEXT NOT NULL, last_attempt TEXT, done TEXT,
        FOREIGN KEY (source, source_id, epoch) REFERENCES decisions)""",
    """CREATE TABLE links (
        source TEXT, source_id TEXT, crm TEXT, object TEXT, crm_id TEXT,
        state TEXT NOT NULL CHECK (state IN ('live', 'converted')), since TEXT NOT NULL,
        PRIMARY KEY (source, source_id, crm, object, crm_id),
        FOREIGN KEY (source, source_id) REFERENCES leads)""",
)

_INDEXES = (
    "CREATE INDEX leads_state ON leads (state)",
    "CREATE INDEX leads_source_id ON leads (source_id)",
    "CREATE INDEX decisions_run ON decisions (run)",
    "CREATE INDEX decisions_at ON decisions (at)",
    "CREATE INDEX turns_owner ON turns (team, owner, sequence)",
    "CREATE INDEX outbox_state ON outbox (state)",
    "CREATE INDEX links_state ON links (state)",
    "CREATE INDEX tables_versions_sha256 ON tables_versions (sha256)",
)

_FIRST_LEASE = (
    "INSERT INTO lease (one, token, claim, host, boot, pid, process_start) VALUES (1, 0, '', '', '', 0, '')"
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    for statement in (*_TABLES, *_INDEXES, _FIRST_LEASE):
        op.execute(_for_postgresql(statement) if postgresql else statement)


def _for_postgresql(statement: str) -> str:
    """Texts sort and compare by code point on both databases, whatever the server's locale."""
    if not statement.startswith("CREATE TABLE"):
        return statement
    return statement.replace(" INT", " BIGINT").replace(" TEXT", ' TEXT COLLATE "C"').replace("BLOB", "BYTEA")
