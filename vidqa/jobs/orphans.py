"""Processes that do not outlive the one that started them, however that ended."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import IO

_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process when the thread that started it is gone (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def when_closed(pipe: IO[bytes], call: Callable[[], None]) -> None:
    """Call once the other end of ``pipe`` is gone: its process closed it, or died. Everywhere."""
    handle = pipe.fileno()

    def watch() -> None:
        while os.read(handle, 1):  # not the buffered reader, whose lock would outlive the thread
            pass
        call()

    threading.Thread(target=watch, name="vidqa-parent", daemon=True).start()


def leave_at_once() -> None:
    """End without cleaning up: nobody is there any more."""
    os._exit(1)
