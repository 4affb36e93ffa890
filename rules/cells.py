"""One `If` cell of text -> what it means, or what is wrong with it and what to type instead.

    cell    = ws item { sep item } ws          sep = "," | ";" | line break
    item    = [ "!" | "not" ] atom
    atom    = "quoted" | @group | (none) | (unmapped) | * | typed
    typed   = text: with * and ? | closed: a known value | number, date: N, >= N, N..M

Meaning: the union of the positive items (none given: every mapped value) minus the union of the negative
ones. `(none)` and `(unmapped)` belong only when named or by `*`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from rules import countries
from rules.condition import END, START, Condition, any_value, both, fits, is_inside, outside, union
from rules.fold import fold
from rules.items import QUOTES, Item, items_of, negation_at
from rules.known import COUNTRY, NONE_CODE, Vocabulary, fact_key, group_key
from rules.line import CellError, no_number, parse_interval
from rules.model import Fact, FactType

__all__ = [
    "CODES",
    "CellError",
    "CellWarning",
    "Condition",
    "ParsedCell",
    "Vocabulary",
    "parse_cell",
]

CODES: Final[dict[str, str]] = {
    "T201": "The cell is blank; any value is *.",
    "T202": "An item is empty: two separators in a row, or one at the end.",
    "T203": "The value is not in the list of this fact.",
    "T204": "There is no group of this name.",
    "T205": "* and ? work in text columns only.",
    "T206": "A word such as any or (blank) is read as text nowhere: * is any value, (none) a missing one.",
    "T207": "A quote is not closed, or something follows it.",
    "T208": "The cell is one known value, but reads as several items or as a not: quote it.",
    "T209": "not or ! has nothing behind it to leave out.",
    "T210": "No lead can match the cell.",
    "T211": "The comparisons together accept every number or day; any value is *.",
    "T212": "The number cannot be read.",
    "T213": "The range is upside down or has one end only.",
    "T214": "The day cannot be read.",
    "T215": "The group is one of another fact.",
    "T216": "A member of a group is not a plain value.",
    "T217": "A cell has too many patterns, or a pattern too many wildcards.",
    "T251": "An item of the cell does nothing.",
    "T252": "The value is not listed in sheet Values.",
    "T253": "The word not was read as a not; a value that begins with it needs quotes.",
}
"""Every code of this module with its meaning; T25x are warnings."""

_ANY_WORDS = frozenset({"any", "all", "(any)", "(all)", "anything", "everything"})
_NONE_WORDS = frozenset({"(blank)", "(blanks)", "(empty)", "(null)", "(missing)"})
_MOST_ITEMS_COMPARED = 40
_MOST_WILDCARDS = 20
_MOST_PATTERNS = 200
_COMMA_IN_NUMBER = re.compile(r"(?:(?<![<>=≥≤\s])[<>=≥≤\s]++)?+(?<!\d)\d++(?:,\d++)++")
"""Looks at no letter twice, however long the cell."""


@dataclass(frozen=True, slots=True)
class CellWarning:
    """Something in a readable cell that is probably not what its author meant."""

    code: str
    message: str
    fix: str
    suggestion: str = ""
    about: str = ""
    """With T253, the folded value behind the not: no doubt about it where another cell names it."""


@dataclass(frozen=True, slots=True)
class ParsedCell:
    """A cell's meaning and what to warn about."""

    condition: Condition
    warnings: tuple[CellWarning, ...] = ()


def parse_cell(text: str, fact: Fact, vocabulary: Vocabulary, *, blank_means_any: bool = False) -> ParsedCell:
    """Read one cell of the column `If <fact>`. Raises CellError (codes: `CODES`) with what to type
    instead. A vocabulary whose `suggests` is off gives no nearest values, which take long to find."""
    if not fold(text):
        if blank_means_any:
            return ParsedCell(any_value(fact.type))
        raise CellError(
            "T201", "The cell is blank.", "type * for any value, or (none) for a missing one.", "*"
        )
    _refuse_unquoted_value(text, fact, vocabulary)
    if fact.type == "number" and (match := _COMMA_IN_NUMBER.search(text)):
        raise no_number(match[0].strip())
    items = items_of(text)
    warnings: list[CellWarning] = []
    parts = [(bool(item.negation), _meaning(item, fact, vocabulary, warnings)) for item in items]
    _refuse_many_patterns(parts)
    condition = _combine(parts, fact, vocabulary)
    _refuse_nothing_and_everything(text, parts, condition, fact)
    warnings += _idle(items, parts, condition, fact, vocabulary)
    return ParsedCell(condition, tuple(warnings))


