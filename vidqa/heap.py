"""Memory that is free, given back to the system.

glibc keeps freed memory for the next allocation: after the tower that was 72 MB beside a video of
24,576 tokens, which the decoder, whose arrays have other sizes, cannot use and adds to.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from typing import Any


def give_back() -> None:
    """Return free heap pages to the system; nothing where the C library has no such call.

    Takes about a millisecond, and what is allocated next is touched anew: once per video, never
    per step.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Any | None:
    """``malloc_trim`` of glibc; other C libraries have none."""
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "malloc_trim", None)
