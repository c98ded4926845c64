"""The way of a whole file into the library: checked, within its owner's room, adopted."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from vidqa.api.callers import Caller
from vidqa.api.intake.arrival import Arrived
from vidqa.api.intake.looking import check_video
from vidqa.api.intake.room import check_disk, check_quota
from vidqa.api.service import Service
from vidqa.errors import RequestError
from vidqa.service.records import StoredVideo


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A video of the library; ``created`` is False where the tenant had these bytes before."""

    video: StoredVideo
    created: bool


def check_room(service: Service, caller: Caller, coming: int) -> None:
    """Raise where ``coming`` bytes more are more than the disk or the caller's tenant may hold.

    Of a service without keys there is one user, whose disk it is.
    """
    settings = service.settings
    check_disk(settings.folder, coming, floor=settings.min_free_bytes)
    if caller.key_id is not None and settings.tenant_bytes:
        used = service.library.total_bytes(caller.tenant)
        check_quota(used, coming, quota=settings.tenant_bytes)


def incoming_path(service: Service) -> Path:
    """A new name beside the library, which nobody guesses."""
    return service.library.incoming / f"upload-{secrets.token_hex(16)}"


def accept(
    service: Service, caller: Caller, arrived: Arrived, *, name: str, sha256: str | None
) -> Accepted:
    """Make a whole file a video of the caller's; it is moved, or removed where it was known.
    It is measured afterwards.

    ``sha256`` is what the client says it is. Raises ``checksum_differs``, what
    :func:`check_video` and :func:`check_room` raise; the file is then still where it was.
    """
    if sha256 is not None and sha256.lower() != arrived.sha256:
        raise RequestError(
            f"the file that came has the SHA-256 {arrived.sha256}, not {sha256[:64]}",
            code="checksum_differs",
            next_step="Send it again; it was damaged on its way, or is another file.",
        )
    check_video(arrived.path, name)
    known = service.library.find(caller.tenant, arrived.sha256)
    if known is not None:
        arrived.path.unlink(missing_ok=True)
        service.metrics.saw_upload("known")
        service.studies.soon(known)
        return Accepted(video=known, created=False)
    check_room(service, caller, arrived.bytes)
    video = service.library.adopt(caller.tenant, arrived.path, arrived.sha256, name)
    service.metrics.saw_upload("stored")
    service.studies.soon(video)
    return Accepted(video=video, created=True)
