"""Ctrl-C while a long video is searched: end in good order and tell what is known by then."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from vidqa.effort import Halt


@contextmanager
def halting(halt: Halt) -> Iterator[None]:
    """The first Ctrl-C asks a search that heeds it to end; the next one, or where nothing heeds it,
    interrupts at once, as everywhere else.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread alone
        return

    def handle(number: int, frame: FrameType | None) -> None:
        if not halt.heeded or halt.asked:
            raise KeyboardInterrupt
        halt.asked = True

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
