"""Pages of lists that are newest first: a token says behind which id the next page begins."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from vidqa.errors import VidqaError
from vidqa.service.ids import IdKind, is_id

SIZE_MAX = 200
"""Most entries of a page."""
_KEY = 12


def list_key(*parts: object) -> str:
    """Tells lists apart, so that a token of one is not taken for another's."""
    told = json.dumps([repr(part) for part in parts])
    return hashlib.sha256(told.encode()).hexdigest()[:_KEY]


def token_behind(entry_id: str, key: str) -> str:
    """The token of the page behind this entry."""
    return base64.urlsafe_b64encode(f"{key}{entry_id}".encode()).decode().rstrip("=")


def id_before(kind: IdKind, token: str, key: str, error: type[VidqaError]) -> str:
    """The entry behind which the page begins; raises ``error`` for another list's token."""
    try:
        told = base64.urlsafe_b64decode((token + "=" * (-len(token) % 4)).encode("ascii")).decode()
    except (binascii.Error, ValueError) as err:
        raise _no_token(token, error) from err
    found = told[_KEY:]
    if told[:_KEY] != key or not is_id(kind, found):
        raise _no_token(token, error)
    return found


def check_size(size: int, error: type[VidqaError]) -> None:
    """Raise ``error`` for a page that nobody may have."""
    if not 1 <= size <= SIZE_MAX:
        raise error(
            f"a page of {size} entries",
            code="page_size_invalid",
            next_step=f"Ask for 1 to {SIZE_MAX}.",
        )


def _no_token(token: str, error: type[VidqaError]) -> VidqaError:
    return error(
        f"{token[:80]!r} is no page token of this list",
        code="page_token_invalid",
        next_step="Give the token of the page before, unchanged, with the same filters; or none.",
    )
