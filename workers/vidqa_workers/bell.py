"""The door bell of Celery workers: a message with a job's id, and nothing that could get stale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import kombu
from celery import Celery
from kombu.exceptions import OperationalError

from vidqa.errors import JobError
from vidqa.service.records import Queue, Rung
from vidqa.service_settings import ServiceSettings
from vidqa_workers.app import RUN_JOB, direct_queue, make_app, queue_name

_TIMEOUT_S = 5.0


class CeleryBell:
    """A :class:`vidqa.jobs.bell.Bell`; from any thread."""

    def __init__(self, app: Celery) -> None:
        self._app = app

    def ring(self, jobs: Sequence[Rung]) -> None:
        """One message to each; raises :class:`JobError` where the broker does not take them.

        Some may have been sent by then. That, and ringing twice, is harmless: who comes second
        finds the row taken.
        """
        with self._spoken(), self._app.producer_or_acquire() as producer:
            for job in jobs:
                self._send([job.job_id], self._app.amqp.queues[queue_name(job.queue)], producer)

    def send_on(self, job_id: str, queue: Queue, node: str) -> None:
        """To one worker alone; raises as :meth:`ring`."""
        with self._spoken(), self._app.producer_or_acquire() as producer:
            self._send([job_id, True], kombu.Queue(direct_queue(queue, node)), producer)

    def waiting(self, queue: Queue) -> int:
        """Messages that no worker has taken yet; raises :class:`JobError` where nobody can say."""
        name = queue_name(queue)
        with self._spoken(), self._app.pool.acquire(block=True, timeout=_TIMEOUT_S) as line:
            try:
                return int(line.default_channel.queue_declare(name, passive=True).message_count)
            except line.channel_errors:  # Redis has no empty lists
                return 0

    def _send(self, words: list[str | bool], queue: kombu.Queue, producer: Any) -> None:
        self._app.send_task(
            RUN_JOB,
            words,
            queue=queue,
            producer=producer,
            retry=False,  # whoever rings has the row, and rings again
        )

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, OSError, *_broker_errors(self._app)) as err:
            raise JobError(
                f"the broker does not answer: {err}",
                code="broker_away",
                next_step="Nothing: jobs are kept, and announced when it is back.",
            ) from err

    def close(self) -> None:
        """Let go of every connection."""
        self._app.close()


def celery_bell(broker: str, settings: ServiceSettings) -> CeleryBell:
    """The bell of the workers at this broker; nothing is connected before it rings."""
    return CeleryBell(make_app(broker, settings))


def _broker_errors(app: Celery) -> tuple[type[Exception], ...]:
    """What the transport raises when its server goes away, is full, or has just been emptied."""
    transport: Any = app.connection_for_write().transport
    return (*transport.connection_errors, *transport.channel_errors)
