"""A service under test: a store, and workers in a mode. Each mode is one class with these methods.

Another mode joins the suite of ``test_modes`` by adding itself to :data:`MODES`.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import pytest

from vidqa.jobs.embedded import EmbeddedWorker
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service.records import Job
from vidqa.service_settings import ServiceSettings

QUICK: dict[str, Any] = {
    "lease_s": 2.0,
    "heartbeat_s": 0.5,
    "poll_s": 0.02,
    "cancel_grace_s": 1.0,
    "stop_grace_s": 1.0,
    "progress_limit_s": 1.5,
    "load_limit_s": 120.0,
}
"""Times that a test can wait for."""
STUBS = "tests.vidqa.jobs.stubs:run"
WAIT_S = 60.0
"""Longer than anything takes, on a machine that is busy with other things too."""


class Service(Protocol):
    """What the suite needs of a mode."""

    store: JobStore

    def start(self) -> None:
        """Start the workers; they need not be ready yet."""

    def stop(self) -> None:
        """End them in good order, as SIGTERM does."""

    def kill_worker(self) -> None:
        """Kill the process that has the running job (SIGKILL)."""

    def kill_all(self) -> None:
        """Kill the process that looks after it."""

    def submit(self, query: str, **given: Any) -> Job: ...

    def wait(self, job: Job) -> Job:
        """The job once it has ended."""


class Base:
    """What all modes do alike."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None) -> None:
        self.settings = ServiceSettings(data_dir=folder, **{**QUICK, **(settings or {})})
        self.store = open_jobs(self.settings)

    def submit(self, query: str, **given: Any) -> Job:
        request = {"video": {"path": "/films/door.mp4"}, "query": query}
        return self.store.submit("ann", "ground", request, **given).job

    def wait(self, job: Job) -> Job:
        ended = self.store.wait("ann", job.id, WAIT_S)
        assert ended.is_final, f"{ended.state} {ended.progress} after {WAIT_S} s"
        return ended

    def await_running(self, job: Job) -> int:
        """The process that runs it."""
        until(lambda: self.store.get("ann", job.id).state == "in_progress")
        [worker] = [w for w in self.store.workers() if w.job_id == job.id]
        return worker.pid


class EmbeddedService(Base):
    """One supervisor and its child, as beside ``vidqa serve``."""

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None) -> None:
        super().__init__(folder, settings)
        self.worker = EmbeddedWorker(self.settings)

    def start(self) -> None:
        self.worker.start()

    def stop(self) -> None:
        self.worker.stop()

    def kill_worker(self) -> None:
        busy = [worker for worker in self.store.workers() if worker.job_id is not None]
        os.kill(busy[0].pid, signal.SIGKILL)

    def kill_all(self) -> None:
        self.worker.kill()


MODES: dict[str, Callable[[Path, dict[str, Any] | None], Any]] = {"embedded": EmbeddedService}


def until(true: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < deadline_s, "it did not come about"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """Whether a process runs (one that waits to be buried does not)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def with_stubs(patch: pytest.MonkeyPatch, log: Path, fault: str = "") -> None:
    """Workers started from now on run the stubs, and may have a fault."""
    patch.setenv("VIDQA_HANDLER", STUBS)
    patch.setenv("VIDQA_STUB_LOG", str(log))
    patch.setenv("VIDQA_FAULT", fault)
