"""A hit of a search: a stretch of a video, how it was found, what a look at it said. Frozen values.

Times are seconds on the timeline of the hit's own video, spans half-open. A ``score`` is a cosine,
-1 to 1: an ordering within one model, and no probability. A ``probability`` is the model's own of a
yes, among yes and no, and not calibrated.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Literal

from vidqa.provenance import JsonDict
from vidqa.results import Outcome, Segment
from vidqa.timeline import Span, format_timecode

FoundBy = Literal["vector", "text"]
"""Likeness of a clip's vector, or words of a line of subtitles."""
QueryKind = Literal["text", "image", "clip"]
Decision = Literal["confirmed", "denied", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoRef:
    """A video of the archive, and where it lies."""

    id: int
    digest: str
    """``sha256:...`` of its bytes."""
    archive: str
    paths: tuple[str, ...]
    """Every place, those that are there first."""
    there: bool
    """Whether the first of them is there now; remote ones are taken to be."""
    duration_s: float | None
    size: tuple[int, int] | None
    """Width and height in pixels, as displayed."""
    variable_rate: bool
    start_time_s: float
    recorded_at: datetime | None
    recorded_from: str
    tags: tuple[str, ...]

    @property
    def path(self) -> str:
        """The best place; the digest where none is known."""
        return self.paths[0] if self.paths else self.digest

    @property
    def name(self) -> str:
        """The file's name."""
        return PurePath(self.path).name or self.path

    def to_dict(self) -> JsonDict:
        """The ``video`` part of a hit."""
        recorded = None if self.recorded_at is None else self.recorded_at.isoformat()
        return {
            "id": self.digest,
            "archive": self.archive,
            "path": self.path,
            "paths": list(self.paths),
            "there": self.there,
            "duration": None if self.duration_s is None else _ms(self.duration_s),
            "recorded_at": recorded,
            "recorded_from": self.recorded_from,
            "tags": list(self.tags),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a look at a hit's own frames said."""

    decision: Decision
    """``unknown`` where nobody could look."""
    probability: float | None
    code: str | None = None
    """Of the error, where nobody could look; ``reason`` and ``next_step`` say it to a person."""
    reason: str | None = None
    next_step: str | None = None

    def to_dict(self) -> JsonDict:
        """``verdict``, ``probability``, and ``error`` where there was one."""
        told: JsonDict = {
            "verdict": self.decision,
            "probability": None if self.probability is None else round(self.probability, 4),
        }
        if self.code is not None:
            told["error"] = {
                "code": self.code,
                "message": self.reason,
                "next_step": self.next_step,
            }
        return told


@dataclass(frozen=True, slots=True, kw_only=True)
class AlsoIn:
    """Another video that shows the same as a hit."""

    video: VideoRef
    span: Span
    score: float
    """Cosine of the two clips; 1 where the bytes of the files are the same."""

    def to_dict(self) -> JsonDict:
        """``video``, ``start``, ``end``, ``score``."""
        told = {"start": _ms(self.span.start_s), "end": _ms(self.span.end_s)}
        return {"video": self.video.to_dict(), **told, "score": round(self.score, 4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A stretch of one video that is like what was sought."""

    rank: int
    """From 1 on, over all pages."""
    video: VideoRef
    span: Span
    """Its clips together."""
    clip_id: int
    """The best of them; its picture is the hit's thumbnail."""
    key_s: float
    """Time of that picture."""
    score: float
    """Cosine of that clip to the query."""
    found_by: tuple[FoundBy, ...]
    lines: tuple[str, ...] = ()
    """Lines of subtitles that hold the words."""
    also_in: tuple[AlsoIn, ...] = ()
    more: int = 0
    """Further hits in the same video, where hits are grouped by video."""
    verdict: Verdict | None = None
    refined: Outcome | None = None
    """Whether grounding found the query inside; ``None`` where that was not asked for."""
    segments: tuple[Segment, ...] = ()
    """To the second, where grounding found it."""
    thumbnail: str | None = None
    """Where the picture was written, if it was."""

    @property
    def spans(self) -> tuple[Span, ...]:
        """The best that is known of when: the grounded segments, else the clips."""
        return tuple(each.span for each in self.segments) or (self.span,)

    @property
    def denied(self) -> bool:
        """Whether a look at the frames said no."""
        return self.verdict is not None and self.verdict.decision == "denied"

    def to_dict(self) -> JsonDict:
        """One entry of ``hits``."""
        return {
            "rank": self.rank,
            "video": self.video.to_dict(),
            "start": _ms(self.span.start_s),
            "end": _ms(self.span.end_s),
            "start_tc": format_timecode(self.span.start_s),
            "end_tc": format_timecode(self.span.end_s),
            "score": round(self.score, 4),
            "found_by": list(self.found_by),
            "lines": list(self.lines),
            "clip": self.clip_id,
            "key": _ms(self.key_s),
            "thumbnail": self.thumbnail,
            "also_in": [each.to_dict() for each in self.also_in],
            "more_in_video": self.more,
            **({} if self.verdict is None else self.verdict.to_dict()),
            **({} if self.refined is None else {"refined": self.refined}),
            "segments": [each.to_dict() for each in self.segments],
        }


def _ms(seconds: float) -> float:
    return round(seconds, 3)
