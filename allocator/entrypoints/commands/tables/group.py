"""The group `allocator tables`; each of its commands has a file beside this one."""

from __future__ import annotations

import typer

from allocator.entrypoints.commands.tables import check

app = typer.Typer(help="The workbook: check it before it goes live.", no_args_is_help=True)
app.command("check", epilog="Example:  allocator tables check routing_tables.xlsx")(check.check_command)
