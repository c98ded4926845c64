"""``/v1/uploads``: uploads that go on where they were cut off, by tus 1.0.0 (tus.io).

Core, creation, creation-with-upload, checksum, expiration, termination; any tus client works. The
answer to the last part names the video in ``Content-Location``, and ``GET`` tells it later.
"""

from __future__ import annotations

from email.utils import formatdate
from typing import Annotated

import anyio
from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel, Field

from vidqa.api.bodies import int_or_0
from vidqa.api.callers import Caller, Reader, Writer
from vidqa.api.intake.acceptance import accept, check_room
from vidqa.api.intake.arrival import BUFFER_BYTES, Arrived, file_too_large
from vidqa.api.intake.body import Patience, chunks_of
from vidqa.api.intake.looking import ENOUGH_BYTES
from vidqa.api.intake.resumable import Upload
from vidqa.api.intake.tus import CHECKSUMS, Checksum, read_metadata
from vidqa.api.service import Service, TheService
from vidqa.api.threads import aside
from vidqa.errors import RequestError, VideoError, VidqaError

router = APIRouter(prefix="/v1/uploads", tags=["videos"])
VERSION = "1.0.0"
PART_TYPE = "application/offset+octet-stream"
PATIENCE = Patience()
UploadId = Annotated[str, Path(examples=["upl_01jdb2zzt0e8w4n7c5k3q9m1xa"], max_length=100)]
_Version = Annotated[str, Header(alias="Tus-Resumable")]


class UploadState(BaseModel):
    """How far an upload is."""

    id: str = Field(examples=["upl_01jdb2zzt0e8w4n7c5k3q9m1xa"])
    offset: int = Field(description="Bytes that have arrived.", examples=[8_388_608])
    length: int = Field(description="Bytes of the whole file.", examples=[18_342_001])
    expires_at: float = Field(description="Seconds since 1970.")
    video_id: str | None = Field(description="What it became; null before its last part.")


@router.options("", summary="What of tus is understood", status_code=204)
async def get_upload_options(_caller: Reader, service: TheService) -> Response:
    """The one request of tus that needs no `Tus-Resumable`."""
    told = {
        "tus-resumable": VERSION,
        "tus-version": VERSION,
        "tus-extension": "creation,creation-with-upload,checksum,expiration,termination",
        "tus-max-size": str(int(service.settings.max_upload_bytes)),
        "tus-checksum-algorithm": ",".join(CHECKSUMS),
    }
    return Response(status_code=204, headers=told)


@router.post("", status_code=201, summary="Begin an upload in parts")
async def create_upload(
    request: Request,
    caller: Writer,
    service: TheService,
    upload_length: Annotated[int, Header(ge=1)],
    tus_resumable: _Version = "",
    upload_metadata: Annotated[str, Header(max_length=4_096)] = "",
) -> Response:
    """`Upload-Metadata` may give `filename` and `sha256`. A body is the first part."""
    _check_version(tus_resumable)
    limit = service.settings.max_upload_bytes
    if upload_length > limit:
        raise file_too_large(limit)
    told = read_metadata(upload_metadata)

    def begun() -> Upload:
        check_room(service, caller, upload_length)
        return service.uploads.create(
            caller.tenant,
            upload_length,
            metadata=upload_metadata,
            name=told.get("filename") or told.get("name") or "video",
            sha256=told.get("sha256"),
        )

    upload = await aside(begun)
    if request.headers.get("content-type") == PART_TYPE:
        upload = await _extended(request, caller, service, upload)
    return Response(
        status_code=201, headers={**_state(upload), "location": f"/v1/uploads/{upload.id}"}
    )


@router.head("/{upload_id}", summary="How far an upload is")
async def head_upload(
    upload_id: UploadId, caller: Writer, service: TheService, tus_resumable: _Version = ""
) -> Response:
    """`Upload-Offset` is where the next part begins."""
    _check_version(tus_resumable)
    upload = await aside(service.uploads.get, caller.tenant, upload_id)
    told = {"upload-metadata": upload.metadata} if upload.metadata else {}
    return Response(headers={**_state(upload), **told, "cache-control": "no-store"})


@router.get("/{upload_id}", summary="How far an upload is, and which video it became")
async def get_upload(upload_id: UploadId, caller: Reader, service: TheService) -> UploadState:
    """Not of tus: for clients that ask as they ask for everything else."""
    upload = await aside(service.uploads.get, caller.tenant, upload_id)
    return UploadState(
        id=upload.id,
        offset=upload.offset,
        length=upload.length,
        expires_at=upload.expires_at,
        video_id=upload.video_id,
    )


@router.patch(
    "/{upload_id}",
    status_code=204,
    summary="The next part of an upload",
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {PART_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        }
    },
)
async def extend_upload(
    upload_id: UploadId,
    request: Request,
    caller: Writer,
    service: TheService,
    upload_offset: Annotated[int, Header(ge=0)],
    tus_resumable: _Version = "",
) -> Response:
    """What arrives is kept, also of a part that is cut off; with `Upload-Checksum` whole or not."""
    _check_version(tus_resumable)
    if request.headers.get("content-type") != PART_TYPE:
        raise RequestError(
            "a part of an upload has another type",
            code="media_type_unsupported",
            next_step=f"Send it with Content-Type: {PART_TYPE}.",
        )
    upload = await aside(service.uploads.get, caller.tenant, upload_id)
    if upload.offset != upload_offset:
        raise RequestError(
            f"{upload.offset:,} bytes have arrived, and this part begins at {upload_offset:,}",
            code="offset_mismatch",
            next_step="Ask with HEAD where to go on.",
            headers={"upload-offset": str(upload.offset), "tus-resumable": VERSION},
        )
    upload = await _extended(request, caller, service, upload)
    return Response(status_code=204, headers=_state(upload))


