"""The headers of tus 1.0.0 that carry more than a number (tus.io/protocols/resumable-upload)."""

from __future__ import annotations

import base64
import hashlib
from contextlib import suppress

from vidqa.errors import RequestError

CHECKSUMS = ("sha1", "sha256")
"""tus 1.0 asks for the first."""


def read_metadata(header: str) -> dict[str, str]:
    """``Upload-Metadata``: keys with values in base64, parted by commas.

    Raises :class:`RequestError` ``tus_header_invalid`` where it is not that.
    """
    told: dict[str, str] = {}
    for pair in header.split(",") if header.strip() else ():
        key, _, value = pair.strip().partition(" ")
        try:
            told[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except ValueError as err:
            raise _bad("Upload-Metadata", f"{pair.strip()[:100]!r} is no key and base64") from err
    return told


class Checksum:
    """``Upload-Checksum``: what the part that follows must come to."""

    def __init__(self, header: str) -> None:
        name, _, value = header.strip().partition(" ")
        if name not in CHECKSUMS:
            raise _bad("Upload-Checksum", f"{name[:20]!r} is none of {', '.join(CHECKSUMS)}")
        self._digest = hashlib.new(name, usedforsecurity=False)
        with suppress(ValueError):
            self._wanted = base64.b64decode(value, validate=True)
            if len(self._wanted) == self._digest.digest_size:
                return
        raise _bad("Upload-Checksum", f"{value[:100]!r} is no {name} in base64")

    def update(self, data: bytes | bytearray) -> None:
        """One more stretch of the part."""
        self._digest.update(data)

    def check(self) -> None:
        """Raise :class:`RequestError` ``checksum_mismatch`` (460) where something else came."""
        if self._digest.digest() != self._wanted:
            raise RequestError(
                "what came is not what Upload-Checksum says; nothing of it was kept",
                code="checksum_mismatch",
                next_step="Send this part again.",
            )


def _bad(name: str, why: str) -> RequestError:
    """A header of tus that cannot be read."""
    return RequestError(
        f"{name}: {why}",
        code="tus_header_invalid",
        next_step="See tus.io/protocols/resumable-upload, version 1.0.0.",
    )
