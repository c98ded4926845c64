"""``vidqa worker --broker URL``: Celery workers of this machine, and what sees to all jobs.

No torch here, and no job: children of children run those. This process keeps the workers running,
gives back what their dead processes had claimed, restarts one that hangs, and, where it is elected,
re-dispatches for the whole installation.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from vidqa.errors import SettingsError, VidqaError
from vidqa.jobs.launching import log_to_stderr, told
from vidqa.jobs.orphans import when_closed
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service.ids import new_id
from vidqa.service.records import QUEUES, Counts, Queue, Worker
from vidqa.service_settings import ServiceSettings
from vidqa_workers import crew
from vidqa_workers.app import SOFT_MARGIN_S
from vidqa_workers.bell import CeleryBell, celery_bell
from vidqa_workers.brokers import broker_warnings
from vidqa_workers.crew import Member
from vidqa_workers.watch import ClaimWatch

log = logging.getLogger(__name__)
LOOK_S = 0.5
_SILENT_LOOKS = 3
"""A message may be on its way from the broker to a row for this many looks."""


def serve(
    settings: ServiceSettings,
    *,
    queues: Sequence[Queue] = QUEUES,
    session: Mapping[str, Any] | None = None,
) -> None:
    """Work until SIGTERM or SIGINT, then end softly.

    ``session`` is what the model's session is opened with, beside environment and file.
    Raises :class:`SettingsError` without a broker, :class:`ServiceError` without a database.
    """
    if settings.broker is None:
        raise SettingsError(
            "Celery workers need a broker",
            code="broker_missing",
            next_step="Give --broker redis://HOST:PORT/0, or set VIDQA_BROKER.",
        )
    bell = celery_bell(settings.broker, settings)
    for warning in broker_warnings(settings.broker):
        log.warning("%s", warning)
    members = [
        Member(settings, queue, processes=processes_of(queue), session=session) for queue in queues
    ]
    with open_jobs(settings, bell=bell) as store, _until_told_to_stop() as stopping:
        _Round(settings=settings, store=store, bell=bell, members=members).until(stopping)


def main() -> None:
    """A process of its own, that ends in good order with the one that started it."""
    settings, line = told(sys.stdin.buffer)
    log_to_stderr(settings)
    when_closed(sys.stdin.buffer, lambda: os.kill(os.getpid(), signal.SIGTERM))
    serve(settings, queues=line["queues"], session=line["session"])


def processes_of(queue: Queue) -> int:
    """One for the model, which fills a card or all cores by itself; else one for two cores."""
    return 1 if queue == "gpu" else max(1, (os.cpu_count() or 2) // 2)


@contextmanager
def _until_told_to_stop() -> Iterator[threading.Event]:
    stopping = threading.Event()
    before = {
        each: signal.signal(each, lambda *_: stopping.set())
        for each in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stopping
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@dataclass(slots=True, kw_only=True)
class _Round:
    settings: ServiceSettings
    store: JobStore
    bell: CeleryBell
    members: Sequence[Member]
    name: str = field(default_factory=lambda: new_id("wrk"))
    _silent: Counter[Queue] = field(default_factory=Counter)
    """For how many looks in a row a queue's bell was to be heard, and the broker had nothing."""

    _heard: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Pid of each process that was ever seen, and when it was last."""

    def until(self, stopping: threading.Event) -> None:
        watches = {
            member: ClaimWatch(member.queue, self.settings.claim_watch_s) for member in self.members
        }
        try:
            while not stopping.wait(LOOK_S):
                for member in self.members:
                    self._keep(member)
                try:
                    self.store.redispatch(self.name)
                    for member, watch in watches.items():
                        self._look(member, watch)
                except VidqaError as err:  # the database is away: workers wait for it, too
                    log.warning("%s", err)
        finally:
            self._stop()

    def _keep(self, member: Member) -> None:
        before = member.node
        member.keep()
        if before and before != member.node:  # it was begun anew: whatever it was before is dead
            self._all_lost(before)

    def _look(self, member: Member, watch: ClaimWatch) -> None:
        mine = self._workers_of(member.node)
        for worker in mine:
            if not crew.is_alive(worker.pid):  # its message waits for nobody, nor does its row
                self.store.give_up(worker.id)
        for pid in self._unheard(member, mine):
            log.error("process %d says nothing: it is ended, and another begun", pid)
            _kill(pid)
        counts = self.store.counts()
        self._ring_again(member.queue, counts, mine)
        if watch.hangs(counts, mine, time.monotonic()):
            log.error("the worker of queue %s claims nothing: begun anew", member.queue)
            member.end_now()

    def _unheard(self, member: Member, mine: Sequence[Worker]) -> list[int]:
        """Processes of its pool that were seen once, and have not been for too long."""
        now = time.monotonic()
        for worker in mine:
            self._heard[worker.id] = (worker.pid, now)
        limit_s = self.settings.lease_s + self.settings.cancel_grace_s
        silent = {
            name: pid
            for name, (pid, at) in self._heard.items()
            if name.startswith(f"{member.node}.") and now - at > limit_s
        }
        for each in silent:
            del self._heard[each]
        return [pid for pid in silent.values() if crew.is_alive(pid)]

    def _ring_again(self, queue: Queue, counts: Counts, mine: Sequence[Worker]) -> None:
        """A broker that was emptied: jobs wait, a worker is free, and there is no message."""
        free = any(worker.job_id is None for worker in mine)
        if counts.depth[queue] and free and not self.bell.waiting(queue):
            self._silent[queue] += 1
        else:
            self._silent[queue] = 0
        if self._silent[queue] >= _SILENT_LOOKS:
            self._silent[queue] = 0
            self.store.forget_bells(queue)
            self.store.announce()

    def _stop(self) -> None:
        log.info("stopping: running jobs may end within %g s", self.settings.stop_grace_s)
        crew.stop(
            self.members,
            self._is_idle,
            grace_s=self.settings.stop_grace_s + SOFT_MARGIN_S,
        )
        for member in self.members:
            self._all_lost(member.node)

    def _is_idle(self, member: Member) -> bool:
        try:
            return all(worker.job_id is None for worker in self._workers_of(member.node))
        except VidqaError:  # nobody knows: then it has its whole time
            return False

    def _workers_of(self, node: str) -> list[Worker]:
        return [each for each in self.store.workers() if each.id.startswith(f"{node}.")]

    def _all_lost(self, node: str) -> None:
        try:
            for worker in self._workers_of(node):
                self.store.give_up(worker.id)
        except VidqaError as err:  # their leases run out
            log.warning("%s", err)


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
