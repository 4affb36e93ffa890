"""Fair turns: vouchers, pauses, leads taken by hand and leads that the allocator takes back."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_COLUMNS = (
    "leads ADD COLUMN hops INT NOT NULL DEFAULT 0",
    "leads ADD COLUMN taker TEXT",
    "leads ADD COLUMN taker_team TEXT",
    "leads ADD COLUMN settled_stamp TEXT",
    "decisions ADD COLUMN ended TEXT CHECK (ended IN ('returned', 'rejected', 'undone'))",
    "decisions ADD COLUMN ended_at TEXT",
    "decisions ADD COLUMN ended_why TEXT NOT NULL DEFAULT ''",
    "decisions ADD COLUMN shape TEXT REFERENCES shapes",
)

_SHAPES = """
CREATE TABLE shapes (sha256 TEXT PRIMARY KEY, content TEXT NOT NULL)"""

_VOUCHERS = """
CREATE TABLE vouchers (
    team TEXT NOT NULL, lane TEXT NOT NULL, person TEXT NOT NULL, absence TEXT NOT NULL,
    amount INT NOT NULL, earned INT NOT NULL, expires TEXT NOT NULL,
    PRIMARY KEY (team, lane, person, absence)
)"""

_PAUSES = """
CREATE TABLE pauses (
    kind TEXT NOT NULL CHECK (kind IN ('person', 'team', 'service')), name TEXT NOT NULL,
    since TEXT NOT NULL, until TEXT, said_by TEXT NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (kind, name)
)"""

_TAKE_BACKS = """
CREATE TABLE take_backs (
    source TEXT NOT NULL, source_id TEXT NOT NULL, epoch INT NOT NULL,
    why TEXT NOT NULL CHECK (why IN ('rejected', 'undone')), of_run INT, reason TEXT NOT NULL,
    said_by TEXT NOT NULL, asked TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'dropped')), attempts INT NOT NULL DEFAULT 0,
    done TEXT, detail TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (source, source_id, epoch),
    FOREIGN KEY (source, source_id, epoch) REFERENCES decisions (source, source_id, epoch)
)"""

_KEPT = (
    "team, lane, number, sequence, kind, owner, payer, paid, credit_limit, before, team_before, last_before,"
    " eligibility, source, source_id, epoch, run, at, live"
)

_TURNS = (
    # A lead may have several turns in one epoch now (given back, then charged to who took it by hand), and a
    # turn without a decision. SQLite changes no constraint: both tables are made anew.
    "CREATE TABLE turns_before AS SELECT * FROM turns",
    "CREATE TABLE refunds_before AS SELECT * FROM refunds",
    "DROP TABLE refunds",
    "DROP TABLE turns",
    """CREATE TABLE turns (
        team TEXT, lane TEXT, number INT CHECK (number >= 1), sequence INT NOT NULL, kind TEXT NOT NULL,
        owner TEXT NOT NULL, payer TEXT NOT NULL, paid INT NOT NULL, credit_limit INT, before TEXT NOT NULL,
        team_before TEXT NOT NULL, last_before TEXT NOT NULL,
        eligibility TEXT NOT NULL REFERENCES eligibility,
        source TEXT NOT NULL, source_id TEXT NOT NULL, epoch INT NOT NULL, run INT NOT NULL, at TEXT NOT NULL,
        live BOOLEAN NOT NULL, vouchers TEXT, due TEXT, PRIMARY KEY (team, lane, number),
        UNIQUE (team, sequence), FOREIGN KEY (source, source_id) REFERENCES leads)""",
    """CREATE TABLE refunds (
        team TEXT, lane TEXT, number INT, at TEXT NOT NULL, run INT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (team, lane, number), FOREIGN KEY (team, lane, number) REFERENCES turns)""",
    f"INSERT INTO turns ({_KEPT}) SELECT {_KEPT} FROM turns_before",  # noqa: S608 - names only
    "INSERT INTO refunds SELECT team, lane, number, at, run, reason FROM refunds_before",
    "DROP TABLE turns_before",
    "DROP TABLE refunds_before",
    "CREATE INDEX turns_payer ON turns (team, payer, sequence)",
    "CREATE INDEX turns_lead ON turns (source, source_id, epoch)",
    "CREATE INDEX turns_run ON turns (run)",
)


_SMALLER = (
    # What is settled says so in its decision, and nearly every link is live.
    "DELETE FROM outbox WHERE state = 'done'",
    "DROP INDEX links_state",
)

_LINKS_ON_SQLITE = (
    # A row is little more than its key: without a row id it is not stored twice.
    "CREATE TABLE links_before AS SELECT * FROM links",
    "DROP TABLE links",
    """CREATE TABLE links (
        source TEXT, source_id TEXT, crm TEXT, object TEXT, crm_id TEXT,
        state TEXT NOT NULL CHECK (state IN ('live', 'converted')), since TEXT NOT NULL,
        PRIMARY KEY (source, source_id, crm, object, crm_id),
        FOREIGN KEY (source, source_id) REFERENCES leads) WITHOUT ROWID""",
    "INSERT INTO links SELECT source, source_id, crm, object, crm_id, state, since FROM links_before",
    "DROP TABLE links_before",
)


def upgrade() -> None:
    postgresql = op.get_bind().dialect.name == "postgresql"
    columns = [f"ALTER TABLE {column}" for column in _COLUMNS]
    indexes = [
        "CREATE INDEX take_backs_state ON take_backs (state)",
        "CREATE INDEX turns_at ON turns (team, at)",
        "CREATE INDEX leads_taker ON leads (state, since) WHERE taker IS NOT NULL",
    ]
    smaller = _SMALLER if postgresql else (*_SMALLER, *_LINKS_ON_SQLITE)
    for statement in [*_TURNS, *smaller, _SHAPES, *columns, _VOUCHERS, _PAUSES, _TAKE_BACKS, *indexes]:
        op.execute(_for_postgresql(statement) if postgresql else statement)


def _for_postgresql(statement: str) -> str:
    """As in 0001: texts sort and compare by code point on both databases."""
    if not statement.startswith(("\nCREATE", "CREATE TABLE turns (", "CREATE TABLE refunds (", "ALTER")):
        return statement
    return statement.replace(" INT", " BIGINT").replace(" TEXT", ' TEXT COLLATE "C"')
