"""Celery workers of one machine, kept running: one for each queue, begun anew when it ends.

A worker has a process group of its own (Ctrl-C on a terminal must not reach the processes in which
jobs run), and its standard input is a pipe from here: when this process is gone, so is the worker.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from vidqa.jobs.launching import launch
from vidqa.service.ids import new_id
from vidqa.service.records import Queue
from vidqa.service_settings import ServiceSettings

log = logging.getLogger(__name__)

_PAUSES_S = (0.2, 1.0, 5.0, 15.0, 30.0)
"""Before a worker is begun anew, the longer the more often it ended early."""
_STEADY_S = 60.0
"""A worker that lasted so long had begun well."""


class Member:
    """One Celery worker: its first process, and through its group all others."""

    def __init__(
        self,
        settings: ServiceSettings,
        queue: Queue,
        *,
        processes: int,
        session: Mapping[str, Any] | None = None,
    ) -> None:
        self._settings, self._processes, self._session = settings, processes, dict(session or {})
        self.queue: Queue = queue
        """Whose jobs it runs."""
        self.node = ""
        """Name of its present run, with which those of its processes begin; none before the
        first."""
        self._process: subprocess.Popen[bytes] | None = None
        self._began_at, self._early_ends, self._not_before = 0.0, 0, 0.0

    @property
    def is_running(self) -> bool:
        """Whether its first process is there."""
        return self._process is not None and self._process.poll() is None

    def keep(self) -> None:
        """Begin it unless it runs, or ended too shortly ago."""
        if self.is_running:
            return
        now = time.monotonic()
        if self._process is not None:
            self._after_its_end(now)
        if now >= self._not_before:
            self._begin(now)

    def ask_to_end(self) -> None:
        """Take no more jobs; what runs may end, or goes back, in the time that settings give."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)  # to Celery
            self._signal_group(signal.SIGUSR2)  # to the processes of its pool

    def end_now(self) -> None:
        """The whole group, at once."""
        self._signal_group(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def close(self) -> None:
        """End it, and let go of the pipe."""
        self.end_now()
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()

    def _begin(self, now: float) -> None:
        self.node, self._began_at = new_id("wrk"), now
        self._process = launch(
            "vidqa_workers.member",
            self._settings,
            node=self.node,
            queue=self.queue,
            broker=self._settings.broker,
            processes=self._processes,
            session=self._session,
        )

    def _after_its_end(self, now: float) -> None:
        assert self._process is not None  # noqa: S101  (the caller has looked)
        code = self._process.returncode
        self.close()  # children that outlived it must not run beside the next one's
        self._process = None
        self._early_ends = 0 if now - self._began_at > _STEADY_S else self._early_ends + 1
        pause_s = _PAUSES_S[min(self._early_ends, len(_PAUSES_S) - 1)]
        self._not_before = now + pause_s
        log.warning(
            "the worker of queue %s ended with code %s; begun anew in %g s",
            self.queue,
            code,
            pause_s,
        )

    def _signal_group(self, how: signal.Signals) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, how)


def is_alive(pid: int) -> bool:
    """Whether there is such a process on this machine."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's by now
        return False
    return True


def stop(members: Sequence[Member], is_idle: Callable[[Member], bool], *, grace_s: float) -> None:
    """End them softly: they take no more jobs, and what runs may end within ``grace_s``."""
    for member in members:
        member.ask_to_end()
    until = time.monotonic() + grace_s
    while any(member.is_running for member in members) and time.monotonic() < until:
        for member in members:
            # Celery itself would wait for its whole time however soon the last job ends; the rows
            # know better.
            if member.is_running and is_idle(member):
                member.end_now()
        time.sleep(0.1)
    for member in members:
        member.close()
