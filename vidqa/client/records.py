"""What the service answers, as frozen values; times are seconds, spans half-open.

Every value keeps the JSON it was read from as ``raw``: fields that a newer service adds are there.
Times of a video are on its presentation timeline, whose 0 is the first displayed frame; times of a
job are seconds since the epoch by the service's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from vidqa.client.errors import JobCancelled, JobFailed, Problem, ReplyUnreadable, ServiceError

Raw = Mapping[str, Any]
State = Literal["queued", "in_progress", "completed", "failed", "cancelled"]
FINAL = frozenset({"completed", "failed", "cancelled"})
"""States that a job does not leave by itself."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is in its stage."""

    stage: str
    done: int
    total: int
    eta_s: float | None
    """Seconds until the job ends, as far as can be told."""

    @property
    def fraction(self) -> float:
        """Of the stage, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it was when the service was asked."""

    id: str
    kind: str
    state: State
    outcome: str | None
    video_id: str | None
    progress: Progress
    attempts: int
    error: Raw | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    raw: Raw = field(repr=False, compare=False)

    @property
    def is_final(self) -> bool:
        """Whether it has ended, one way or another."""
        return self.state in FINAL

    def check(self) -> None:
        """Raise :class:`JobFailed` or :class:`JobCancelled` for a job that ended so."""
        if self.state == "failed":
            raise JobFailed(_failure(self, "The job failed"))
        if self.state == "cancelled":
            raise JobCancelled(_failure(self, "The job was cancelled"))


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something that happened to a job."""

    seq: int
    """From 1 on; events after it are asked for by it."""
    type: str
    data: Raw


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """A video in the service's library."""

    id: str
    name: str
    bytes: int
    sha256: str
    state: str
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stretch of a video."""

    start: float
    end: float
    score: float
    id: str | None = None
    """For :meth:`vidqa.client.Client.clip` and ``frame``."""
    precision_s: float | None = None
    confidence: float | None = None
    text: str = ""
    """What happens, of a chapter."""
    raw: Raw = field(repr=False, compare=False, default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a job found out: ``segments`` are those of ground, the evidence of ask, the chapters of
    describe, the citations of an archive's answer."""

    job_id: str
    outcome: str | None
    answer: str
    """Of ask; empty for the others."""
    segments: tuple[Segment, ...]
    raw: Raw = field(repr=False, compare=False)
    """The whole result, in the one JSON shape."""

    @property
    def found(self) -> bool:
        """Whether there is an answer."""
        return self.outcome == "found"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A stretch of one of an archive's videos."""

    rank: int
    video_id: str | None
    """In the library; None where the video was indexed from elsewhere."""
    start: float
    end: float
    score: float
    segment_id: str | None
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of a search's hits, the best first."""

    outcome: str
    hits: tuple[Hit, ...]
    total: int
    next_page_token: str | None
    raw: Raw = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A named collection of indexed videos."""

    id: str
    name: str
    raw: Raw = field(repr=False, compare=False)


def read(what: Callable[[Raw], T], body: object) -> T:
    """``what`` made of ``body``; raises :class:`ReplyUnreadable` where fields are missing."""
    if not isinstance(body, Mapping):
        raise _unreadable(TypeError(f"{type(body).__name__} in place of an object"))
    try:
        return what(body)
    except (KeyError, TypeError, ValueError) as err:
        raise _unreadable(err) from err


def job_of(body: Raw) -> Job:
    """From the body of a job."""
    told = body.get("progress") or {}
    progress = Progress(
        stage=told.get("stage", ""),
        done=told.get("done", 0),
        total=told.get("total", 0),
        eta_s=told.get("eta_s"),
    )
    return Job(
        id=body["id"],
        kind=body["kind"],
        state=body["state"],
        outcome=body.get("outcome"),
        video_id=body.get("video_id"),
        progress=progress,
        attempts=body.get("attempts", 0),
        error=body.get("error"),
        created_at=body["created_at"],
        started_at=body.get("started_at"),
        finished_at=body.get("finished_at"),
        raw=body,
    )


def video_of(body: Raw) -> Video:
    """From the body of a video."""
    return Video(
        id=body["id"],
        name=body.get("name", ""),
        bytes=body.get("bytes", 0),
        sha256=body.get("sha256", ""),
        state=body.get("state", ""),
        raw=body,
    )


def result_of(job_id: str, body: Raw) -> Result:
    """From a result of any kind of job."""
    stretches = next(
        (body[name] for name in ("segments", "evidence", "chapters", "citations") if name in body),
        (),
    )
    return Result(
        job_id=job_id,
        outcome=body.get("outcome"),
        answer=body.get("answer", ""),
        segments=tuple(_segment(each) for each in stretches),
        raw=body,
    )


def found_of(body: Raw) -> Found:
    """From a page of hits."""
    return Found(
        outcome=body["outcome"],
        hits=tuple(_hit(each) for each in body["hits"]),
        total=body["total"],
        next_page_token=body.get("next_page_token"),
        raw=body,
    )


def archive_of(body: Raw) -> Archive:
    """From the body of an archive."""
    return Archive(id=body["id"], name=body.get("name", body["id"]), raw=body)


def _segment(body: Raw) -> Segment:
    return Segment(
        start=body["start"],
        end=body["end"],
        score=body["score"],
        id=body.get("id"),
        precision_s=body.get("precision_s"),
        confidence=body.get("confidence"),
        text=body.get("text", ""),
        raw=body,
    )


def _hit(body: Raw) -> Hit:
    return Hit(
        rank=body["rank"],
        video_id=body["video"].get("video_id"),
        start=body["start"],
        end=body["end"],
        score=body["score"],
        segment_id=body.get("id"),
        raw=body,
    )


def _failure(job: Job, otherwise: str) -> Problem:
    error = job.error or {}
    return Problem(
        status=200,
        code=str(error.get("code", f"job_{job.state}")),
        detail=str(error.get("message", f"{otherwise}: {job.id}")),
        next_step=str(error.get("next_step", "Retry it: client.jobs.retry(job.id).")),
        stage=str(error.get("stage", "job")),
        retryable=bool(error.get("retryable", False)),
    )


def _unreadable(err: Exception) -> ServiceError:
    return ReplyUnreadable(
        Problem(
            status=200,
            code="reply_unreadable",
            detail=f"the service's answer is not what this client knows: {err!r}",
            next_step="Use the client of the service's own version.",
        )
    )
