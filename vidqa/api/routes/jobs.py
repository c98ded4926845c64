"""``/v1/jobs``: made, listed, looked at, followed, cancelled, tried again, exported."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Body, Header, Path, Query
from fastapi.responses import JSONResponse
from pydantic import Field
from starlette.responses import Response

from vidqa.api.callers import Reader, Writer
from vidqa.api.events import after_of, stream_of
from vidqa.api.exporting import MEDIA_TYPES, export
from vidqa.api.routes.verbs import AskBody, DescribeBody, GroundBody, IndexBody
from vidqa.api.schemas.examples import GROUND_REQUEST, INDEX_REQUEST, JOB_ID
from vidqa.api.schemas.jobs import JobEventView, JobList, JobView, JobWithResult
from vidqa.api.service import TheService
from vidqa.api.submitting import RETRY_AFTER_S, TheWishes, submit
from vidqa.api.threads import aside
from vidqa.api.waiting import until_final
from vidqa.service.records import JobKind, JobState

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
JobId = Annotated[str, Path(pattern="^job_[0-9a-z]{26}$", examples=[JOB_ID])]
PageSize = Annotated[int, Query(ge=1, le=100, description="Entries on a page.")]
PageToken = Annotated[
    str | None, Query(max_length=200, description="`next_page_token` of the page before.")
]
Format = Literal["json", "jsonl", "srt", "vtt", "csv", "edl", "chapters"]


class GroundJob(GroundBody):
    """A job of kind `ground`."""

    job_kind: Literal["ground"] = Field(alias="kind")


class AskJob(AskBody):
    """A job of kind `ask`."""

    job_kind: Literal["ask"] = Field(alias="kind")


class DescribeJob(DescribeBody):
    """A job of kind `describe`."""

    job_kind: Literal["describe"] = Field(alias="kind")


class IndexJob(IndexBody):
    """A job of kind `index`."""

    job_kind: Literal["index"] = Field(alias="kind")


AnyJob = Annotated[
    GroundJob | AskJob | DescribeJob | IndexJob,
    Field(discriminator="job_kind"),
    Body(
        examples=[
            {"kind": "ground", **GROUND_REQUEST},
            {"kind": "index", **INDEX_REQUEST},
        ]
    ),
]


@router.post("", status_code=202, summary="Make a job of any kind", response_model=JobView)
async def create_job(
    caller: Writer, service: TheService, wishes: TheWishes, body: AnyJob
) -> Response:
    """Taken as soon as this answers: from then on the job will run, whatever dies in between.

    With `Prefer: wait=N` the answer is the job as it is at its end, or after that time; its state
    says which.
    """
    job = await submit(service, caller, body, wishes=wishes, webhook_url=body.webhook_url)
    patience_s = wishes.preference.patience_s(0)
    if patience_s and not job.is_final:
        job = await until_final(service, caller.tenant, job.id, patience_s)
    headers = {
        "Location": f"/v1/jobs/{job.id}",
        "Retry-After": str(RETRY_AFTER_S),
        **wishes.preference.applied,
    }
    return JSONResponse(job.to_dict(), status_code=202, headers=headers)


@router.get("", summary="Jobs, the newest first", response_model=JobList)
async def list_jobs(
    caller: Reader,
    service: TheService,
    state: Annotated[list[JobState], Query(max_length=5)] = [],  # noqa: B006  (pydantic copies it)
    kind: Annotated[list[JobKind], Query(max_length=6)] = [],  # noqa: B006
    page_size: PageSize = 20,
    page_token: PageToken = None,
) -> Response:
    """All of the key's tenant; `state` and `kind` may be given several times."""
    page = await aside(
        service.jobs.page,
        caller.tenant,
        states=state,
        kinds=kind,
        size=page_size,
        token=page_token,
    )
    jobs = [job.to_dict() for job in page.jobs]
    return JSONResponse({"jobs": jobs, "next_page_token": page.next_token})


@router.get("/{job_id}", summary="One job, with its result", response_model=JobWithResult)
async def get_job(caller: Reader, service: TheService, job_id: JobId) -> Response:
    """`result` is there once the state is `completed`."""
    job = await aside(service.jobs.get, caller.tenant, job_id)
    result = None
    if job.state == "completed":
        result = await aside(service.jobs.result, caller.tenant, job_id)
    return JSONResponse({**job.to_dict(), "result": result})


@router.get(
    "/{job_id}/events",
    summary="What happens to a job, as it happens",
    response_class=Response,
    responses={
        200: {
            "description": "Server-sent events `job.queued`, `job.started`, `job.progress`,"
            " `job.cancelling`, and last `job.completed`, `job.failed` or `job.cancelled`; each"
            " with its number as `id:`. A comment every 15 s while nothing happens.",
            "content": {"text/event-stream": {"schema": JobEventView.model_json_schema()}},
        },
        204: {"description": "The job has ended, and the stream would have nothing more to tell."},
    },
)
async def get_job_events(
    caller: Reader,
    service: TheService,
    job_id: JobId,
    last_event_id: Annotated[
        str | None, Header(max_length=20, description="Go on behind this event.")
    ] = None,
    after: Annotated[
        int | None, Query(ge=0, le=10**15, description="The same, in the URL.")
    ] = None,
) -> Response:
    """Ends when the job has. A broken connection goes on with `Last-Event-ID`, missing nothing."""
    return await stream_of(service, caller.tenant, job_id, after_of(last_event_id, after))


@router.post("/{job_id}/cancel", summary="End a job early", response_model=JobView)
async def cancel_job(caller: Writer, service: TheService, job_id: JobId) -> Response:
    """A job that waits is cancelled at once, one that runs within seconds; one that has ended stays
    as it is."""
    job = await aside(service.jobs.cancel, caller.tenant, job_id)
    return JSONResponse(job.to_dict())


@router.post("/{job_id}/retry", summary="Try a job again", response_model=JobView)
async def retry_job(caller: Writer, service: TheService, job_id: JobId) -> Response:
    """Only one that failed or was cancelled; it keeps its id."""
    job = await aside(service.jobs.retry, caller.tenant, job_id)
    return JSONResponse(job.to_dict())


@router.get(
    "/{job_id}/export",
    summary="A result as a file",
    response_class=Response,
    responses={
        200: {
            "content": {
                media_type: {"schema": {} if "json" in media_type else {"type": "string"}}
                for media_type in dict.fromkeys(MEDIA_TYPES.values())
            }
        }
    },
)
async def export_job(
    caller: Reader,
    service: TheService,
    job_id: JobId,
    name: Annotated[Format, Query(alias="format", description="What to write.")],
    frame_rate: Annotated[
        float, Query(ge=1, le=99, description="Of an edit list's timecode.")
    ] = 30.0,
) -> Response:
    """Subtitles, an edit list, chapters, a table, or the JSON itself, named to be saved."""
    result = await aside(service.jobs.result, caller.tenant, job_id)
    return await aside(export, job_id, result, name, frame_rate)
