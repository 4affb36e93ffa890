"""Ends its own process by SIGKILL at a commit: for the forks of kill_warm.py only.

In their environment, KILL_AT_COMMIT is "before K" or "after K", where K counts the transactions that wrote
something, from 1 on; COUNT_COMMITS names a file instead, into which each such commit writes one letter. The
program under test knows nothing of it: SQLAlchemy says when a transaction ends.
"""

import os
import signal
from typing import Any

WRITES = ("INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "ALTER")


def arm(moment: str, at: int, note: str) -> None:
    from sqlalchemy import event
    from sqlalchemy.engine import Engine
    from sqlalchemy.pool import Pool

    seen = 0

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(Engine, "before_cursor_execute")
    def executed(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().upper().startswith(WRITES):
            connection.info["wrote"] = True

    @event.listens_for(Engine, "rollback")
    def rolled_back(connection: Any) -> None:
        connection.info.pop("wrote", None)

    @event.listens_for(Engine, "commit")
    def committing(connection: Any) -> None:
        nonlocal seen
        if not connection.info.pop("wrote", False):
            return
        seen += 1
        if note:
            with open(note, "a", encoding="ascii") as file:
                file.write("c")
        if seen == at and moment == "before":
            die()
        connection.info["over"] = seen == at and moment == "after"

    @event.listens_for(Pool, "reset")
    def returned(_dbapi: Any, record: Any, *rest: Any) -> None:
        """The connection goes back to the pool: the commit that was counted has happened."""
        if record.info.get("over"):
            die()


def arm_as_told() -> None:
    if os.environ.get("KILL_AT_COMMIT"):
        when, which = os.environ["KILL_AT_COMMIT"].split()
        arm(when, int(which), "")
    elif os.environ.get("COUNT_COMMITS"):
        arm("", 0, os.environ["COUNT_COMMITS"])
