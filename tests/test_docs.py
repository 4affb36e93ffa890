"""The documents say what the program does: every name is documented, every command shown runs.

`python tests/test_docs.py` renews the generated blocks.
"""

from __future__ import annotations

import ast
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import typer

from allocator.config import SECTIONS, Settings
from allocator.domain import tables as domain_tables
from allocator.domain.alerts import KINDS
from allocator.domain.facts import SALESFORCE_FACTS
from allocator.domain.lead import By, Closed, Reason, State
from allocator.entrypoints.cli import build, main
from rules.cells import CellError, parse_cell
from rules.eligibility import Why
from rules.model import RoutingTables
from rules.vocabulary import vocabulary
from rules.workbook import load
from rules.workbook.check import IGNORED, SHEETS
from rules.workbook.codes import CODES
from rules.workbook.layers_sheet import DECIDING, NEEDS, RULES
from rules.workbook.settings_sheet import DEFAULTS

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
ALLOCATOR = [sys.executable, "-m", "allocator.entrypoints.cli"]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?<![\w-])allocator((?: +(?:[^\s`|)]+))+)")
DONE = {0, 4}
"""Exit codes of commands in documents: all done, or some leads are held."""


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def marked(page: str, name: str) -> str:
    """What stands between `<!-- name -->` and `<!-- /name -->`."""
    found = re.search(rf"<!-- {name}\b.*?-->\n(.*?)<!-- /{name} -->", read(page), re.DOTALL)
    assert found, f"{page} has no block {name}"
    return found[1]


def first_cells(table: str) -> list[str]:
    """The code spans in the first column of a table, the header left out."""
    return re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)


def section(page: str, heading: str) -> str:
    """A heading's text, up to the next heading of its level."""
    level = heading.split(" ")[0]
    found = re.search(
        rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", read(page), re.DOTALL | re.MULTILINE
    )
    assert found, f"{page} has no heading {heading}"
    return found[1]


# -- the command line ---


def commands() -> Iterator[tuple[str, Any]]:
    """Each command with its full name; a group itself only where it does something without a command."""
    for name, command in typer.main.get_command(build()).commands.items():  # type: ignore[attr-defined]
        if hasattr(command, "commands"):
            if command.invoke_without_command:
                yield name, command
            yield from ((f"{name} {sub}", c) for sub, c in command.commands.items())
        else:
            yield name, command


OPTIONS = {
    name: {o for p in c.params if p.param_type_name == "option" for o in p.opts} | {"--help"}
    for name, c in commands()
}
COMMON = {"--config", "--json", "--help", "--install-completion", "--show-completion"}


@pytest.mark.parametrize("name", OPTIONS)
def test_a_command_and_its_options_are_documented(name: str) -> None:
    text = section("docs/reference/command-line.md", f"## allocator {name}")
    documented = set(re.findall(r"(?<=[`| ])--[a-z-]+", "\n".join(re.findall(r"^\| `[^`]+`", text, re.M))))
    assert documented == OPTIONS[name] - COMMON


def test_options_of_many_commands_are_documented_once() -> None:
    text = read("docs/reference/command-line.md")
    assert {o for o in COMMON if f"| `{o}" in text} == COMMON
    without = {name for name, options in OPTIONS.items() if "--config" not in options}
    assert {name.split(" ")[0] for name in without} == {"demo", "init", "sandbox"}
    assert all("--json" in options for options in OPTIONS.values())


def code_of(text: str) -> Iterator[str]:
    """Lines of fenced blocks, and code spans."""
    for _, block in FENCE.findall(text):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", FENCE.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_no_document_names_a_command_or_option_that_does_not_exist(page: Path) -> None:
    groups = {name.split(" ")[0] for name in OPTIONS if " " in name}
    for line in code_of(page.read_text(encoding="utf-8")):
        for said in COMMAND.findall(line.split("://")[0] if line.startswith("url") else line):
            words = said.split()
            if not re.fullmatch("[a-z-]+", words[0]) or words[0].startswith("-"):
                continue
            size = 2 if words[0] in groups and len(words) > 1 and not words[1].startswith("-") else 1
            name = " ".join(words[:size])
            if name in groups:
                continue
            assert name in OPTIONS, f"{page.name}: allocator {said}"
            used = {w.split("=")[0] for w in words[size:] if w.startswith("--")}
            assert used <= OPTIONS[name], f"{page.name}: allocator {said}"


# -- settings, states, problems, sheets ---


def shown_default(value: object) -> str:
    return f"`{json.dumps(str(value) if isinstance(value, Path) else value)}`"


@pytest.mark.parametrize(
    ("heading", "model"),
    [("## At the top", Settings), *((f"## `[{name}]`", model) for name, model in SECTIONS.items())],
)
def test_every_setting_is_documented_with_its_default(heading: str, model: Any) -> None:
    text = section("docs/reference/configuration.md", heading)
    apart = ("base", "facts", "write_back", *SECTIONS)
    fields = {f.alias or k: f for k, f in model.model_fields.items() if k not in apart}
    assert set(first_cells(text)) == set(fields)
    for name, field in fields.items():
        row = re.search(rf"^\| `{name}` \|([^|]*)\|", text, re.MULTILINE)
        assert row is not None, name
        if field.is_required():
            wanted = "needed"
        else:
            wanted = "" if field.default in (None, "") else shown_default(field.default)
        assert row[1].strip() == wanted, name


def test_the_default_facts_are_documented() -> None:
    text = section("docs/reference/configuration.md", "## `[facts]`")
    rows = re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.MULTILINE)
    assert {name: tuple(re.findall("`([^`]+)`", paths)) for name, paths in rows} == SALESFORCE_FACTS


