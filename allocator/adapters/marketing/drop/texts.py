"""CSV: its encoding, its delimiter, and its records, none of which gets lost in a broken one."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from allocator.adapters.marketing.drop.headers import Headers
from allocator.adapters.marketing.drop.parts import MAX_COLUMNS, MAX_ROWS, Grid, Rejected, Row, Unusable

DELIMITERS = (",", ";", "\t")
MOST_LINES = 10 * MAX_ROWS
MOST_REPAIRS = 50
"""How often what follows a broken record is looked at anew; then each line stands alone."""
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True)
class Record:
    """A whole record: the line where it begins, its text and its cells."""

    number: int
    text: str
    cells: tuple[str, ...]


def decode(data: bytes) -> str:
    """UTF-8 or UTF-16 with a mark, UTF-16 without one, UTF-8, else Windows-1252."""
    head = data[:4096]
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), "")
    for encoding in (marked,) if marked else (*_without_mark(head), "utf-8", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Unusable("its letters are in no encoding that is known. Save it as CSV UTF-8")


def _without_mark(head: bytes) -> tuple[str, ...]:
    """Every second byte of UTF-16 is empty where the text is mostly Latin."""
    if not head.count(0) > len(head) // 4:
        return ()
    return ("utf-16-le",) if head[1::2].count(0) > head[0::2].count(0) else ("utf-16-be",)


def read_text(text: str, headers: Headers) -> Grid:
    """Header, whole rows, and records that cannot be read. Raises Unusable."""
    if text.count("\n") + text.count("\r") > MOST_LINES:
        raise Unusable(f"it has more than {MAX_ROWS:,} rows, or too many empty lines. Divide it")
    lines = io.StringIO(text, newline="").readlines()
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        raise Unusable("it is empty. Put a row with the names of the columns first")
    delimiter = ""
    if lines[first].casefold().startswith("sep=") and lines[first].strip()[4:] in ("", *DELIMITERS):
        delimiter = lines[first].rstrip("\r\n")[4:]
        first += 1
    delimiter = delimiter or _delimiter("".join(lines[first : first + 20]), headers)
    return _grid(lines, first, delimiter)


def _delimiter(head: str, headers: Headers) -> str:
    """The one that shows most known columns; then the one that shows most columns."""

    def shown(delimiter: str) -> tuple[int, int]:
        cells = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
        return headers.count(cells), len(cells)

    return max(DELIMITERS, key=shown)


def _grid(lines: Sequence[str], first: int, delimiter: str) -> Grid:
    found = list(_records(lines, first, delimiter))
    if not isinstance(found[0], Record):
        raise Unusable("its first row, with the names of the columns, is broken. Mend its quotes")
    header = found[0].cells
    if len(header) > MAX_COLUMNS:
        raise Unusable(f"it has more than {MAX_COLUMNS} columns. Delete those that are not needed")
    if len(found) > MAX_ROWS + 1:
        raise Unusable(f"it has more than {MAX_ROWS:,} rows. Divide it into several files")
    whole = [one for one in found if isinstance(one, Record)][1:]
    fitting = [one for one in whole if len(one.cells) == len(header)]
    rejected = [one for one in found if isinstance(one, Rejected)]
    rejected += [_odd(one, len(header)) for one in whole if len(one.cells) != len(header)]
    rejected.sort(key=lambda one: one.number)
    return Grid(header, _rows(fitting, len(header), delimiter), tuple(rejected))


def _rows(records: Sequence[Record], width: int, delimiter: str) -> tuple[Row, ...]:
    """The cells of whole records, every one a text: NA is a name like any other."""
    if not records:
        return ()
    import pandas as pd

    frame = pd.read_csv(
        io.StringIO("".join(one.text for one in records), newline=""), sep=delimiter, header=None,
        names=range(width), index_col=False, dtype=str, keep_default_na=False, na_filter=False,
        skip_blank_lines=False,
    )  # fmt: skip
    if len(frame) != len(records):
        raise Unusable("its quotes cannot be told apart. Save it again as CSV UTF-8")
    cells = zip(*(frame[place] for place in range(width)), strict=True)
    return tuple(Row(one.number, tuple(found)) for one, found in zip(records, cells, strict=True))


def _odd(record: Record, width: int) -> Rejected:
    reason = (
        f"has {len(record.cells)} cells where the header has {width}; put quotes around a cell that holds "
        "the delimiter or a line's end"
    )
    return Rejected(record.number, reason, record.cells)


def _records(lines: Sequence[str], first: int, delimiter: str) -> Iterator[Record | Rejected]:
    """Each record, and each line that is part of none. After a broken one, reading goes on with its second
    line: what an open quote swallowed comes out again."""
    place, repairs = first, 0
    while place < len(lines):
        took = _Took(lines, place)
        reader = csv.reader(took, delimiter=delimiter, strict=True)
        try:
            for cells in reader:
                record = Record(place + 1, took.text(place), tuple(cells))
                if "\0" in record.text or record.text.count('"') % 2:
                    raise csv.Error
                place = took.at
                if any(cell.strip() for cell in cells):
                    yield record
        except csv.Error:
            repairs += 1
            upto = took.at if repairs > MOST_REPAIRS else place + 1
            for number in range(place, upto):
                yield Rejected(
                    number + 1, "its quotes are not closed, or hold what they may not", _raw(lines[number])
                )
            place = upto


def _raw(line: str) -> tuple[str, ...]:
    return (line.rstrip("\r\n"),)


class _Took:
    """The lines from a place on, and up to where they were taken."""

    def __init__(self, lines: Sequence[str], place: int) -> None:
        self._lines, self.at = lines, place

    def __iter__(self) -> _Took:
        return self

    def __next__(self) -> str:
        if self.at >= len(self._lines):
            raise StopIteration
        self.at += 1
        return self._lines[self.at - 1]

    def text(self, since: int) -> str:
        """The lines of one record; the last one of a file gets the end that it may lack."""
        text = "".join(self._lines[since : self.at])
        return text if text.endswith(("\n", "\r")) else f"{text}\n"
