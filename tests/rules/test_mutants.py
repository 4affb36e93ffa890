"""Thousands of damaged workbooks: each is read or refused by a code; nothing crashes, hangs or piles up."""

from __future__ import annotations

import io
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from workbooks import build, small

from rules.errors import WorkbookError
from rules.workbook.check import check, check_book
from rules.workbook.codes import CODES
from rules.workbook.contents import contents_of
from rules.workbook.read import book_of

GOOD = build(small())
OTHER = (Path(__file__).parents[2] / "routing_tables.xlsx").read_bytes()
PARTS = {
    name: zipfile.ZipFile(io.BytesIO(GOOD)).read(name)
    for name in zipfile.ZipFile(io.BytesIO(GOOD)).namelist()
}
PIECE = re.compile(rb"<[^<>]*>|\"[^\"]*\"|[^<>\"]+")
NASTY = (
    b"", b"\"\"", b"\"0\"", b"\"-1\"", b"\"99999999999\"", b"\"1e999\"", b"\"A0\"", b"\"XFD1048576\"",
    b"\"NaN\"", b"\"true\"", b"\"../../x\"", b"<c>", b"</c>", b"<row>", b"<f>", b"<f>'[1]x'!A1</f>",
    b"<is><t>x</t></is>",
    b"<![CDATA[x]]>", b"&#0;", b"&#xD800;", b"&lol;", b"_xD800_", b"_x0000_", b"\xff\xfe", b"\xe2\x80\xae",
    b"<!---->", b"-" * 300, b"9" * 5_000, b"=1+1", b"\0", b"A" * 40_000,
)  # fmt: skip

Mutation = Callable[[random.Random], bytes]


def flipped(chance: random.Random, data: bytes = GOOD) -> bytes:
    changed = bytearray(data or b"<")
    for _ in range(chance.choice([1, 1, 2, 8, 50])):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def cut(chance: random.Random) -> bytes:
    first, last = sorted((chance.randrange(len(GOOD)), chance.randrange(len(GOOD))))
    return chance.choice([GOOD[:first], GOOD[last:], GOOD[:first] + GOOD[last:]])


def spliced(chance: random.Random) -> bytes:
    """A piece of this or of another workbook in the middle of this one."""
    start = chance.randrange(len(OTHER))
    piece = OTHER[start : start + chance.randrange(1, 4_000)]
    at = chance.randrange(len(GOOD))
    return GOOD[:at] + piece + GOOD[at + chance.choice([0, len(piece)]) :]


def lying(chance: random.Random) -> bytes:
    """Other numbers in the headers of the archive: sizes, places, ways of packing, names."""
    changed = bytearray(GOOD)
    for _ in range(chance.choice([1, 1, 2, 4])):
        signature = chance.choice([b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"])
        header = chance.choice([m.start() for m in re.finditer(re.escape(signature), GOOD)])
        at = header + chance.randrange(4, 22 if signature[2] == 5 else 46)
        value = chance.choice([0, 1, 8, 12, 0x7FFFFFFF, 0xFFFFFFFF, chance.randrange(2**32)])
        changed[at : at + 4] = value.to_bytes(4, "little")
    return bytes(changed)


def rewritten(chance: random.Random) -> bytes:
    """One or two parts with their XML changed, packed again so that nothing but the XML is wrong."""
    parts = dict(PARTS)
    for _ in range(chance.choice([1, 1, 2])):
        name = chance.choice(list(parts))
        parts[name] = _other_xml(parts[name], chance)
    if chance.random() < 0.1:
        one, other = chance.sample(list(parts), 2)
        parts[one], parts[other] = parts[other], parts[one]
    if chance.random() < 0.1:
        del parts[chance.choice(list(parts))]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _other_xml(content: bytes, chance: random.Random) -> bytes:
    pieces = PIECE.findall(content) or [b""]
    for _ in range(chance.choice([1, 2, 5])):
        at = chance.randrange(len(pieces))
        other = chance.randrange(len(pieces))
        pieces[at] = chance.choice(
            [chance.choice(NASTY), pieces[other], pieces[at] * 2, flipped(chance, pieces[at])]
        )
    return b"".join(pieces)


def mutants(count: int, seed: int) -> Iterator[bytes]:
    chance = random.Random(seed)
    kinds: list[Mutation] = [flipped, cut, spliced, lying, rewritten, rewritten]
    for number in range(count):
        yield kinds[number % len(kinds)](chance)


def memory() -> int:
    """Bytes that this process holds now; 0 where the system does not tell."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * 4096 if statm.exists() else 0


@pytest.mark.timeout(280)
def test_five_thousand_mutants_are_read_or_refused_by_a_code() -> None:
    """In this process, without the limits of the child: what they would catch must not happen at all."""
    seen: Counter[str] = Counter()
    held = 0
    for number, data in enumerate(mutants(5_000, seed=20_261_116)):
        if number == 1_000:
            held = memory()
        try:
            problems = check_book(book_of(contents_of(data)), version="").problems
        except WorkbookError as error:
            problems = error.problems
        assert all(p.code in CODES and p.message and p.fix for p in problems)
        seen.update({p.code for p in problems} or {"none"})

    assert memory() - held < 30 * 1024 * 1024
    assert {"W04", "W05", "W12", "W18", "none"} <= set(seen) and len(seen) > 20


def test_mutants_never_end_the_child_otherwise_than_by_an_answer() -> None:
    held = memory()
    codes = {p.code for data in mutants(90, seed=7) for p in check(data).problems}
    assert not codes & {"W17", "W19"} and "W18" in codes
    assert memory() - held < 30 * 1024 * 1024
