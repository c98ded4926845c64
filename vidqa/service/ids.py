"""Ids of everything the service names: ``job_01jd...``, sortable by the time they were made.

The layout is that of a ULID (github.com/ulid/spec): 48 bits of milliseconds since 1970, then 80
random bits, as 26 characters of Crockford's base 32; here in lower case, behind the kind.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Literal

IdKind = Literal["job", "vid", "seg", "key", "evt", "wrk", "upl"]
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_ID = re.compile(r"(?:job|vid|seg|key|evt|wrk|upl)_[0-7][0-9a-hjkmnp-tv-z]{25}")
_RANDOM_BITS = 80


def new_id(kind: IdKind) -> str:
    """An id that nobody else has; later ones sort behind it, to the millisecond."""
    return id_at(kind, time.time_ns() // 1_000_000, secrets.randbits(_RANDOM_BITS))


def id_at(kind: IdKind, ms: int, random: int) -> str:
    """The id of a moment, milliseconds since 1970 below 2^48, and 80 random bits."""
    number = (ms << _RANDOM_BITS) | random
    return f"{kind}_" + "".join(_ALPHABET[number >> 5 * k & 31] for k in range(25, -1, -1))


def is_id(kind: IdKind, text: str) -> bool:
    """Whether ``text`` is spelled as an id of this kind."""
    return text.startswith(f"{kind}_") and _ID.fullmatch(text) is not None