def group_condition(fact: Fact, members: Iterable[str], vocabulary: Vocabulary) -> Condition:
    """What a group's members mean together. Each is one plain value of the fact (no group, not, `*`).

    Raises CellError as `parse_cell` does, T216 for a member that is no plain value, T202 for a group without
    any.
    """
    parts: list[tuple[bool, Condition]] = []
    for member in members:
        for item in items_of(member):
            if item.negation or (
                not item.quoted and item.text[:1] in ("@", "＠", "*", "(") and len(item.text) != 1
            ):
                raise CellError("T216", f'"{item.text}" is not a plain value.', "list the values themselves.")
            parts.append((False, _meaning(item, fact, vocabulary, [])))
    if not parts:
        raise CellError("T202", "The group has no members.", "list its values, separated by commas.")
    if any(part.is_any or part.accepts_none for _, part in parts):
        raise CellError("T216", "A group holds values; * and (none) are none.", "list the values themselves.")
    return _combine(parts, fact, vocabulary)


def _refuse_many_patterns(parts: list[tuple[bool, Condition]]) -> None:
    count = sum(len(part.patterns) for _, part in parts)
    if count > _MOST_PATTERNS:
        message = f"The cell has {count:,} patterns; {_MOST_PATTERNS} are allowed."
        raise CellError("T217", message, "list the values in a group of sheet Groups, or use several rows.")


def _refuse_unquoted_value(text: str, fact: Fact, vocabulary: Vocabulary) -> None:
    """A known value with a comma or a "not" in it is not guessed at: quotes say which is meant."""
    plain = text.strip()
    if fact.type not in ("text", "closed") or plain[0] in QUOTES:
        return
    if any(c in plain for c in ",;\n") or negation_at(plain, 0)[0]:
        code = vocabulary.code(fact.name, plain)
        if code is not None:
            what = "several items" if any(c in plain for c in ",;\n") else "everything but one value"
            message = f'"{plain}" is one known value, but reads as {what}.'
            raise CellError("T208", message, f'put it in quotes: "{plain}".', f'"{plain}"')


# -- from items to meanings ---


def _meaning(item: Item, fact: Fact, vocabulary: Vocabulary, warnings: list[CellWarning]) -> Condition:
    """What one item names, leaving its "not" aside."""
    if not item.quoted:
        key = fold(item.text)
        if key == "*":
            return any_value(fact.type)
        if key[0] == "@":
            return _group(item.text, fact, vocabulary)
        if key.replace(" ", "") in ("(none)", "(unmapped)"):
            return Condition(fact.type, accepts_none="none" in key, accepts_unmapped="unmapped" in key)
        _refuse_word(item.text, key)
    if fact.type in ("number", "date"):
        return Condition(fact.type, intervals=(parse_interval(item.text, is_date=fact.type == "date"),))
    return (
        _closed(item, fact, vocabulary) if fact.type == "closed" else _text(item, fact, vocabulary, warnings)
    )


def _refuse_word(text: str, key: str) -> None:
    if key in _ANY_WORDS:
        raise CellError(
            "T206", f'"{text}" is not how any value is written.', f'type *, or "{text}" in quotes.', "*"
        )
    if key in _NONE_WORDS:
        fix = f'type (none), or "{text}" in quotes.'
        raise CellError("T206", f'"{text}" is not how a missing value is written.', fix, "(none)")


def _group(text: str, fact: Fact, vocabulary: Vocabulary) -> Condition:
    found = vocabulary.groups.get(group_key(text))
    if found is None:
        known = vocabulary.groups if vocabulary.suggests else ()
        near = difflib.get_close_matches(group_key(text), known, n=1, cutoff=0.6)
        suggestion = f"@{near[0].upper()}" if near else ""
        fix = f"type {suggestion}" if near else "add the group to sheet Groups"
        if fact.type == "text":
            fix += f', or type "{text}" or *{text} if it is not a group'
        raise CellError("T204", f"There is no group {text}.", f"{fix}.", suggestion)
    owner, condition = found
    if owner != fact_key(fact.name):
        raise CellError(
            "T215", f"The group {text} is one of {owner}, not of {fact.name}.", "use a group of this fact."
        )
    return condition


