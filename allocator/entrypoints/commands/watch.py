"""`allocator watch`: the second pair of eyes, for a timer or cron. It mails when `serve` is dead."""

from __future__ import annotations

import typer

from allocator import bootstrap
from allocator.adapters.clock import clock_from
from allocator.config import load_settings
from allocator.entrypoints import console
from allocator.entrypoints.console import DEFAULT_CONFIG, ConfigOption, JsonOption

EPILOG = "Example for cron, every five minutes:  */5 * * * *  allocator watch --config prod/allocator.toml"


def register(app: typer.Typer) -> None:
    app.command("watch", epilog=EPILOG)(command)


def command(config: ConfigOption = DEFAULT_CONFIG, as_json: JsonOption = False) -> int:
    """Look once whether runs are missed or mails wait too long, and send the mails that are due.

    Needs the store and the mail server, not the CRM and not the service.
    Exit code 0 whatever it finds: the mail tells. 5: the store cannot be
    used, and on-call is mailed without it.
    """
    settings = load_settings(config)
    clock = clock_from()
    with bootstrap.telling_without_store(settings, clock):
        store = bootstrap.store_of(settings)
        try:
            seen = bootstrap.look_at_the_clock(settings, store, clock.now())
            done = bootstrap.send_mails(settings, store, clock)
            post = store.post()
        finally:
            store.close()
    if as_json:
        console.emit({
            "missed": seen.missed, "stuck": seen.stuck,
            "last_done": seen.last_done and seen.last_done.isoformat(),
            "sent": done.sent, "failed": done.failed, "waiting": post.pending,
        })  # fmt: skip
        return console.OK
    last = f"{seen.last_done:%Y-%m-%d %H:%M} UTC" if seen.last_done else "never"
    wrong = ["no run has succeeded in time"] if seen.missed else []
    wrong += ["mails cannot be delivered: see allocator alerts list"] if seen.stuck else []
    console.out.print(
        f"{'; '.join(wrong) or 'runs and mails are in time'}; last successful run {last};"
        f" {console.count(done.sent, 'mail')} sent now, {post.pending} waiting"
    )
    return console.OK
