"""What an answer is: frozen values in, the one JSON shape out (the same for CLI, REST and Python).

All times are seconds on the presentation timeline whose 0 is the first displayed frame; spans are
half-open. ``to_dict`` holds plain JSON values only, rounded to milliseconds where they are times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from vidqa.provenance import JsonDict, Provenance, milliseconds, span_dict
from vidqa.signs import Signs
from vidqa.timeline import Span, format_timecode

Outcome = Literal["found", "not_found", "uncertain"]
MarkKind = Literal["box", "point"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One frame the model saw, by time and by content."""

    pts_s: float
    """Presentation time of the frame itself, not the time that was asked for."""
    sha256: str
    """Digest of the frame's RGB bytes, row by row, at the size the model saw."""

    def to_dict(self) -> JsonDict:
        """``{"pts": ..., "sha256": ...}``."""
        return {"pts": milliseconds(self.pts_s), "sha256": self.sha256}


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """One stretch of the video that answers the query."""

    span: Span
    score: float
    """0 to 1, an ordering within one checkpoint and no probability: how sure the model was of the
    digits it wrote, how sure of a yes, and how well several looks agree, where there were any."""
    precision_s: float
    """Finest difference in time that the frames behind this answer can show, or how far several
    looks at it differ, whichever is more."""
    evidence: tuple[Evidence, ...] = ()
    confidence: float | None = None
    """How probable it is that this is right, 0 to 1, by the checkpoint's calibration; ``None``
    where the checkpoint has none (``vidqa calibrate`` makes one)."""
    signs: Signs | None = None
    """What the confidence was made of; in no output."""

    def to_dict(self) -> JsonDict:
        """Start and end as seconds and as timecodes, then score, precision and evidence."""
        return {
            **span_dict(self.span),
            "start_tc": format_timecode(self.span.start_s),
            "end_tc": format_timecode(self.span.end_s),
            "score": round(self.score, 4),
            "confidence": None if self.confidence is None else round(self.confidence, 4),
            "precision_s": milliseconds(self.precision_s),
            "evidence": [frame.to_dict() for frame in self.evidence],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A place the answer points at, in pixels of the source as displayed, origin top left."""

    kind: MarkKind
    label: str
    xy: tuple[float, ...]
    """``(left, top, right, bottom)`` of a box, ``(x, y)`` of a point. These are edges, not pixel
    numbers: 0 to the width and 0 to the height, so that a box covers ``left <= column < right``."""
    pts_s: float | None
    """Presentation time of the frame it lies on, 0 for an image; ``None`` when not known."""
    sha256: str | None
    """Digest of that frame, as in :class:`Evidence`."""

    def to_dict(self) -> JsonDict:
        """``kind``, ``label``, ``xy`` in hundredths of a pixel, ``pts`` and ``sha256``."""
        return {
            "kind": self.kind,
            "label": self.label,
            "xy": [round(x, 2) for x in self.xy],
            "pts": None if self.pts_s is None else milliseconds(self.pts_s),
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A window of a long video that was a candidate."""

    span: Span
    named_by: str
    """``coarse`` answer, clip ``vectors``, or ``scan``: a yes to a window of the skim, or of a
    thorough search."""
    confirmed: bool | None
    """Whether a close look confirmed it; ``None`` where there was no time for one."""

    def to_dict(self) -> JsonDict:
        """``start``, ``end``, ``named_by``, ``confirmed``."""
        return {
            **span_dict(self.span),
            "named_by": self.named_by,
            "confirmed": self.confirmed,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundResult:
    """When something happens: ``found`` has segments, the other two outcomes have none."""

    outcome: Outcome
    query: str
    segments: tuple[Segment, ...]
    provenance: Provenance
    considered: tuple[Considered, ...] = ()
    """Windows of a long video that were candidates, the most promising first."""

    @property
    def asked(self) -> str:
        """The query."""
        return self.query

    @property
    def spans(self) -> tuple[Span, ...]:
        """The answered spans, in the order of the segments."""
        return tuple(segment.span for segment in self.segments)

    def to_dict(self) -> JsonDict:
        """The result as plain JSON values."""
        return {
            "outcome": self.outcome,
            "query": self.query,
            "video": self.provenance.video.to_dict(),
            "segments": [segment.to_dict() for segment in self.segments],
            "considered": [each.to_dict() for each in self.considered],
            **self.provenance.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class AskResult:
    """What the answer is: ``found`` has a non-empty answer, ``uncertain`` may have none."""

    outcome: Outcome
    question: str
    answer: str
    evidence: tuple[Segment, ...]
    """Spans the model cited for its answer; empty when it cited none."""
    provenance: Provenance
    marks: tuple[Mark, ...] = ()
    """Boxes and points in the answer, in its order."""

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The evidence, under the name that a ground result has for its spans."""
        return self.evidence

    @property
    def asked(self) -> str:
        """The question."""
        return self.question

    def to_dict(self) -> JsonDict:
        """The result as plain JSON values."""
        return {
            "outcome": self.outcome,
            "question": self.question,
            "answer": self.answer,
            "video": self.provenance.video.to_dict(),
            "evidence": [segment.to_dict() for segment in self.evidence],
            "marks": [mark.to_dict() for mark in self.marks],
            **self.provenance.to_dict(),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One thing that happens in a video."""

    span: Span
    text: str
    score: float
    """As of a segment."""
    precision_s: float
    evidence: tuple[Evidence, ...] = ()

    def to_dict(self) -> JsonDict:
        """Start and end as seconds and as timecodes, then text, score, precision and evidence."""
        return {
            **span_dict(self.span),
            "start_tc": format_timecode(self.span.start_s),
            "end_tc": format_timecode(self.span.end_s),
            "text": self.text,
            "score": round(self.score, 4),
            "precision_s": milliseconds(self.precision_s),
            "evidence": [frame.to_dict() for frame in self.evidence],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeResult:
    """What happens in a video: ``found`` has chapters by time, ``not_found`` says nothing does."""

    outcome: Outcome
    chapters: tuple[Chapter, ...]
    provenance: Provenance

    @property
    def asked(self) -> str:
        """A title, where other results have their question."""
        return "What happens"

    @property
    def segments(self) -> tuple[Segment, ...]:
        """The chapters' spans, under the name that a ground result has for its own."""
        return tuple(
            Segment(span=c.span, score=c.score, precision_s=c.precision_s, evidence=c.evidence)
            for c in self.chapters
        )

    def to_dict(self) -> JsonDict:
        """The result as plain JSON values."""
        return {
            "outcome": self.outcome,
            "video": self.provenance.video.to_dict(),
            "chapters": [chapter.to_dict() for chapter in self.chapters],
            **self.provenance.to_dict(),
        }


Result = GroundResult | AskResult | DescribeResult
"""What a question gets: all kinds have ``outcome``, ``asked``, ``segments``, ``provenance``."""