@pytest.mark.parametrize(
    ("block", "names"),
    [("states", State), ("reasons", Reason), ("closed", Closed), ("by", By), ("why", Why)],
)
def test_states_and_reasons_are_documented(block: str, names: type[StrEnum]) -> None:
    rows = first_cells(marked("docs/reference/states-and-reasons.md", block))
    wanted = {str(n) for n in names} | ({"crm_unknown"} if names is Why else set())
    assert set(rows) == wanted
    assert len(rows) == len(wanted)


HEADINGS = {
    "W": "The file, before anything parses it",
    "R": "Any cell or header",
    "T1": "Structure",
    "T2": "If cells",
    "T3": "Rules",
    "T4": "Teams and people",
    "T5": "Configuration and CRM",
    "T6": "Sheet Fields",
}


def problems_block() -> str:
    """Every code with its meaning, by family."""
    parts = []
    for start, title in HEADINGS.items():
        every = {**CODES, **domain_tables.CODES}
        rows = [
            f"| {code} | {_sentence(text)} |"
            for code, text in sorted(every.items())
            if code.startswith(start)
        ]
        parts.append("\n".join([f"## {title}", "", "| code | meaning |", "|---|---|", *rows]))
    return "\n" + "\n\n".join(parts) + "\n\n"


def _sentence(text: str) -> str:
    whole = text[:1].upper() + text[1:] if text[:1].islower() and not text.startswith("not ") else text
    return whole.rstrip(".").replace("|", r"\|").replace("*", r"\*")


def test_every_problem_code_is_documented() -> None:
    assert not set(CODES) & set(domain_tables.CODES)
    assert marked("docs/reference/problems.md", "generated") == problems_block()


@pytest.mark.parametrize("sheet", [*SHEETS, IGNORED])
def test_every_sheet_and_column_is_documented(sheet: str) -> None:
    text = section("docs/how-to/edit-the-tables.md", f"### {sheet}")
    if sheet == IGNORED:
        return
    spec = SHEETS[sheet]
    assert [c for c in spec.required if f"**{c}**" not in text] == []
    assert [c for c in spec.names if not re.search(rf"\b{re.escape(c)}\b", text)] == []
    for column, only in spec.later.items():
        assert f"{column} (`{only}`)" in text or f"`{only or 'blank'}`" in text or "(blank)" in text, column


def test_the_columns_of_rules_and_the_settings_are_documented() -> None:
    text = section("docs/how-to/edit-the-tables.md", "### The sheets of rules")
    wanted = [*RULES.names, *RULES.free, *(f"Then {w.capitalize()}" for w in (*DECIDING, *NEEDS))]
    assert [c for c in wanted if not re.search(rf"\b{re.escape(c)}\b", text)] == []
    rows = re.findall(
        r"^\| ([^|`]+?) \|", section("docs/how-to/edit-the-tables.md", "### Settings"), re.MULTILINE
    )
    assert {r.lower() for r in rows} - {"setting"} == set(DEFAULTS)


def fact_for(cell: str) -> str:
    """The column in which a cell of the guide makes sense."""
    if re.search("WEB|Webinar|Specified", cell):
        return "campaign"
    if re.search(r"\d{4}-|\.\d{4}", cell):
        return "created"
    return "employees" if re.search(r"\d", cell) else "country"


def parse(cell: str) -> None:
    tables = shipped_tables()
    groups = {name: ("country", list(members)) for name, members in tables.groups.items() if name == "@DACH"}
    words = vocabulary(tables.facts, tables.values, groups)
    parse_cell(cell, tables.fact_by_name[fact_for(cell)], words)


@cache
def shipped_tables() -> RoutingTables:
    return load(ROOT / "routing_tables.xlsx")


