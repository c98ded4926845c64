"""The thread beside a running job: it renews the lease while the job moves, and ends it when it is
to end.

A job moves while something in it checks (:mod:`vidqa.interrupts`). One that hangs loses its lease
although this thread lives. The end is asked for three times: first a search is asked to stop in
good order, then whatever runs is interrupted at its next check, and what heeds neither within a
grace period is abandoned, with the process that it hangs in.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from vidqa import interrupts
from vidqa.effort import Halt
from vidqa.errors import LeaseLost, ServiceError
from vidqa.jobs.faults import Faults
from vidqa.jobs.store import JobStore
from vidqa.jobs.work import Meter
from vidqa.service.records import Claim
from vidqa.service_settings import ServiceSettings

log = logging.getLogger(__name__)
Why = Literal["cancelled", "stopped", "late", "stuck", "lost"]
_TICK_S = 0.25
_TELL_S = 1.0
"""Least time between two words on progress."""
_GENTLY_S = 1.0
"""How long a search may take to stop in good order."""
_BEAT_MOST_S = 10.0


class Heart:
    """Beats for one claimed job, from the block's begin to its end."""

    def __init__(
        self,
        store: JobStore,
        claim: Claim,
        settings: ServiceSettings,
        *,
        meter: Meter,
        halt: Halt,
        stop: threading.Event,
        faults: Faults,
        abandon: Callable[[Heart], None],
    ) -> None:
        self._store, self._claim, self._settings = store, claim, settings
        self._meter, self._halt, self._stop, self._faults = meter, halt, stop, faults
        self._abandon = abandon
        self.why: Why | None = None
        """Why the job is to end before it is done."""
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="vidqa-heart", daemon=True)
        self._began_s = self._moved_s = self._beat_s = time.monotonic()
        self._ended_s = self._stopped_s = self._told_s = 0.0
        self._told = meter.now
        self._checks = interrupts.checks()

    def __enter__(self) -> Heart:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()
        interrupts.withdraw()

    def _run(self) -> None:
        while not self._over.wait(_TICK_S):
            self._try_tick()

    def _try_tick(self) -> None:
        try:
            self._tick(time.monotonic())
        except LeaseLost:
            self._end("lost")
        except ServiceError as err:  # the next beat may get through; the lease is longer
            log.warning("%s: no heartbeat: %s", self._claim.job.id, err)

    def _tick(self, now_s: float) -> None:
        self._look(now_s)
        if self.why is not None:
            self._insist(now_s)
            if now_s - self._ended_s > self._settings.cancel_grace_s:
                log.warning("%s does not end (%s)", self._claim.job.id, self.why)
                self._abandon(self)
        if self.why in ("lost", "stuck"):
            return
        self._beat(now_s)

    def _look(self, now_s: float) -> None:
        """Whether the job moves, and may go on."""
        settings, checks, progress = self._settings, interrupts.checks(), self._meter.now
        if checks != self._checks:
            self._checks, self._moved_s = checks, now_s
        loads = progress.stage in ("started", "load")
        limit_s = settings.load_limit_s if loads else settings.progress_limit_s
        if self._stop.is_set() and not self._stopped_s:
            self._stopped_s = now_s
        if now_s - self._moved_s > limit_s:
            self._end("stuck")
        elif now_s - self._began_s > settings.max_job_seconds:
            self._end("late")
        elif self._stopped_s and now_s - self._stopped_s > settings.stop_grace_s:
            self._end("stopped")

    def _beat(self, now_s: float) -> None:
        progress, told_ago_s = self._meter.now, now_s - self._told_s
        news = progress if progress != self._told and told_ago_s >= _TELL_S else None
        due_s = self._beat_s + min(self._settings.heartbeat_s, _BEAT_MOST_S)
        if news is None and now_s < due_s:
            if self._store.is_cancelled(self._claim):
                self._end("cancelled")
            return
        self._faults.at("in_heartbeat")
        beat = self._store.heartbeat(self._claim, news)
        self._beat_s = now_s
        if news is not None:
            self._told, self._told_s = news, now_s
        if beat.cancel_requested:
            self._end("cancelled")

    def _end(self, why: Why) -> None:
        if self.why is None:
            self.why, self._ended_s = why, time.monotonic()
            self._halt.asked = True
            self._insist(self._ended_s)

    def _insist(self, now_s: float) -> None:
        if not self._halt.heeded or now_s - self._ended_s >= _GENTLY_S:
            interrupts.ask()
