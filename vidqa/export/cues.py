"""What all the timed formats share: spans in time order, each with its words on one line."""

from __future__ import annotations

from dataclasses import dataclass

from vidqa.results import DescribeResult, GroundResult, Result, Segment


@dataclass(frozen=True, slots=True)
class Cue:
    """One stretch of time and what happens in it; at least a millisecond long."""

    start_ms: int
    end_ms: int
    text: str


def segments_of(result: Result) -> list[Segment]:
    """The spans a result rests on, in time order."""
    return sorted(result.segments, key=lambda segment: segment.span)


def told_of(result: Result) -> list[tuple[Segment, str]]:
    """Every span in time order with what it shows: the query, the answer that it was cited for, or
    the chapter's own words. On one line, without controls."""
    if isinstance(result, DescribeResult):
        pairs = zip(result.segments, (one_line(c.text) for c in result.chapters), strict=True)
        return sorted(pairs, key=lambda pair: pair[0].span)
    words = title_of(result)
    return [(segment, words) for segment in segments_of(result)]


def title_of(result: Result) -> str:
    """What the whole result is about: the query, the answer, or that it tells what happens."""
    if isinstance(result, DescribeResult):
        return result.asked
    return one_line(result.query if isinstance(result, GroundResult) else result.answer)


def one_line(words: str) -> str:
    """The words without line ends and what a player would obey."""
    return " ".join("".join(c if c.isprintable() else " " for c in words).split())


def cues_of(result: Result) -> list[Cue]:
    """A cue for every span."""
    cues = []
    for segment, words in told_of(result):
        start_ms, end_ms = (round(1000 * t) for t in (segment.span.start_s, segment.span.end_s))
        cues.append(Cue(start_ms, max(end_ms, start_ms + 1), words))
    return cues
