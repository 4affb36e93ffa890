"""`allocator sandbox`: a Salesforce org and a HubSpot account on this machine, to try things on."""

from __future__ import annotations

import json
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from allocator.entrypoints import console
from allocator.entrypoints.commands import sandbox_acts, sandbox_marketing
from allocator.entrypoints.console import JsonOption
from allocator.sandbox.app import SEEDS, Sandbox

EPILOG = (
    'Example:  allocator sandbox --port 8443 --tls --leads leads.csv --map "Specialization=Product__c" --json'
)
MapOption = Annotated[
    list[str] | None, typer.Option("--map", metavar="HEADER=FIELD", help="A column's field; repeatable.")
]


app = typer.Typer()
sandbox_acts.register(app)
sandbox_marketing.register(app)


@app.callback(invoke_without_command=True, epilog=EPILOG)
def command(
    context: typer.Context,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https with a certificate of its own.")] = False,
    state: Annotated[Path | None, typer.Option(help="Keep keys and records in this folder.")] = None,
    seed: Annotated[str, typer.Option(help=" | ".join(SEEDS))] = "demo",
    data: Annotated[Path | None, typer.Option(help="The CSV files of seed developer.")] = None,
    leads: Annotated[Path | None, typer.Option(help="A CSV file of leads to load.")] = None,
    field_map: MapOption = None,
    api_limit: Annotated[int, typer.Option(min=1, help="Calls allowed in 24 hours.")] = 15_000,
    as_json: JsonOption = False,
) -> int:
    """Serve a Salesforce org and a HubSpot account on loopback until SIGTERM; prints how to log in.

    With a command, act as a salesperson, or in marketing, in the one that runs.
    """
    if context.invoked_subcommand is not None:
        return console.OK
    if seed not in SEEDS:
        raise typer.BadParameter(f"one of {', '.join(SEEDS)}", param_hint="--seed")
    if seed == "developer" and data is None:
        raise typer.BadParameter("seed developer needs --data", param_hint="--data")
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    mapped = parse_map(field_map)
    with Sandbox(port, tls, state, seed, data, leads, mapped, api_limit) as sandbox:
        for row in sandbox.load_report:
            console.err.print(f"not loaded: line {row['line']}: {row['reason']}", markup=False)
        if as_json:
            sys.stdout.write(json.dumps(sandbox.info()) + "\n")
            sys.stdout.flush()
        else:
            for key, value in sandbox.info().items():
                console.out.print(f"{key:<18}{value}", markup=False, soft_wrap=True)
        over.wait()
    return console.OK


def parse_map(pairs: list[str] | None) -> dict[str, str]:
    """HEADER=FIELD texts as a mapping."""
    found = {}
    for pair in pairs or ():
        header, equals, field = pair.rpartition("=")
        if not equals or not header.strip() or not field.strip():
            raise typer.BadParameter(f"{pair!r} is not HEADER=FIELD", param_hint="--map")
        found[header.strip()] = field.strip()
    return found
