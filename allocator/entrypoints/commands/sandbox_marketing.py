"""`allocator sandbox marketing`: add, edit, archive, restore or merge contacts as marketing people do."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from allocator.entrypoints import console
from allocator.entrypoints.commands.sandbox_acts import StateOption, UrlOption, Where, pair, shown
from allocator.entrypoints.console import JsonOption


class Act(StrEnum):
    """What can be done."""

    ADD = "add"
    EDIT = "edit"
    ARCHIVE = "archive"
    RESTORE = "restore"
    MERGE = "merge"


WordsArgument = Annotated[
    list[str],
    typer.Argument(help="The contact's id, but for add; then what to set.", metavar="ID NAME=VALUE..."),
]


def register(app: typer.Typer) -> None:
    """Add the command to the group `sandbox`."""
    example = (
        "Example:  allocator sandbox marketing add email=ada@example.com lastname=Lovelace company=Engines"
    )
    app.command("marketing", epilog=example)(marketing)


def marketing(
    act: Annotated[Act, typer.Argument(metavar="ACT", help=" | ".join(Act))],
    words: WordsArgument,
    url: UrlOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Change contacts in the HubSpot account.

    add NAME=VALUE..., edit ID NAME=VALUE..., archive ID, restore ID, or merge ID OTHER...
    """
    done = Where(url, state).post(f"hubspot/{act}", _body(act, words))
    if as_json:
        console.emit(done)
        return console.OK
    console.out.print(f"{act} {done['id']}", markup=False)
    for key, value in done.items():
        if key not in ("do", "id"):
            console.out.print(f"  {key:<13}{shown(value)}", markup=False, soft_wrap=True)
    return console.OK


def _body(act: Act, words: list[str]) -> dict[str, Any]:
    if act is Act.ADD:
        return {"properties": dict(pair(text) for text in words)}
    record, *rest = words
    if act is Act.EDIT and rest:
        return {"id": record, "properties": dict(pair(text) for text in rest)}
    if act is Act.MERGE and rest:
        return {"id": record, "others": rest}
    if act in (Act.ARCHIVE, Act.RESTORE) and not rest:
        return {"id": record}
    wanted = {Act.EDIT: "an id and NAME=VALUE", Act.MERGE: "two ids or more"}.get(act, "one id")
    raise typer.BadParameter(f"{act} needs {wanted}")
