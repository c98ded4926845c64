"""``/v1/segments/{id}``: the clip of a stretch that some result tells of, and its frames."""

from __future__ import annotations

from pathlib import Path as FilePath
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from vidqa.api.callers import Reader
from vidqa.api.content import Content
from vidqa.api.pieces import Pieces
from vidqa.api.schemas.examples import JOB_ID, SEGMENT_ID, VIDEO_ID
from vidqa.api.service import Service, TheService
from vidqa.api.threads import aside
from vidqa.errors import RequestError
from vidqa.fetching import Roots
from vidqa.service.records import StoredSegment
from vidqa.video.piece import Piece

router = APIRouter(prefix="/v1/segments", tags=["segments"])
SegmentId = Annotated[str, Path(pattern="^seg_[0-9a-z]{26}$", examples=[SEGMENT_ID])]
LONGEST_S = 600.0
"""A clip is cut while somebody waits."""


class SegmentView(BaseModel):
    """A stretch of a video."""

    id: str = Field(examples=[SEGMENT_ID])
    job_id: str = Field(examples=[JOB_ID])
    video_id: str | None = Field(examples=[VIDEO_ID])
    start: float
    end: float


def _file(media_type: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "string", "format": "binary"}
    told = {"content": {media_type: {"schema": schema}}}
    return {200: told, 206: {"description": "The bytes that Range asked for.", **told}}


@router.get("/{segment_id}", summary="Where a segment lies")
async def get_segment(caller: Reader, service: TheService, segment_id: SegmentId) -> SegmentView:
    """Which job found it, in which video, from where to where."""
    segment = await aside(service.jobs.segment, caller.tenant, segment_id)
    return SegmentView(
        id=segment.id,
        job_id=segment.job_id,
        video_id=segment.video_id,
        start=round(segment.start_s, 3),
        end=round(segment.end_s, 3),
    )


@router.get(
    "/{segment_id}/clip.mp4",
    summary="A segment as a clip",
    response_class=Response,
    responses=_file("video/mp4"),
)
async def get_clip(
    caller: Reader, service: TheService, http: Request, segment_id: SegmentId
) -> Response:
    """H.264 and AAC, cut exact to the frame; its own second 0 is the segment's start. Made at the
    first call, which takes as long as that takes; `Range` is understood."""
    segment = await aside(service.jobs.segment, caller.tenant, segment_id)
    length_s = segment.end_s - segment.start_s
    if length_s > LONGEST_S:
        raise RequestError(
            f"the segment is {length_s:.0f} s long; clips of {LONGEST_S:.0f} s are cut at most",
            code="clip_too_long",
            next_step="Play the video itself: /v1/videos/{id}/content.",
        )
    piece = Piece(start_s=segment.start_s, end_s=max(segment.end_s, segment.start_s + 0.04))
    return await _answered(service, caller.tenant, segment, piece, "video/mp4")


@router.get(
    "/{segment_id}/frame.jpg",
    summary="A frame of a segment's video",
    response_class=Response,
    responses=_file("image/jpeg"),
)
async def get_frame(
    caller: Reader,
    service: TheService,
    segment_id: SegmentId,
    pts: Annotated[
        float | None,
        Query(
            ge=0,
            le=10**7,
            allow_inf_nan=False,
            description="The frame on screen at this second of the video; the segment's middle"
            " where it is not said.",
        ),
    ] = None,
) -> Response:
    """JPEG, 1,280 pixels a side at most."""
    segment = await aside(service.jobs.segment, caller.tenant, segment_id)
    at_s = (segment.start_s + segment.end_s) / 2 if pts is None else pts
    return await _answered(
        service, caller.tenant, segment, Piece(start_s=at_s, end_s=None), "image/jpeg"
    )


async def _answered(
    service: Service, tenant: str, segment: StoredSegment, piece: Piece, media_type: str
) -> Response:
    path, sha256 = await aside(_video, service, tenant, segment)
    pieces: Pieces = service.pieces
    made = await aside(pieces.piece, path, piece, sha256=sha256)
    name = f"{segment.id}{piece.suffix}"
    return await aside(Content, made, media_type=media_type, etag=made.stem[:32], name=name)


def _video(service: Service, tenant: str, segment: StoredSegment) -> tuple[FilePath, str | None]:
    """The file of a segment's video, and its digest where it is the library's."""
    if segment.video_id is not None:
        video = service.library.get(tenant, segment.video_id)
        return video.path, video.sha256
    if segment.place is None or "://" in segment.place:
        raise RequestError(
            "the segment's video was fetched from elsewhere and is not kept",
            code="video_gone",
            next_step="Upload it to /v1/videos, and ask again.",
        )
    roots = Roots(tuple(FilePath(root) for root in service.settings.media_roots))
    return roots.locate(segment.place), None
