"""The process that claims jobs and runs them; started by a supervisor (:mod:`vidqa.jobs.worker`).

Looks for jobs by itself, several times a second: no broker, nothing to configure. Loads the model
at the first job that needs it.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence

from vidqa.errors import ServiceBusy, SettingsError
from vidqa.jobs.faults import faults_of
from vidqa.jobs.launching import log_to_stderr, told
from vidqa.jobs.orphans import die_with_parent, leave_at_once, when_closed
from vidqa.jobs.running import Handler, Runner
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service.library import open_library
from vidqa.service.records import Claim, Queue
from vidqa.service_settings import ServiceSettings

log = logging.getLogger(__name__)
_AWAY_S = 2.0
"""Time between two looks at a database that is away."""
_BEAT_S = 5.0


def main() -> None:
    """Work until told to stop (SIGTERM), or until the supervisor is gone."""
    die_with_parent()
    settings, line = told(sys.stdin.buffer)
    when_closed(sys.stdin.buffer, leave_at_once)
    log_to_stderr(settings)
    with open_jobs(settings) as store:
        runner = Runner(
            store,
            open_library(store.database, settings.folder),
            settings,
            given=line["session"],
            handler=handler_of(os.environ.get("VIDQA_HANDLER")),
            faults=faults_of(os.environ.get("VIDQA_FAULT")),
        )
        signal.signal(signal.SIGTERM, lambda *_: runner.stop.set())
        _Child(store, runner, settings, worker=line["worker"], queues=line["queues"]).work()
        runner.close()


def handler_of(name: str | None) -> Handler | None:
    """``MODULE:FUNCTION`` in place of our own handlers, so that the machinery of jobs can be tried
    without a model; None or nothing: our own."""
    if not name:
        return None
    module, _, function = name.partition(":")
    try:
        found: Handler = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as err:
        raise SettingsError(
            f"VIDQA_HANDLER names {name!r}, which cannot be imported: {err}",
            code="handler_unknown",
            next_step="Write MODULE:FUNCTION, or leave it out.",
        ) from err
    return found


class _Child:
    """The loop of one worker."""

    def __init__(
        self,
        store: JobStore,
        runner: Runner,
        settings: ServiceSettings,
        *,
        worker: str,
        queues: Sequence[Queue],
    ) -> None:
        self._store, self._runner, self._settings = store, runner, settings
        self._worker, self._queues = worker, queues
        self._seen_s = 0.0
        self._told_holds: frozenset[str] = frozenset()

    def work(self) -> None:
        """Claim and run until the runner is told to stop."""
        self._store.register(
            self._worker, host=socket.gethostname(), pid=os.getpid(), queues=self._queues
        )
        while not self._runner.stop.is_set():
            self._runner.stop.wait(self._step())
        self._store.leave(self._worker)

    def _step(self) -> float:
        """Look for a job and run it; seconds to wait until the next look."""
        try:
            claim = self._claimed()
            if claim is None:
                return self._settings.poll_s
            self._runner.run(claim)
        except ServiceBusy as err:
            log.warning("%s", err)
            return _AWAY_S
        return 0.0

    def _claimed(self) -> Claim | None:
        self._say_alive()
        return self._store.claim(self._worker, queues=self._queues, holds=self._runner.holds)

    def _say_alive(self) -> None:
        holds, now_s = self._runner.holds, time.monotonic()
        if holds != self._told_holds or now_s - self._seen_s > _BEAT_S:
            self._store.beat(self._worker, holds=holds)
            self._told_holds, self._seen_s = holds, now_s
