"""Makes the pictures of `docs/tutorials/change-the-tables.md` again, from a demo walked as the page says.

`python docs/pictures/make.py` takes four minutes, most of them waiting for the service to answer saved files.
Needs LibreOffice, Chromium and poppler's pdftoppm.
"""

from __future__ import annotations

import email
import email.policy
import html
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import openpyxl
from openpyxl.styles import Border, Side

HERE = Path(__file__).parent
ALLOCATOR = [sys.executable, "-m", "allocator.entrypoints.cli"]
WHO = "Mia Marketing"
BOOK, DRAFT, BEFORE = "routing_tables.xlsx", "routing_tables.draft.xlsx", "before.xlsx"
WIDEST = 1_180
"""Pixels."""
MARGIN = 6
SCALE = 1.45
"""Pixels per point, at most."""
LINES = 5
"""Lines that a picture shows of each section of a long output."""
ANSWERED_WITHIN = 180.0
"""Seconds from a save to its mail, at most."""

CAMPAIGN, COUNTRY = ("Campaign", "G9"), ("Country", "D2")
WITH_TYPO = {CAMPAIGN: "Partner desk", COUNTRY: "DE, AT, Swizerland"}
MENDED = {**WITH_TYPO, COUNTRY: "DE, AT, CH"}
THRESHOLD, CODE = ("Settings", "B8"), ("Settings", "B9")

Cells = Mapping[tuple[str, str], str]


# -- tools ---


@dataclass(frozen=True)
class Tools:
    """The programs that draw."""

    office: str
    browser: str
    cutter: str


def tools() -> Tools:
    """Ends the program, and says which tools are missing."""
    found = {
        "LibreOffice (soffice)": shutil.which("soffice") or shutil.which("libreoffice"),
        "Chromium (chromium)": shutil.which("chromium") or shutil.which("google-chrome"),
        "poppler-utils (pdftoppm)": shutil.which("pdftoppm"),
    }
    if missing := [name for name, path in found.items() if path is None]:
        sys.exit(f"Missing: {', '.join(missing)}. Install it and try again.")
    return Tools(*(str(path) for path in found.values()))


def call(words: list[str], *, cwd: Path | None = None) -> bytes:
    return subprocess.run(words, cwd=cwd, check=True, capture_output=True, timeout=180).stdout


def cut(tool: Tools, pdf: Path, picture: Path) -> None:
    """What a PDF's first page shows, without the empty paper around it."""
    first = ["-f", "1", "-l", "1"]
    left, _, right, _ = inked(call([tool.cutter, "-r", "72", *first, "-gray", str(pdf)]))
    dots = ["-r", f"{72 * min(SCALE, WIDEST / (right - left)):.2f}", *first]
    left, top, right, bottom = inked(call([tool.cutter, *dots, "-gray", str(pdf)]))
    x, y = max(0, left - MARGIN), max(0, top - MARGIN)
    box = ["-x", x, "-y", y, "-W", right + MARGIN - x, "-H", bottom + MARGIN - y]
    call([tool.cutter, *dots, *map(str, box), "-png", "-singlefile", str(pdf), str(picture.with_suffix(""))])


def inked(graymap: bytes) -> tuple[int, int, int, int]:
    """The box around all that is not white, in a binary PGM."""
    header = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", graymap)
    assert header, "pdftoppm gave no picture"
    width, height = int(header[1]), int(header[2])
    rows = [graymap[header.end() + n * width :][:width] for n in range(height)]
    white = b"\xff" * width
    ys = [y for y, row in enumerate(rows) if row != white]
    lefts = [len(rows[y]) - len(rows[y].lstrip(b"\xff")) for y in ys]
    rights = [len(rows[y].rstrip(b"\xff")) for y in ys]
    return min(lefts), min(ys), max(rights), max(ys) + 1


# -- pictures of pages ---

STYLE = """
@page { size: %(width)dpx 4000px; margin: 0 }
body { margin: 0; padding: 6px; background: #fff; font: 15px/1.4 "DejaVu Sans", sans-serif; color: #222 }
.card { border: 1px solid #b8c0cc; border-radius: 8px; overflow: hidden }
.bar { background: #e9edf2; padding: 7px 14px; font-size: 13px; color: #445 }
pre { margin: 0; padding: 12px 14px; font: 14px/1.35 "DejaVu Sans Mono", monospace; white-space: pre-wrap }
.typed { color: #0a5a2a; font-weight: bold } .red { color: #b00020 } .green { color: #0a7a2a }
.note { background: #fff8c4; border: 1px solid #c9b458; padding: 8px 12px; margin: 10px 0 0 260px;
  width: 480px; white-space: pre-wrap }
.mail { padding: 16px 18px 18px; max-height: 450px; overflow: hidden }
"""


