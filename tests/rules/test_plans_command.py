"""`allocator plans show`: the whole of a profile, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from allocator.entrypoints.cli import main
from rules.conversion import PLAN_REASONS, PROFILES


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def plans(*words: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["plans", *words])
    return int(ended.value.code or 0)


def test_all_profiles_are_shown_without_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert plans("show") == 0
    said = capsys.readouterr().out
    for profile in PROFILES.values():
        assert f"{profile.name} ({profile.crm})" in said
        assert f"{profile.states:,} states" in said
    assert "not proven" not in said
    assert [reason for reason in PLAN_REASONS if f"held: {reason}" not in said] == []


def test_one_profile_is_shown_with_where_each_plan_writes(capsys: pytest.CaptureFixture[str]) -> None:
    assert plans("show", "--profile", "contact-with-leads") == 0
    said = capsys.readouterr().out
    assert "contact plan: write to the Contact in _parentcontactid_value, and its Account" in said
    assert "lead-or-contact" not in said and "person_account" not in said


def test_the_object_holds_every_condition_and_the_proof(capsys: pytest.CaptureFixture[str]) -> None:
    assert plans("show", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [p["name"] for p in found["profiles"]] == list(PROFILES)
    assert set(found["reasons"]) == set(PLAN_REASONS)
    for shown in found["profiles"]:
        profile = PROFILES[shown["name"]]
        assert shown["flaws"] == [] and shown["states"] == profile.states
        assert [p["why"] for p in shown["plans"]] == [row.why for row in profile.rows]
        assert shown["plans"][0]["when"]["converted"] == ["no"]


def test_an_unknown_profile_is_a_usage_error_that_names_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert plans("show", "--profile", "dynamics") == 2
    assert "lead-or-contact or contact-with-leads" in capsys.readouterr().err
