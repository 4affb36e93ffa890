"""The drop folder: each file once by its content, nothing lost, nothing half-written taken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from drop_box import MONDAY, Box

from allocator.domain.sync.values import SourceWrite
from allocator.errors import SourceError

FAIR = "First Name,lastname,E-Mail\nAna,Alt,ana@a.example\nBen,Bär,ben@b.example\n"


def test_the_same_content_under_any_name_is_the_same_leads(box: Box) -> None:
    box.put("fair.csv", FAIR)
    box.put("fair (copy).csv", FAIR)
    found = box.pull()
    assert len(found) == len({record.key for record in found}) == 2
    assert box.done() == ["fair (copy).csv", "fair.csv"] and box.lying() == []
    box.put("again.csv", FAIR)
    assert {record.key for record in box.pull()} == {record.key for record in found}


def test_a_key_is_the_contents_digest_and_the_rows_number(box: Box) -> None:
    box.put("fair.csv", FAIR)
    first, second = (record.key for record in box.pull())
    assert first.source == "drop" and first.source_id.endswith("-2") and second.source_id.endswith("-3")
    assert first.source_id[:-2] == second.source_id[:-2] and len(first.source_id) == 18


def test_pulling_alone_changes_nothing_in_the_folder(box: Box) -> None:
    box.put("fair.csv", f"{FAIR}broken\n")
    assert box.pull(take=False) == box.pull(take=False) != []
    assert box.lying() == ["fair.csv"] and box.done() == []


def test_moments_keep_the_order_of_rows_and_files_and_last(box: Box) -> None:
    box.put("b.csv", "Email\nthird@x.example\n")
    box.put("a.csv", "Email\nfirst@x.example\n\nsecond@x.example\n")
    found = box.pull()
    emails = [record.values["Email"] for record in sorted(found, key=lambda record: record.created)]
    assert emails == ["first@x.example", "second@x.example", "third@x.example"]
    assert all(abs((record.created - MONDAY).total_seconds()) < 1 for record in found)
    box.at = MONDAY.replace(hour=15)
    assert list(box.open().read([one.key.source_id for one in found]).values()) == found


def test_a_lead_whose_file_was_thrown_away_is_unreadable_and_not_gone(box: Box) -> None:
    box.put("fair.csv", FAIR)
    one = box.pull()[0].key.source_id
    for file in (box.folder / "done").iterdir():
        file.unlink()
    for asked in (one, "nonsense", f"{one[:16]}-99"):
        record = box.open().read([asked])[asked]
        assert record.unreadable and not record.gone and not record.values


def test_a_fresh_file_is_looked_at_twice(box: Box) -> None:
    box.put("left.csv", FAIR)
    os.utime(box.folder / "left.csv")
    assert len(box.pull()) == 2 and box.waits == [2.0]


def test_a_file_that_still_grows_is_left_for_the_next_run(box: Box) -> None:
    box.put("whole.csv", FAIR)
    growing = box.put("growing.csv", "Email\nana@")
    os.utime(growing)
    box.meanwhile = lambda: growing.write_text("Email\nana@a.example\n", encoding="utf-8")
    assert len(box.pull()) == 2 and box.lying() == ["growing.csv"]


def test_a_file_that_is_replaced_after_it_was_read_is_not_put_away_unread(box: Box) -> None:
    box.put("fair.csv", FAIR)
    source = box.open()
    assert [len(page) for page in source.pull(None)] == [2]
    (box.folder / "fair.csv").write_text("Email\nnew@x.example\n", encoding="utf-8")
    source.taken()
    assert box.lying() == ["fair.csv"] and box.emails() == ["new@x.example"]


@pytest.mark.parametrize(
    "name", ["x.csv.part", "x.tmp", "~$x.xlsx", ".x.csv", "x.csv.rejected.csv", "Thumbs.db"]
)
def test_unfinished_and_own_files_are_no_leads(box: Box, name: str) -> None:
    box.put(name, FAIR)
    assert box.pull() == [] and box.lying() == [name]


def test_folders_and_links_are_not_followed(box: Box, tmp_path: Path) -> None:
    (box.folder / "sub.csv").mkdir()
    elsewhere = tmp_path / "elsewhere.csv"
    elsewhere.write_text(FAIR, encoding="utf-8")
    (box.folder / "link.csv").symlink_to(elsewhere)
    assert box.pull() == []


def test_a_file_that_cannot_be_put_away_stays_and_is_the_same_leads(box: Box) -> None:
    box.put("fair.csv", FAIR)
    (box.folder / "done").write_text("no folder", encoding="utf-8")
    first = box.pull()
    assert [r.key for r in box.pull()] == [r.key for r in first] and "fair.csv" in box.lying()


def test_a_folder_that_is_not_there_is_the_sources_failure(tmp_path: Path) -> None:
    box = Box(tmp_path / "drop")
    box.folder.rmdir()
    with pytest.raises(SourceError, match=r"cannot be read.*Make it"):
        box.pull()


def test_rejected_rows_of_another_file_of_that_name_are_kept(box: Box) -> None:
    box.put("fair.csv", "Email,City\nana@a.example\n")
    box.pull()
    box.put("fair.csv", "Email,City\nben@b.example\n")
    box.pull()
    assert box.lying() == ["fair.csv.rejected.2.csv", "fair.csv.rejected.csv"]
    box.put("fair.csv", "Email,City\nben@b.example\n")
    box.pull()
    assert len(box.lying()) == 2


def test_files_are_not_written_to(box: Box) -> None:
    source = box.open()
    assert source.takes_writes is False
    assert [a.detail for a in source.write([SourceWrite("x", {})])] == ["READ_ONLY"]
    assert [a.detail for a in source.create([{}])] == ["READ_ONLY"]
    assert source.fields()["LastName"].type.kind == "text"


def test_importing_the_adapters_loads_no_spreadsheet_library() -> None:
    modules = "allocator.adapters.marketing.drop, allocator.adapters.marketing.hubspot"
    code = f"import {modules}, sys; print(sorted({{'pandas', 'openpyxl'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
