"""``POST /v1/ground``, ``/v1/ask``, ``/v1/describe``, ``/v1/index``: a job of each kind, waited for
where that is preferred.
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from vidqa.api.callers import Writer
from vidqa.api.schemas.bodies import NamesVideo
from vidqa.api.schemas.examples import (
    ASK_REQUEST,
    DESCRIBE_REQUEST,
    GROUND_REQUEST,
    INDEX_REQUEST,
)
from vidqa.api.schemas.jobs import JobView
from vidqa.api.schemas.results import (
    ArchiveAnswer,
    AskAnswer,
    DescribeAnswer,
    GroundAnswer,
    Indexed,
)
from vidqa.api.service import TheService
from vidqa.api.submitting import TheWishes, answer, submit
from vidqa.service import requests as forms
from vidqa.service.requests import Place

router = APIRouter(prefix="/v1", tags=["questions"])
TAKEN: dict[int | str, dict[str, Any]] = {
    202: {
        "model": JobView,
        "description": "Taken; ask for it where `Location` says.",
        "headers": {
            "Location": {"schema": {"type": "string"}},
            "Retry-After": {"schema": {"type": "integer"}},
            "Preference-Applied": {"schema": {"type": "string"}},
        },
    }
}
"""The other answer of a route that makes a job."""
WebhookUrl = Annotated[
    Place | None,
    Field(
        default=None,
        description="Told, signed as Standard Webhooks, when the job ends.",
        examples=["https://example.org/hooks/vidqa"],
    ),
]


class _Hooked(BaseModel):
    webhook_url: WebhookUrl


class GroundBody(NamesVideo, forms.GroundRequest, _Hooked):
    """When something happens in a video."""


class AskBody(NamesVideo, forms.AskRequest, _Hooked):
    """A question to one video, or to an archive."""


class DescribeBody(NamesVideo, forms.DescribeRequest, _Hooked):
    """What happens in a video, as chapters."""


class IndexBody(forms.IndexRequest, _Hooked):
    """Videos into an archive."""


@router.post(
    "/ground",
    summary="When does something happen in a video",
    response_model=GroundAnswer,
    responses=TAKEN,
)
async def ground(
    caller: Writer,
    service: TheService,
    wishes: TheWishes,
    http: Request,
    body: Annotated[GroundBody, Body(examples=[GROUND_REQUEST])],
) -> Response:
    """Answers `found` with segments, `not_found`, or `uncertain`; 202 unless it is waited for."""
    job = await submit(service, caller, body, wishes=wishes, webhook_url=body.webhook_url)
    return await answer(service, caller, job, wishes, http)


@router.post(
    "/ask",
    summary="Ask a video, or an archive of videos",
    response_model=AskAnswer | ArchiveAnswer,
    responses=TAKEN,
)
async def ask(
    caller: Writer,
    service: TheService,
    wishes: TheWishes,
    http: Request,
    body: Annotated[AskBody, Body(examples=[ASK_REQUEST])],
) -> Response:
    """Give `video`, or `archive_id` for an answer from many videos with verified citations."""
    job = await submit(service, caller, body, wishes=wishes, webhook_url=body.webhook_url)
    return await answer(service, caller, job, wishes, http)


@router.post(
    "/describe",
    summary="What happens in a video, as chapters",
    response_model=DescribeAnswer,
    responses=TAKEN,
)
async def describe(
    caller: Writer,
    service: TheService,
    wishes: TheWishes,
    http: Request,
    body: Annotated[DescribeBody, Body(examples=[DESCRIBE_REQUEST])],
) -> Response:
    """Chapters by time."""
    job = await submit(service, caller, body, wishes=wishes, webhook_url=body.webhook_url)
    return await answer(service, caller, job, wishes, http)


@router.post(
    "/index",
    summary="Put videos into an archive",
    response_model=Indexed,
    responses=TAKEN,
)
async def index(
    caller: Writer,
    service: TheService,
    wishes: TheWishes,
    http: Request,
    body: Annotated[IndexBody, Body(examples=[INDEX_REQUEST])],
) -> Response:
    """They can be searched as soon as the job has ended; what is indexed already costs nothing."""
    job = await submit(service, caller, body, wishes=wishes, webhook_url=body.webhook_url)
    return await answer(service, caller, job, wishes, http)
