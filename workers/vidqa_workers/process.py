"""What a process of a Celery pool is to the service: a worker that looks for a job when a bell
rings.

A message has a job's id and nothing else. The row says whether there is anything to do: a message
that comes twice, late, or about a job that was cancelled finds it taken or ended, and is dropped.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from celery import Celery, signals
from celery.exceptions import Reject, SoftTimeLimitExceeded

from vidqa.errors import JobError, ServiceBusy, ServiceError
from vidqa.jobs.child import handler_of
from vidqa.jobs.faults import faults_of
from vidqa.jobs.running import Runner
from vidqa.jobs.store import open_jobs
from vidqa.service.library import open_library
from vidqa.service.records import Queue
from vidqa.service_settings import ServiceSettings
from vidqa_workers.app import RUN_JOB
from vidqa_workers.bell import celery_bell

log = logging.getLogger(__name__)
_BEAT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """Where a process works."""

    node: str
    """Name of this run of its Celery worker, unlike any other's; those of its processes begin
    so."""
    queue: Queue
    broker: str
    session: Mapping[str, Any] = field(default_factory=dict)
    """What the model's session is opened with, beside the environment and the file."""


def prepare(app: Celery, settings: ServiceSettings, post: Post) -> None:
    """Give an application its task; before it forks. Each of its processes is a worker then."""
    desk: list[Desk] = []  # filled behind the fork: connections and threads do not survive one

    def run_job(job_id: str, sent_on: bool = False) -> None:
        desk[0].answer(job_id, sent_on=sent_on)

    app.task(name=RUN_JOB)(run_job)

    def begin(**_: Any) -> None:
        desk.append(Desk(settings, post))

    def end(**_: Any) -> None:
        for each in desk:
            each.close()

    signals.worker_process_init.connect(begin, weak=False)
    signals.worker_process_shutdown.connect(end, weak=False)


class Desk:
    """One process of the pool. Light: the model is loaded at the first job that needs it."""

    def __init__(self, settings: ServiceSettings, post: Post) -> None:
        self._post = post
        self._worker = f"{post.node}.{os.getpid()}"
        self._bell = celery_bell(post.broker, settings)
        self._store = open_jobs(settings, bell=self._bell)
        self._runner = Runner(
            self._store,
            open_library(self._store.database, settings.folder),
            settings,
            given=dict(post.session),
            handler=handler_of(os.environ.get("VIDQA_HANDLER")),
            faults=faults_of(os.environ.get("VIDQA_FAULT")),
            overdue=(SoftTimeLimitExceeded,),
        )
        # A running job ends, or goes back, within the time that settings give it.
        signal.signal(signal.SIGUSR2, lambda *_: self._runner.stop.set())
        self._over = threading.Event()
        known = self._register()
        alive = threading.Thread(
            target=self._say_alive, args=(known,), name="vidqa-alive", daemon=True
        )
        alive.start()

    def answer(self, job_id: str, *, sent_on: bool = False) -> None:
        """A bell rang for this job: run it, unless it is no longer to be run, or not here.

        ``sent_on``: another worker has already passed it on to this one.
        """
        if self._runner.stop.is_set():
            raise Reject("this worker is ending", requeue=True)
        try:
            elsewhere = None if sent_on else self._better_placed(job_id)
            if elsewhere is not None:
                self._bell.send_on(job_id, self._post.queue, elsewhere)
                return
            claim = self._store.claim(self._worker, queues=[self._post.queue], job_id=job_id)
        except (JobError, ServiceBusy) as err:  # the row is as it was: its bell rings again
            log.warning("%s: not taken: %s", job_id, err)
            return
        if claim is not None:
            self._runner.run(claim)
            self._store.announce()

    def close(self) -> None:
        """Gone in good order."""
        self._over.set()
        try:
            self._store.leave(self._worker)
            self._runner.close()
            self._store.close()
        except ServiceError as err:
            log.warning("%s", err)

    def _better_placed(self, job_id: str) -> str | None:
        """The node of a free worker that has the job's video at hand, where this one has not."""
        sha256 = self._store.get(None, job_id).video_sha256
        if sha256 is None or sha256 in self._runner.holds:
            return None
        for other in self._store.workers():
            free = other.job_id is None and self._post.queue in other.queues
            if free and sha256 in other.holds and other.id != self._worker:
                return other.id.rpartition(".")[0] or None
        return None

    def _register(self) -> bool:
        """Whether the database was there to be told."""
        host = socket.gethostname()
        queues: tuple[Queue, ...] = (self._post.queue,)
        try:
            self._store.register(self._worker, host=host, pid=os.getpid(), queues=queues)
        except ServiceError as err:
            log.warning("%s", err)
            return False
        return True

    def _say_alive(self, known: bool) -> None:
        """Between jobs nothing else does."""
        while not self._over.wait(_BEAT_S):
            known = known or self._register()
            try:
                self._store.beat(self._worker, holds=self._runner.holds)
            except ServiceError as err:
                log.warning("%s", err)
