"""Starts `allocator` commands quickly: the program is imported once, each command runs in a fork of its own.

Only for processes that are meant to finish: those that get killed start from the console script. Reads a JSON
line (arguments, environment, file for its output) and answers with the exit code, one at a time.
"""

import json
import os
import sys


def serve() -> None:
    from allocator.entrypoints import cli

    for line in sys.stdin:
        asked = json.loads(line)
        child = os.fork()
        if child == 0:
            command(cli, asked)
        _, status = os.waitpid(child, 0)
        print(json.dumps(os.waitstatus_to_exitcode(status)), flush=True)


def command(cli, asked) -> None:  # type: ignore[no-untyped-def]
    code = 1
    try:
        os.environ.update(asked["env"])
        for number, path in ((1, asked["out"]), (2, asked["err"])):
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(handle, number)
        cli.main(asked["argv"])
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
