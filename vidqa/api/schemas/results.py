"""Results as OpenAPI tells them: the JSON of :mod:`vidqa.results` and :mod:`vidqa.search_results`.

Routes send results as they were stored and do not pass them through these models, which say what a
client may rely on; fields that a newer vidqa adds are not an error.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vidqa.api.schemas.examples import ASK_EXAMPLE, GROUND_EXAMPLE, SEGMENT_ID

Outcome = Literal["found", "not_found", "uncertain"]
At = Annotated[float, Field(description="Seconds since the first displayed frame.")]
SegmentId = Annotated[
    str | None,
    Field(description="For /v1/segments/{id}/clip.mp4 and frame.jpg.", examples=[SEGMENT_ID]),
]


class Told(BaseModel):
    """A part of an answer; it may hold more than is said here."""

    model_config = ConfigDict(extra="allow")


class Evidence(Told):
    """A frame that the model saw."""

    pts: At
    sha256: str = Field(description="Of its RGB bytes at the size the model saw.")


class Segment(Told):
    """A stretch of the video, `[start, end)`."""

    id: SegmentId = None
    start: At
    end: At
    start_tc: str = Field(examples=["01:02:03.480"])
    end_tc: str
    score: float = Field(description="An ordering within one model, no probability.")
    confidence: float | None = Field(default=None, description="A probability, where calibrated.")
    precision_s: float = Field(description="What the frames behind this can show, in seconds.")
    evidence: list[Evidence] = []


class Chapter(Told):
    """A stretch of the video, and what happens in it."""

    id: SegmentId = None
    start: At
    end: At
    text: str
    score: float
    precision_s: float
    evidence: list[Evidence] = []


class ResultVideo(Told):
    """The video that was looked at."""

    id: str = Field(description="`sha256:` and the digest of its bytes.")
    duration: float
    start_time: float = Field(description="Of the container, in seconds; never added to times.")
    vfr: bool
    width: int
    height: int


class Reply(Told):
    """The model's own words."""

    text: str
    kind: str
    tokens: int | None = None
    cut_short: bool = False


class _About(Told):
    outcome: Outcome
    video: ResultVideo
    coverage: dict[str, Any] = Field(description="The part of the video that was looked at.")
    passes: list[dict[str, Any]] = Field(description="What was looked at, and at what cost.")
    cache: dict[str, str]
    model: str = Field(examples=["nano@sha256:3f7a"])
    reply: Reply
    timings: dict[str, float]
    familiar: bool | None = None
    ended_early: str | None = None
    notes: list[str]


class GroundAnswer(_About):
    """When something happens, or that it does not."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [GROUND_EXAMPLE]})
    query: str
    segments: list[Segment]
    considered: list[dict[str, Any]] = []


class AskAnswer(_About):
    """An answer from one video, with the stretches that prove it."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"examples": [ASK_EXAMPLE]})
    question: str
    answer: str
    evidence: list[Segment]
    marks: list[dict[str, Any]] = []


class DescribeAnswer(_About):
    """What happens in a video."""

    chapters: list[Chapter]


class HitVideo(Told):
    """A video of an archive."""

    id: str = Field(description="`sha256:` and the digest of its bytes.")
    video_id: str | None = Field(default=None, description="In the library, where it is there.")
    name: str | None = None
    archive: str
    duration: float | None = None
    recorded_at: str | None = None
    tags: list[str] = []


class Hit(Told):
    """A stretch of an archive's video that is like what was sought."""

    id: SegmentId = None
    rank: int
    video: HitVideo
    start: At
    end: At
    score: float
    segments: list[Segment] = []


class Found(Told):
    """A page of hits."""

    outcome: Outcome
    query: str
    hits: list[Hit]
    total: int
    next_page_token: str | None = None
    considered: dict[str, Any]
    model: str
    notes: list[str] = []


class ArchiveAnswer(Told):
    """An answer from an archive's videos, with citations that a look at the frames confirmed."""

    outcome: Outcome
    question: str
    answer: str
    count: int | None = None
    citations: list[Hit]
    others: list[Hit] = []
    considered: dict[str, Any]
    model: str
    notes: list[str] = []


class Indexed(Told):
    """What came of putting videos into an archive."""