def cells_of_the_guide(header: str) -> list[str]:
    text = section("docs/how-to/edit-the-tables.md", "## How to write an If cell")
    table = text.partition(f"| you type | {header}")[2].partition("\n\n")[0]
    first = re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
    return [cell for column in first for cell in re.findall("`([^`]+)`", column)]


@pytest.mark.parametrize("cell", cells_of_the_guide("it means"))
def test_a_cell_of_the_guide_can_be_read(cell: str) -> None:
    parse(cell)


@pytest.mark.parametrize("cell", cells_of_the_guide("it is refused"))
def test_a_cell_that_the_guide_calls_wrong_is_refused(cell: str) -> None:
    with pytest.raises(CellError):
        parse(cell)


# -- alerts and metrics ---


@pytest.mark.parametrize("kind", KINDS)
def test_an_alert_kind_has_a_runbook(kind: str) -> None:
    headings = re.findall(r"^## (.*)$", read(f"docs/runbooks/{kind}.md"), re.MULTILINE)
    assert headings == ["Meaning", "Check", "Fix", "Escalate"]


def test_every_alert_kind_is_documented_with_its_end_and_its_runbook() -> None:
    text = marked("docs/reference/alerts.md", "kinds")
    assert first_cells(text) == list(KINDS)
    assert [k for k in KINDS.values() if f"| {k.resolved_when} |" not in text] == []
    assert [k for k in KINDS if f"(../runbooks/{k}.md)" not in text] == []
    assert {p.stem for p in (DOCS / "runbooks").glob("*.md")} - {"README"} == set(KINDS)