def draw(tool: Tools, body: str, picture: Path, *, width: int = 960) -> None:
    """A small HTML page as a picture."""
    with tempfile.TemporaryDirectory() as folder:
        page, pdf = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(f"<meta charset=utf-8><style>{STYLE % {'width': width}}</style>{body}", "utf-8")
        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer"]
        own = [f"--user-data-dir={folder}/profile", f"--print-to-pdf={pdf}"]
        call([tool.browser, *flags, *own, page.as_uri()])
        cut(tool, pdf, picture)


def terminal(tool: Tools, said: list[tuple[str, str]], picture: Path, *, width: int = 960) -> None:
    """Commands and what they printed."""
    parts = [f'<span class="typed">$ {html.escape(c)}</span>\n{coloured(out)}' for c, out in said]
    card(tool, "Terminal", f"<pre>{'<br>'.join(parts)}</pre>", picture, width=width)


def card(tool: Tools, bar: str, body: str, picture: Path, *, width: int) -> None:
    """A window with a title bar."""
    draw(tool, f'<div class="card"><div class="bar">{bar}</div>{body}</div>', picture, width=width)


def coloured(text: str) -> str:
    """Terminal colours as HTML; what is not drawn here is left out."""
    kinds = {"1": "<b>", "31": '<span class="red">', "32": '<span class="green">'}
    parts, open_ = [], 0
    for n, part in enumerate(re.split("\x1b\\[([0-9;]*)m", text)):
        if n % 2 == 0:
            parts.append(html.escape(part))
        elif part in ("", "0"):
            parts.append("</b></span>" * open_)
            open_ = 0
        elif any(code in kinds for code in part.split(";")):
            parts.append("".join(kinds.get(code, "") for code in part.split(";")))
            open_ += 1
    return "".join(parts)


def mail(tool: Tools, file: Path, picture: Path, *, width: int = 700) -> None:
    """A mail as a mail program shows it: subject and addresses, and its HTML part."""
    found = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(found, EmailMessage)
    part = found.get_body(("html",))
    assert part is not None
    subject, to = html.escape(str(found["Subject"])), html.escape(str(found["To"]))
    bar = f"<b>{subject}</b><br>From: Lead allocator &nbsp; To: {to}"
    card(tool, bar, f'<div class="mail">{part.get_content()}</div>', picture, width=width)


# -- pictures of the workbook ---


def sheet(tool: Tools, file: Path, at: tuple[str, str], area: str, picture: Path) -> None:
    """A part of a sheet with its letters and numbers; the cell is framed as a chosen one is."""
    book = openpyxl.load_workbook(file)
    for one in book:
        one.sheet_state = "visible" if one.title == at[0] else "hidden"
    shown = book[at[0]]
    book.active = shown
    shown.print_area, shown.print_title_rows = area, None
    shown.print_options.headings = shown.print_options.gridLines = True
    side = Side(style="thick", color="1A7F37")
    shown[at[1]].border = Border(side, side, side, side)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy.xlsx")
        book.save(copy)
        own = f"-env:UserInstallation={Path(folder, 'profile').as_uri()}"
        call([tool.office, own, "--headless", "--convert-to", "pdf", "--outdir", folder, str(copy)])
        cut(tool, copy.with_suffix(".pdf"), picture)


def marked(tool: Tools, file: Path, picture: Path) -> None:
    """The wrong cell of a marked copy, and its note as it opens under the mouse."""
    with tempfile.TemporaryDirectory() as folder:
        cells = Path(folder, "cells.png")
        sheet(tool, file, COUNTRY, "A1:G6", cells)
        note = openpyxl.load_workbook(file)[COUNTRY[0]][COUNTRY[1]].comment
        assert note is not None
        said = html.escape(note.text)
        draw(tool, f'<img src="{cells.as_uri()}" width="940"><div class="note">{said}</div>', picture)


# -- the walk ---


def edit(source: Path, target: Path, cells: Cells) -> None:
    """What a person does in a spreadsheet program: open, type, save."""
    book = openpyxl.load_workbook(source)
    for (name, cell), value in cells.items():
        book[name][cell].value = value
    book.properties.lastModifiedBy = WHO
    book.save(target)


