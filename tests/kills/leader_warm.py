"""Starts `allocator serve` processes quickly, on a clock that the test moves.

The program is imported once; each service is a fork of its own, with shorter pauses and a clock that reads a
file. Reads a JSON line (arguments, environment, file for its output), answers with the pid, starts the next.
"""

import functools
import json
import os
import signal
import sys
from datetime import datetime
from pathlib import Path

from warm_program import imported


def main() -> None:
    cli = imported()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody here waits for them
    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            serve(cli, asked)
        print(json.dumps(child), flush=True)


def serve(cli, asked) -> None:  # type: ignore[no-untyped-def]
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    try:
        os.environ.update(asked["env"])
        handle = os.open(asked["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for number in (1, 2):
            os.dup2(handle, number)
        in_a_hurry(Path(asked["clock"]))
        cli.main(asked["argv"])
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


def in_a_hurry(clock: Path) -> None:
    from allocator.adapters.clock import SystemClock
    from allocator.entrypoints import service
    from allocator.entrypoints.commands import serve

    SystemClock.now = lambda self: datetime.fromisoformat(clock.read_text())  # type: ignore[method-assign]
    serve.Parts = functools.partial(service.Parts, tick=0.15)  # type: ignore[assignment,misc]
    service.START_AFTER, service.BEAT_EVERY = 0.0, 0.5
    serve.LOOK_EVERY, serve.CLOCK_EVERY, serve.POST_EVERY = 600.0, 0.5, 0.3  # only leaders ask the CRM


if __name__ == "__main__":
    main()
