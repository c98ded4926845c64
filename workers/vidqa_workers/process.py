"""The one model of this process: opened by the first job that needs it, then kept.

Never call this in a worker's main process: what it loads (CUDA above all) does not survive a fork.
"""

from __future__ import annotations

from functools import cache
from threading import Lock
from typing import TYPE_CHECKING

import vidqa

if TYPE_CHECKING:
    from vidqa.session import Session

_lock = Lock()


def session() -> Session:
    """The session of this process, as ``VIDQA_MODEL`` and the other settings say."""
    with _lock:  # two threads that ask at once must not load two models
        return _opened()


@cache
def _opened() -> Session:
    return vidqa.open()


def close() -> None:
    """Forget the session; the next job opens another."""
    _opened.cache_clear()