def metric_names() -> Iterator[str]:
    """The names that the code gives its metrics, as Prometheus sees them."""
    for node in ast.walk(ast.parse(read("allocator/entrypoints/metrics.py"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("_one", "_labelled"):
            yield f"allocator_{ast.literal_eval(node.args[0])}"


def test_every_metric_is_documented() -> None:
    assert set(first_cells(marked("docs/reference/metrics.md", "metrics"))) == set(metric_names())


# -- links and hygiene ---


def anchors(page: Path) -> set[str]:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_relative_link_resolves(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor and file.suffix == ".md":
            assert anchor in anchors(file), f"{page.name}: {target}"


def texts_of_the_repository() -> Iterator[tuple[Path, str]]:
    kept = {".ci"}
    for folder, names, files in os.walk(ROOT):
        names[:] = [n for n in names if n in kept or not (n.startswith(".") or n == "__pycache__")]
        for name in files:
            file = Path(folder, name)
            try:
                yield file, file.read_text(encoding="utf-8")
            except (UnicodeDecodeError, OSError):
                continue


def test_no_file_names_a_machine_or_a_package_registry() -> None:
    hosts = ("pypi." + "org", "python" + "hosted", "registry.npm" + "js")
    folders = ("/work" + "/", "/ro" + "ot/", "/ho" + "me/", "C:" + "\\Users")
    said = re.compile("|".join(re.escape(w) for w in (*hosts, *folders)))
    found = [
        f"{file.relative_to(ROOT)}: {hit[0]}"
        for file, text in texts_of_the_repository()
        if file.name != "requirements.lock"
        for hit in [said.search(text)]
        if hit
    ]
    assert found == []


# -- what the documents show is what the program prints ---


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    returncode: int
    stdout: str
    stderr: str


def run(words: list[str], *, cwd: Path, stdin: str = "") -> Done:
    """A command in this process: starting Python for each would take longer than the commands do."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.chdir(cwd)
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        for name in [k for k in os.environ if k.startswith("ALLOCATOR")]:
            patch.delenv(name)
        with pytest.raises(SystemExit) as ended:
            main(words)
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def plain_environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("ALLOCATOR")}
    return {**kept, "NO_COLOR": "1", "COLUMNS": "120", "PYTHONUTF8": "1"}


def alike(text: str) -> str:
    """Text without what differs from run to run: numbers, versions, bars, line breaks."""
    text = re.sub(r"\b[0-9a-f]{8}\b|\d+", "#", text.replace("█", ""))
    return " ".join(text.split())


def assert_shown(expected: list[str], printed: str) -> None:
    """Each line of the document stands in what was printed; `...` stands for anything."""
    whole = alike(printed)
    for line in expected:
        parts = [re.escape(alike(part)) for part in line.split("...")]
        assert re.search(".*?".join(parts), whole), f"{line!r} is not in:\n{printed}"


def shown_in(block: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a console block, and the lines below it."""
    for piece in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        command, *lines = piece.splitlines()
        yield command, [line for line in lines if line.strip() not in ("", "...")]


@contextmanager
def sandbox(words: list[str], cwd: Path) -> Iterator[dict[str, str]]:
    """A sandbox of the command's own; yields what it printed, by key, and the whole text."""
    free = ["0" if before == "--port" else word for before, word in zip(["", *words], words, strict=False)]
    process = subprocess.Popen(
        [*ALLOCATOR, *free], cwd=cwd, env=plain_environment(), stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("state_dir"):
                break
        found = dict(line.split(None, 1) for line in lines)
        yield {**{k: v.strip() for k, v in found.items()}, "printed": "".join(lines)}
    finally:
        process.terminate()
        process.wait(timeout=30)


def add_the_spelling(folder: Path) -> None:
    """What section 7 of the quickstart asks for."""
    file = folder / "routing_tables.xlsx"
    book = openpyxl.load_workbook(file)
    (row,) = [
        cells for cells in book["Values"].iter_rows() if (cells[0].value, cells[1].value) == ("country", "GB")
    ]
    row[3].value = f"{row[3].value}; Untied Kingdom"
    book.save(file)


def test_the_quickstart_runs_from_top_to_bottom(tmp_path: Path) -> None:
    text = read("docs/quickstart.md")
    (first, *rest) = [
        (piece.partition("\n")[0], list(shown_in(block)))
        for piece in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
        for kind, block in FENCE.findall(piece)
        if kind == "console"
    ]
    ((start, expected),) = first[1]
    with sandbox(shlex.split(start)[1:], tmp_path) as crm:
        assert_shown(expected, crm["printed"])
        folder = tmp_path
        for heading, commands_shown in rest:
            if heading.startswith("7."):
                add_the_spelling(folder)
            for command, lines in commands_shown:
                words = shlex.split(command)
                if words[0] == "cd":
                    folder = folder / words[1]
                    continue
                words = [crm["url"] if w.startswith("http://127.") else w for w in words[1:]]
                words = [crm["client_id"] if w.startswith("3MVG9") else w for w in words]
                done = run(words, cwd=folder, stdin=crm["client_secret"] + "\n")
                assert done.returncode in DONE, f"{command}\n{done.stdout}{done.stderr}"
                assert_shown(lines, done.stdout)
        mended = run(["explain", "00Q5g00000D0010EAB"], cwd=folder)
        assert "confirmed" in mended.stdout


def test_the_readme_shows_what_the_demo_prints(tmp_path: Path) -> None:
    (block,) = [b for kind, b in FENCE.findall(read("README.md")) if kind == "text"]
    done = run(["demo"], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert_shown([line for line in block.splitlines() if line.strip() not in ("", "...")], done.stdout)


def test_the_commands_of_the_readme_exist(tmp_path: Path) -> None:
    lines = [ln for kind, b in FENCE.findall(read("README.md")) if kind == "sh" for ln in b.splitlines()]
    targets = set(re.findall(r"^(\w+):", read("Makefile"), re.MULTILINE))
    assert {"make demo", "make test"} <= set(lines)
    for line in lines:
        words = shlex.split(line)
        if words[0] == "make":
            assert words[1] in targets
        elif words[0].endswith("/allocator"):
            assert run(words[1:], cwd=tmp_path).returncode == 0, line


def test_the_workbook_guide_shows_real_checks(tmp_path: Path) -> None:
    """The check that passes is run; the lines of the one that fails are those of such a workbook."""
    book = openpyxl.load_workbook(ROOT / "routing_tables.xlsx")
    for sheet, row, header, value in (
        ("Campaign", 3, "If campaign", "@HOTT"),
        ("Country", 2, "If country", "Genmany"),
        ("Salespeople", 3, "Weight", 0),
    ):
        column = [c.value for c in book[sheet][1]].index(header) + 1
        book[sheet].cell(row, column).value = value
    book.save(tmp_path / "bad.xlsx")
    (tmp_path / "routing_tables.xlsx").write_bytes((ROOT / "routing_tables.xlsx").read_bytes())
    text = section("docs/how-to/edit-the-tables.md", "## Check before you rely on it")
    for _, block in FENCE.findall(text):
        for command, lines in shown_in(block):
            done = run(shlex.split(command)[1:], cwd=tmp_path)
            assert done.returncode == (3 if "bad" in command else 0), done.stderr
            assert_shown(lines, done.stdout)


if __name__ == "__main__":
    page = DOCS / "reference" / "problems.md"
    before = page.read_text(encoding="utf-8")
    after = re.sub(
        r"(<!-- generated\b.*?-->\n).*?(<!-- /generated -->)",
        lambda m: m[1] + problems_block() + m[2],
        before,
        flags=re.DOTALL,
    )
    page.write_text(after, encoding="utf-8")
