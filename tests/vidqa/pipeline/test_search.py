"""Searching a video longer than one pass is trusted with, by an engine that sees the truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.seeing_engine import REACH, seeing
from vidqa.effort import Effort, Halt
from vidqa.pipeline.ground import ground, ground_many
from vidqa.results import GroundResult
from vidqa.timeline import Span


def stages(result: GroundResult) -> list[str]:
    return [each.stage for each in result.provenance.passes]


def near(result: GroundResult, *true: Span) -> bool:
    """Whether these are the spans, to the tenth of a second that one frame of the clip lasts."""
    pairs = zip(sorted(result.spans), true, strict=True)
    off = [max(abs(a.start_s - b.start_s), abs(a.end_s - b.end_s)) for a, b in pairs]
    return max(off) <= 0.1 + 1e-9


def test_an_event_is_found_by_skim_scan_zoom_and_a_vote_half_a_row_beside(clip: Path) -> None:
    ctx, _ = seeing((5.2, 5.9))
    result = ground(clip, "light turns on", ctx)
    assert result.outcome == "found"
    assert near(result, Span(5.2, 5.9))
    assert stages(result) == ["skim", "scan", "zoom", "vote"]
    zoomed, voted = result.provenance.passes[2:]
    shift_s = (voted.span.start_s - zoomed.span.start_s) % 1.0
    assert shift_s == pytest.approx(0.5)


def test_what_is_short_enough_is_still_one_pass(clip: Path) -> None:
    ctx, _ = seeing((1.0, 2.0))
    assert stages(ground(clip, "q", ctx, end_s=3.0)) == ["ground"]


def test_an_event_that_never_happens_is_a_no_and_says_what_was_considered(clip: Path) -> None:
    ctx, _ = seeing()
    result = ground(clip, "q", ctx)
    assert (result.outcome, result.segments) == ("not_found", ())
    assert [each.confirmed for each in result.considered] == [False, False]
    assert result.provenance.coverage.fraction == 1.0


def test_several_occurrences_are_all_given(clip: Path) -> None:
    ctx, _ = seeing((0.6, 1.2), (6.4, 7.1))
    result = ground(clip, "q", ctx, effort=Effort(passes=12))
    assert near(result, Span(0.6, 1.2), Span(6.4, 7.1))


def test_an_event_across_two_windows_comes_out_whole(clip: Path) -> None:
    ctx, _ = seeing((2.8, 3.4))
    result = ground(clip, "q", ctx, effort=Effort(passes=20))
    assert near(result, Span(2.8, 3.4))


def test_all_questions_share_one_skim_and_the_looks(clip: Path) -> None:
    ctx, engine = seeing((5.2, 5.9))
    ground(clip, "a", ctx)
    alone = engine.looks
    ctx, engine = seeing((5.2, 5.9))
    results = ground_many(clip, ["a", "b", "c"], ctx)
    assert all(near(result, Span(5.2, 5.9)) for result in results)
    assert engine.looks == alone
    assert engine.vectors == [3]


def test_no_pass_holds_more_than_its_budget(clip: Path) -> None:
    ctx, engine = seeing((5.2, 5.9), frames=6)
    ground(clip, "q", ctx)
    assert max(len(frames) for frames in engine.frames_seen) <= 6


def test_coverage_says_what_was_looked_at_and_at_which_rate(clip: Path) -> None:
    slow = replace(REACH, skim_fps=1.0)
    ctx, _ = seeing((5.2, 5.9), reach=slow)
    told = ground(clip, "q", ctx).to_dict()["coverage"]
    assert isinstance(told, dict)
    rates = {each["fps"]: (each["start"], each["end"]) for each in told["looked"]}
    assert rates[1.0] == (0.0, 8.0)
    assert set(rates) == {1.0, 2.0}


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_budget_of_passes_is_kept_and_told(clip: Path, most: int) -> None:
    ctx, _ = seeing((0.6, 1.2), (3.1, 3.6), (6.4, 7.1))
    result = ground(clip, "q", ctx, effort=Effort(passes=most))
    spent = sum(p.count for p in result.provenance.passes if p.stage != "skim")
    assert spent <= most
    assert result.provenance.ended_early == "passes"
    assert any(each.confirmed is None for each in result.considered)


def test_the_pass_kept_for_a_vote_is_used_for_one(clip: Path) -> None:
    ctx, _ = seeing((0.6, 1.2), (3.1, 3.6), (6.4, 7.1))
    result = ground(clip, "q", ctx, effort=Effort(passes=3))
    assert stages(result) == ["skim", "scan", "zoom", "vote"]
    assert (result.outcome, result.provenance.ended_early) == ("found", "passes")


@pytest.mark.parametrize("thorough", [False, True])
def test_a_strict_search_holds_every_reply_about_times_to_the_format(
    clip: Path, thorough: bool
) -> None:
    reach = replace(REACH, whole=True, skim_fps=None)
    ctx, engine = seeing((5.2, 5.9), reach=reach)
    result = ground(clip, "q", ctx, strict=True, effort=Effort(thorough=thorough))
    assert near(result, Span(5.2, 5.9))
    assert ("coarse" in stages(result)) is not thorough
    assert len(engine.held_to) >= 3 - thorough
    assert None not in engine.held_to


def test_a_coarse_precision_is_cheaper_and_is_stated(clip: Path) -> None:
    ctx, _ = seeing((4.0, 6.0), reach=REACH)
    result = ground(clip, "q", ctx, effort=Effort(precision_s=2.0))
    zoomed = [each for each in result.provenance.passes if each.stage == "zoom"]
    assert zoomed[0].fps == 1.0
    assert result.segments[0].precision_s == 2.0


def test_the_thorough_way_looks_at_everything_at_the_full_rate(clip: Path) -> None:
    ctx, _ = seeing((5.2, 5.9))
    result = ground(clip, "q", ctx, effort=Effort(thorough=True))
    assert near(result, Span(5.2, 5.9))
    windows = result.provenance.passes[0]
    assert (windows.stage, windows.count, windows.fps) == ("window", 3, 2.0)
    assert (windows.span.start_s, windows.span.end_s) == pytest.approx((0.0, 8.0))


def test_a_deadline_gives_what_is_known_and_marks_it(clip: Path) -> None:
    ctx, _ = seeing((5.2, 5.9))
    result = ground(clip, "q", ctx, effort=Effort(deadline_s=1e-9))
    told = result.provenance
    assert (result.outcome, told.ended_early) == ("uncertain", "deadline")
    assert "time was up" in told.notes[-1]


@pytest.mark.parametrize(("looks", "outcome"), [(1, "uncertain"), (2, "uncertain"), (3, "found")])
def test_an_interrupted_search_keeps_what_it_found(clip: Path, looks: int, outcome: str) -> None:
    ctx, engine = seeing((0.6, 1.2), (6.4, 7.1))  # look 1 is the skim, look 2 the first close one
    halt = Halt()
    engine.on_look = lambda done: setattr(halt, "asked", done >= looks)
    result = ground(clip, "q", ctx, effort=Effort(halt=halt))
    assert halt.heeded
    assert (result.outcome, result.provenance.ended_early) == (outcome, "interrupted")
    assert "interrupted" in result.provenance.notes[-1]


def test_a_yes_that_names_no_time_is_uncertain(clip: Path) -> None:
    ctx, engine = seeing((5.2, 5.9))
    engine._said = lambda *_: "It happens, surely."  # type: ignore[method-assign]
    assert ground(clip, "q", ctx).outcome == "uncertain"


def test_a_skim_as_one_prompt_names_candidates_too(clip: Path) -> None:
    whole = replace(REACH, whole=True, skim_fps=None)
    ctx, _ = seeing((5.2, 5.9), reach=whole)
    result = ground(clip, "q", ctx)
    assert stages(result)[:3] == ["skim", "coarse", "scan"]
    assert result.considered[0].named_by == "coarse"
    assert near(result, Span(5.2, 5.9))


def test_a_coarse_window_is_narrowed_until_its_rows_are_fine(clip: Path) -> None:
    sparse = replace(REACH, whole=True, skim_fps=None)
    ctx, _ = seeing((4.2, 4.8), reach=sparse, frames=8)
    result = ground(clip, "q", ctx, effort=Effort(passes=9))
    rates = [each.fps for each in result.provenance.passes if each.stage == "zoom"]
    assert rates == [1.0, 2.0]
    assert near(result, Span(4.2, 4.8))


def test_the_second_question_is_told_from_the_first(clip: Path) -> None:
    ctx, _ = seeing((5.2, 5.9))
    first, second = ground_many(clip, ["one", "two"], ctx)
    assert (first.query, second.query) == ("one", "two")
    assert stages(first) == stages(second)


def test_a_coarse_answer_is_told_even_when_no_pass_is_left_to_check_it(clip: Path) -> None:
    ctx, _ = seeing((5.2, 5.9), reach=replace(REACH, whole=True, skim_fps=None))
    result = ground(clip, "q", ctx, effort=Effort(passes=1))
    assert (result.outcome, result.provenance.ended_early) == ("uncertain", "passes")
    assert [(c.named_by, c.confirmed) for c in result.considered] == [("coarse", None)]


@pytest.mark.parametrize(("knows", "noted"), [(True, False), (False, True), (None, False)])
@pytest.mark.parametrize("thorough", [False, True])
def test_footage_of_another_kind_is_told_of_long_videos_too(
    clip: Path, knows: bool | None, noted: bool, thorough: bool
) -> None:
    ctx, engine = seeing((5.2, 5.9))
    engine.knows = knows
    told = ground(clip, "q", ctx, effort=Effort(thorough=thorough)).provenance
    assert told.familiar is knows
    assert any("does not look like" in note for note in told.notes) is noted
