"""Looks at the bytes of a workbook before any parser does, and refuses what could harm one."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

from rules.errors import Problem, WorkbookError

MAX_FILE: Final = 10 * 1024 * 1024
MAX_TOTAL: Final = 128 * 1024 * 1024
MAX_PARTS: Final = 2_000
MAX_RATIO: Final = 100
RATIO_AFTER: Final = 100 * 1024
CHUNK: Final = 256 * 1024

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STORED, _DEFLATED = 0, 8
_XML: Final = (".xml", ".rels", ".vml")
_SAVE_AGAIN: Final = "open the file in your spreadsheet program and save it as an Excel workbook (.xlsx)"
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_ENCODING: Final = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']+)""")
_FOREIGN: Final = (
    ("xl/externallinks/", "links to other files", "in Excel choose Data, Edit Links, Break Link"),
    (
        "xl/connections.xml",
        "data connections",
        "in Excel choose Data, Queries & Connections, and delete them",
    ),
    ("xl/querytables/", "data connections", "in Excel choose Data, Queries & Connections, and delete them"),
    ("xl/embeddings/", "objects of other programs", "delete them"),
    ("xl/activex/", "objects of other programs", "delete them"),
)
"""Parts that bring something in from outside: none is used, so each is only a warning."""


def gate(data: bytes) -> dict[str, bytes]:
    """The unpacked parts of a workbook that is safe to parse, by name; WorkbookError otherwise.

    Parts that are no XML come back empty: nothing here reads them.
    """
    check_container(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, struct.error, ValueError, NotImplementedError, OSError):
        raise _refused(
            "W05", "The file is damaged or only half saved.", "wait until it is saved, or save it again"
        ) from None
    _check_names(infos)
    parts = _unpack(data, infos)
    if "xl/workbook.bin" in parts or not any(name.endswith(".xml") for name in parts):
        raise no_workbook()
    return parts


def foreign_parts(parts: Mapping[str, bytes]) -> Iterator[Problem]:
    """A warning for each kind of part that brings something in from outside."""
    told: set[str] = set()
    for start, what, fix in _FOREIGN:
        name = next((n for n in parts if n.casefold().startswith(start)), "")
        if name and what not in told:
            told.add(what)
            message = f"The workbook holds {what}; they are not used."
            yield Problem("W10", "(file)", message, fix, value=name, severity="warning")


def no_workbook() -> WorkbookError:
    return _refused("W04", "The file is a zip archive but not an .xlsx workbook.", _SAVE_AGAIN)


def _refused(code: str, message: str, fix: str) -> WorkbookError:
    return WorkbookError([Problem(code, "(file)", message, fix)])


def check_container(data: bytes) -> None:
    """WorkbookError for what the first bytes and the size tell alone: W01 to W04."""
    if not data:
        raise _refused("W01", "The file is empty.", "save the workbook again, or take back an earlier copy")
    if len(data) > MAX_FILE:
        raise WorkbookError([too_large(len(data))])
    if data.startswith(_OLE):
        raise _refused(
            "W03",
            "The file is protected by a password, or is an old .xls.",
            "take the password off and save the file as an Excel workbook (.xlsx)",
        )
    if not data.startswith(b"PK"):
        raise _refused("W04", "The file is not an .xlsx workbook, whatever its name says.", _SAVE_AGAIN)


def too_large(size: int) -> Problem:
    """W02, for a file of so many bytes."""
    return Problem(
        "W02",
        "(file)",
        f"The file has {size / 1024 / 1024:.1f} MiB; a workbook may have at most 10 MiB.",
        "delete pictures, and empty rows and columns that are only formatted",
    )


