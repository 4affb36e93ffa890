"""Quoting, ids and packing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocator.adapters.crm.http import retry_after
from allocator.adapters.crm.salesforce.lookup import domain_of, spellings
from allocator.adapters.crm.salesforce.soql import encoded, listed, literal, matchable, packed, select, to18
from allocator.sandbox.salesforce.soql_ast import All
from allocator.sandbox.salesforce.soql_ast import Test as Comparison
from allocator.sandbox.salesforce.soql_parse import parse
from allocator.sandbox.salesforce.soql_values import unescape


@pytest.mark.parametrize(
    ("short", "long"),
    [("00Q0v0000067Moi", "00Q0v0000067MoiEAE"), ("00Q000000000000", "00Q000000000000EAA")],
)
def test_short_ids_become_long(short: str, long: str) -> None:
    assert to18(short) == to18(long) == long


@pytest.mark.parametrize("text", [None, 7, "", "00Q", "00Q0v0000067Mo'", "00Q0v0000067MoiEA", "0" * 19])
def test_what_is_no_id_is_none(text: object) -> None:
    assert to18(text) is None


@given(st.text(max_size=60))
def test_whatever_is_quoted_is_one_literal_or_not_asked(text: str) -> None:
    if not matchable(text, 60):
        return
    query = parse(select(("Id",), "Lead", f"Email IN {listed([text])} AND City = {literal(text)}"))
    assert isinstance(query.where, All)
    among, same = query.where.parts
    assert isinstance(among, Comparison)
    assert isinstance(same, Comparison)
    assert [unescape(str(token)) for token in among.right] == [text] == [unescape(str(same.right))]


def test_control_characters_are_refused() -> None:
    for char in "\0\n\r\t\x1b\x85\u2028\u2029\ud800":
        assert not matchable(f"a{char}b", 80)
        with pytest.raises(ValueError, match="control"):
            literal(f"a{char}b")


def test_an_empty_list_is_no_query() -> None:
    with pytest.raises(ValueError, match="empty"):
        listed([])


@given(st.lists(st.integers(1, 40), max_size=40))
def test_packed_keeps_all_in_order_within_the_room(costs: list[int]) -> None:
    groups = packed(range(len(costs)), costs, room=50)
    assert [item for group in groups for item in group] == list(range(len(costs)))
    assert all(sum(costs[item] for item in group) <= 50 for group in groups)


def test_a_domain_is_found_in_each_of_its_spellings() -> None:
    assert len(set(spellings("acme.example"))) == 12
    assert {domain_of(text.upper()) for text in spellings("acme.example")} == {"acme.example"}
    assert encoded(spellings("acme.example")) < 14_000 / 16


@pytest.mark.parametrize("value", [None, "", "soon", "-1", "9" * 400, "Mon, 99 Foo 2026"])
def test_retry_after_nonsense_is_no_wait(value: str | None) -> None:
    assert retry_after(value, None) == 0.0
