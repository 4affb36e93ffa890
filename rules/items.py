"""A cell's characters -> its items: separators, quotes and the word not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, NoReturn

from rules.fold import fold
from rules.line import CellError

QUOTES: Final = '"“”„‟＂'


@dataclass(frozen=True, slots=True)
class Item:
    """One item as typed, without its quotes; `negation` is the ! or not before it."""

    text: str
    quoted: bool
    negation: str = ""


def items_of(text: str) -> list[Item]:
    """The items of a cell. A line break beside another separator, or at an end, is blank space."""
    text = re.sub(r"\s*([,;])\s*", r"\1", text.strip()) if not _has_quote(text) else text.strip()
    items: list[Item] = []
    position = 0
    while True:
        item, position = _item(text, position)
        items.append(item)
        if position >= len(text):
            return items
        position += 1
        if position >= len(text):
            _refuse_empty_item()


def _has_quote(text: str) -> bool:
    return any(q in text for q in QUOTES)


def _item(text: str, position: int) -> tuple[Item, int]:
    """The item at a position, and where it ends: at a separator or at the end of the text."""
    position = _skip_space(text, position)
    negation, position = negation_at(text, position)
    if text[position : position + 1] and text[position] in QUOTES:
        content, position = _quoted(text, position)
        return Item(content, True, negation), position
    end = next((i for i in range(position, len(text)) if text[i] in ",;\n"), len(text))
    content = text[position:end].strip()
    if negation and (not content or negation_at(content, 0)[0] or fold(content) in ("not", "!", "*")):
        raise CellError(
            "T209", f'"{negation}" has nothing behind it to leave out.', "type not and one value."
        )
    if fold(content) in ("not", "!"):
        raise CellError("T209", f'"{content}" has nothing behind it to leave out.', "type not and one value.")
    if not fold(content):
        _refuse_empty_item()
    return Item(content, False, negation), _skip_to_separator(text, end)


def _refuse_empty_item() -> NoReturn:
    raise CellError(
        "T202", "An item between two separators, or at the end, is empty.", "delete the extra separator."
    )


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _skip_to_separator(text: str, position: int) -> int:
    """Past blank space; a comma or semicolon behind a line break is the separator, not a second one."""
    end = _skip_space(text, position)
    if end < len(text) and text[end] in ",;":
        return end
    return position if end < len(text) else end


def negation_at(text: str, position: int) -> tuple[str, int]:
    """The ! or not at a position (else "") and where the text behind it begins."""
    if text[position : position + 1] in ("!", "！"):
        return "!", _skip_space(text, position + 1)
    word, behind = text[position : position + 3], text[position + 3 : position + 4]
    if fold(word) == "not" and behind and (behind.isspace() or behind in QUOTES + "@＠("):
        return word, _skip_space(text, position + 3)
    return "", position


def _quoted(text: str, start: int) -> tuple[str, int]:
    """The content of the quotes that open at `start`; a doubled quote stands for one."""
    content: list[str] = []
    position = start + 1
    while position < len(text):
        char = text[position]
        if char not in QUOTES:
            content.append(char)
        elif text[position + 1 : position + 2] == char:
            content.append(char)
            position += 1
        else:
            return _closed_quote("".join(content), text, position + 1)
        position += 1
    raise CellError("T207", "A quote is opened and not closed.", f'type "{text[start + 1 :].strip()}".')


def _closed_quote(content: str, text: str, position: int) -> tuple[str, int]:
    end = _skip_to_separator(text, position)
    if end < len(text) and text[end] not in ",;\n" and not text[end].isspace():
        fix = "put the whole value in quotes, or a comma behind the quote."
        raise CellError("T207", f'Something follows the quoted "{content}".', fix)
    if end < len(text) and text[end] not in ",;" and "\n" not in text[end : _skip_space(text, end)]:
        fix = "put the whole value in quotes, or a comma behind the quote."
        raise CellError("T207", f'Something follows the quoted "{content}".', fix)
    if not fold(content):
        raise CellError("T202", "The quotes are empty.", "type (none) for a missing value.", "(none)")
    return content, end
