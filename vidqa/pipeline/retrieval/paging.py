"""Pages of one ranking: a token says where the next begins, and of what it is the next. Pure."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from vidqa.errors import QueryError

_Item = TypeVar("_Item")
_KEY = 16
"""Hexadecimal digits that tell requests apart."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page begins."""

    offset: int
    key: str
    """Of the request, as :func:`request_key` gives it; empty where the caller counts himself."""
    seq: int | None = None
    """The last change of the archive that the first page knew of."""


def request_key(*parts: object) -> str:
    """Tells requests apart whose pages are of different rankings."""
    told = json.dumps([repr(part) for part in parts]).encode("utf-8", "replace")
    return hashlib.sha256(told).hexdigest()[:_KEY]


def token_of(place: Place) -> str:
    """The place as letters and digits that a URL bears."""
    told = json.dumps([place.offset, place.key, place.seq], separators=(",", ":"))
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def place_of(token: str | None, offset: int, key: str) -> Place:
    """Where to begin. Raises :class:`QueryError` for a token that is none, one of another request,
    an offset below 0, or both a token and an offset."""
    if offset < 0 or (token is not None and offset):
        raise QueryError(
            f"an offset of {offset}" + (" beside a page token" if token is not None else ""),
            code="page_impossible",
            next_step="Give a page token, or an offset from 0 on.",
        )
    if token is None:
        return Place(offset, key)
    place = _read(token)
    if place.key != key:
        raise QueryError(
            "this page token belongs to another search",
            code="page_of_other",
            next_step="Repeat the query and all its options with it, or leave the token out.",
        )
    return place


def page_of(items: Sequence[_Item], place: Place, limit: int) -> tuple[Sequence[_Item], int | None]:
    """The items of a page, and the offset of the next one, ``None`` after the last.

    Raises :class:`QueryError` for a limit below 1.
    """
    if limit < 1:
        raise QueryError(
            f"a page of {limit} hits",
            code="page_impossible",
            next_step="Give a limit from 1 on.",
        )
    end = place.offset + limit
    return items[place.offset : end], end if end < len(items) else None


def _read(token: str) -> Place:
    try:
        padded = token + "=" * (-len(token) % 4)
        told = json.loads(base64.urlsafe_b64decode(padded.encode("ascii")))
        offset, key, seq = told
    except (binascii.Error, ValueError, TypeError) as err:
        raise _no_token(token) from err
    if not (isinstance(offset, int) and offset >= 0 and isinstance(key, str)):
        raise _no_token(token)
    if not (seq is None or isinstance(seq, int)):
        raise _no_token(token)
    return Place(offset, key, seq)


def _no_token(token: str) -> QueryError:
    return QueryError(
        f"{token[:40]!r} is no page token",
        code="page_token_unreadable",
        next_step="Give next_page_token of the page before, whole and unchanged.",
    )
