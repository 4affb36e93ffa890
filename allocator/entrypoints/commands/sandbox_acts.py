"""`allocator sandbox convert | merge | take | edit | delete | undelete`: act as a salesperson in one."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import typer

from allocator.entrypoints import console
from allocator.entrypoints.console import JsonOption
from allocator.errors import AllocatorError, SourceError, UnknownName
from allocator.sandbox.state import read_running

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
PLACES = (Path(), Path("sandbox"))
"""Where a sandbox's state lies when nothing is said: here, or where `allocator demo --keep` has it."""
SECONDS = 30

UrlOption = Annotated[str, typer.Option("--url", help="The running sandbox, on this machine.")]
StateOption = Annotated[Path | None, typer.Option("--state", help="The state folder of the running sandbox.")]
ByOption = Annotated[str, typer.Option("--by", help="Who does it: a user's id, user name, e-mail or name.")]
LeadArgument = Annotated[str, typer.Argument(help="The lead's id.", metavar="LEAD")]
RecordArgument = Annotated[str, typer.Argument(help="The record's id.", metavar="RECORD")]


def register(app: typer.Typer) -> None:
    """Add the acts to the group `sandbox`."""
    example = "Example:  allocator sandbox "
    app.command("convert", epilog=example + "convert 00Q5g00000D0010EAB --by ana@example.com")(convert)
    app.command("merge", epilog=example + "merge 00Q5g00000D0010EAB 00Q5g00000D0011EAB")(merge)
    app.command("take", epilog=example + "take 00Q5g00000D0010EAB --by ana@example.com")(take)
    app.command("edit", epilog=example + "edit 00Q5g00000D0010EAB City=Oslo Phone=")(edit)
    app.command("delete", epilog=example + "delete 0035g00000C0000AAA")(delete)
    app.command("undelete", epilog=example + "undelete 0035g00000C0000AAA")(undelete)


def convert(
    lead: LeadArgument,
    account: Annotated[str, typer.Option(help="The id of an account that is there.")] = "",
    contact: Annotated[str, typer.Option(help="The id of a contact of that account.")] = "",
    opportunity: Annotated[str, typer.Option(help="The new opportunity's name; else the company's.")] = "",
    no_opportunity: Annotated[bool, typer.Option("--no-opportunity", help="Make none.")] = False,
    status: Annotated[str, typer.Option(help="A converted status; else the org's first.")] = "",
    by: ByOption = "",
    url: UrlOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Convert a lead into an account, contact and opportunity. Who converts it out of a queue owns it."""
    body = {
        "account": account or None,
        "contact": contact or None,
        "opportunity_name": opportunity or None,
        "no_opportunity": no_opportunity,
        "status": status or None,
    }
    return _act("convert", lead, by, body, Where(url, state), as_json=as_json)


def merge(
    master: Annotated[str, typer.Argument(help="The record that stays.", metavar="MASTER")],
    others: Annotated[list[str], typer.Argument(help="One or two that go into it.", metavar="OTHER...")],
    by: ByOption = "",
    url: UrlOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Merge leads, contacts or accounts: the others go into the recycle bin and name the one that stays."""
    return _act("merge", master, by, {"others": others}, Where(url, state), as_json=as_json)


def take(
    record: RecordArgument,
    by: ByOption = "",
    url: UrlOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make a user the owner of a record."""
    return _act("take", record, by, {}, Where(url, state), as_json=as_json)


def edit(
    record: RecordArgument,
    fields: Annotated[list[str], typer.Argument(help="What to change.", metavar="FIELD=VALUE...")],
    by: ByOption = "",
    url: UrlOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Change fields of a record; an empty value empties the field."""
    body = {"fields": dict(pair(text) for text in fields)}
    return _act("edit", record, by, body, Where(url, state), as_json=as_json)


def delete(
    record: RecordArgument,
    by: ByOption = "",
    url: UrlOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Put a record into the recycle bin."""
    return _act("delete", record, by, {}, Where(url, state), as_json=as_json)


def undelete(
    record: RecordArgument,
    by: ByOption = "",
    url: UrlOption = "",
    state: StateOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take a record out of the recycle bin."""
    return _act("undelete", record, by, {}, Where(url, state), as_json=as_json)


def pair(text: str) -> tuple[str, str | None]:
    """FIELD=VALUE as a field and its value; none empties it."""
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise typer.BadParameter(f"{text!r} is not FIELD=VALUE")
    return name.strip(), value or None


class Where:
    """The sandbox that is meant: its address, and the authority that vouches for it."""

    def __init__(self, url: str, state: Path | None) -> None:
        found = next((one for place in _places(state) if (one := read_running(place))), None)
        if not url and found is None:
            raise SourceError(
                "No sandbox runs here. Start one with `allocator sandbox --state DIR`, or say which one "
                "with --url or --state."
            )
        self.url = (url or str((found or {}).get("url"))).rstrip("/")
        known = found is not None and found.get("url") == self.url
        self.ca_file = found.get("ca_file") if known and found else None
        if not _on_this_machine(self.url):
            raise typer.BadParameter("a sandbox runs on this machine only, as http://127.0.0.1:8080 does")

    def post(self, act: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """What came of it; what the sandbox refuses, and silence, are errors."""
        context = ssl.create_default_context(cafile=self.ca_file)
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
        request = Request(
            f"{self.url}/_sandbox/{act}",
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
            method="POST",
        )
        try:
            with opener.open(request, timeout=SECONDS) as answer:
                return dict(json.load(answer))
        except HTTPError as error:
            raise _refused(error) from None
        except (URLError, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise SourceError(
                f"The sandbox at {self.url} does not answer ({reason}). Is it running?"
            ) from None


def _on_this_machine(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.hostname in LOOPBACK


def _places(state: Path | None) -> tuple[Path, ...]:
    return (state,) if state is not None else PLACES


def _refused(error: HTTPError) -> AllocatorError:
    try:
        said = json.load(error)[0]
        code, text = said["errorCode"], str(said["message"])
    except (ValueError, LookupError, TypeError):
        return SourceError(f"What answers there is no sandbox (HTTP {error.code}). Check --url.")
    if code == "NOT_FOUND":
        return UnknownName(f"{text[:1].upper()}{text[1:]}. Check its id, and that this is the right sandbox.")
    return AllocatorError(f"The sandbox refused: {code}: {text}.")


def _act(act: str, record: str, by: str, body: dict[str, Any], where: Where, *, as_json: bool) -> int:
    done = where.post(act, {"record": record, "by": by or None, **body})
    if as_json:
        console.emit(done)
        return console.OK
    console.out.print(f"{act} {done['record']} by {done['by']}", markup=False)
    for key, value in done.items():
        if key not in ("do", "record", "by"):
            console.out.print(f"  {key:<13}{shown(value)}", markup=False, soft_wrap=True)
    return console.OK


def shown(value: Any) -> str:
    """A value of an answer as text for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} = {shown(text)}" for name, text in value.items())
    if isinstance(value, list):
        return ", ".join(str(text) for text in value) or "none"
    return "none" if value is None else "".join(c if c.isprintable() else " " for c in str(value))
