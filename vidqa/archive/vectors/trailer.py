"""The end of an index file: digests of its parts, and a page that says what the file is.

The page's own digest is over the digests too, so nothing of the end is believed unchecked.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any, BinaryIO

from vidqa.errors import ArchiveError

LAYOUT = 2
"""Goes up with every change to what the file holds or how vectors are put into it."""
_MAGIC = "vidqa index"
_PAGE = 4096
_DIGEST = 64
"""Characters of the page's own digest, at its end."""


class UnusableError(ArchiveError):
    """A file that is missing, damaged or of something else; the index is built from its source."""


def page_of(told: dict[str, Any], digests: bytes) -> bytes:
    """The last page, behind ``digests``, that tells this; raises :class:`ArchiveError` where it is
    too much."""
    page = {"magic": _MAGIC, "layout": LAYOUT, **told}
    text = json.dumps(page).encode().ljust(_PAGE - _DIGEST)
    if len(text) > _PAGE - _DIGEST:
        raise ArchiveError(
            f"the name of a source is too long: {len(text)} bytes",
            code="bad_source",
            next_step="Report this: names come from the archive itself.",
        )
    return text + _sealed(digests, text)


def _sealed(digests: bytes, text: bytes) -> bytes:
    return hashlib.sha256(digests + text).hexdigest().encode()


def read_end(file: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """What the last page tells, and the digests of the parts of the body before it.

    Raises :class:`UnusableError` unless both are as they were written.
    """
    end = file.seek(0, os.SEEK_END) - _PAGE
    if end < 0:
        raise unusable("damaged: too short")
    file.seek(end)
    text, seal = file.read(_PAGE - _DIGEST), file.read(_DIGEST)
    page = _json(text)
    if page.get("magic") != _MAGIC:
        raise unusable("no index")
    if page.get("layout") != LAYOUT:
        raise unusable(f"of layout {page.get('layout')}, not {LAYOUT}")
    digests = _before(file, end, page)
    if _sealed(digests, text) != seal:
        raise unusable("damaged: its last page is not as written")
    return page, digests


def _before(file: BinaryIO, end: int, page: dict[str, Any]) -> bytes:
    """What lies between the body and the last page."""
    body_bytes = page.get("body_bytes")
    if not isinstance(body_bytes, int) or not 0 <= body_bytes <= end:
        raise unusable("damaged: its last page is not as written")
    file.seek(body_bytes)
    return file.read(end - body_bytes)


def _json(text: bytes) -> dict[str, Any]:
    """The page's words; nothing where it is none, or is damaged."""
    try:
        page = json.loads(text)
    except ValueError:  # also where the bytes are no UTF-8
        return {}
    return page if isinstance(page, dict) else {}


def unusable(how: str, code: str = "index_damaged") -> UnusableError:
    """The index file is ``how``."""
    return UnusableError(
        f"the index file is {how}",
        code=code,
        next_step="Nothing to do: the index is built from the database.",
    )