@dataclass(frozen=True)
class Walk:
    """The demo's folder and the tools to picture it."""

    tool: Tools
    folder: Path

    def says(self, command: str) -> tuple[str, str]:
        """A command as typed, and what it printed; the folder is named as on the page."""
        there = {**os.environ, "COLUMNS": "100", "FORCE_COLOR": "1", "PYTHONUTF8": "1"}
        done = subprocess.run(
            [*ALLOCATOR, *command.split()[1:]], cwd=self.folder, env=there, capture_output=True, text=True,
            timeout=120,
        )  # fmt: skip
        assert done.returncode in (0, 3, 4), done.stderr
        said = re.sub(r"\S+:/\S*pictures-\S+", "laptop:playground…", done.stdout)
        return command, "\n".join(line.rstrip() for line in said.splitlines()) + "\n"

    def save(self, source: str, target: str, cells: Cells) -> None:
        edit(self.folder / source, self.folder / target, cells)

    def pictured(self, name: str, *commands: str, width: int = 960) -> str:
        """A picture of these commands. Returns what they printed."""
        said = [self.says(command) for command in commands]
        shown = [(command, shortened(out)) for command, out in said]
        terminal(self.tool, shown, HERE / f"{name}.png", width=width)
        return "".join(out for _, out in said)

    def mailed(self, word: str, name: str, act: Callable[[], None]) -> str:
        """The mail with this word in its subject that follows an act, pictured. Returns its text."""
        mails = self.folder.parent / "mails"
        before = set(mails.glob("*.eml"))
        act()
        until = time.monotonic() + ANSWERED_WITHIN
        while time.monotonic() < until:
            new = [f for f in sorted(set(mails.glob("*.eml")) - before) if word in f.name]
            if new and new[0].read_bytes():
                mail(self.tool, new[0], HERE / f"{name}.png")
                found = email.message_from_bytes(new[0].read_bytes(), policy=email.policy.default)
                assert isinstance(found, EmailMessage)
                return str(found.get_body(("plain",)).get_content())  # type: ignore[union-attr]
            time.sleep(1)
        sys.exit(f"No mail with {word} came within {ANSWERED_WITHIN:.0f} seconds.")


def shortened(text: str) -> str:
    """At most LINES lines of each section, when there are several."""
    parts = [part.splitlines() for part in text.strip("\n").split("\n\n")]
    if len(parts) == 1:
        return text
    short = [[*part[: LINES + 1], "  ..."] if len(part) > LINES + 2 else part for part in parts]
    return "\n\n".join("\n".join(part) for part in short) + "\n"


def by_commands(walk: Walk) -> None:
    """Steps 2 to 8."""
    first = walk.folder / BOOK
    original = walk.folder / "kept.xlsx"
    shutil.copy(first, original)
    walk.save(BOOK, DRAFT, WITH_TYPO)
    draft = walk.folder / DRAFT
    sheet(walk.tool, draft, CAMPAIGN, "A1:G10", HERE / "change-the-campaign.png")
    sheet(walk.tool, draft, COUNTRY, "A1:G6", HERE / "mistyped-country.png")
    walk.pictured("check-refused", f"allocator tables check {DRAFT}")
    walk.says(f"allocator tables mark {DRAFT}")
    marked(walk.tool, draft.with_suffix(".checked.xlsx"), HERE / "marked-copy.png")
    walk.save(DRAFT, DRAFT, MENDED)
    walk.pictured("check-passed", f"allocator tables check {DRAFT}", f"allocator tables diff live {DRAFT}")
    walk.pictured("impact", f"allocator tables impact {DRAFT}")
    shutil.move(draft, first)
    history = walk.pictured("published", "allocator run", "allocator tables history", width=1_200)
    old = re.findall(r"^([0-9a-f]{8}) ", history, re.MULTILINE)[-1]
    walk.pictured(
        "rolled-back", f"allocator tables rollback {old} --save {BEFORE}", "allocator run",
        "allocator tables history", width=1_200,
    )  # fmt: skip


def by_mail(walk: Walk) -> None:
    """Steps 9 and 10."""
    walk.save(BEFORE, BOOK, {THRESHOLD: "20 %"})
    walk.says("allocator run")
    with running([*ALLOCATOR, "serve"], walk.folder):
        walk.mailed("refused", "mail-refused", lambda: walk.save(BOOK, DRAFT, WITH_TYPO))
        walk.mailed("passed", "mail-impact", lambda: walk.save(DRAFT, DRAFT, MENDED))
        told = walk.mailed("WAITING", "mail-waiting", lambda: walk.save(DRAFT, BOOK, MENDED))
        code = re.search(r"code ([0-9a-f]{8})", told) or re.search(r"Type ([0-9a-f]{8})", told)
        assert code, told
        walk.mailed("LIVE", "mail-live", lambda: walk.save(BOOK, BOOK, {CODE: code[1]}))


@contextmanager
def running(words: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A program that runs until it is interrupted."""
    plain = {**os.environ, "NO_COLOR": "1", "PYTHONUTF8": "1"}
    with subprocess.Popen(
        words, cwd=folder, env=plain, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)


def main() -> None:
    tool = tools()
    with (
        tempfile.TemporaryDirectory(prefix="pictures-") as folder,
        running([*ALLOCATOR, "demo", "--keep", "playground"], Path(folder)) as demo,
    ):
        assert demo.stdout is not None
        next(line for line in demo.stdout if "change the rules" in line)
        walk = Walk(tool, Path(folder, "playground", "config"))
        by_commands(walk)
        by_mail(walk)
    for picture in sorted(HERE.glob("*.png")):
        print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
