"""Starts `allocator serve` processes quickly, on a clock that the test moves, with a part broken where asked.

The program is imported once; each service is a fork of its own. Reads JSON lines: one that has "argv" starts
a service and is answered with its pid; one that has "poll" is answered with that pid's exit code, or null.
"""

import json
import logging
import os
import sys
import threading
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "kills"))

from leader_warm import in_a_hurry
from warm_program import imported


def main() -> None:
    cli = imported()
    for line in sys.stdin:
        asked = json.loads(line)
        if "poll" in asked:
            done, status = os.waitpid(asked["poll"], os.WNOHANG)
            print(json.dumps(os.waitstatus_to_exitcode(status) if done else None), flush=True)
            continue
        child = os.fork()
        if child == 0:
            serve(cli, asked)
        print(json.dumps(child), flush=True)


def serve(cli, asked) -> None:  # type: ignore[no-untyped-def]
    code = 99
    try:
        os.environ.update(asked["env"])
        for number, path in ((1, asked["out"]), (2, asked["err"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), number)
        if "clock" in asked:
            from allocator.entrypoints.commands import serve as command

            in_a_hurry(Path(asked["clock"]))
            command.LOOK_EVERY = 0.3
        if asked.get("debug"):
            all_of_the_log()
        for part in asked.get("broken", ()):
            BROKEN[part]()
        cli.main(asked["argv"])
    except SystemExit as end:
        code = end.code
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def all_of_the_log() -> None:
    """What a developer sees who wants to see everything: every logger's every line."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.DEBUG, handlers=[handler])
    logging.getLogger().setLevel(logging.DEBUG)


def alarm() -> None:
    """A job store as on a locked database: the scheduler's thread dies of it, and says nothing."""
    from apscheduler.jobstores.memory import MemoryJobStore

    asked = []

    def unusable(self):  # type: ignore[no-untyped-def]
        asked.append(1)
        if threading.current_thread().name.startswith("APScheduler"):
            raise RuntimeError("database is locked")

    MemoryJobStore.get_next_run_time = unusable


def minder() -> None:
    from allocator.service.workbook import Workbook

    def look(self):  # type: ignore[no-untyped-def]
        raise ZeroDivisionError("planted: Lovelace")

    Workbook.look = look


def run() -> None:
    """The first run raises what nobody thought of, after it has begun."""
    from allocator.service import run

    real, left = run._Run.work, [1]

    def work(self):  # type: ignore[no-untyped-def]
        if left:
            left.pop()
            raise ZeroDivisionError("planted: Lovelace")
        return real(self)

    run._Run.work = work


BROKEN = {"alarm": alarm, "minder": minder, "run": run}

if __name__ == "__main__":
    main()
