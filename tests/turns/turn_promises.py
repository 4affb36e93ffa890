"""Which promise each F of fairness.md is, and the mutated rotations that this very promise catches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import choice_rules as choices
import plan_rules as runs
import planners
import rotation_mutants as wrong
import turn_machines as machines
import turn_rules as turns
from rotations import Make
from turn_rules import Promise


class Kept(NamedTuple):
    """`f` names the definition, or what of sections 1 to 3 it is."""

    f: str
    promise: Promise
    mutants: tuple[Make, ...]


STEPS = (
    Kept(
        "F1",
        turns.a_constant_team_stays_even_after_every_lead,
        (wrong.ResetOnEdit, wrong.ResetAtEachRun, wrong.PointerOfTheSession, wrong.HashOfId),
    ),
    Kept(
        "F2",
        turns.any_k_people_of_a_closed_roster_stay_near,
        (wrong.PointerByIndex, wrong.HashOfId, wrong.CreditForTheAbsent),
    ),
    Kept(
        "F2",
        turns.an_adversary_cannot_push_any_k_people_beyond_the_bound,
        (wrong.PointerByIndex, wrong.LowestCount),
    ),
    Kept(
        "F2",
        turns.people_who_join_and_leave_stay_within_n_minus_1,
        (wrong.LowestCount, wrong.NewcomersFirst, wrong.HashOfId),
    ),
    Kept("F2", turns.books_stay_near_with_any_weights, (wrong.HashOfId, wrong.PointerByIndex)),
    Kept(
        "F3",
        turns.a_constant_team_with_weights_keeps_the_narrow_bound,
        (wrong.CompareBeforeEarning, wrong.UnweightedShares, wrong.PointerByIndex),
    ),
    Kept(
        "F4",
        turns.cutting_the_leads_into_runs_changes_no_owner,
        (wrong.LastTurnsOfThisRun, wrong.ResetAtEachRun, wrong.PointerOfTheSession),
    ),
    Kept(
        "F5",
        turns.the_order_of_rows_changes_nothing_and_names_little,
        (wrong.TiesByRow, wrong.HashOfId),
    ),
    Kept("F6", turns.only_who_can_take_a_lead_gets_it, (wrong.PointerOverEverybody,)),
    Kept(
        "F7",
        turns.who_is_away_is_owed_what_they_were_owed,
        (wrong.CreditForTheAbsent, wrong.ForgivesAtReturn, wrong.LowestCount),
    ),
    Kept(
        "F7",
        choices.missed_leads_are_made_good_up_to_the_cap,
        (wrong.NoPace, wrong.NoCap, wrong.IgnoresExpiry, wrong.IgnoresTheRate),
    ),
    Kept(
        "F8",
        turns.who_joins_gets_their_share_and_who_leaves_changes_nothing,
        (wrong.NewcomersFirst, wrong.LowestCount, wrong.ResetOnEdit, wrong.ForgetsLeavers),
    ),
    Kept("F9", choices.each_account_stays_near_with_delegates, (wrong.DelegatePaysWhileTheAbsenteeEarns,)),
    Kept(
        "F14",
        choices.stored_turns_are_all_that_a_ledger_is,
        (wrong.RestartCountsWhatWasGivenBack, wrong.ResetAtEachRun),
    ),
    Kept(
        "F15",
        choices.a_stored_turn_says_all_of_it,
        (wrong.HashOfId, wrong.PointerOfTheProcess, wrong.RecordsCreditsAfter, wrong.RecordsNoNeeds),
    ),
    Kept(
        "F22",
        choices.giving_back_in_any_order_restores_the_ledger,
        (
            wrong.RefundTwice,
            wrong.UndoWithoutTheLedger,
            wrong.UndoKeepsTheLastTurn,
            wrong.UndoKeepsVouchers,
            wrong.UndoKeepsTheStreak,
        ),
    ),
    Kept(
        "oracle",
        turns.owners_equal_those_of_a_ledger_in_fractions,
        (wrong.UnitOfAThousandMillion, wrong.Floats, wrong.CompareBeforeEarning),
    ),
    Kept(
        "oracle",
        choices.every_choice_equals_a_ledger_in_fractions,
        (
            wrong.DelegatePaysWhileTheAbsenteeEarns,
            wrong.TakerDoesNotEarn,
            wrong.CatchUpPaysCredit,
            wrong.NoPace,
            wrong.NoCap,
            wrong.IgnoresExpiry,
            wrong.NoLimit,
            wrong.UndoKeepsVouchers,
        ),
    ),
    Kept("books", turns.books_balance_to_the_unit, (wrong.RemainderById, wrong.RemainderLost)),
    Kept(
        "ties",
        turns.the_longest_wait_in_any_lane_wins_ties,
        (wrong.TiesByName, wrong.LastTurnPerLane, wrong.NoTeamCredit),
    ),
    Kept("charge", choices.a_lead_by_hand_is_charged_to_its_taker, (wrong.TakerDoesNotEarn,)),
    Kept("limit", choices.the_limit_holds, (wrong.NoLimit,)),
    Kept("limit", choices.totals_stop_at_the_limit, (wrong.NoLimit,)),
)
COUNTED_IN_UNITS = {turns.books_balance_to_the_unit, choices.a_stored_turn_says_all_of_it}
"""What only a ledger in whole units can keep."""

MACHINES: tuple[tuple[tuple[str, ...], type[machines.Undoing], tuple[Make, ...]], ...] = (
    (
        ("F2", "F7", "F8", "F14", "F22"),
        machines.AnyTeam,
        (
            wrong.HashOfId,
            wrong.CreditForTheAbsent,
            wrong.ResetOnEdit,
            wrong.ForgetsLeavers,
            wrong.ResetAtEachRun,
            wrong.RefundTwice,
            wrong.UndoWithoutTheLedger,
            wrong.UndoKeepsTheLastTurn,
        ),
    ),
    (
        ("F6", "F7", "F9", "F14", "F15", "F22"),
        machines.AnyChoice,
        (
            wrong.PointerOverEverybody,
            wrong.TakerDoesNotEarn,
            wrong.DelegatePaysWhileTheAbsenteeEarns,
            wrong.CatchUpPaysCredit,
            wrong.RestartCountsWhatWasGivenBack,
            wrong.RecordsNoNeeds,
            wrong.UndoKeepsVouchers,
        ),
    ),
)

RUNS: tuple[tuple[str, runs.RunPromise, tuple[planners.MakePlanner, ...]], ...] = (
    (
        "F6",
        runs.only_who_is_present_and_skilled_gets_a_lead,
        (planners.absences_unread, planners.nobody_means_everybody),
    ),
    (
        "F10",
        runs.an_owned_lead_is_never_rotated,
        (planners.owned_leads_are_rotated, planners.overrides_are_rotated),
    ),
    ("F11", runs.nobody_gets_a_lead_twice_running_while_another_can, (planners.nobody_stands_back,)),
    (
        "F12",
        runs.caps_hold_when_a_lead_is_decided,
        (planners.caps_after_the_fact, planners.overrides_are_not_counted),
    ),
    (
        "F15",
        runs.equal_inputs_give_equal_bytes,
        (planners.a_plan_that_remembers_who_was_asked,),
    ),
    ("F16", runs.a_dry_run_predicts_and_writes_nothing, (planners.a_dry_run_that_writes,)),
    (
        "F17",
        runs.held_leads_go_first_the_oldest_first,
        (planners.held_leads_last, planners.newest_first, planners.holds_without_a_reason),
    ),
)
ONE_LEDGER = ("F13", runs.rules_that_feed_one_team_share_its_ledger, (planners.a_ledger_for_each_rule,))

CLASSIC: dict[str, Callable[..., Any]] = {
    "pointer by index": wrong.PointerByIndex,
    "hash of id": wrong.HashOfId,
    "reset on edit": wrong.ResetOnEdit,
    "credit for the absent": wrong.CreditForTheAbsent,
    "ties by name": wrong.TiesByName,
    "float": wrong.Floats,
    "refund twice": wrong.RefundTwice,
    "cap after the fact": planners.caps_after_the_fact,
    "undo without the ledger": wrong.UndoWithoutTheLedger,
    "unit 10^9": wrong.UnitOfAThousandMillion,
    "remainder by id": wrong.RemainderById,
    "compare before earning": wrong.CompareBeforeEarning,
    "last turn per lane": wrong.LastTurnPerLane,
    "delegate pays while the absentee earns": wrong.DelegatePaysWhileTheAbsenteeEarns,
    "totals without a limit": wrong.NoLimit,
}
"""The fifteen that must be among them."""


def paired() -> list[tuple[str, Callable[..., Any]]]:
    """Each F with each mutant that a promise of its own catches."""
    every = (*STEPS, *RUNS, ONE_LEDGER)
    return [(f, mutant) for f, _, mutants in every for mutant in mutants]
