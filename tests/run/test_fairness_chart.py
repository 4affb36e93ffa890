"""The chart and page of a fairness statement, and the rows of an export: exact, escaped, readable."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any
from xml.etree import ElementTree

import pytest

from allocator.domain.statement import COLUMNS, COUNTED, ExportRow, Line, Statement
from allocator.entrypoints.commands.export import COLUMNS as CELLS
from allocator.entrypoints.commands.export import turn_lines, write_turns
from allocator.entrypoints.commands.fairness import write_csv
from allocator.entrypoints.fairness_chart import FAIR, GOT, chart, short, signed
from allocator.entrypoints.fairness_page import page
from allocator.service.statement import OfTeam
from rules.rotation import Lineup, Rotation, Skipped, Turn, U, split_of

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = (
    "<script>alert(1)</script>",
    "\"'&amp;</text></svg>",
    "]]><b>x</b>",
    "a\x00\x07b\ud800c",
    "\u202eleft to right",
    "Maximiliane-Theodora von und zu Hohenlohe-Waldenburg-Schillingsfürst",
    "王小明和他的非常非常非常长的名字测试名字很长",
    "{{ 7 * 7 }}",
)


def line(name: str, fair: float, got: int, **more: Any) -> Line:
    nothing = dict.fromkeys(("absence", "skill", "cap", "limit", "opening", "could_have"), 0)
    share = round(fair * U)
    shares = {"share_of_all": share, "fair_share": share, "totals_share": share, "got": got * U}
    counts = dict.fromkeys(COUNTED, 0) | more
    return Line(id=name, has=got, counts=counts, **nothing, **shares)


def stated(*lines: Line, team: str = "Enterprise") -> Statement:
    leads = {**dict.fromkeys(COLUMNS, 0), "turn": sum(one.has for one in lines)}
    return Statement(team, None, date(2026, 1, 1), date(2026, 6, 30), lines, leads)


def drawn(statement: Statement) -> ElementTree.Element:
    text = chart([("Title", "Sentence", statement)], {})
    return ElementTree.fromstring(text.encode(errors="replace"))


def bars(root: ElementTree.Element, colour: str) -> list[float]:
    """Where each person's bar or mark ends, from left to right."""
    found = [r.attrib for g in root.iter(f"{SVG}g") for r in g.iter(f"{SVG}rect") if r.get("fill") == colour]
    return [float(r["x"]) + (float(r["width"]) if colour == GOT else 1.5) for r in found]


def test_a_bar_ends_where_its_mark_stands_when_somebody_got_their_share() -> None:
    root = drawn(stated(line("ana", 40, 40), line("ben", 20, 20), line("chi", 10, 12)))
    got, fair = bars(root, GOT), bars(root, FAIR)
    assert got[:2] == pytest.approx(fair[:2], abs=0.1)
    assert got[2] > fair[2]
    left = got[0] - 2 * (got[0] - got[1])
    assert got[2] - left == pytest.approx((got[0] - left) * 12 / 40, abs=0.2)


@pytest.mark.parametrize("people", [0, 1, 12, 40])
def test_a_chart_has_a_row_for_each_person_and_room_for_all(people: int) -> None:
    root = drawn(stated(*(line(f"person {n}", 10 + n, 10 + n) for n in range(people))))
    assert len(bars(root, GOT)) == len(bars(root, FAIR)) == people
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for text in root.iter(f"{SVG}text"):
        assert 0 < float(text.attrib["y"]) < height
    assert all(0 < end < width for end in (*bars(root, GOT), *bars(root, FAIR)))


def test_hostile_names_are_text_in_a_chart() -> None:
    root = drawn(stated(*(line(name, 5, 5) for name in HOSTILE)))
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "style", "rect", "text", "line", "g",
    }  # fmt: skip
    texts = [text.text or "" for text in root.iter(f"{SVG}text")]
    assert HOSTILE[0] in texts
    assert all(character.isprintable() for text in texts for character in text)


def test_hostile_names_are_text_on_a_page() -> None:
    found = stated(*(line(name, 5, 5) for name in HOSTILE), team="<b>&")
    text = page([OfTeam("<b>&", (found,), by_lane=False)], {}, at=datetime(2026, 7, 1, tzinfo=UTC))
    assert not re.search(r"<script|<b>|\u202e|\x00", text)
    assert "&lt;script&gt;" in text and "{{ 7 * 7 }}" in text
    assert "default-src 'none'" in text
    assert "https://" not in text


def test_a_long_name_is_cut_to_the_room_there_is() -> None:
    assert short("Ana", 30) == "Ana"
    assert short("a" * 31, 30) == "a" * 29 + "…"
    assert short("王" * 16, 30) == "王" * 14 + "…"


def test_differences_have_a_sign_and_nothing_is_minus_zero() -> None:
    assert [signed(leads) for leads in (0.04, -0.04, 0.06, -1.25)] == ["0.0", "0.0", "+0.1", "−1.2"]


def test_a_spreadsheet_runs_nothing_of_a_statement() -> None:
    stream = StringIO()
    found = stated(line("=cmd", 2.5, 3))
    write_csv(stream, [OfTeam("@team", (found,), by_lane=False)], {"=cmd": "+Ana"})
    cells = dict(zip(*(row.split(",") for row in stream.getvalue().splitlines()), strict=True))
    assert (cells["person"], cells["name"], cells["closing"]) == ("'=cmd", "'+Ana", "-0.5")


# --- export ---


def exported(turn: Turn, *skipped: Skipped, back: bool = False) -> list[dict[str, object]]:
    at = datetime(2026, 1, 5, 9, tzinfo=UTC)
    row = ExportRow("=Team", "", "salesforce:1", at, back, turn, skipped)
    return [dict(zip(CELLS, cells, strict=True)) for cells in turn_lines(row)]


def test_a_row_says_what_was_earned_and_paid_to_the_last_unit() -> None:
    ana, ben = exported(Rotation().take("", {"-ana": 37, "ben": 1}), back=True)
    assert (ana["team"], ana["person"], ana["refunded"]) == ("'=Team", "'-ana", 1)
    assert (ana["share"], ana["paid"], ana["served"]) == (U - U // 38, U, 1)
    assert (ben["share"], ben["paid"], ben["served"], ben["could"]) == (U // 38, 0, 0, 1)


def test_who_earned_and_could_not_take_the_lead_is_there_with_the_reason() -> None:
    lineup = Lineup({"ana": 1}, split_of({"ana": 1, "ben": 1}))
    ana, ben = exported(Rotation().take("", lineup), Skipped("ben", "language"), Skipped("chi", "absent"))
    assert [(one["could"], one["why"], one["share"]) for one in (ana, ben)] == [
        (1, "", U // 2),
        (0, "language", U // 2),
    ]


def test_a_turn_that_moved_no_credit_exports_no_shares() -> None:
    rotation = Rotation(limit=1)
    team = {"ana": 1, "ben": 1, "chi": 1}
    _, beyond = (rotation.charge("", team, "ana", 1, "by hand") for _ in range(2))
    rows = exported(beyond)
    assert [(one["share"], one["paid"], one["before"]) for one in rows] == [
        (0, 0, -2 * U // 3),
        (0, 0, U // 3),
        (0, 0, U // 3),
    ]


def test_an_export_counts_turns_and_rows() -> None:
    stream, at = StringIO(), datetime(2026, 1, 5, 9, tzinfo=UTC)
    row = ExportRow("T", "", "l", at, False, Rotation().take("", {"a": 1, "b": 1}), ())
    assert write_turns(stream, [[row, row], [row]]) == (3, 6)
    assert len(stream.getvalue().splitlines()) == 7
