"""Which moments of a long video a question is answered from: scores in, picks out. Pure.

Below :data:`LONG_S` by inverting the cumulated scores (BOLT, arXiv 2503.21483), above by greedy
picks that keep their distance (TASS of DATE, arXiv 2509.09263): with hours to choose from, scores
bunch, and what is far from the best moment must be seen as well.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LONG_S = 20 * 60.0
_SHARPNESS = 3.0
"""Power of the normalised scores before they are cumulated."""
_SPARE = 4
"""Times as many moments are considered as are picked."""
_FIRST_GAP_S, _LEAST_GAP_S = 20.0, 0.25
Floats = NDArray[np.float64]


def pick_moments(seconds: Sequence[float], scores: Sequence[float], count: int) -> list[int]:
    """``count`` of the moments, or all there are, as ascending numbers into ``seconds``.

    ``seconds`` ascend; scores are likenesses of any scale.
    """
    if len(seconds) <= count:
        return list(range(len(seconds)))
    times_N, scores_N = np.asarray(seconds, float), np.asarray(scores, float)
    length_s = float(times_N[-1] - times_N[0])
    picks = bolt(scores_N, count) if length_s < LONG_S else tass(times_N, scores_N, count)
    return sorted(picks)


def bolt(scores_N: Floats, count: int) -> list[int]:
    """Moments at even steps of the cumulated score: often where it is high, seldom where low.

    A moment that several steps fall on counts once; the best of the others fill up.
    """
    low, high = scores_N.min(), scores_N.max()
    even = np.ones_like(scores_N)
    weight_N = ((scores_N - low) / (high - low)) ** _SHARPNESS if high > low else even
    share_N = np.cumsum(weight_N) / weight_N.sum()
    steps = (np.arange(count) + 0.5) / count
    picks = set(np.searchsorted(share_N, steps).tolist())
    for k in np.argsort(-scores_N, kind="stable").tolist():
        if len(picks) >= count:
            break
        picks.add(k)
    return sorted(picks)


def tass(times_N: Floats, scores_N: Floats, count: int) -> list[int]:
    """The best moments above the mean that keep a distance, which halves until there are enough."""
    best = np.argsort(-scores_N, kind="stable")
    above = min(int((scores_N >= scores_N.mean()).sum()), _SPARE * count)
    picks: list[int] = []
    for pool in (best[:above].tolist(), best[above:].tolist()):
        gap_s = _FIRST_GAP_S
        while len(picks) < count and gap_s >= _LEAST_GAP_S:
            for k in pool:
                near = any(abs(times_N[k] - times_N[p]) < gap_s for p in picks)
                if len(picks) < count and not near:
                    picks.append(k)
            gap_s /= 2
    return sorted(picks)


def at_rows(
    row_seconds: Sequence[float], window_middles: Sequence[float], scores_W: Sequence[float]
) -> Floats:
    """A score for every row, from those of overlapping windows: straight lines between middles."""
    found: Floats = np.interp(row_seconds, window_middles, scores_W)
    return found
