"""Clips that were found, made one hit where they lie beside each other in time. Pure.

Two rankings are fused by reciprocal rank (Cormack, Clarke and Buettcher, SIGIR 2009): a clip gets
``1 / (60 + rank)`` from each ranking it is in, that of likeness and that of words. Then the best
clip takes in the neighbours that are nearly as like, and keeps away those that overlap it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from vidqa.archive.records import Clip
from vidqa.hits import FoundBy
from vidqa.pipeline.candidates import shared
from vidqa.timeline import Span

RANK_OFFSET = 60
"""How slowly the weight of a rank falls; the usual constant."""
NEARLY = 0.05
"""Cosine by which a neighbour may be less like the query than the best clip, and still belong."""
LONGEST_S = 32.0
"""A hit is no longer than what one close look shows; a scene that goes on makes several."""
OVERLAP = 0.3
"""Share of the shorter of two stretches of one video from which on the worse one is no hit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """A clip that was found."""

    clip: Clip
    likeness: float
    """Cosine to the query."""
    weight: float
    """Of both rankings together."""
    found_by: tuple[FoundBy, ...]
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A stretch of one video: clips beside each other, the best one first."""

    span: Span
    clips: tuple[Scored, ...]

    @property
    def best(self) -> Scored:
        """The clip with the most weight."""
        return self.clips[0]

    @property
    def video_id(self) -> int:
        """Whose it is."""
        return self.best.clip.video_id

    @property
    def found_by(self) -> tuple[FoundBy, ...]:
        """What found any of its clips."""
        return tuple(dict.fromkeys(by for each in self.clips for by in each.found_by))

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines of its clips, each once."""
        return tuple(dict.fromkeys(line for each in self.clips for line in each.lines))


def fuse(*rankings: Sequence[int]) -> dict[int, float]:
    """The weight of every id that is in any of the rankings, each of which has the best first."""
    weights: dict[int, float] = {}
    for ranking in rankings:
        for rank, each in enumerate(dict.fromkeys(ranking), start=1):
            weights[each] = weights.get(each, 0.0) + 1.0 / (RANK_OFFSET + rank)
    return weights


def merge_neighbours(found: Iterable[Scored]) -> list[Moment]:
    """Moments by falling weight of their best clip, whatever the order of ``found``.

    Within a video no two share more than :data:`OVERLAP` of the shorter.
    """
    ordered = sorted(found, key=_order)
    by_video: dict[int, list[Scored]] = {}
    for each in ordered:
        by_video.setdefault(each.clip.video_id, []).append(each)
    moments = [moment for clips in by_video.values() for moment in _of_video(clips)]
    return sorted(moments, key=lambda moment: _order(moment.best))


def _of_video(ordered: Sequence[Scored]) -> list[Moment]:
    moments: list[Moment] = []
    free = dict.fromkeys(range(len(ordered)))
    while free:
        peak = next(iter(free))
        if any(shared(ordered[peak].clip.span, m.span) > OVERLAP for m in moments):
            del free[peak]
            continue
        members = _grown(peak, ordered, free, moments)
        spans = [ordered[k].clip.span for k in members]
        hull = Span(min(s.start_s for s in spans), max(s.end_s for s in spans))
        moments.append(Moment(span=hull, clips=tuple(ordered[k] for k in sorted(members))))
        for k in members:
            del free[k]
    return moments


def _grown(
    peak: int, ordered: Sequence[Scored], free: Mapping[int, None], moments: Sequence[Moment]
) -> list[int]:
    """The peak and, the best first, neighbours that touch what is there already."""
    members, span = [peak], ordered[peak].clip.span
    least = ordered[peak].likeness - NEARLY
    left = [k for k in free if k != peak and ordered[k].likeness >= least]
    while True:
        grown = next((k for k in left if _fits(ordered[k].clip.span, span, moments)), None)
        if grown is None:
            return members
        left.remove(grown)
        members.append(grown)
        other = ordered[grown].clip.span
        span = Span(min(span.start_s, other.start_s), max(span.end_s, other.end_s))


def _fits(other: Span, span: Span, moments: Sequence[Moment]) -> bool:
    hull = Span(min(span.start_s, other.start_s), max(span.end_s, other.end_s))
    touches = other.start_s <= span.end_s and span.start_s <= other.end_s
    return (
        touches
        and hull.length_s <= LONGEST_S
        and not any(shared(hull, m.span) > OVERLAP for m in moments)
    )


def _order(each: Scored) -> tuple[float, float, int]:
    return -each.weight, -each.likeness, each.clip.id
