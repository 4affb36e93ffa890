"""The chart of a fairness statement: what each person got against their fair share, as plain SVG text."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from html import escape

from allocator.domain.statement import Line, Statement
from rules.shares import U

WIDTH, NAMES, NUMBERS, EDGE = 900, 230, 130, 24
"""Of the whole, of the names on the left, of the figures on the right, of the margin."""
HEAD, LEGEND, ROW, BAR, FOOT = 70, 48, 30, 16, 60
INK, PALE, RULE, GOT, FAIR = "#1f2933", "#5b6672", "#d9dee3", "#8fb8de", "#0b3d66"
STYLE = (
    f"text{{font-family:'Helvetica Neue',Arial,'Liberation Sans',sans-serif;fill:{INK};font-size:14px}}"
    f".h{{font-size:19px;font-weight:bold}}.s{{font-size:12.5px;fill:{PALE}}}.e{{text-anchor:end}}"
    ".b{font-weight:bold}"
)
WHY = "Fair shares differ by weight, absences, skills and caps: who could take a lead shares in it."
LONGEST = 30
"""Columns of a name that are shown, wide characters counting twice."""


def chart(sections: Sequence[tuple[str, str, Statement]], names: dict[str, str]) -> str:
    """One panel under the other; each section is a title, a sentence and the statement. With an empty title
    there is neither."""
    tops, bottom = [], 0
    for title, _, statement in sections:
        tops.append(bottom)
        bottom += (HEAD if title else 0) + LEGEND + max(1, len(statement.lines)) * ROW + FOOT
    said = "; ".join(f"{title} {sentence}".strip() for title, sentence, _ in sections)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {bottom}" width="{WIDTH}"'
        f' height="{bottom}" role="img">',
        f"<title>{clean(said)}</title><style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{bottom}" fill="#fff"/>',
    ]
    for top, (title, sentence, statement) in zip(tops, sections, strict=True):
        parts += _panel(top, title, sentence, statement, names)
    return "\n".join((*parts, "</svg>")) + "\n"


def _panel(top: int, title: str, sentence: str, statement: Statement, names: dict[str, str]) -> Iterator[str]:
    if title:
        yield _text(EDGE, top + 34, short(title, 78), "h")
        yield _text(EDGE, top + 60, short(sentence, 120))
        top += HEAD
    if not statement.lines:
        yield _text(EDGE, top + LEGEND, "Nobody had a share of a lead.", "s")
        return
    yield from _legend(top + 22)
    top += LEGEND
    most = max(max(line.fair_share, line.got) for line in statement.lines) / U
    step = _step(most)
    scale = (WIDTH - NAMES - NUMBERS - 2 * EDGE) / max(most, step)
    bottom = top + len(statement.lines) * ROW
    yield from _grid(top, bottom, scale, step, most)
    for n, line in enumerate(statement.lines):
        yield from _row(line, top + n * ROW, scale, names.get(line.id, line.id))


def _legend(y: int) -> Iterator[str]:
    x = EDGE + NAMES
    yield f'<rect x="{x}" y="{y - 11}" width="26" height="12" rx="2" fill="{GOT}"/>'
    yield _text(x + 34, y, "leads got", "s")
    yield _mark(x + 120, y - 14, 18)
    yield _text(x + 130, y, "fair share", "s")
    yield _text(WIDTH - EDGE, y, "got − fair share", "s e")


def _grid(top: int, bottom: int, scale: float, step: float, most: float) -> Iterator[str]:
    """A line at each round number of leads, numbered below."""
    at = 0.0
    while at <= max(most, step) + step / 1000:
        x = EDGE + NAMES + at * scale
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}" stroke="{RULE}"/>'
        yield f'<text x="{x:.1f}" y="{bottom + 18}" class="s" text-anchor="middle">{at:,.4g}</text>'
        at += step
    yield _text(EDGE + NAMES - 12, bottom + 18, "leads", "s e")
    yield _text(EDGE + NAMES, bottom + 42, WHY, "s")


def _row(line: Line, top: int, scale: float, name: str) -> Iterator[str]:
    left, middle = EDGE + NAMES, top + ROW / 2
    fair, got = line.fair_share / U, line.got / U
    told = f"{name}: got {got:,.0f}, fair share {fair:,.1f}"
    yield f"<g><title>{clean(told)}</title>"
    yield _text(left - 12, middle + 5, short(name, LONGEST), "e")
    yield (
        f'<rect x="{left}" y="{middle - BAR / 2:.1f}" width="{max(got * scale, 0):.1f}" height="{BAR}"'
        f' rx="2" fill="{GOT}"/>'
    )
    yield _mark(left + fair * scale, middle - BAR / 2 - 3, BAR + 6)
    yield _text(WIDTH - EDGE, middle + 5, signed(got - fair), "e b" if abs(got - fair) > 1.04 else "e")
    yield "</g>"


def _mark(x: float, y: float, height: float) -> str:
    return f'<rect x="{x - 1.5:.1f}" y="{y:.1f}" width="3" height="{height}" fill="{FAIR}"/>'


def _step(most: float) -> float:
    """A round number of leads that divides the scale in two to five."""
    step = 1.0
    while most / step > 5:
        step *= 2.5 if str(step).startswith("2") else 2
    return step


def _text(x: float, y: float, words: str, style: str = "") -> str:
    styled = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{styled}>{clean(words)}</text>'


def clean(text: str) -> str:
    """Text that XML allows: escaped, what cannot be printed left out (it could turn the line around)."""
    return escape(printable(text))


def printable(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)


def short(text: str, columns: int) -> str:
    """The beginning of a text, so that it fits; wide characters count twice, those that add nothing zero."""
    used = 0
    for n, c in enumerate(text):
        used += 0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        if used > columns:
            return text[: max(n - 1, 0)] + "…"
    return text


def signed(leads: float) -> str:
    """A difference as people write it: +0.3, −0.3, and 0 for what rounds to it."""
    text = f"{abs(leads):,.1f}"
    return "0.0" if text == "0.0" else f"{'+' if leads > 0 else '−'}{text}"
