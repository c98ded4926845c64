"""Where to look closely: windows named by a coarse answer, by vectors, by a scan."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vidqa.pipeline.candidates import (
    Candidate,
    batches_of,
    by_likeness,
    from_coarse,
    from_skim,
    in_turn,
)
from vidqa.pipeline.skim import windows_of
from vidqa.pipeline.windows import around
from vidqa.timeline import Span

HOUR = Span(0.0, 3600.0)
PLACES = [Span(16.0 * k, 16.0 * k + 32) for k in range(6)]


def test_windows_are_ranked_by_the_nearest_of_the_querys_vectors() -> None:
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    queries = np.array([[0, 1], [0.7, 0.7]], dtype=np.float32)
    assert by_likeness(vectors, queries) == [2, 1, 0]


def test_a_stretch_near_the_end_is_as_long_as_one_in_the_middle() -> None:
    assert around(Span(3599.0, 3600.0), 2.0, 64.0, HOUR) == Span(3536.0, 3600.0)
    assert around(Span(100.0, 104.0), 10.0, 8.0, HOUR) == Span(90.0, 114.0)


def test_a_coarse_answer_is_widened_by_a_row_of_the_skim() -> None:
    named = from_coarse([Span(100.0, 200.0)], 9.5, 64.0, HOUR)
    assert named == [Candidate(Span(90.5, 209.5), "coarse", promising=True)]


def test_windows_that_were_asked_come_by_their_odds_then_the_others_by_likeness() -> None:
    named = from_skim(PLACES, [5, 0, 2, 3], {2: 0.2, 0: 0.9}, 0.5)
    assert [(c.span.start_s, c.named_by, c.promising) for c in named] == [
        (0.0, "scan", True),
        (32.0, "vectors", False),
        (80.0, "vectors", False),
        (48.0, "vectors", False),
    ]


def test_one_place_named_twice_is_looked_at_once_and_the_models_own_come_first() -> None:
    coarse = [Candidate(Span(0, 32), "coarse", promising=True)]
    skim = [
        Candidate(Span(16, 48), "scan", promising=True),
        Candidate(Span(64, 96), "vectors", promising=False),
        Candidate(Span(200, 232), "scan", promising=True),
    ]
    assert [c.span.start_s for c in in_turn(coarse, skim)] == [0, 200, 64]


@given(st.lists(st.tuples(st.integers(1, 300), st.integers(1, 9000)), max_size=30))
def test_a_batch_never_exceeds_a_pass_unless_one_window_does(sizes: list[tuple[int, int]]) -> None:
    windows = [(k, frames, tokens) for k, (frames, tokens) in enumerate(sizes)]
    batches = list(batches_of(windows, frames=768, tokens=24_576))
    assert [k for batch in batches for k in batch] == list(range(len(sizes)))
    for batch in batches:
        frames, tokens = (sum(sizes[k][n] for k in batch) for n in (0, 1))
        assert len(batch) == 1 or (frames <= 768 and tokens <= 24_576)


@given(st.integers(2, 200), st.floats(0.5, 20.0), st.floats(8.0, 120.0))
def test_windows_of_a_skim_leave_no_row_out(rows: int, row_s: float, window_s: float) -> None:
    seconds = [k * row_s for k in range(rows)]
    windows = windows_of(seconds, Span(0.0, rows * row_s), window_s, 4)
    shown = {k for w in windows for k in range(w.first, w.last)}
    assert shown == set(range(rows))
    assert windows[-1].span.end_s == rows * row_s


def test_windows_overlap_by_half_and_the_last_ends_with_the_video() -> None:
    windows = windows_of([float(k) for k in range(0, 70, 2)], Span(0.0, 70.0), 32.0, 4)
    assert [(w.span.start_s, w.span.end_s) for w in windows] == [
        (0.0, 32.0),
        (16.0, 48.0),
        (32.0, 64.0),
        (38.0, 70.0),
    ]
