"""``/v1/archives``: collections of indexed videos, made, listed, emptied, embedded anew."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import Response

from vidqa.api.archives import TenantArchives
from vidqa.api.callers import Admin, Reader, Writer
from vidqa.api.routes.verbs import TAKEN
from vidqa.api.schemas.examples import VIDEO_ID
from vidqa.api.schemas.results import Told
from vidqa.api.service import Service, TheService
from vidqa.api.submitting import TheWishes, answer, submit
from vidqa.api.threads import aside
from vidqa.archive.records import Video
from vidqa.errors import RequestError
from vidqa.service.archive_requests import ReindexRequest
from vidqa.service.paging import list_key
from vidqa.service.records import JsonDict
from vidqa.service.requests import ArchiveId

router = APIRouter(prefix="/v1/archives", tags=["archives"])
ArchiveInPath = Annotated[
    str, Path(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", examples=["default"])
]
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


class _NameConvertor(StringConvertor):
    """A part of a path that ends before a colon: behind it stands a verb."""

    regex = "[^/:]+"


register_url_convertor("name", _NameConvertor())


class NewArchive(BaseModel):
    """An archive to be made."""

    model_config = ConfigDict(extra="forbid")
    name: ArchiveId = Field(examples=["yard"])


class ReindexBody(BaseModel):
    """How an archive is embedded anew."""

    model_config = ConfigDict(extra="forbid")
    force: bool = Field(
        default=False,
        description="Let the new vectors serve also where some videos cannot be read any more.",
    )


class ArchiveView(BaseModel):
    """An archive in numbers."""

    id: str = Field(examples=["default"])
    name: str
    videos: int = Field(description="That a search can find.", examples=[12])
    indexing: int
    failed: int
    created_at: float | None = Field(description="Null where indexing made it.")


class ArchiveList(BaseModel):
    """Every archive."""

    archives: list[ArchiveView]


class ArchivedVideo(BaseModel):
    """A video of an archive."""

    sha256: str
    video_id: str | None = Field(
        description="In the library, where it is there.", examples=[VIDEO_ID]
    )
    name: str | None
    state: str = Field(examples=["ready"])
    reason: str | None = Field(description="Why it failed.")
    duration: float | None
    recorded_at: str | None
    tags: list[str]


class ArchivedVideos(BaseModel):
    """A page of an archive's videos, in the order in which they came."""

    videos: list[ArchivedVideo]
    next_page_token: str | None


class Reindexed(Told):
    """What came of it."""


@router.get("", summary="Every archive")
async def list_archives(caller: Reader, service: TheService) -> ArchiveList:
    """What was made, and what has videos; by name."""
    found = await aside(service.archives.all, caller.tenant)
    return ArchiveList(archives=[ArchiveView(**each.to_dict()) for each in found])


@router.post(
    "",
    status_code=201,
    summary="Make an archive",
    response_model=ArchiveView,
    responses={200: {"model": ArchiveView, "description": "It was there."}},
)
async def create_archive(caller: Writer, service: TheService, body: NewArchive) -> Response:
    """Indexing into a name makes it as well. Making one that is there changes nothing."""
    facts, new = await aside(service.archives.make, caller.tenant, body.name)
    headers = {"Location": f"/v1/archives/{facts.id}"}
    return JSONResponse(facts.to_dict(), status_code=201 if new else 200, headers=headers)


@router.get("/{archive_id:name}", summary="One archive")
async def get_archive(
    caller: Reader, service: TheService, archive_id: ArchiveInPath
) -> ArchiveView:
    """404 also for another tenant's."""
    facts = await aside(service.archives.get, caller.tenant, archive_id)
    return ArchiveView(**facts.to_dict())


@router.delete("/{archive_id:name}", status_code=204, summary="Delete an archive")
async def delete_archive(caller: Writer, service: TheService, archive_id: ArchiveInPath) -> None:
    """With everything that was indexed in it; the videos themselves stay in the library."""
    await aside(service.archives.delete, caller.tenant, archive_id)


@router.get("/{archive_id}/videos", summary="The videos of an archive")
async def list_archive_videos(
    caller: Reader,
    service: TheService,
    archive_id: ArchiveInPath,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    page_token: Annotated[str | None, Query(max_length=200)] = None,
) -> ArchivedVideos:
    """Also those that are being indexed, and those that failed, with the reason."""
    return await aside(_page, service, caller.tenant, archive_id, page_size, page_token)


@router.delete(
    "/{archive_id}/videos/{sha256}", status_code=204, summary="Take a video out of an archive"
)
async def delete_archive_video(
    caller: Writer, service: TheService, archive_id: ArchiveInPath, sha256: Sha256
) -> None:
    """From the next search on it is not found; the video itself stays in the library."""
    await aside(service.archives.delete_video, caller.tenant, archive_id, sha256)


@router.post(
    "/{archive_id:name}:reindex",
    summary="Embed every video anew",
    response_model=Reindexed,
    responses=TAKEN,
)
async def reindex_archive(
    caller: Admin,
    service: TheService,
    wishes: TheWishes,
    http: Request,
    archive_id: ArchiveInPath,
    body: ReindexBody | None = None,
) -> Response:
    """By the model that the workers have now, after another one was installed; searches go on with
    the old vectors until the new ones are whole. All archives of the installation change over
    together, for vectors of two models cannot be compared: it takes an `admin` key."""
    await aside(service.archives.get, caller.tenant, archive_id)
    request = ReindexRequest(force=body is not None and body.force)
    job = await submit(service, caller, request, wishes=wishes)
    return await answer(service, caller, job, wishes, http)


def _page(
    service: Service, tenant: str, archive_id: str, size: int, token: str | None
) -> ArchivedVideos:
    key = list_key("archive", tenant, archive_id)
    archives: TenantArchives = service.archives
    found = archives.videos(tenant, archive_id, after=_after(token, key), limit=size + 1)
    shown = found[:size]
    return ArchivedVideos(
        videos=[ArchivedVideo(**_told(service, tenant, video)) for video in shown],
        next_page_token=_token(shown[-1].id, key) if len(found) > size else None,
    )


def _told(service: Service, tenant: str, video: Video) -> JsonDict:
    sha256, facts = video.digest.removeprefix("sha256:"), video.facts
    stored = service.library.find(tenant, sha256)
    recorded = facts and facts.recorded_at
    return {
        "sha256": sha256,
        "video_id": None if stored is None else stored.id,
        "name": None if stored is None else stored.name,
        "state": video.state,
        "reason": video.reason,
        "duration": None if facts is None else round(facts.duration_s, 3),
        "recorded_at": recorded.isoformat() if recorded else None,
        "tags": list(video.tags),
    }


def _token(number: int, key: str) -> str:
    return base64.urlsafe_b64encode(f"{key}{number}".encode()).decode().rstrip("=")


def _after(token: str | None, key: str) -> int:
    """The number behind which the page begins."""
    if token is None:
        return 0
    try:
        told = base64.urlsafe_b64decode((token + "=" * (-len(token) % 4)).encode("ascii")).decode()
    except (binascii.Error, ValueError) as err:
        raise _no_token(token) from err
    number = told.removeprefix(key)
    if not told.startswith(key) or not (number.isascii() and number.isdigit() and len(number) < 18):
        raise _no_token(token)
    return int(number)


def _no_token(token: str) -> RequestError:
    return RequestError(
        f"{token[:80]!r} is no page token of this list",
        code="page_token_invalid",
        next_step="Give the token of the page before, unchanged; or none.",
    )
