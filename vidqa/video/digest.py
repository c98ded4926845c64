"""A file's identity: the SHA-256 of its bytes."""

from __future__ import annotations

import hashlib
from pathlib import Path

from vidqa import interrupts
from vidqa.errors import VideoError

_CHUNK = 1 << 20


def file_sha256(path: str | Path) -> str:
    """Lower-case hexadecimal SHA-256; raises :class:`VideoError` when the file cannot be read."""
    digest = hashlib.sha256()
    try:
        with Path(path).open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
                interrupts.check()
    except OSError as err:
        raise VideoError(
            f"{path}: cannot be read ({err.strerror})",
            code="file_unreadable",
            next_step="Check the path and its permissions.",
        ) from err
    return digest.hexdigest()
