"""What all the timed formats share: spans in time order, each with its words on one line."""

from __future__ import annotations

from dataclasses import dataclass

from vidqa.results import GroundResult, Result, Segment


@dataclass(frozen=True, slots=True)
class Cue:
    """One stretch of time and what happens in it; at least a millisecond long."""

    start_ms: int
    end_ms: int
    text: str


def segments_of(result: Result) -> list[Segment]:
    """The spans a result rests on, in time order."""
    return sorted(result.segments, key=lambda segment: segment.span)


def words_of(result: Result) -> str:
    """What the spans show: the query, or the answer they were cited for. One line, no controls."""
    words = result.query if isinstance(result, GroundResult) else result.answer
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def cues_of(result: Result) -> list[Cue]:
    """A cue for every span."""
    words = words_of(result)
    cues = []
    for segment in segments_of(result):
        start_ms, end_ms = (round(1000 * t) for t in (segment.span.start_s, segment.span.end_s))
        cues.append(Cue(start_ms, max(end_ms, start_ms + 1), words))
    return cues
