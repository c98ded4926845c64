"""A local file into the service's library, in parts that go on where they were cut off (tus 1.0).

``digest -> known? -> place (remembered, or made) -> parts -> video``
Where an upload is, is remembered in a small file, so that a later process goes on with it too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from vidqa.client.errors import Conflict, NotFound, Problem, ReplyUnreadable, Unreachable
from vidqa.client.records import Video, read, video_of
from vidqa.client.transport import Transport
from vidqa.errors import VideoError

OnBytes = Callable[[int, int], None]
"""Told bytes that have arrived, and bytes in all."""
PART_BYTES = 8 * 2**20
_TUS = {"Tus-Resumable": "1.0.0"}
_PART = {**_TUS, "Content-Type": "application/offset+octet-stream"}


def upload(
    transport: Transport, path: Path, *, name: str | None, progress: OnBytes | None
) -> Video:
    """The video that the file is in the library. Raises :class:`vidqa.errors.VideoError` for a file
    that cannot be read, :class:`ServiceError` for what the service says."""
    sha256, size = _measured(path)
    known = transport.json("GET", "/v1/videos", query={"sha256": sha256}).get("videos", ())
    if known:
        return read(video_of, known[0])
    memory = _memory(transport, sha256)
    place = _remembered(transport, memory) or _made(transport, path, name, sha256, size)
    memory.parent.mkdir(parents=True, exist_ok=True)
    memory.write_text(place, encoding="utf-8")
    _send(transport, place, path, size, progress or _untold)
    memory.unlink(missing_ok=True)
    video_id = transport.json("GET", place).get("video_id")
    if not isinstance(video_id, str):
        raise _unnamed(place)
    return read(video_of, transport.json("GET", f"/v1/videos/{video_id}"))


def _send(transport: Transport, place: str, path: Path, size: int, progress: OnBytes) -> None:
    """Every part that is missing; what broke off is asked for and gone on with."""
    offset, pauses = _offset(transport, place), transport.patience.pauses()
    with path.open("rb") as file:
        while offset < size:
            progress(offset, size)
            file.seek(offset)
            headers = {**_PART, "Upload-Offset": str(offset)}
            try:
                reply = transport.send(
                    "PATCH", place, headers=headers, content=file.read(PART_BYTES), timeout_s=300.0
                )
                offset, pauses = int(reply.headers["upload-offset"]), transport.patience.pauses()
            except (Conflict, Unreachable):
                # A part may have arrived although its answer did not.
                pause_s = next(pauses, None)
                if pause_s is None:
                    raise
                transport.patience.sleep(pause_s)
                offset = _offset(transport, place)
    progress(size, size)


def _offset(transport: Transport, place: str) -> int:
    return int(transport.send("HEAD", place, headers=_TUS).headers["upload-offset"])


def _made(transport: Transport, path: Path, name: str | None, sha256: str, size: int) -> str:
    told = {"filename": name or path.name, "sha256": sha256}
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    headers = {**_TUS, "Upload-Length": str(size), "Upload-Metadata": ",".join(pairs)}
    reply = transport.send("POST", "/v1/uploads", headers=headers)
    return reply.headers["location"]


def _remembered(transport: Transport, memory: Path) -> str | None:
    """Where an earlier attempt got to; None where there was none, or the service forgot it."""
    try:
        place = memory.read_text(encoding="utf-8")
        _offset(transport, place)
    except (FileNotFoundError, NotFound):
        return None
    return place


def _memory(transport: Transport, sha256: str) -> Path:
    service = hashlib.sha256(transport.url.encode()).hexdigest()[:16]
    return user_cache_path("vidqa", appauthor=False) / "uploads" / f"{service}-{sha256}"


def _measured(path: Path) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
                size += len(block)
    except OSError as err:
        raise VideoError(
            f"{path}: cannot be read ({err.strerror})",
            code="file_unreadable",
            next_step="Check the path and its permissions.",
        ) from err
    return digest.hexdigest(), size


def _untold(_done: int, _total: int) -> None:
    """Nobody asked."""


def _unnamed(place: str) -> ReplyUnreadable:
    return ReplyUnreadable(
        Problem(
            status=200,
            code="reply_unreadable",
            detail=f"{place} is whole, and the service names no video that it became",
            next_step="Look in the list of videos.",
        )
    )
