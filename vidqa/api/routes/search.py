"""``POST /v1/search``: a page of an archive's moments, answered at once.

The words become a vector in a worker, which has the model: the API has none. So a search is a job
as everything else, in front of the queue, and waited for within the request. Where the only worker
has hours of video in hand the answer is 202, and the job's.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Request
from starlette.responses import Response

from vidqa.api.callers import Writer
from vidqa.api.routes.verbs import TAKEN
from vidqa.api.schemas.examples import SEARCH_REQUEST
from vidqa.api.schemas.results import Found
from vidqa.api.service import TheService
from vidqa.api.submitting import TheWishes, answer, submit
from vidqa.api.threads import aside
from vidqa.service.archive_requests import SearchRequest

router = APIRouter(prefix="/v1", tags=["archives"])
WAIT_S = 30
"""How long a search is waited for where the caller does not say."""


@router.post("/search", summary="Search an archive's videos", response_model=Found, responses=TAKEN)
async def search(
    caller: Writer,
    service: TheService,
    wishes: TheWishes,
    http: Request,
    body: Annotated[SearchRequest, Body(examples=[SEARCH_REQUEST])],
) -> Response:
    """Hits, the best first, by what is seen (`query`, or `image`) and what subtitles say. `verify`
    looks at the frames of every hit, `refine` finds the second in it; both take time."""
    await aside(service.archives.get, caller.tenant, body.archive_id)
    job = await submit(service, caller, body, wishes=wishes)
    return await answer(service, caller, job, wishes, http, usual_s=WAIT_S)
