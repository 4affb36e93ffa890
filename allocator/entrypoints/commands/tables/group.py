"""The group `allocator tables`; each of its commands has a file beside this one."""

from __future__ import annotations

import typer

from allocator.entrypoints.commands.tables import (
    accept,
    check,
    diff,
    history,
    impact,
    mark,
    overlaps,
    rollback,
    template,
    upgrade,
)

app = typer.Typer(help="The workbook: check it, compare versions, go back.", no_args_is_help=True)
app.command("check", epilog="Example:  allocator tables check routing_tables.xlsx")(check.check_command)
for module in (mark, template, upgrade, history, diff, impact, accept, rollback, overlaps):
    app.command(module.__name__.rpartition(".")[2], epilog=module.EPILOG)(module.command)
