"""Starts `allocator` commands quickly: the program is imported once, each command is a fork of its own.

Reads JSON lines: one that has "argv" (with environment, and files for its output) starts a command and is
answered with its pid; one that has "poll" is answered with that pid's exit code, or null while it lives.
"""

import json
import os
import sys

from at_commit import arm_as_told
from warm_program import imported


def serve() -> None:
    cli = imported()
    for line in sys.stdin:
        asked = json.loads(line)
        if "poll" in asked:
            done, status = os.waitpid(asked["poll"], os.WNOHANG)
            print(json.dumps(os.waitstatus_to_exitcode(status) if done else None), flush=True)
            continue
        child = os.fork()
        if child == 0:
            command(cli, asked)
        print(json.dumps(child), flush=True)


def command(cli, asked) -> None:  # type: ignore[no-untyped-def]
    code = 1
    try:
        os.environ.update(asked["env"])
        os.chdir(asked.get("cwd", "."))
        for number, path in ((1, asked["out"]), (2, asked["err"])):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, number)
        arm_as_told()
        cli.main(asked["argv"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
