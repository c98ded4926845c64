"""Which moments a question is answered from."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidqa.pipeline.frames_by_query import at_rows, bolt, pick_moments, tass


def test_all_moments_are_taken_when_there_are_not_too_many() -> None:
    assert pick_moments([0.0, 5.0], [0.1, 0.2], 4) == [0, 1]


def test_likely_moments_are_picked_most_often_below_twenty_minutes() -> None:
    scores = np.zeros(100)
    scores[40:50] = 1.0
    assert bolt(scores, 5) == [40, 42, 44, 46, 48]


def test_even_scores_pick_evenly() -> None:
    assert bolt(np.ones(10), 5) == [0, 2, 4, 6, 8]


def test_picks_of_long_videos_keep_their_distance() -> None:
    times = np.arange(0.0, 3600.0, 8.0)
    scores = np.exp(-((times - 1800.0) ** 2) / 1e5)
    picks = times[tass(times, scores, 4)]
    assert np.diff(picks).min() >= 20.0
    assert 1800.0 in picks


@given(st.integers(2, 300), st.integers(1, 80), st.floats(0.5, 30.0), st.integers(0, 2**32 - 1))
def test_as_many_as_asked_come_out_in_order_and_once(
    total: int, count: int, step_s: float, seed: int
) -> None:
    scores = np.random.default_rng(seed).normal(size=total).tolist()
    picks = pick_moments([step_s * k for k in range(total)], scores, count)
    assert len(picks) == len(set(picks)) == min(total, count)
    assert picks == sorted(picks)


def test_a_row_between_two_windows_has_a_score_between_theirs() -> None:
    assert at_rows([0.0, 16.0, 24.0, 99.0], [16.0, 32.0], [0.0, 1.0]).tolist() == [0, 0, 0.5, 1]
