"""What an archive keeps: videos, clips of them, lines of subtitles, vectors of one model at a time.

Seconds are on the video's own timeline, whose 0 is its first frame; intervals are half-open,
``[start_s, end_s)``. Vectors have length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from vidqa.timeline import Span

VideoState = Literal["indexing", "ready", "failed"]
GenerationState = Literal["building", "serving", "replaced", "retired"]
RecordedFrom = Literal["metadata", "name", "unknown"]
"""Where the time of recording was read: the container, the file's name, nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """A place where a video's bytes lie."""

    url: str
    """A URL as fsspec reads it; an absolute path for a local file."""
    size: int
    modified_ns: int
    """Time of the last change as the file system tells it; 0 where it tells none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was measured of a video's file."""

    duration_s: float
    start_time_s: float
    width: int
    height: int
    variable_rate: bool
    container: str
    codec: str
    recorded_at: datetime | None
    """UTC where the source says so, else without a zone; None where nobody knows."""
    recorded_from: RecordedFrom


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """Vectors that may be compared: of one model, one way to embed, one clip grid."""

    id: int
    model: str
    """The model's name and digest, ``nano@sha256:...``."""
    recipe: str
    """How clips are cut and embedded, in words that change when it does: ``8s/4s 2fps normed``."""
    dimension: int
    centred: bool
    """Whether vectors are compared about the archive's mean (untrained hidden states are)."""
    state: GenerationState
    """One generation serves searches; another may be built meanwhile, then takes its place. One
    that was replaced keeps its vectors, and may serve again, until it is retired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClip:
    """A clip to be kept: where it is, how it is found, what it looks like."""

    number: int
    """Counted from 0 in a video; clip n starts at n strides."""
    span: Span
    vector_D: NDArray[np.float32]
    key_s: float
    """Presentation time of the frame that stands for the clip."""
    thumbnail: bytes
    """That frame as JPEG."""
    caption: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A clip that is kept; its vector is asked for by generation."""

    id: int
    video_id: int
    number: int
    span: Span
    key_s: float
    caption: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of subtitles."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video that is kept, known by its bytes."""

    id: int
    digest: str
    """``sha256:...`` of its bytes."""
    archive: str
    facts: Facts | None
    """None while nothing was measured, or where the file could not be."""
    tags: tuple[str, ...]
    state: VideoState
    reason: str | None
    """Why it failed, for a person."""
    locations: tuple[Location, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which videos count; an empty one takes all."""

    archives: Sequence[str] = ()
    tags: Sequence[str] = ()
    """All of them."""
    path: str | None = None
    """A pattern as the shell's, over a location: ``*/monday/*``."""
    recorded_from: datetime | None = None
    recorded_until: datetime | None = None
    """Recorded in ``[from, until)``; a video of unknown time never is. Times without a zone, here
    and there, are taken for UTC."""
    shortest_s: float | None = None
    longest_s: float | None = None
    states: Sequence[VideoState] = ()
    """Any of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to write what is learnt of one video, for as long as it is renewed."""

    video_id: int
    holder: str
    fence: int
    """Rises with every claim of the video: what an earlier holder still writes is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A claim that was refused: somebody else works on the video."""

    video_id: int
    holder: str
    left_s: float
    """Until the other's claim runs out, unless it is renewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineFound:
    """A line of subtitles that holds the words."""

    video_id: int
    line: Line
    score: float
    """Higher is better; comparable within one search only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """What tells the rows of one video, also when it is gone itself."""

    video_id: int
    clip_ids: tuple[int, ...]
    line_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """What went with a video."""

    digest: str
    clips: int
    vectors: int
    """Of all generations together."""
    lines: int
    overwritten: bool
    """Whether the bytes themselves are known to be gone from the database's files. False while
    another process reads what was there before, and always on PostgreSQL, whose server decides."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a generation is."""

    videos_done: int
    videos: int
    """All that did not fail."""
    clips: int
    """Clips that have a vector of this generation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stats:
    """An archive in numbers."""

    videos: dict[VideoState, int]
    duration_s: float
    """Of all videos together, where it was measured."""
    clips: int
    lines: int
    vectors: dict[int, int]
    """By generation."""
    size: int
    """Bytes that the database takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something in the database that must not be."""

    code: str
    """A stable name: ``damaged``, ``orphans``, ``miscounted``, ``gap``, ``vector``, ``serving``."""
    text: str
