"""The supervisor of a worker: a light process that starts the one with the model, watches it, and
starts it anew; and that takes its turn as the installation's re-dispatcher. No torch.
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from vidqa.errors import ServiceError
from vidqa.jobs.launching import launch, log_to_stderr, told
from vidqa.jobs.orphans import leave_at_once, when_closed
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service.ids import new_id
from vidqa.service.records import QUEUES, Job, Queue
from vidqa.service.records import Worker as Seen
from vidqa.service_settings import ServiceSettings

log = logging.getLogger(__name__)
_TICK_S = 0.2
_LOOK_S = 1.0
"""Time between two looks at the database."""
_AGAIN_S = (0.2, 30.0)
"""Shortest and longest wait before a child that died is started anew."""
_STEADY_S = 60.0
"""A child that lived so long did not die of being started."""
_ABANDON_S = 2.0
"""A database that another process has locked may not keep a worker that nobody wants any more."""
_KILL_S = 5.0
"""How long a child may take to leave once its job has ended or was put back."""


class Supervisor:
    """One child, kept alive."""

    def __init__(
        self,
        store: JobStore,
        settings: ServiceSettings,
        *,
        queues: Sequence[Queue] = QUEUES,
        session: Mapping[str, Any] | None = None,
    ) -> None:
        self._store, self._settings = store, settings
        self._queues, self._session = tuple(queues), dict(session or {})
        self._holder = new_id("wrk")
        self.stop = threading.Event()
        """Set: end the child in good order, then leave."""
        self.abandon = threading.Event()
        """Set: nobody is there any more; end the child at once, then leave."""
        self._worker = ""
        self._child: subprocess.Popen[bytes] | None = None
        self._started_s = self._looked_s = 0.0
        self._pause_s, self._due_s = _AGAIN_S[0], 0.0
        self._cancelled: dict[str, float] = {}

    def run(self) -> None:
        """Until told to stop. The calling thread must be the process's main one: the child is
        killed with it."""
        try:
            while not (self.stop.is_set() or self.abandon.is_set()):
                self._tick(time.monotonic())
                self.stop.wait(_TICK_S)
        finally:
            self._leave()

    def _tick(self, now_s: float) -> None:
        if self._child is None and now_s >= self._due_s:
            self._start(now_s)
        if self._child is not None and self._child.poll() is not None:
            self._bury(now_s)
        if now_s - self._looked_s >= _LOOK_S:
            self._looked_s = now_s
            try:
                self._look(now_s)
            except ServiceError as err:
                log.warning("%s", err)

    def _start(self, now_s: float) -> None:
        self._worker, self._started_s = new_id("wrk"), now_s
        self._child = launch(
            "vidqa.jobs.child",
            self._settings,
            worker=self._worker,
            queues=self._queues,
            session=self._session,
        )

    def _bury(self, now_s: float) -> None:
        """The child is dead: its job goes back at once, and another child comes."""
        child, self._child = self._child, None
        if child is None:
            return
        _close(child)
        log.warning("the worker's process ended (%s)", child.returncode)
        steady = now_s - self._started_s >= _STEADY_S
        self._pause_s = _AGAIN_S[0] if steady else min(self._pause_s * 2, _AGAIN_S[1])
        self._due_s = now_s + self._pause_s
        self._give_up()

    def _give_up(self) -> None:
        try:
            report = self._store.give_up(self._worker)
        except ServiceError as err:  # the lease runs out by itself
            log.warning("%s", err)
            return
        if report.requeued or report.failed:
            self._pause_s, self._due_s = _AGAIN_S[0], time.monotonic() + _AGAIN_S[0]

    def _look(self, now_s: float) -> None:
        report = self._store.redispatch(self._holder)
        for job_id in (*report.requeued, *report.failed):
            log.warning("%s lost its worker", job_id)
        if self._child is not None and (why := self._wrong(now_s)) is not None:
            log.warning("the worker's process is started anew: %s", why)
            self._child.kill()

    def _wrong(self, now_s: float) -> str | None:
        """Why the child must be killed, if it must."""
        settings, alive_s = self._settings, now_s - self._started_s
        seen = next((w for w in self._store.workers() if w.id == self._worker), None)
        if seen is None:
            patience_s = settings.lease_s + settings.cancel_grace_s + _STEADY_S
            return "it says nothing" if alive_s > patience_s else None
        if seen.job_id is not None:
            return self._overdue(self._store.get(None, seen.job_id), now_s)
        self._cancelled.clear()
        return self._idle(seen, alive_s)

    def _overdue(self, job: Job, now_s: float) -> str | None:
        """A job that was to be cancelled, and goes on."""
        if not job.cancel_requested:
            return None
        since_s = now_s - self._cancelled.setdefault(job.id, now_s)
        return f"{job.id} does not end" if since_s > self._settings.cancel_grace_s else None

    def _idle(self, seen: Seen, alive_s: float) -> str | None:
        """A free worker beside jobs that wait."""
        limit_s, counts = self._settings.claim_watch_s, self._store.counts()
        waited_s = max((counts.oldest_s[queue] for queue in self._queues), default=0.0)
        quiet_s = alive_s
        if seen.claimed_at is not None:
            quiet_s = min(quiet_s, seen.seen_at - seen.claimed_at)
        return "jobs wait, and it claims none" if min(waited_s, quiet_s) > limit_s else None

    def _leave(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            if not self.abandon.is_set() and child.poll() is None:
                child.terminate()
                self._await(child, self._settings.stop_grace_s + _KILL_S)
            child.kill()
            _close(child)
            self._give_up()

    def _await(self, child: subprocess.Popen[bytes], limit_s: float) -> None:
        deadline_s = time.monotonic() + limit_s
        while child.poll() is None and time.monotonic() < deadline_s:
            if self.abandon.wait(_TICK_S / 4):
                return


def supervise(
    settings: ServiceSettings,
    *,
    queues: Sequence[Queue] = QUEUES,
    session: Mapping[str, Any] | None = None,
    attached: bool = False,
) -> None:
    """Run a worker in this process until SIGTERM or Ctrl-C; ``attached``: or until stdin ends.

    Raises :class:`ServiceError` where the service's database cannot be opened.
    """
    with open_jobs(settings) as store:
        supervisor = Supervisor(store, settings, queues=queues, session=session)
        if attached:
            when_closed(sys.stdin.buffer, lambda: _abandon(supervisor))
        before = [
            (number, signal.signal(number, lambda *_: supervisor.stop.set()))
            for number in (signal.SIGTERM, signal.SIGINT)
        ]
        try:
            supervisor.run()
        finally:
            for number, handler in before:
                signal.signal(number, handler)


def _abandon(supervisor: Supervisor) -> None:
    """Whoever started us is dead: an orderly end, but no longer than it may take."""
    supervisor.abandon.set()
    time.sleep(_ABANDON_S)
    leave_at_once()


def main() -> None:
    """The process that :class:`vidqa.jobs.embedded.EmbeddedWorker` starts."""
    settings, line = told(sys.stdin.buffer)
    log_to_stderr(settings)
    supervise(settings, queues=line["queues"], session=line["session"], attached=True)


def _close(child: subprocess.Popen[bytes]) -> None:
    child.wait()
    if child.stdin is not None:
        child.stdin.close()