@router.delete("/{upload_id}", status_code=204, summary="End an upload")
async def delete_upload(
    upload_id: UploadId, caller: Writer, service: TheService, tus_resumable: _Version = ""
) -> Response:
    """What has arrived of it is removed; a video that it became stays."""
    _check_version(tus_resumable)

    def ended() -> None:
        upload = service.uploads.get(caller.tenant, upload_id)
        with service.uploads.lock(upload):
            service.uploads.end(upload)

    await aside(ended)
    return Response(status_code=204, headers={"tus-resumable": VERSION})


async def _extended(request: Request, caller: Caller, service: Service, upload: Upload) -> Upload:
    """The part that is the body behind what is there; the whole file into the library."""
    header = request.headers.get("upload-checksum")
    checksum = None if header is None else Checksum(header)
    if int_or_0(request.headers.get("content-length")) > upload.length - upload.offset:
        raise _overflow(upload)
    lock = await aside(service.uploads.lock, upload)
    try:
        upload = await _appended(request, service, upload, checksum)
        if upload.offset == upload.length and upload.video_id is None:
            upload = await aside(_finished, caller, service, upload)
    except VidqaError as err:
        service.metrics.saw_upload(err.code)
        raise
    finally:
        with anyio.CancelScope(shield=True):
            await aside(lock.close)
    return upload


async def _appended(
    request: Request, service: Service, upload: Upload, checksum: Checksum | None
) -> Upload:
    """Raises what is wrong with the part; what arrived of it is kept, unless it has a checksum."""
    part = _Part(service, upload, checksum)
    try:
        async for chunk in chunks_of(request, PATIENCE):
            await part.take(chunk)
        await aside(part.flush)
        if checksum is not None:
            checksum.check()
    except BaseException:
        with anyio.CancelScope(shield=True):
            await aside(part.give_up)
        raise
    return await aside(service.uploads.settle, upload)


class _Part:
    """One part on its way behind what has arrived, a megabyte in memory at most."""

    def __init__(self, service: Service, upload: Upload, checksum: Checksum | None) -> None:
        self._service, self._upload, self._checksum = service, upload, checksum
        self._waiting = bytearray()
        self._offset = upload.offset
        self._looked = upload.offset >= ENOUGH_BYTES

    async def take(self, chunk: bytes) -> None:
        if self._offset + len(self._waiting) + len(chunk) > self._upload.length:
            raise _overflow(self._upload)
        self._waiting += chunk
        if len(self._waiting) >= BUFFER_BYTES:
            await aside(self.flush)

    def flush(self) -> None:
        """Raises :class:`vidqa.errors.VideoError` as soon as it is seen to be no video."""
        if self._checksum is not None:
            self._checksum.update(self._waiting)
        self._offset = self._service.uploads.append(self._upload, self._waiting)
        self._service.metrics.wrote(len(self._waiting))
        self._waiting.clear()
        if not self._looked and self._offset >= ENOUGH_BYTES:
            self._service.uploads.look(self._upload)
            self._looked = True

    def give_up(self) -> None:
        """Keep what may be kept, unless the upload has been ended."""
        uploads = self._service.uploads
        if not uploads.has(self._upload):
            return
        if self._checksum is not None:
            uploads.cut_back(self._upload)
            return
        self._offset = uploads.append(self._upload, self._waiting)
        uploads.settle(self._upload)


def _finished(caller: Caller, service: Service, upload: Upload) -> Upload:
    path, digest = service.uploads.whole(upload)
    arrived = Arrived(path=path, bytes=upload.length, sha256=digest)
    try:
        accepted = accept(service, caller, arrived, name=upload.name, sha256=upload.sha256)
    except (VideoError, RequestError):  # whatever else comes, these bytes will not do
        service.uploads.end(upload)
        raise
    return service.uploads.became(upload, accepted.video.id)


def _state(upload: Upload) -> dict[str, str]:
    told = {
        "tus-resumable": VERSION,
        "upload-offset": str(upload.offset),
        "upload-length": str(upload.length),
        "upload-expires": formatdate(upload.expires_at, usegmt=True),
    }
    if upload.video_id is not None:
        told["content-location"] = f"/v1/videos/{upload.video_id}"
    return told


def _overflow(upload: Upload) -> RequestError:
    return RequestError(
        f"this part is longer than the {upload.length - upload.offset:,} bytes that are missing",
        code="upload_overflow",
        next_step="Ask with HEAD where to go on; Upload-Length was given at the beginning.",
        headers={"connection": "close", "tus-resumable": VERSION},
    )


def _check_version(given: str) -> None:
    if given != VERSION:
        raise RequestError(
            f"Tus-Resumable is {given[:20]!r}",
            code="tus_version_unsupported",
            next_step=f"Send Tus-Resumable: {VERSION}.",
            headers={"tus-version": VERSION, "tus-resumable": VERSION},
        )
