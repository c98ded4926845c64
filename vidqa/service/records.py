"""What the service knows, as frozen values: jobs, their events, uploaded videos, keys, workers.

Times of day are seconds since 1970 by the database's clock. ``to_dict`` is what an answer shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

JsonDict = dict[str, Any]
JobKind = Literal["ground", "ask", "describe", "index", "search", "reindex"]
JobState = Literal["queued", "in_progress", "completed", "failed", "cancelled"]
VideoState = Literal["arrived", "ready", "unreadable", "refused"]
"""Of an uploaded video: not measured yet; measured; measured in vain; of a length or kind that the
settings do not allow."""
Queue = Literal["cpu", "gpu"]
Scope = Literal["read", "write", "admin"]
KINDS: tuple[JobKind, ...] = get_args(JobKind)
STATES: tuple[JobState, ...] = get_args(JobState)
QUEUES: tuple[Queue, ...] = get_args(Queue)
SCOPES: tuple[Scope, ...] = get_args(Scope)
FINAL: frozenset[JobState] = frozenset({"completed", "failed", "cancelled"})
"""States that a job leaves only by being retried."""
LOCAL = "local"
"""The tenant of whoever needs no key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a job is in its present stage."""

    stage: str
    done: int = 0
    total: int = 0
    """Steps of this stage; 0 where they cannot be counted."""
    eta_s: float | None = None
    """Seconds until the stage ends, guessed from its steps so far; None where nothing is known."""

    def to_dict(self) -> JsonDict:
        """Plain JSON values."""
        eta_s = None if self.eta_s is None else round(self.eta_s, 1)
        return {"stage": self.stage, "done": self.done, "total": self.total, "eta_s": eta_s}


QUEUED = Progress(stage="queued")


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job, as it was at one moment."""

    id: str
    tenant: str
    kind: JobKind
    request: JsonDict
    state: JobState
    queue: Queue
    content_key: str
    """Digest of kind, request and, where it is the library's, the video's bytes."""
    created_at: float
    outcome: str | None = None
    video_id: str | None = None
    """Of the library's video; None where the request names a path or URL, or no video."""
    video_sha256: str | None = None
    progress: Progress = QUEUED
    attempts: int = 0
    fence: int = 0
    owner: str | None = None
    cancel_requested: bool = False
    error: JsonDict | None = None
    started_at: float | None = None
    finished_at: float | None = None
    webhook_url: str | None = None

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return self.state in FINAL

    def to_dict(self) -> JsonDict:
        """The job as the API and ``vidqa jobs show --json`` give it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "state": self.state,
            "outcome": self.outcome,
            "request": self.request,
            "video_id": self.video_id,
            "progress": self.progress.to_dict(),
            "attempts": self.attempts,
            "cancel_requested": self.cancel_requested,
            "error": self.error,
            "queue": self.queue,
            "created_at": _ms(self.created_at),
            "started_at": _ms(self.started_at),
            "finished_at": _ms(self.finished_at),
            "webhook_url": self.webhook_url,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEvent:
    """Something that happened to a job."""

    seq: int
    """From 1, rising by job; of ``job.progress`` only the latest is kept."""
    at: float
    type: str
    """``job.queued``, ``.started``, ``.progress``, ``.cancelling``, ``.completed``, ``.failed``
    or ``.cancelled``."""
    data: JsonDict

    def to_dict(self) -> JsonDict:
        """Plain JSON values."""
        return {"seq": self.seq, "at": _ms(self.at), "type": self.type, "data": self.data}


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """A job that was taken, or the one that the same idempotency key was taken for before."""

    job: Job
    created: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Some jobs, newest first."""

    jobs: tuple[Job, ...]
    next_token: str | None
    """For the page behind; None at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right of one worker to work on a job, until its lease ends or somebody else claims it."""

    job: Job
    worker: str
    fence: int
    lease_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """What a worker learns from a heartbeat."""

    cancel_requested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    """A queued job whose door bell is to be rung."""

    job_id: str
    queue: Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one run of the re-dispatcher did."""

    elected: bool
    """False: another process does it just now, and nothing was done."""
    requeued: tuple[str, ...] = ()
    """Jobs whose lease had run out."""
    failed: tuple[str, ...] = ()
    """Jobs that lost their worker too often."""
    cancelled: tuple[str, ...] = ()
    """Jobs that were to be cancelled when they lost their worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker process, as it last said."""

    id: str
    host: str
    pid: int
    queues: tuple[Queue, ...]
    holds: frozenset[str]
    """Digests of videos of which it has what it computed at hand."""
    job_id: str | None
    """What it works on; None: it is free."""
    started_at: float
    seen_at: float
    claimed_at: float | None

    def to_dict(self) -> JsonDict:
        """Plain JSON values."""
        return {
            "id": self.id,
            "host": self.host,
            "pid": self.pid,
            "queues": list(self.queues),
            "job_id": self.job_id,
            "started_at": _ms(self.started_at),
            "seen_at": _ms(self.seen_at),
            "claimed_at": _ms(self.claimed_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The service in numbers, for metrics and for the watchdog."""

    states: dict[JobState, int]
    depth: dict[Queue, int]
    """Queued jobs of each queue that may be claimed now."""
    oldest_s: dict[Queue, float]
    """For how long the longest-waiting of them has been; 0 where there is none."""
    workers: int
    """Workers that were seen in the last half minute."""
    leases_lost: int
    duplicates_dropped: int
    """Door bells that rang for a job that somebody else had."""
    webhooks_due: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxLine:
    """A webhook to be delivered."""

    id: str
    """``evt_...``: the same at every try, so that a receiver can drop what it had before."""
    tenant: str
    job_id: str
    url: str
    type: str
    made_at: float
    tries: int
    """Before this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSegment:
    """A stretch of video in some result."""

    id: str
    tenant: str
    job_id: str
    video_id: str | None
    place: str | None
    """Path or URL of a video that is not the library's."""
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key to the API, without its secret, which nobody knows but its holder."""

    id: str
    tenant: str
    name: str
    scopes: frozenset[Scope]
    prefix: str
    """The part of it that may be shown."""
    created_at: float
    revoked_at: float | None

    def to_dict(self) -> JsonDict:
        """Plain JSON values."""
        return {
            "id": self.id,
            "tenant": self.tenant,
            "name": self.name,
            "scopes": [scope for scope in SCOPES if scope in self.scopes],
            "prefix": self.prefix,
            "created_at": _ms(self.created_at),
            "revoked_at": _ms(self.revoked_at),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredVideo:
    """A video that was uploaded or fetched."""

    id: str
    tenant: str
    sha256: str
    name: str
    """The client's, to be shown and for nothing else."""
    bytes: int
    state: VideoState
    created_at: float
    facts: JsonDict | None
    """What was measured of it, as :mod:`vidqa.service.measuring` has it."""
    error: JsonDict | None = None
    """Why it is ``unreadable`` or ``refused``."""
    path: Path

    def to_dict(self) -> JsonDict:
        """The video as the API gives it: where it lies is nobody's business."""
        return {
            "id": self.id,
            "sha256": self.sha256,
            "name": self.name,
            "bytes": self.bytes,
            "state": self.state,
            "created_at": _ms(self.created_at),
            "facts": self.facts,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoPage:
    """Some uploaded videos, newest first."""

    videos: tuple[StoredVideo, ...]
    next_token: str | None


def _ms(at: float | None) -> float | None:
    return None if at is None else round(at, 3)
