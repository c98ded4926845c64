"""Scores of answers: overlap in time, recall, refusals, and the trivial answers beside them.

An answer is a set of spans; overlap (IoU) is that of the sets: time in both over time in either.
Intervals are 95 %, by resampling clips (questions about one clip stand or fall together).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vidqa_nano.wording import Times

_RESAMPLES = 1000
_STEPS = 20


@dataclass(frozen=True, slots=True)
class Answered:
    """One question: what is true, what was answered, in a clip of so many seconds."""

    clip: int
    duration_s: float
    query: str
    truth: Times
    answer: Times


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean with its 95 % interval and the number of questions behind it."""

    value: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] n={self.count}"


def overlap(truth: Times, answer: Times) -> float:
    """IoU of two sets of spans: 1 when both are empty, 0 when one is."""
    if not truth or not answer:
        return float(not truth and not answer)
    edges = np.unique([t for span in (*truth, *answer) for t in span])
    if len(edges) < 2:
        return 0.0
    middles, lengths = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    in_truth, in_answer = _inside(middles, truth), _inside(middles, answer)
    either = float((lengths * (in_truth | in_answer)).sum())
    return float((lengths * (in_truth & in_answer)).sum()) / either if either else 0.0


def _inside(times: NDArray[np.float64], spans: Times) -> NDArray[np.bool_]:
    inside = np.zeros(len(times), bool)
    for start, end in spans:
        inside |= (times >= start) & (times < end)
    return inside


def summary(answers: Sequence[Answered]) -> dict[str, Figure]:
    """Mean IoU, recall at 0.3, 0.5, 0.7 over events that happen; how often absence is seen."""
    happens = [a for a in answers if a.truth]
    absent = [a for a in answers if not a.truth]
    scores = [(a.clip, overlap(a.truth, a.answer)) for a in happens]
    figures = {"mIoU": mean_of(scores)}
    for least in (0.3, 0.5, 0.7):
        figures[f"R@{least}"] = mean_of([(clip, float(iou >= least)) for clip, iou in scores])
    figures["absent called absent"] = mean_of([(a.clip, float(not a.answer)) for a in absent])
    figures["present called absent"] = mean_of([(a.clip, float(not a.answer)) for a in happens])
    return figures


def mean_of(scores: Sequence[tuple[int, float]]) -> Figure:
    """Mean of (clip, score) pairs; NaN of nothing."""
    if not scores:
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    clips = sorted({clip for clip, _ in scores})
    place = {clip: i for i, clip in enumerate(clips)}
    sums, counts = np.zeros(len(clips)), np.zeros(len(clips))
    for clip, score in scores:
        sums[place[clip]] += score
        counts[place[clip]] += 1
    picks = np.random.default_rng(0).integers(len(clips), size=(_RESAMPLES, len(clips)))
    means = sums[picks].sum(1) / counts[picks].sum(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Figure(float(sums.sum() / counts.sum()), float(low), float(high), len(scores))


def matched(truth: Times, answer: Times, least: float = 0.5) -> int:
    """How many answered spans find a true one of their own, best overlaps first."""
    pairs = sorted(
        ((overlap([t], [a]), i, k) for i, t in enumerate(truth) for k, a in enumerate(answer)),
        reverse=True,
    )
    true_left, answers_left = set(range(len(truth))), set(range(len(answer)))
    for iou, i, k in pairs:
        if iou >= least and i in true_left and k in answers_left:
            true_left.remove(i)
            answers_left.remove(k)
    return len(truth) - len(true_left)


def span_f1(truth: Times, answer: Times) -> float:
    """F1 of one question's spans at IoU 0.5, matched one to one."""
    both = len(truth) + len(answer)
    return 2 * matched(truth, answer) / both if both else 1.0


def auroc(yes: NDArray[np.float64], no: NDArray[np.float64]) -> float:
    """How often a score of ``yes`` is above one of ``no``; a tie counts half."""
    above = (yes[:, None] > no).mean() + 0.5 * (yes[:, None] == no).mean()
    return float(above)


def false_alarms(yes: NDArray[np.float64], no: NDArray[np.float64], recall: float = 0.9) -> float:
    """Share of ``no`` at or above the score that keeps ``recall`` of ``yes``."""
    kept = np.sort(yes)[::-1][: max(1, int(np.ceil(recall * len(yes))))]
    return float((no >= kept[-1]).mean())


def resampled(
    clips: Sequence[int], statistic: Callable[[NDArray[np.int64]], float], times: int = 300
) -> Figure:
    """A statistic of rows, given by their places, with its interval by resampling clips."""
    if not clips:
        return Figure(float("nan"), float("nan"), float("nan"), 0)
    owner = np.asarray(clips)
    places = [np.flatnonzero(owner == clip) for clip in np.unique(owner)]
    rng = np.random.default_rng(0)
    values = [
        statistic(np.concatenate([places[i] for i in rng.integers(len(places), size=len(places))]))
        for _ in range(times)
    ]
    low, high = np.nanpercentile(values, (2.5, 97.5))
    return Figure(statistic(np.arange(len(owner))), float(low), float(high), len(owner))


def trivial(answers: Sequence[Answered]) -> dict[str, list[Answered]]:
    """The same questions answered without looking: whole video, best constant window, at random.

    The constant window is a share of the duration, chosen with the truth in hand: the best that an
    answer which ignores the video could score here.
    """
    best = max(_windows(), key=lambda share: _constant_score(answers, share))
    rng = np.random.default_rng(1)
    return {
        "whole video": [_replaced(a, (0.0, 1.0)) for a in answers],
        f"always {best[0]:.2f} to {best[1]:.2f} of it": [_replaced(a, best) for a in answers],
        "random window": [_replaced(a, _random_share(rng)) for a in answers],
    }


def _windows() -> list[tuple[float, float]]:
    grid = [i / _STEPS for i in range(_STEPS + 1)]
    return [(a, b) for a in grid for b in grid if b > a]


def _constant_score(answers: Sequence[Answered], share: tuple[float, float]) -> float:
    return sum(overlap(a.truth, _replaced(a, share).answer) for a in answers if a.truth)


def _random_share(rng: np.random.Generator) -> tuple[float, float]:
    start, end = sorted(rng.random(2))
    return float(start), float(end)


def _replaced(a: Answered, share: tuple[float, float]) -> Answered:
    span = (share[0] * a.duration_s, share[1] * a.duration_s)
    return Answered(a.clip, a.duration_s, a.query, a.truth, [span])
