"""Where in a long video to look closely: windows named by three sources, the best first. Pure.

The sources are the model's answer to the skim as a whole (``coarse``), the likeness of a window's
vector to the query's (``vectors``), and a yes or no about windows of the skim (``scan``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from vidqa.pipeline.windows import around
from vidqa.timeline import Span

COARSE_MOST = 3
"""Spans of a coarse answer that become candidates."""
OTHERS_MOST = 16
"""Windows that are candidates although nobody was asked about them."""
_SAME = 0.3
"""Overlap over the shorter of two candidates from which on they are one place to look."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A stretch of the video to be looked at closely."""

    span: Span
    named_by: str
    promising: bool
    """The model itself named it, or said yes to it; others are only like the query."""


def by_likeness(vectors_WD: NDArray[np.float32], query_QD: NDArray[np.float32]) -> list[int]:
    """Windows by the cosine of their vectors to the nearest of the query's, the best first."""
    if not len(vectors_WD):
        return []
    cosines_W = (vectors_WD @ query_QD.T).max(axis=1)
    return [int(k) for k in np.argsort(-cosines_W, kind="stable")]


def from_coarse(
    spans: Sequence[Span], row_s: float, least_s: float, within: Span
) -> list[Candidate]:
    """Spans of a coarse answer, each wider by a row of the skim on both sides."""
    wide = [around(span, row_s, least_s, within) for span in spans[:COARSE_MOST]]
    return [Candidate(span, "coarse", promising=True) for span in wide]


def from_skim(
    places: Sequence[Span], ranking: Sequence[int], odds: Mapping[int, float], yes_from: float
) -> list[Candidate]:
    """Windows by the odds of a yes where they were asked, then by likeness; ``places`` says where
    to look closely at each."""
    asked = sorted(odds, key=lambda k: -odds[k])
    named = [
        Candidate(places[k], "scan" if yes else "vectors", promising=yes)
        for k in asked
        for yes in (odds[k] >= yes_from,)
    ]
    others = [k for k in ranking if k not in odds][:OTHERS_MOST]
    rest = [Candidate(places[k], "vectors", promising=False) for k in others]
    return named + rest


def in_turn(*lists: Sequence[Candidate]) -> list[Candidate]:
    """One of each source in turn; a place that is named twice counts once, by its better place.

    Promising ones come before all others.
    """
    drawn = [each for some in zip_longest(*lists) for each in some if each is not None]
    drawn.sort(key=lambda each: not each.promising)
    kept: list[Candidate] = []
    for each in drawn:
        if not any(shared(each.span, other.span) > _SAME for other in kept):
            kept.append(each)
    return kept


def shared(a: Span, b: Span) -> float:
    """Length in common over the length of the shorter, 0 to 1."""
    both_s = min(a.end_s, b.end_s) - max(a.start_s, b.start_s)
    return max(0.0, both_s) / max(min(a.length_s, b.length_s), 1e-9)


def batches_of(
    windows: Iterable[tuple[int, int, int]], *, frames: int, tokens: int
) -> Iterator[list[int]]:
    """``(number, frames, tokens)`` of windows in order, as many together as one pass may hold."""
    some: list[int] = []
    held = [0, 0]
    for number, of_frames, of_tokens in windows:
        if some and (held[0] + of_frames > frames or held[1] + of_tokens > tokens):
            yield some
            some, held = [], [0, 0]
        some.append(number)
        held = [held[0] + of_frames, held[1] + of_tokens]
    if some:
        yield some
