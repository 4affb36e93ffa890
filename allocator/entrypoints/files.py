"""Writes files that a command was asked for, and never over one that is somebody's work."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import typer

SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".xltx", ".xls", ".ods"})


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, whole or not at all; BadParameter when it does."""
    try:
        stream = path.open("xb")
    except FileExistsError:
        raise exists(path) from None
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}.") from None
    try:
        with stream:
            stream.write(data)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def exists(path: Path) -> typer.BadParameter:
    """What to raise where a file must not be there yet."""
    return typer.BadParameter(f"{path} exists already. Name another file, or delete it.")


def write_over(path: Path, data: bytes) -> None:
    """Write a file whole, over an older one of the same name."""
    _beside(path, data).replace(path)


def write_report(path: Path, data: bytes) -> None:
    """As `write_over`; BadParameter when the name, or what stands there, is a spreadsheet's."""
    _refuse_spreadsheet(path)
    write_over(path.resolve(), data)


@contextmanager
def report_stream(path: Path) -> Iterator[TextIO]:
    """As `write_report`, for what is too much to hold: the file is there, whole, when the block ends well."""
    _refuse_spreadsheet(path)
    new = _beside(path.resolve(), b"")
    try:
        with new.open("w", encoding="utf-8", errors="replace", newline="") as stream:
            yield stream
        new.replace(path.resolve())
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def _refuse_spreadsheet(path: Path) -> None:
    if {path.suffix.lower(), path.resolve().suffix.lower()} & SPREADSHEETS or _is_archive(path):
        raise typer.BadParameter(f"{path} is a workbook. Name a file that ends in .csv, .html or the like.")


def refuse_same(path: Path, others: Iterable[Path]) -> None:
    """BadParameter when the path is one of the others, through links too."""
    for other in others:
        if path.resolve() == other.resolve() or (path.exists() and other.exists() and path.samefile(other)):
            raise typer.BadParameter(f"{path} is the workbook {other.name} itself. Name another file.")


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(2) == b"PK"
    except FileNotFoundError:
        return False


def _beside(path: Path, data: bytes) -> Path:
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise typer.BadParameter(f"{path} cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "wb") as stream:
        stream.write(data)
    mask = os.umask(0)
    os.umask(mask)
    Path(name).chmod(0o666 & ~mask)
    return Path(name)