def _text(item: Item, fact: Fact, vocabulary: Vocabulary, warnings: list[CellWarning]) -> Condition:
    key = fold(item.text)
    if not item.quoted and ("*" in key or "?" in key):
        return Condition("text", patterns=(_pattern(key),))
    code = vocabulary.code(fact.name, item.text)
    if code == NONE_CODE:
        return Condition("text", accepts_none=True)
    if code is None:
        warnings += _unlisted(item, fact, vocabulary)
    return Condition("text", literals=frozenset({fold(code or item.text)}))


def _pattern(key: str) -> str:
    pattern = re.sub(r"\*+", "*", key)
    wildcards = pattern.count("*") + pattern.count("?")
    if wildcards > _MOST_WILDCARDS:
        message = f'"{pattern[:40]}…" has {wildcards:,} wildcards; {_MOST_WILDCARDS} are allowed.'
        raise CellError("T217", message, "type a shorter pattern.")
    return pattern


def _unlisted(item: Item, fact: Fact, vocabulary: Vocabulary) -> list[CellWarning]:
    found: list[CellWarning] = []
    if fold(item.negation) == "not" and not item.quoted:
        whole = f"{item.negation} {item.text}"
        message = f'"{whole}" reads as every {fact.name} but "{item.text}".'
        fix = f'if the value itself is meant, put it in quotes: "{whole}".'
        found.append(CellWarning("T253", message, fix, about=fold(item.text)))
    if vocabulary.is_listed(fact.name):
        suggestion = _nearest(item.text, fact, vocabulary)
        fix = f"type {suggestion.split(' (')[0]}, or list" if suggestion else "list"
        message = f'"{item.text}" is not listed as {_a(fact.name)} in sheet Values.'
        found.append(CellWarning("T252", message, f"{fix} it in sheet Values.", suggestion))
    return found


def _closed(item: Item, fact: Fact, vocabulary: Vocabulary) -> Condition:
    code = vocabulary.code(fact.name, item.text)
    if code == NONE_CODE:
        return Condition("closed", accepts_none=True)
    if code is not None:
        return Condition("closed", literals=frozenset({fold(code)}))
    key = fold(item.text)
    if not item.quoted and ("*" in key or "?" in key):
        suggestion = _matching(key, fact, vocabulary)
        fix = f"list the values themselves{f', such as {suggestion}' if suggestion else ''}, or a group."
        raise CellError(
            "T205", f'"{item.text}": * and ? do not work in the column {fact.name}.', fix, suggestion
        )
    if fact_key(fact.name) == COUNTRY and countries.is_ambiguous(item.text):
        message = f'"{item.text}" may mean more than one thing, so it names no country.'
        raise CellError("T203", message, "type the two-letter code of the one that is meant.")
    suggestion = _nearest(item.text, fact, vocabulary)
    fix = f"type {suggestion.split(' (')[0]}, or add" if suggestion else "add"
    message = f'"{item.text}" is not {_a(fact.name)}, code or group.'
    raise CellError("T203", message, f"{fix} the spelling to sheet Values, column Aliases.", suggestion)


def _nearest(text: str, fact: Fact, vocabulary: Vocabulary) -> str:
    """The known value nearest to a misspelt one, as `DE (Germany)`, or ""."""
    if not vocabulary.suggests:
        return ""
    spellings = vocabulary.spellings.get(fact_key(fact.name), {})
    near = difflib.get_close_matches(fold(text)[:80], spellings, n=1, cutoff=0.7)
    code = spellings[near[0]] if near else ""
    if not code and fact_key(fact.name) == COUNTRY:
        code = countries.closest(text[:80]) or ""
    return vocabulary.label(fact.name, code) if code and code != NONE_CODE else ""


def _matching(pattern: str, fact: Fact, vocabulary: Vocabulary) -> str:
    found = [c for c in vocabulary.codes(fact.name) if fits(pattern, fold(c))]
    return "; ".join(found[:3])


def _a(name: str) -> str:
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name.lower()}"


# -- from meanings to one meaning ---


def _combine(parts: list[tuple[bool, Condition]], fact: Fact, vocabulary: Vocabulary) -> Condition:
    """Positive parts together, minus negative parts together, in the one form that equal meanings share."""
    if len(parts) == 1 and not parts[0][0] and not (parts[0][1].patterns and parts[0][1].literals):
        return parts[0][1]
    wanted = _together([p for negative, p in parts if not negative], fact.type)
    refused = _together([p for negative, p in parts if negative], fact.type)
    if all(negative for negative, _ in parts):
        wanted = replace(any_value(fact.type), accepts_none=False, accepts_unmapped=False)
    combined = Condition(
        fact.type,
        accepts_other=wanted.accepts_other,
        accepts_none=wanted.accepts_none and not refused.accepts_none,
        accepts_unmapped=wanted.accepts_unmapped and not refused.accepts_unmapped,
    )
    if fact.type in ("number", "date"):
        left = both(wanted.intervals, outside(refused.intervals))
        return replace(combined, intervals=left, accepts_other=left == ((START, END),))
    every = frozenset(map(fold, _closed_codes(fact, vocabulary))) if refused.literals else frozenset[str]()
    return _without_texts(combined, wanted, refused, every)


