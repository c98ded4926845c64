"""Scores of sets of spans."""

from __future__ import annotations

import numpy as np
import pytest

from vidqa_nano.scores import (
    Answered,
    auroc,
    false_alarms,
    matched,
    overlap,
    resampled,
    span_f1,
    summary,
    trivial,
)


def answered(
    clip: int, truth: list[tuple[float, float]], answer: list[tuple[float, float]]
) -> Answered:
    return Answered(clip, 20.0, "it rains", truth, answer)


def test_overlap_is_time_in_both_over_time_in_either() -> None:
    assert overlap([(2.0, 6.0)], [(4.0, 8.0)]) == pytest.approx(2 / 6)
    assert overlap([(0.0, 1.0), (3.0, 4.0)], [(0.0, 4.0)]) == pytest.approx(0.5)
    assert overlap([(0.0, 1.0)], [(2.0, 3.0)]) == 0.0


def test_silence_is_right_only_when_nothing_happens() -> None:
    assert overlap([], []) == 1.0
    assert overlap([(0.0, 1.0)], []) == 0.0
    assert overlap([], [(0.0, 1.0)]) == 0.0


def test_the_summary_keeps_what_happens_apart_from_what_does_not() -> None:
    figures = summary(
        [
            answered(0, [(0.0, 4.0)], [(0.0, 4.0)]),
            answered(1, [(0.0, 4.0)], []),
            answered(2, [], []),
            answered(3, [], [(1.0, 2.0)]),
        ]
    )
    assert figures["mIoU"].value == 0.5
    assert figures["R@0.7"].value == 0.5
    assert figures["absent called absent"].value == 0.5
    assert figures["present called absent"].value == 0.5
    assert figures["mIoU"].low <= 0.5 <= figures["mIoU"].high


def test_trivial_answers_are_scored_beside() -> None:
    rows = trivial([answered(0, [(0.0, 10.0)], [(3.0, 4.0)])])
    scores = {name: summary(row)["mIoU"].value for name, row in rows.items()}
    assert scores["whole video"] == pytest.approx(0.5)
    assert scores["always 0.00 to 0.50 of it"] == pytest.approx(1.0)


def test_spans_are_matched_one_to_one_best_first() -> None:
    truth = [(0.0, 4.0), (10.0, 14.0)]
    assert matched(truth, [(0.0, 4.0), (0.5, 4.0)]) == 1
    assert span_f1(truth, [(0.0, 4.0), (0.5, 4.0)]) == 0.5
    assert span_f1(truth, [(10.0, 13.0), (0.0, 3.0)]) == 1.0
    assert span_f1(truth, []) == 0.0


def test_a_score_that_parts_all_has_an_area_of_one_and_no_false_alarms() -> None:
    yes, no = np.array([0.9, 0.8, 0.7]), np.array([0.2, 0.1])
    assert auroc(yes, no) == 1.0
    assert false_alarms(yes, no) == 0.0
    assert auroc(np.array([0.5]), np.array([0.5])) == 0.5
    assert false_alarms(np.array([0.9, 0.1]), np.array([0.2, 0.05]), recall=1.0) == 0.5


def test_an_interval_resamples_clips_not_questions() -> None:
    values = np.array([0.0, 0.0, 1.0, 1.0])
    figure = resampled([0, 0, 1, 1], lambda places: float(values[places].mean()))
    assert (figure.value, figure.low, figure.high, figure.count) == (0.5, 0.0, 1.0, 4)
