"""Workbooks as other programs write them, read and marked by someone who knows the file format alone."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from outside import SCRIPT
from workbooks import build, changed, small

from rules.condition import Condition
from rules.model import RoutingTables
from rules.proof.standins import stand_ins
from rules.workbook.check import check, load_bytes
from rules.workbook.mark import marked

MAIN = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def rewritten(data: bytes, edit: Callable[[str, bytes], tuple[str, bytes]]) -> bytes:
    """The workbook with each part's name and content changed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", 8) as new:
        for name in old.namelist():
            new.writestr(*edit(name, old.read(name)))
    return buffer.getvalue()


def typed_by_ending(name: str, content: bytes) -> tuple[str, bytes]:
    """The list of contents as programs built with the Open XML SDK write it."""
    if name == "[Content_Types].xml":
        content = re.sub(rb'<Override PartName="/xl/workbook.xml"[^>]*/>', b"", content)
        content = content.replace(b'"application/xml"', f'"{MAIN}"'.encode())
    return name, content


def named_otherwise(name: str, content: bytes) -> tuple[str, bytes]:
    """Part names whose case is not that of the references to them."""
    return (
        "XL/Worksheets" + name.removeprefix("xl/worksheets") if "xl/worksheets/sheet" in name else name
    ), content


def meaning(tables: RoutingTables) -> RoutingTables:
    return replace(tables, version="", saved_by="", warnings=())


def test_a_workbook_whose_parts_are_typed_by_their_ending_is_read_and_marked() -> None:
    assert meaning(load_bytes(rewritten(build(small()), typed_by_ending))) == meaning(
        load_bytes(build(small()))
    )
    wrong = rewritten(changed({"Country!D2": "Genmany"}), typed_by_ending)
    problems = check(wrong).problems
    assert [(p.code, p.cell) for p in problems] == [("T203", "D2")]
    assert ("T203", "D2") in {(p.code, p.cell) for p in check(marked(wrong, problems)).problems}


def test_the_case_of_a_parts_name_does_not_matter() -> None:
    assert meaning(load_bytes(rewritten(build(small()), named_otherwise))) == meaning(
        load_bytes(build(small()))
    )
    wrong = rewritten(changed({"Country!D2": "Genmany"}), named_otherwise)
    copy = marked(wrong, check(wrong).problems)
    assert any(b"Genmany" in content and b"T203" in content for content in _parts(copy))


def _parts(data: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [archive.read(name) for name in archive.namelist()]


def test_an_order_given_twice_is_answered_with_a_number_that_can_be_typed() -> None:
    problem = next(p for p in check(changed({"Team!B3": "10.0"})).problems if p.code == "T303")
    assert problem.fix == "give it another number; 10.5 fits behind it"


def test_a_not_before_a_value_that_other_rules_name_is_no_doubt() -> None:
    doubted = {"Country!D3": "*", "Team!E2": "*", "Team!D3": "Not Emea", "Team!E3": "not Webinar"}
    assert [(p.code, p.cell) for p in check(changed(doubted)).problems if p.code == "T253"] == [
        ("T253", "E3")
    ]
    named = changed({**doubted, "Team!E2": "webinar"})
    assert not [p for p in check(named).problems if p.code == "T253"]


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.xlsx")
    for place in (tmp_path / "pipe.xlsx", Path("/dev/zero"), tmp_path, Path("/"), Path()):
        (problem,) = check(place).problems
        assert problem.code == "W00"
        assert problem.message.endswith("cannot be read: it is not a file.")


def test_a_file_of_many_gigabytes_is_refused_by_its_size_and_not_read_to_its_end(tmp_path: Path) -> None:
    with (tmp_path / "huge.xlsx").open("wb") as file:
        file.truncate(20 * 1024**3)
    (problem,) = check(tmp_path / "huge.xlsx").problems
    assert (problem.code, "20480.0 MiB" in problem.message) == ("W02", True)


def test_a_folder_in_place_of_the_workbook_is_a_refused_workbook_on_the_command_line(tmp_path: Path) -> None:
    words = [str(SCRIPT), "tables", "check", ".", "--json"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=120)
    assert (done.returncode, json.loads(done.stdout)["problems"][0]["code"]) == (3, "W00")


def test_a_cell_of_wildcards_is_refused_before_it_takes_long() -> None:
    for cell in ("*a" * 4_000, "*" + "a?" * 4_000, ", ".join(f"a{n}*" for n in range(201))):
        problems = check(changed({"Team!E2": cell})).problems
        assert [(p.code, p.cell) for p in problems if p.severity == "error"] == [("T217", "E2")]


def test_only_patterns_whose_marks_may_stand_anywhere_are_too_much_to_prove() -> None:
    honest = tuple(f"web-????-{n}-*" for n in range(200))
    assert stand_ins([Condition("text", patterns=honest)]).complete
    floating = tuple(f"*a{n}?b*c?d*" for n in range(200))
    assert not stand_ins([Condition("text", patterns=floating)]).complete
