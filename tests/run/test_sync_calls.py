"""What a cycle of the sync asks of both systems, by their own request logs: for one record and for many."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from calls_sync import SIDES, Series, bounds, measure_creation
from calls_sync_world import world

MANY = 230


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory):
    """Half Leads and half Contacts, in step."""
    with world(tmp_path_factory.mktemp("calls")) as made:
        found = Series(made, "mixed")
        found.first = found.start(MANY)
        yield found


def test_the_bounds_are_those_that_are_promised() -> None:
    assert bounds(1) == {"reads": 1, "writes": 1, "CRM reads": 1, "CRM writes": 1, "read-backs": 1}
    assert bounds(MANY) == {"reads": 3, "writes": 3, "CRM reads": 2, "CRM writes": 10, "read-backs": 2}


def test_a_quiet_cycle_finds_nothing_and_reads_no_record(series: Series) -> None:
    linked, quiet = series.first
    linked.check()
    quiet.check()
    assert quiet.for_records == 0


@pytest.mark.parametrize("side", SIDES)
def test_many_changed_records_take_few_calls(series: Series, side: str) -> None:
    series.changed(MANY, side, naive=False).check()


@pytest.mark.parametrize("side", SIDES)
def test_one_changed_record_takes_a_call_of_each_kind(series: Series, side: str) -> None:
    done = series.changed(1, side, naive=side == "both")
    done.check()
    assert side != "both" or done.naive == 4


def test_new_contacts_are_made_in_few_calls(tmp_path: Path) -> None:
    done = measure_creation(tmp_path, 30)
    assert done.calls["CRM writes"] == 2


def test_a_count_above_its_bound_is_an_error(series: Series) -> None:
    _, quiet = series.first
    with pytest.raises(AssertionError, match="at most 0 are right"):
        type(quiet)("mixed", 0, {"reads": 1}, {"reads": 0}).check()
