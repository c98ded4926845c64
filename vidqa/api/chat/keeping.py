"""A video or picture that came inside a request, put into the library like any other upload."""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path

from vidqa.api.intake.arrival import disk_errors
from vidqa.errors import VideoError
from vidqa.service.library import Library
from vidqa.service.records import StoredVideo
from vidqa.video.sniff import sniff
from vidqa.video.stills import is_still

NAME = "from a chat"


def keep(library: Library, tenant: str, data: bytes) -> StoredVideo:
    """The video of the library with these bytes; raises :class:`VideoError` for what is none by its
    first bytes."""
    aside = library.incoming / f"chat-{secrets.token_hex(16)}"
    try:
        with disk_errors(aside):
            aside.write_bytes(data)
        _check(aside)
        return library.adopt(tenant, aside, hashlib.sha256(data).hexdigest(), NAME)
    finally:
        aside.unlink(missing_ok=True)


def _check(file: Path) -> None:
    """Raise what is wrong with it; where it lies meanwhile is nobody's business."""
    try:
        if not is_still(file):
            sniff(file)
    except VideoError as err:
        told = str(err).replace(str(file), "what came")
        raise VideoError(told, code=err.code, next_step=err.next_step) from err