def _check_names(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_PARTS:
        raise _refused(
            "W06",
            f"The workbook has {len(infos):,} parts; at most 2,000 are allowed.",
            "copy the sheets into a new workbook",
        )
    seen: set[str] = set()
    for info in infos:
        name = info.orig_filename
        if name.startswith("/") or "\\" in name or ".." in name.split("/") or ":" in name or "\0" in name:
            raise _refused("W08", f"A part named {name!r} points outside the workbook.", _SAVE_AGAIN)
        if name.casefold() in seen:
            raise _refused("W07", f"The workbook holds the part {name!r} twice.", _SAVE_AGAIN)
        seen.add(name.casefold())
        _check_forbidden(name.casefold())


def _check_forbidden(name: str) -> None:
    if name.endswith("vbaproject.bin") or "/macrosheets/" in name:
        raise _refused(
            "W09", "The workbook contains macros.", "save it as an Excel workbook without macros (.xlsx)"
        )


def _unpack(data: bytes, infos: list[zipfile.ZipInfo]) -> dict[str, bytes]:
    parts: dict[str, bytes] = {}
    left = MAX_TOTAL
    for info in infos:
        content = _inflate(data, info, left)
        left -= len(content)
        head = content.lstrip(b"\xef\xbb\xbf \t\r\n")[:200]
        is_xml = info.filename.casefold().endswith(_XML) or head.startswith((b"<", b"\xff\xfe", b"\xfe\xff"))
        if is_xml:
            _check_xml(info.filename, content, head)
        parts[info.filename] = content if is_xml else b""
    return parts


def _inflate(data: bytes, info: zipfile.ZipInfo, left: int) -> bytes:
    """The part's content, unpacked piece by piece so that no bomb ever fills the memory."""
    if info.flag_bits & 0x1:
        raise _refused(
            "W03", "A part of the workbook is protected by a password.", "take the password off and save it"
        )
    if info.compress_type not in (_STORED, _DEFLATED):
        raise _refused("W18", f"The part {info.filename!r} is packed in an unknown way.", _SAVE_AGAIN)
    raw = _packed_bytes(data, info)
    content = bytearray()
    try:
        for piece in _pieces(raw, deflated=info.compress_type == _DEFLATED):
            content += piece
            _check_size(len(content), len(raw), info, left)
    except zlib.error:
        raise _damaged(info) from None
    if len(content) != info.file_size:
        raise _refused("W12", f"The part {info.filename!r} has another size than the file says.", _SAVE_AGAIN)
    if zlib.crc32(content) != info.CRC:
        raise _damaged(info)
    return bytes(content)


def _packed_bytes(data: bytes, info: zipfile.ZipInfo) -> bytes:
    start = info.header_offset
    header = data[start : start + 30]
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise _damaged(info)
    name_length, extra_length = struct.unpack("<HH", header[26:30])
    begin = start + 30 + name_length + extra_length
    if data[start + 30 : start + 30 + name_length] != _raw_name(info):
        raise _damaged(info)
    raw = data[begin : begin + info.compress_size]
    if len(raw) != info.compress_size:
        raise _damaged(info)
    return raw


def _raw_name(info: zipfile.ZipInfo) -> bytes:
    return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437")


def _pieces(raw: bytes, *, deflated: bool) -> Iterator[bytes]:
    if not deflated:
        yield raw
        return
    inflater = zlib.decompressobj(-15)
    piece = inflater.decompress(raw, CHUNK)
    while piece:
        yield piece
        piece = inflater.decompress(inflater.unconsumed_tail, CHUNK)
    if not inflater.eof:
        raise zlib.error("the part ends too early")


def _check_size(size: int, packed: int, info: zipfile.ZipInfo, left: int) -> None:
    if size > left:
        raise _refused(
            "W12",
            "The workbook has more than 128 MiB when it is unpacked.",
            "delete empty rows and columns that are only formatted, and pictures",
        )
    if size > RATIO_AFTER and size > packed * MAX_RATIO:
        raise _refused(
            "W11",
            f"The part {info.filename!r} is packed more than 100 times; no honest workbook is.",
            _SAVE_AGAIN,
        )


def _damaged(info: zipfile.ZipInfo) -> WorkbookError:
    return _refused(
        "W05",
        f"The file is damaged or only half saved: its part {info.filename!r} cannot be unpacked.",
        "wait until it is saved, or save it again",
    )


def _check_xml(name: str, content: bytes, head: bytes) -> None:
    if content[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in content[:64] or not _is_utf8(head):
        raise _refused("W13", f"The part {name!r} is not written in UTF-8.", _SAVE_AGAIN)
    if _DOCTYPE.search(content):
        raise _refused(
            "W13",
            f"The part {name!r} declares a document type or entities; no workbook needs them.",
            _SAVE_AGAIN,
        )


def _is_utf8(head: bytes) -> bool:
    declared = _ENCODING.match(head)
    return declared is None or declared[1].lower() in (b"utf-8", b"utf8", b"us-ascii", b"ascii")