def _together(parts: list[Condition], type_: FactType) -> Condition:
    return Condition(
        type_,
        literals=frozenset[str]().union(*(p.literals for p in parts)),
        patterns=tuple(sorted({q for p in parts for q in p.patterns})),
        intervals=union(i for p in parts for i in p.intervals),
        accepts_other=any(p.accepts_other for p in parts),
        accepts_none=any(p.accepts_none for p in parts),
        accepts_unmapped=any(p.accepts_unmapped for p in parts),
    )


def _closed_codes(fact: Fact, vocabulary: Vocabulary) -> tuple[str, ...]:
    return vocabulary.codes(fact.name) if fact.type == "closed" and fact_key(fact.name) != COUNTRY else ()


def _without_texts(
    combined: Condition, wanted: Condition, refused: Condition, every: frozenset[str]
) -> Condition:
    not_patterns = _outermost(refused.patterns)
    patterns = () if wanted.accepts_other else _outermost(wanted.patterns)
    patterns = tuple(p for p in patterns if not any(is_inside(p, q) for q in not_patterns))
    is_open = wanted.accepts_other or bool(patterns)

    def survives(key: str) -> bool:
        return key not in refused.literals and not any(fits(q, key) for q in not_patterns)

    literals = () if wanted.accepts_other else wanted.literals
    not_literals = (k for k in refused.literals if not any(fits(q, k) for q in not_patterns))
    left = replace(
        combined,
        literals=frozenset(k for k in literals if survives(k) and not any(fits(p, k) for p in patterns)),
        patterns=patterns,
        not_literals=frozenset(
            k for k in not_literals if wanted.accepts_other or any(fits(p, k) for p in patterns)
        ),
        not_patterns=not_patterns if is_open else (),
    )
    exhausted = bool(every) and left.not_literals >= every
    return replace(left, accepts_other=False, not_literals=frozenset()) if exhausted else left


def _outermost(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Patterns that lie inside no other one of them."""
    return tuple(p for p in patterns if not any(p != q and is_inside(p, q) for q in patterns))


def _refuse_nothing_and_everything(
    text: str, parts: list[tuple[bool, Condition]], condition: Condition, fact: Fact
) -> None:
    if condition == Condition(fact.type):
        raise CellError(
            "T210", f'No lead can match "{text.strip()}".', "delete the item behind not, or the row."
        )
    typed = [p for negative, p in parts if not negative and not p.is_any]
    if (
        condition.intervals == ((START, END),)
        and any(p.intervals for p in typed)
        and len(typed) == len(parts)
    ):
        message = f'"{text.strip()}" accepts every {fact.name}: the items of a list are alternatives.'
        raise CellError("T211", message, "type LOW..HIGH for a range, or * for any value.", "*")


def _are_different_values(parts: list[tuple[bool, Condition]]) -> bool:
    """Whether the items are single values, no two alike: none of them can be idle then."""
    values = [next(iter(p.literals)) for negative, p in parts if not negative and len(p.literals) == 1]
    plain = all(p == Condition(p.type, literals=p.literals) for _, p in parts)
    return plain and len(values) == len(set(values)) == len(parts)


def _idle(
    items: list[Item],
    parts: list[tuple[bool, Condition]],
    condition: Condition,
    fact: Fact,
    vocabulary: Vocabulary,
) -> list[CellWarning]:
    """A warning for each item without which the cell means the same."""
    found: list[CellWarning] = []
    if not 1 < len(items) <= _MOST_ITEMS_COMPARED or _are_different_values(parts):
        return found
    kept = list(range(len(items)))
    for index in reversed(range(len(items))):
        rest = [i for i in kept if i != index]
        if rest and _combine([parts[i] for i in rest], fact, vocabulary) == condition:
            kept = rest
            shown = f"{items[index].negation} {items[index].text}".strip()
            found.append(CellWarning("T251", f'"{shown}" does nothing here.', "delete it."))
    return found[::-1]
