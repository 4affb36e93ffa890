"""Addresses of cells: `AB12` and `A1:C9` to numbers and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

MAX_ROWS: Final = 50_000
MAX_COLUMNS: Final = 256

_CORNER: Final = re.compile(r"\$?([A-Za-z]{0,3})\$?([0-9]{0,7})")


@dataclass(frozen=True, slots=True)
class Area:
    """A block of cells by its rows and columns, all from 1 and included."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int

    @property
    def start(self) -> str:
        return f"{column_letters(self.first_column)}{self.first_row}"

    def __str__(self) -> str:
        return f"{self.start}:{column_letters(self.last_column)}{self.last_row}"


@lru_cache(maxsize=1_024)
def column_letters(number: int) -> str:
    """1 is A, 28 is AB."""
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def column_number(letters: str) -> int:
    """A is 1, AB is 28."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def split_address(address: str) -> tuple[int, int]:
    """Row and column of `AB12`; ValueError if it is no address."""
    match = _CORNER.fullmatch(address)
    if not match or not match[1] or not match[2]:
        raise ValueError("not the address of a cell")
    return int(match[2]), column_number(match[1])


def read_area(reference: str) -> Area:
    """`B2:C3`, `B2`, or whole columns or rows as far as a sheet may reach: `B:B`, `2:3`."""
    first, _, last = reference.partition(":")
    start, end = _CORNER.fullmatch(first), _CORNER.fullmatch(last or first)
    if not start or not end or not first:
        raise ValueError("not an area of cells")
    return Area(
        int(start[2] or 1),
        int(end[2] or MAX_ROWS),
        column_number(start[1]) or 1,
        column_number(end[1]) or MAX_COLUMNS,
    )
