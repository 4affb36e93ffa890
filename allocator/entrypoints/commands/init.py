"""`allocator init`: a folder with configuration, workbook and store, ready to run."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from allocator import bootstrap
from allocator.config import FILE_NAME, is_loopback, load_settings, read_secret
from allocator.entrypoints import console
from allocator.entrypoints.console import JsonOption
from allocator.errors import ConfigError

EPILOG = (
    "Example:  allocator init prod --salesforce-url https://acme.my.salesforce.com --client-id 3MVG... "
    '--client-secret - --queue "Inbound Leads"'
)
SECRET_FILE = "client_secret"
TOKEN_FILE = "hubspot_token"
HUBSPOT = "https://api.hubapi.com"
FactOption = Annotated[
    list[str] | None, typer.Option("--fact", metavar="NAME=FIELD", help="A fact's field; repeatable.")
]


@dataclass(frozen=True, slots=True)
class Answers:
    """What `init` needs to know. `secret` is written to its own file, mode 0600, and never shown."""

    folder: Path
    url: str
    client_id: str
    queues: tuple[str, ...]
    secret: str = ""
    username: str = ""
    private_key_file: Path | None = None
    ca_file: Path | None = None
    facts: tuple[tuple[str, tuple[str, ...]], ...] = ()
    store: str = "sqlite:///allocator.db"
    workbook: Path | None = None
    live: bool = False
    smtp: str = ""
    oncall: tuple[str, ...] = ()
    editors: tuple[str, ...] = ()
    hubspot: str = ""
    token: str = ""
    """HubSpot's; kept as `secret` is."""
    drop: Path | None = None


def register(app: typer.Typer) -> None:
    app.command("init", epilog=EPILOG)(command)


def command(
    folder: Annotated[Path, typer.Argument(help="The folder to make.", metavar="DIR")],
    salesforce_url: Annotated[str, typer.Option(help="The org's address (My Domain).")],
    client_id: Annotated[str, typer.Option(help="The connected app's consumer key.")],
    queue: Annotated[list[str], typer.Option(help="An intake queue's or user's name; repeatable.")],
    client_secret: Annotated[str | None, typer.Option(help="- reads it from standard input.")] = None,
    client_secret_file: Annotated[Path | None, typer.Option(help="A file that holds the secret.")] = None,
    username: Annotated[str, typer.Option(help="For the JWT log-in: the integration user.")] = "",
    private_key_file: Annotated[Path | None, typer.Option(help="For the JWT log-in: its key.")] = None,
    ca_file: Annotated[Path | None, typer.Option(help="Trust this certificate authority.")] = None,
    fact: FactOption = None,
    store: Annotated[str, typer.Option(help="sqlite:///FILE or postgresql://...")] = "sqlite:///allocator.db",
    workbook: Annotated[Path | None, typer.Option(help="Use this workbook instead of a new one.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Write to the CRM from the first run on.")] = False,
    smtp: Annotated[str, typer.Option(metavar="URL", help="The mail server: smtp://HOST:PORT.")] = "",
    oncall: Annotated[list[str] | None, typer.Option(help="Who runs it: an address; repeatable.")] = None,
    editor: Annotated[list[str] | None, typer.Option(help="Who edits: an address; repeatable.")] = None,
    hubspot_url: Annotated[str, typer.Option(metavar="URL", help="HubSpot's API, if not the usual.")] = "",
    hubspot_token: Annotated[str, typer.Option(help="- reads it from standard input.")] = "",
    drop: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Files of leads come here.")] = None,
    as_json: JsonOption = False,
) -> int:
    """Write DIR/allocator.toml and the workbook, and make the store. Prints nothing secret.

    Without --live the runs only observe: they decide and show, and write nothing to the CRM.
    """
    answers = Answers(
        folder=folder,
        url=salesforce_url,
        client_id=client_id,
        queues=tuple(queue),
        secret="" if private_key_file else _secret(client_secret, client_secret_file, salesforce_url),
        username=username,
        private_key_file=private_key_file,
        ca_file=ca_file,
        facts=parse_facts(fact),
        store=store,
        workbook=workbook,
        live=live or is_loopback(salesforce_url),
        smtp=smtp,
        oncall=tuple(oncall or ()),
        editors=tuple(editor or ()),
        hubspot=(hubspot_url or HUBSPOT) if hubspot_token else "",
        token=_token(hubspot_token, hubspot_url),
        drop=drop,
    )
    file = make(answers)
    settings = load_settings(file)
    if as_json:
        console.emit({"config": str(file), "workbook": str(settings.workbook), "live": settings.live})
        return console.OK
    console.out.print(f"Wrote {file} and {settings.workbook.name}.", markup=False)
    if not settings.live:
        console.out.print("Observe mode: runs decide, show, write nothing. Set live = true when it is right.")
    console.out.print(f"Next:  allocator run --dry-run --config {file}", markup=False)
    return console.OK


