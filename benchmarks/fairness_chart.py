"""The chart of `fairness.py`: one row per rule, one column per team, as plain SVG text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

LEFT, TOP, ROW, PANEL, GAP = 252, 134, 38, 196, 14
BAR, NUMBER = 12, 56
"""Height of a bar; room for the numbers behind the longest line."""
INK, PALE, REST, OURS, BAND = "#1f2933", "#65707c", "#98a4b0", "#157347", "#e7f4ec"
STYLE = (
    f"text{{font-family:'Helvetica Neue',Arial,'Liberation Sans',sans-serif;fill:{INK};font-size:13px}}"
    f".h{{font-size:19px;font-weight:bold}}.b{{font-weight:bold}}.s{{font-size:11.5px;fill:{PALE}}}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """A rule, and in each column its figure in the worst and in the middle half-year."""

    name: str
    used_by: str
    ours: bool
    bars: tuple[tuple[float, float], ...]


def chart(title: str, notes: Sequence[str], columns: Sequence[str], lines: Sequence[Line]) -> str:
    """All bars have one scale, so that they can be compared across columns."""
    longest = max(worst for line in lines for worst, _ in line.bars) or 1
    scale = (PANEL - NUMBER) / longest
    width = LEFT + len(columns) * (PANEL + GAP)
    height = TOP + len(lines) * ROW + 20
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        _text(20, 36, title, "h"),
        *(_text(20, 60 + 17 * n, note, "s") for n, note in enumerate(notes)),
        *(_text(LEFT + n * (PANEL + GAP), TOP - 18, name, "b") for n, name in enumerate(columns)),
    ]
    for n, line in enumerate(lines):
        parts += _row(line, TOP + n * ROW, scale, width)
    parts += [_axis(LEFT + n * (PANEL + GAP), TOP + len(lines) * ROW) for n in range(len(columns))]
    return "\n".join((*parts, "</svg>")) + "\n"


def _row(line: Line, top: int, scale: float, width: int) -> Iterator[str]:
    if line.ours:
        yield f'<rect x="10" y="{top}" width="{width - 20}" height="{ROW}" rx="4" fill="{BAND}"/>'
    yield _text(20, top + 17, line.name, "b" if line.ours else "")
    yield _text(20, top + 31, line.used_by, "s")
    for n, (worst, usual) in enumerate(line.bars):
        yield from _bar(LEFT + n * (PANEL + GAP), top + ROW // 2, scale, worst, usual, line.ours)


def _bar(x: int, y: int, scale: float, worst: float, usual: float, ours: bool) -> Iterator[str]:
    colour, weight, x = OURS if ours else REST, "b" if ours else "", x + 1
    most, length = max(worst * scale, 3), max(usual * scale, 3)
    yield f'<line x1="{x}" x2="{x + most:.1f}" y1="{y}" y2="{y}" stroke="{colour}" stroke-width="2"/>'
    yield f'<rect x="{x}" y="{y - BAR // 2}" width="{length:.1f}" height="{BAR}" fill="{colour}"/>'
    numbers = f'{short(usual)}<tspan class="s" dx="6">{short(worst)}</tspan>'
    yield _tag(x + most + 6, y + 4.5, numbers, weight)


def _axis(x: int, bottom: int) -> str:
    return f'<line x1="{x}" x2="{x}" y1="{TOP - 6}" y2="{bottom}" stroke="{INK}" stroke-width="1"/>'


def _text(x: float, y: float, words: str, style: str) -> str:
    return _tag(x, y, escape(words, quote=False), style)


def _tag(x: float, y: float, inside: str, style: str) -> str:
    styled = f' class="{style}"' if style else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{styled}>{inside}</text>'


def short(leads: float) -> str:
    return f"{leads:.1f}" if leads < 9.95 else f"{leads:.0f}"
