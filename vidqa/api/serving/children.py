"""Processes that are kept running: started anew when they end, and ended with their parent.

A child is a group of its own, so that Ctrl-C reaches the parent alone, which then stops it in good
order. Its parent's death, also by SIGKILL, ends it within a second: the parent's end of a pipe
closes, wherever no kernel could be asked to tell.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

import structlog

from vidqa.jobs.embedded import EmbeddedWorker

_log = structlog.get_logger("vidqa.serve")
_SPAWN = multiprocessing.get_context("spawn")
_BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""How long a child that keeps ending is left alone before it is started anew."""
_WELL_S = 60.0
"""A child that ran so long is no longer one that keeps ending."""


class Kept(Protocol):
    """A process that :class:`vidqa.api.serving.whole` keeps running."""

    def start(self) -> None:
        """For the first time."""

    def tend(self) -> None:
        """Called twice a second: start it anew where it has ended."""

    def ask_to_end(self) -> None:
        """In good order; returns at once."""

    def await_end(self, until: float) -> None:
        """Wait until ``time.monotonic()`` is ``until``, then end it by force."""


class Pause:
    """How long a process that keeps ending is left alone before it is started anew."""

    def __init__(self) -> None:
        self._started_at, self._ends = time.monotonic(), 0

    def is_over(self) -> bool:
        """Whether it may be started again; told yes, it counts as started."""
        ran_s = time.monotonic() - self._started_at
        if ran_s > _WELL_S:
            self._ends = 0
        if ran_s < _BACKOFF_S[min(self._ends, len(_BACKOFF_S) - 1)]:
            return False
        self._ends += 1
        self._started_at = time.monotonic()
        return True


class WorkerProcess:
    """The worker of the service, as a process that is kept."""

    def __init__(self, worker: EmbeddedWorker) -> None:
        self._worker, self._pause = worker, Pause()
        self._ending: threading.Thread | None = None

    def start(self) -> None:
        """For the first time."""
        self._worker.start()

    def tend(self) -> None:
        """Start it anew where it has ended."""
        if not self._worker.alive and self._pause.is_over():
            _log.warning("child.ended", child="worker")
            self._worker.start()

    def ask_to_end(self) -> None:
        """A running job ends, or is put back."""
        self._ending = threading.Thread(target=self._worker.stop, name="worker-end", daemon=True)
        self._ending.start()

    def await_end(self, until: float) -> None:
        """Wait for it; its own process goes with it."""
        if self._ending is not None:
            self._ending.join(max(0.0, until - time.monotonic()))
        if self._worker.alive:
            _log.warning("child.killed", child="worker")
            self._worker.kill()


class Child:
    """One process that is to run as long as its parent does.

    ``target(*args)`` runs in it, and must end by itself soon after SIGTERM.
    """

    def __init__(self, name: str, target: Callable[..., None], *args: Any) -> None:
        self.name = name
        self._target, self._args = target, args
        self._process: BaseProcess | None = None
        self._pause = Pause()

    def start(self) -> None:
        """Start it, for the first time or anew."""
        args = (self._target, self._args)
        process = _SPAWN.Process(target=_run, args=args, name=self.name, daemon=False)
        process.start()
        self._process = process

    def tend(self) -> None:
        """Start it anew where it has ended, later and later where it keeps ending."""
        process = self._process
        if process is None or process.exitcode is None or not self._pause.is_over():
            return
        _log.warning("child.ended", child=self.name, exit_code=process.exitcode)
        self.start()

    def ask_to_end(self) -> None:
        """SIGTERM: it ends in good order."""
        if self._process is not None and self._process.exitcode is None:
            self._process.terminate()

    def await_end(self, until: float) -> None:
        """Wait for it until ``time.monotonic()`` is ``until``, then end it by force."""
        if self._process is None:
            return
        self._process.join(max(0.0, until - time.monotonic()))
        if self._process.exitcode is None:
            _log.warning("child.killed", child=self.name)
            self._process.kill()
            self._process.join()


def _run(target: Callable[..., None], args: tuple[Any, ...]) -> None:
    """What a child does first: leave the parent's group, and watch the parent."""
    if hasattr(os, "setpgid"):
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None  # noqa: S101  (multiprocessing started this)

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)  # nobody is left to end for; what was begun is taken up by its lease

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
    target(*args)
