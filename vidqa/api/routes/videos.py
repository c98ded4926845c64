"""``/v1/videos``: uploaded, fetched or copied in; listed, renamed, played, removed."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from vidqa.api.callers import Reader, Writer
from vidqa.api.content import Content
from vidqa.api.intake.looking import media_type
from vidqa.api.intake.taking import take_file, take_place
from vidqa.api.service import TheService
from vidqa.api.threads import aside
from vidqa.errors import RequestError
from vidqa.service.records import StoredVideo, VideoState

router = APIRouter(prefix="/v1/videos", tags=["videos"])
VideoId = Annotated[str, Path(examples=["vid_01jdb2zzt0e8w4n7c5k3q9m1xa"], max_length=100)]
FACTS = {
    "kind": "video",
    "duration": 12.0,
    "start_time": 0.0,
    "fps": 10.0,
    "vfr": False,
    "width": 320,
    "height": 180,
    "rotation": 0,
    "frames": 120,
    "container": "mp4",
    "codec": "h264",
    "audio_codecs": [],
    "unreadable_from": None,
}
Name = Annotated[str, Field(min_length=1, max_length=255, examples=["kitchen.mp4"])]


class Video(BaseModel):
    """One video of the library."""

    id: str = Field(examples=["vid_01jdb2zzt0e8w4n7c5k3q9m1xa"])
    sha256: str = Field(description="Of its bytes, in hexadecimal.")
    name: str = Field(description="To be shown: the client's own.", examples=["kitchen.mp4"])
    bytes: int = Field(ge=0, examples=[18_342_001])
    state: VideoState = Field(
        description="`arrived` until it has been measured; then `ready`, or with an error:"
        " `unreadable`, or `refused` by the settings of the service.",
        examples=["ready"],
    )
    created_at: float = Field(description="Seconds since 1970.", examples=[1_795_660_000.25])
    facts: dict[str, Any] | None = Field(
        description="What was measured of it, times in seconds; null before that.",
        examples=[FACTS],
    )
    error: dict[str, Any] | None = Field(
        description="Why it is `unreadable` or `refused`: `code`, `message`, `next_step`."
    )


class VideoPage(BaseModel):
    """Some videos, the newest first."""

    videos: list[Video]
    next_page_token: str | None = Field(description="For the page behind; null at the end.")


class VideoChange(BaseModel):
    """What may be changed of a video."""

    model_config = ConfigDict(extra="forbid")

    name: Name


_FILE = {"type": "string", "format": "binary"}
_BODIES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The file itself, a form with it, or where it lies.",
        "content": {
            "video/*": {"schema": _FILE},
            "application/octet-stream": {"schema": _FILE},
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "file": _FILE,
                        "name": {"type": "string", "maxLength": 255},
                        "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
                    },
                    "required": ["file"],
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "description": "Exactly one of url and path.",
                    "properties": {
                        "url": {"type": "string", "description": "Its domain must be allowed."},
                        "path": {"type": "string", "description": "Below one of media_roots."},
                        "name": {"type": "string", "maxLength": 255},
                        "sha256": {"type": "string", "pattern": "^[0-9a-fA-F]{64}$"},
                    },
                    "additionalProperties": False,
                    "examples": [{"url": "https://media.example.org/kitchen.mp4"}],
                }
            },
        },
    },
    "parameters": [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255},
            "description": "The same key with the same file: the same video; with another: 422.",
        }
    ],
}


@router.post(
    "",
    status_code=201,
    summary="Upload a video, or have it fetched",
    responses={200: {"model": Video, "description": "Those bytes were here before."}},
    openapi_extra=_BODIES,
)
async def create_video(
    request: Request,
    response: Response,
    caller: Writer,
    service: TheService,
    name: Annotated[str | None, Query(max_length=255, examples=["kitchen.mp4"])] = None,
    sha256: Annotated[str | None, Query(pattern="^[0-9a-fA-F]{64}$")] = None,
) -> Video:
    """Streamed to the disk, and looked at while it comes: what is no video is refused at once.

    `name` and `sha256` in the query are for a body that is the file itself. The bytes must come to
    `sha256`, where it is given. To go on after a cut connection use `/v1/uploads`.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        accepted = await take_place(request, caller, service)
    elif kind == "multipart/form-data" or kind.startswith("video/") or kind in _RAW:
        accepted = await take_file(request, caller, service, name=name, sha256=sha256)
    else:
        raise RequestError(
            f"a body of type {kind[:100]!r} cannot be taken",
            code="media_type_unsupported",
            next_step="Send the file with Content-Type: video/mp4, a multipart/form-data with a"
            " part named file, or application/json with url or path.",
            headers={"accept-post": "video/*, multipart/form-data, application/json"},
        )
    response.status_code = 201 if accepted.created else 200
    response.headers["location"] = f"/v1/videos/{accepted.video.id}"
    return shown(accepted.video)


_RAW = ("application/octet-stream", "image/gif")


@router.get("", summary="The videos there are")
async def list_videos(
    caller: Reader,
    service: TheService,
    page_size: Annotated[int, Query(ge=1, le=100)] = 20,
    page_token: Annotated[str | None, Query(max_length=200)] = None,
    sha256: Annotated[
        str | None, Query(pattern="^[0-9a-fA-F]{64}$", description="The one of these bytes.")
    ] = None,
) -> VideoPage:
    """The newest first. With `sha256` at most one: whether a file need be uploaded at all."""
    if sha256 is not None:
        found = await aside(service.library.find, caller.tenant, sha256.lower())
        return VideoPage(videos=[] if found is None else [shown(found)], next_page_token=None)
    page = await aside(service.library.page, caller.tenant, size=page_size, token=page_token)
    return VideoPage(
        videos=[shown(video) for video in page.videos], next_page_token=page.next_token
    )


@router.get("/{video_id}", summary="One video")
async def get_video(video_id: VideoId, caller: Reader, service: TheService) -> Video:
    """404 also for another tenant's."""
    return shown(await aside(service.library.get, caller.tenant, video_id))


@router.patch("/{video_id}", summary="Rename a video")
async def change_video(
    video_id: VideoId, change: VideoChange, caller: Writer, service: TheService
) -> Video:
    """The name is for people alone; nothing is found by it."""
    return shown(await aside(service.library.rename, caller.tenant, video_id, change.name))


@router.delete("/{video_id}", status_code=204, summary="Remove a video")
async def delete_video(video_id: VideoId, caller: Writer, service: TheService) -> None:
    """Its bytes go too, where no other tenant has them. Jobs about it keep their results."""
    await aside(service.library.delete, caller.tenant, video_id)


@router.head("/{video_id}/content", include_in_schema=False)
@router.get(
    "/{video_id}/content",
    summary="The video's bytes",
    response_class=Response,
    responses={
        200: {"content": {"video/*": {"schema": _FILE}}, "description": "All of them."},
        206: {"content": {"video/*": {"schema": _FILE}}, "description": "What Range asks for."},
        304: {"description": "If-None-Match names what it still is."},
    },
)
async def get_video_content(video_id: VideoId, caller: Reader, service: TheService) -> Response:
    """For a player: `Range`, `If-Range` and `If-None-Match` are heeded."""

    def opened() -> Response:
        video = service.library.get(caller.tenant, video_id)
        kind = media_type(video.path)
        return Content(video.path, media_type=kind, etag=video.sha256, name=video.name)

    return await aside(opened)


def shown(video: StoredVideo) -> Video:
    """A video as answers show it."""
    return Video.model_validate(video.to_dict())
