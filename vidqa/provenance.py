"""How an answer came about: frozen values in, their part of the one JSON shape out.

Which video, what of it was looked at and how densely, by which model, in what time. Times are
seconds as in :mod:`vidqa.results`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from vidqa.reply import CacheState
from vidqa.timeline import Span

SourceKind = Literal["video", "image"]
EndedEarly = Literal["interrupted", "deadline", "passes"]
"""The caller stopped it; its time was up; its passes were used up with candidates left."""
JsonDict = dict[str, object]
_SHOWN: Mapping[SourceKind, str] = {"video": "footage", "image": "picture"}


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoFacts:
    """The video, or the image, that an answer is about."""

    id: str
    """``sha256:`` and the digest of the file's bytes."""
    duration_s: float
    start_time_s: float
    vfr: bool
    width: int
    height: int
    kind: SourceKind = "video"
    """An ``image`` lasts 0 s."""

    def to_dict(self) -> JsonDict:
        """The ``video`` part of a result."""
        return {
            "id": self.id,
            "kind": self.kind,
            "duration": milliseconds(self.duration_s),
            "start_time": milliseconds(self.start_time_s),
            "vfr": self.vfr,
            "width": self.width,
            "height": self.height,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """A stretch that was looked at, and how densely."""

    span: Span
    fps: float

    def to_dict(self) -> JsonDict:
        """``start``, ``end`` and ``fps``."""
        return {**span_dict(self.span), "fps": round(self.fps, 4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """The part of the video that was looked at."""

    span: Span
    fraction: float
    """Length looked at over the length of the video, 0 to 1."""
    unreadable_from_s: float | None = None
    """Where the file stops decoding, when its tail is damaged; nothing after it was seen."""
    looked: tuple[Looked, ...] = ()
    """The stretches that make it up, by rate and time, where there was more than one look."""

    def to_dict(self) -> JsonDict:
        """``start``, ``end``, ``fraction``; ``looked`` where there were several looks, and
        ``unreadable_from`` for a damaged tail."""
        tail: JsonDict = {}
        if self.unreadable_from_s is not None:
            tail = {"unreadable_from": milliseconds(self.unreadable_from_s)}
        if self.looked:
            tail["looked"] = [each.to_dict() for each in self.looked]
        return {**span_dict(self.span), "fraction": round(self.fraction, 4), **tail}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One run of the model over frames of the video, and what it cost."""

    stage: str
    span: Span
    fps: float
    frames: int
    height: int
    width: int
    video_tokens: int
    """Of all frames of this entry together."""
    windows: int = 1
    """Looks that this entry stands for: those of a skim, or windows asked in one batch."""
    count: int = 1
    """Runs of the model within the budget of one pass; only a skim or a scan has more than one."""

    def to_dict(self) -> JsonDict:
        """One entry of ``passes``."""
        return {
            "stage": self.stage,
            **span_dict(self.span),
            "fps": round(self.fps, 6),
            "frames": self.frames,
            "height": self.height,
            "width": self.width,
            "video_tokens": self.video_tokens,
            "windows": self.windows,
            "count": self.count,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How an answer came about: everything in a result that is not the answer itself."""

    video: VideoFacts
    coverage: Coverage
    passes: tuple[Pass, ...]
    model: str
    """``name@sha256:digest`` of the checkpoint."""
    reply: str
    """The model's own words, kept whole so that a reader can check the parsing."""
    reply_kind: str
    """Which reply format was recognised in it."""
    reply_tokens: int | None = None
    """Tokens of that reply; ``None`` where several replies were put together."""
    reply_cut_short: bool = False
    """Whether a limit on its length ended that reply, and not the model."""
    cache: Mapping[str, CacheState] = field(default_factory=dict)
    """``features``: vision tokens on disk; ``prefix``: keys and values of the video in memory."""
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds of wall time by stage."""
    familiar: bool | None = None
    """Whether what was seen looks like what the model was made for; ``None`` where its checkpoint
    does not tell."""
    ended_early: EndedEarly | None = None
    """Why the search stopped before it was done; what is told is what was known by then."""
    notes: tuple[str, ...] = ()
    """What a careful reader should know before trusting the answer."""

    def to_dict(self) -> JsonDict:
        """The tail of a result, from ``coverage`` on."""
        return {
            "coverage": self.coverage.to_dict(),
            "passes": [each.to_dict() for each in self.passes],
            "cache": dict(self.cache),
            "model": self.model,
            "reply": {
                "text": self.reply,
                "kind": self.reply_kind,
                "tokens": self.reply_tokens,
                "cut_short": self.reply_cut_short,
            },
            "timings": {name: round(value_s, 3) for name, value_s in self.timings.items()},
            "familiar": self.familiar,
            "ended_early": self.ended_early,
            "notes": list(self.notes),
        }


def unfamiliar_note(model: str, kind: SourceKind) -> str:
    """What is said of an answer whose footage is not what ``model``, a name or identity, knows."""
    name = model.partition("@")[0]
    return (
        f"This {_SHOWN[kind]} does not look like what {name} was made for; its answer means little."
    )


def unfamiliar_index_note(model: str) -> str:
    """The same, said of videos that were indexed."""
    name = model.partition("@")[0]
    return (
        f"Most of these videos do not look like what {name} was made for; searches by it mean "
        "little."
    )


def span_dict(span: Span) -> JsonDict:
    """``start`` and ``end``."""
    return {"start": milliseconds(span.start_s), "end": milliseconds(span.end_s)}


def milliseconds(seconds: float) -> float:
    """Seconds to the millisecond, as all times in JSON are."""
    return round(seconds, 3)