def make(answers: Answers) -> Path:
    """Make the folder whole, or raise (ConfigError; against a live org SourceError) and leave nothing."""
    folder = answers.folder
    file = folder / FILE_NAME
    if file.exists():
        raise ConfigError(f"{file} exists. Change it by hand, or name another folder.")
    if answers.workbook is not None and not answers.workbook.is_file():
        raise ConfigError(f"There is no workbook {answers.workbook}. Name an .xlsx file, or leave it out.")
    made_here = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    try:
        _write(answers, file, written)
    except BaseException:
        for path in reversed(written):
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
        if made_here and not any(folder.iterdir()):
            folder.rmdir()
        raise
    return file


def _write(answers: Answers, file: Path, written: list[Path]) -> None:
    if answers.secret:
        written.append(_write_private(file.parent / SECRET_FILE, answers.secret + "\n"))
    if answers.token:
        written.append(_write_private(file.parent / TOKEN_FILE, answers.token + "\n"))
    if answers.drop is not None and not answers.drop.exists():
        answers.drop.mkdir()
        written.append(answers.drop)
    written.append(_write_private(file, configuration(answers)))
    settings = load_settings(file)
    if answers.workbook is None and not settings.workbook.exists():
        written.append(settings.workbook)
        if is_loopback(answers.url):
            bootstrap.demo_template(settings.workbook)
        else:
            bootstrap.org_template(settings, settings.workbook)
    bootstrap.upgrade(settings)


def configuration(answers: Answers) -> str:
    """The text of allocator.toml."""
    crm: dict[str, Any] = {"url": answers.url, "client_id": answers.client_id}
    if answers.private_key_file:
        key = str(answers.private_key_file.resolve())
        crm |= {"login": "jwt", "username": answers.username, "private_key_file": key}
    else:
        crm |= {"login": "client_credentials", "client_secret_file": SECRET_FILE}
    if answers.ca_file:
        crm["ca_file"] = str(answers.ca_file.resolve())
    crm["intake"] = list(answers.queues)
    book = str(answers.workbook.resolve()) if answers.workbook else "routing_tables.xlsx"
    top = {"environment": "prod", "live": answers.live, "workbook": book, "store": answers.store}
    facts = {name: list(paths) for name, paths in answers.facts}
    mail = {"smtp": answers.smtp, "oncall": list(answers.oncall), "editors": list(answers.editors)}
    sections = {
        "salesforce": crm,
        "facts": facts,
        "alerts": {k: v for k, v in mail.items() if v},
        "hubspot": {"url": answers.hubspot, "token_file": TOKEN_FILE} if answers.token else {},
        "drop": {"folder": str(answers.drop.resolve())} if answers.drop else {},
    }
    named = [f"\n[{name}]\n{_lines(values)}" for name, values in sections.items() if values]
    return "\n".join([_lines(top), *named]) + "\n"


def parse_facts(pairs: list[str] | None) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """NAME=FIELD or NAME=FIELD,FIELD texts; a repeated name adds fields, first non-empty wins."""
    found: dict[str, tuple[str, ...]] = {}
    for pair in pairs or ():
        name, equals, fields = pair.partition("=")
        paths = tuple(f.strip() for f in fields.split(",") if f.strip())
        if not equals or not name.strip() or not paths:
            raise typer.BadParameter(f"{pair!r} is not NAME=FIELD", param_hint="--fact")
        found[name.strip()] = (*found.get(name.strip(), ()), *paths)
    return tuple(found.items())


def _lines(values: dict[str, Any]) -> str:
    return "\n".join(f"{_key(k)} = {json.dumps(v, ensure_ascii=False)}" for k, v in values.items())


def _key(name: str) -> str:
    plain = name.replace("_", "").replace("-", "").isalnum() and name.isascii()
    return name if plain else json.dumps(name)


def _secret(given: str | None, file: Path | None, url: str) -> str:
    """From a file, standard input or a prompt; on the command line only for this machine's sandbox."""
    if file is not None:
        return read_secret(file)
    if given == "-":
        given = sys.stdin.readline().strip()
    elif given is None:
        if not sys.stdin.isatty():
            raise ConfigError("Give the client secret: --client-secret - reads it from standard input.")
        given = typer.prompt("Client secret", hide_input=True)
    elif not is_loopback(url):
        raise ConfigError("A secret on the command line is seen by others. Use --client-secret - or a file.")
    if not given:
        raise ConfigError("The client secret is empty.")
    return given


def _token(given: str, url: str) -> str:
    """HubSpot's token: on the command line only for this machine's sandbox."""
    if not given:
        if url:
            raise ConfigError("Give HubSpot's token too: --hubspot-token - reads it from standard input.")
        return ""
    if given != "-" and not is_loopback(url):
        raise ConfigError("A token on the command line is seen by others. Use --hubspot-token -")
    token = sys.stdin.readline().strip() if given == "-" else given
    if not token:
        raise ConfigError("HubSpot's token is empty. Copy it from the private app.")
    return token


def _write_private(path: Path, text: str) -> Path:
    """A file that only its owner can read."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    return path
