"""The moments of a contact sheet: some before, inside and after each span."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidqa.errors import PlanError
from vidqa.timeline import Span
from vidqa.video.sheet_times import choose_sheet_times

ENDS = st.tuples(st.floats(-5, 4000), st.floats(-5, 4000)).map(sorted)
SPANS = st.lists(ENDS.map(lambda ends: Span(*ends)), max_size=30)


def test_without_a_span_the_times_are_spread_over_the_whole_video() -> None:
    assert choose_sheet_times(12.0, [], 4) == [1.5, 4.5, 7.5, 10.5]


def test_one_span_is_shown_before_inside_and_after() -> None:
    assert choose_sheet_times(60.0, [Span(30.0, 36.0)], 6) == [25.5, 28.5, 31.5, 34.5, 37.5, 40.5]


def test_a_span_at_the_start_gives_its_share_of_before_to_the_inside() -> None:
    assert choose_sheet_times(60.0, [Span(0.0, 4.0)], 3) == [1.0, 3.0, 6.0]


def test_context_never_reaches_into_the_neighbouring_span() -> None:
    times = choose_sheet_times(100.0, [Span(10.0, 20.0), Span(21.0, 31.0)], 6)
    assert times == [5.0, 15.0, 20.5, 26.0, 36.0]


def test_touching_spans_are_one() -> None:
    one = choose_sheet_times(60.0, [Span(30.0, 36.0)], 6)
    assert choose_sheet_times(60.0, [Span(30.0, 33.0), Span(33.0, 36.0)], 6) == one


def test_more_spans_than_frames_are_thinned() -> None:
    spans = [Span(10.0 * k, 10.0 * k + 2) for k in range(6)]
    assert choose_sheet_times(60.0, spans, 3) == [1.0, 21.0, 41.0]


@pytest.mark.parametrize(("duration_s", "count"), [(0.0, 3), (-1.0, 3), (float("inf"), 3), (9, 0)])
def test_an_impossible_sheet_is_refused(duration_s: float, count: int) -> None:
    with pytest.raises(PlanError, match="no sheet"):
        choose_sheet_times(duration_s, [], count)


@given(duration_s=st.floats(0.01, 4000), spans=SPANS, count=st.integers(1, 24))
def test_times_are_sorted_different_few_enough_and_inside_the_video(
    duration_s: float, spans: list[Span], count: int
) -> None:
    times = choose_sheet_times(duration_s, spans, count)
    assert len(times) <= count
    assert times == sorted(set(times))
    assert all(0 <= t < duration_s for t in times)


@given(start_s=st.floats(0, 500), length_s=st.floats(0.01, 500), count=st.integers(1, 24))
def test_a_single_span_is_always_shown_inside(start_s: float, length_s: float, count: int) -> None:
    span = Span(start_s, start_s + length_s)
    assert any(span.contains(t) for t in choose_sheet_times(1000.0, [span], count))
