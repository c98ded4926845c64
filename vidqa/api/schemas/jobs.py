"""Jobs as requests and answers of the routes."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from vidqa.api.schemas.examples import JOB_EXAMPLE, JOB_ID
from vidqa.service.records import JobKind, JobState, Queue


class JobProgress(BaseModel):
    """How far a job is in its stage."""

    stage: str = Field(examples=["skim"])
    done: int
    total: int = Field(description="0 where the steps cannot be counted.")
    eta_s: float | None = Field(description="Seconds until the stage ends, guessed.")


class JobFailure(BaseModel):
    """Why a job failed."""

    model_config = ConfigDict(extra="allow")
    code: str = Field(examples=["video_undecodable"])
    stage: str
    message: str
    next_step: str
    retryable: bool


class JobView(BaseModel):
    """A job. `state` says how far it is, `outcome` what it found."""

    model_config = ConfigDict(json_schema_extra={"examples": [JOB_EXAMPLE]})
    id: str = Field(examples=[JOB_ID])
    kind: JobKind
    state: JobState
    outcome: Literal["found", "not_found", "uncertain"] | None
    request: dict[str, Any]
    video_id: str | None
    progress: JobProgress
    attempts: int
    cancel_requested: bool
    error: JobFailure | None
    queue: Queue
    created_at: float = Field(description="Seconds since 1970.")
    started_at: float | None
    finished_at: float | None
    webhook_url: str | None


class JobWithResult(JobView):
    """A job with what it found, once it is `completed`."""

    result: dict[str, Any] | None = Field(
        default=None, description="As the shortcut of its kind answers; null until then."
    )


class JobList(BaseModel):
    """A page of jobs, the newest first."""

    jobs: list[JobView]
    next_page_token: str | None = Field(description="For the next page; null on the last.")


class JobEventView(BaseModel):
    """One event of a job's stream."""

    id: str = Field(description="Its number, from 1 on; to be sent back as Last-Event-ID.")
    event: Literal[
        "job.queued",
        "job.started",
        "job.progress",
        "job.cancelling",
        "job.completed",
        "job.failed",
        "job.cancelled",
    ]
    data: str = Field(
        description="JSON: `job_id`, `at`, and what the event tells, as `stage`, `done`, `total`"
        " and `eta_s` of progress, `outcome` and `error` of an end."
    )
