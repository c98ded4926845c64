"""What a search of an archive found, and what an archive answers: frozen values, one JSON shape.

Made of :mod:`vidqa.hits`; times and scores are as there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from vidqa.hits import Hit, QueryKind
from vidqa.provenance import EndedEarly, JsonDict
from vidqa.results import Outcome
from vidqa.timeline import format_timecode


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much of the archive there was, and how much of it was considered."""

    videos: int
    """That match the filter."""
    clips: int
    """Of those, what a search can find."""
    ranked: int
    """Clips that were ranked: the nearest ones, and those with the words."""
    looked_at: int = 0
    """Stretches whose frames were looked at."""
    looked_at_videos: int = 0

    def to_dict(self) -> JsonDict:
        """The ``considered`` part of a result."""
        return {
            "videos": self.videos,
            "clips": self.clips,
            "ranked_clips": self.ranked,
            "looked_at": self.looked_at,
            "looked_at_videos": self.looked_at_videos,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResult:
    """Hits, the best first; ``not_found`` has none, or only such as a closer look denied."""

    outcome: Outcome
    kind: QueryKind
    query: str
    """The words, the picture's path, or the clip in words."""
    hits: tuple[Hit, ...]
    total: int
    """Hits on all pages, of what was ranked."""
    scope: Scope
    model: str
    """Of the vectors that were searched."""
    next_page: str | None = None
    """Token of the next page, where there is one."""
    timings: Mapping[str, float] = field(default_factory=dict)
    ended_early: EndedEarly | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> JsonDict:
        """The result as plain JSON values."""
        return {
            "outcome": self.outcome,
            "query": self.query,
            "query_kind": self.kind,
            "hits": [hit.to_dict() for hit in self.hits],
            "total": self.total,
            "next_page_token": self.next_page,
            "considered": self.scope.to_dict(),
            "model": self.model,
            "timings": {name: round(value_s, 3) for name, value_s in self.timings.items()},
            "ended_early": self.ended_early,
            "notes": list(self.notes),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """A stretch of video that was asked, what it answered, and whether that held."""

    hit: Hit
    """With the verdict on the answer, and the segments that prove it."""
    answer: str
    """What this stretch alone answers; empty where nothing could be read."""

    @property
    def confirmed(self) -> bool:
        """Whether a look at the frames confirmed the answer."""
        return self.hit.verdict is not None and self.hit.verdict.decision == "confirmed"

    def to_dict(self) -> JsonDict:
        """One entry of ``citations`` or ``others``."""
        told = self.hit.to_dict()
        spans = self.hit.spans
        return {
            **told,
            "start": _ms(spans[0].start_s),
            "end": _ms(spans[0].end_s),
            "start_tc": format_timecode(spans[0].start_s),
            "end_tc": format_timecode(spans[0].end_s),
            "answer": self.answer,
            "confirmed": self.confirmed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveAnswer:
    """One answer from many videos; ``not_found``: nothing that was looked at answers it."""

    outcome: Outcome
    question: str
    answer: str
    citations: tuple[Citation, ...]
    """What the answer rests on, confirmed every one; the surest first."""
    others: tuple[Citation, ...]
    """What else was asked: answers that differ, that no look confirmed, or that nobody could
    check."""
    count: int | None
    """Occurrences that were verified, where the question asks how often; None where it does not.
    """
    at_least: bool
    """Whether there may be more: not everything that could be considered was."""
    scope: Scope
    model: str
    timings: Mapping[str, float] = field(default_factory=dict)
    ended_early: EndedEarly | None = None
    notes: tuple[str, ...] = ()

    def to_dict(self) -> JsonDict:
        """The answer as plain JSON values."""
        return {
            "outcome": self.outcome,
            "question": self.question,
            "answer": self.answer,
            "count": self.count,
            "at_least": self.at_least,
            "citations": [each.to_dict() for each in self.citations],
            "others": [each.to_dict() for each in self.others],
            "considered": self.scope.to_dict(),
            "model": self.model,
            "timings": {name: round(value_s, 3) for name, value_s in self.timings.items()},
            "ended_early": self.ended_early,
            "notes": list(self.notes),
        }


def _ms(seconds: float) -> float:
    return round(seconds, 3)
