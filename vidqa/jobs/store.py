"""The jobs of a service: settings in, a :class:`JobStore` out; the row of a job is the truth.

Synchronous, safe from several threads and processes, SQLite and PostgreSQL by the same statements,
and no torch: an API replica needs nothing else of vidqa's jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from types import TracebackType
from typing import Any

from vidqa.database import Database, GroupCommit
from vidqa.jobs.accepting import Accepting, Submission, submission
from vidqa.jobs.bell import Bell
from vidqa.jobs.claiming import Claiming
from vidqa.jobs.ending import Ending
from vidqa.jobs.part import Rules
from vidqa.jobs.posting import Posting
from vidqa.jobs.reading import Reading
from vidqa.jobs.redispatching import Redispatching
from vidqa.jobs.ringing import Ringer
from vidqa.jobs.staffing import Staffing
from vidqa.service.owner import open_database
from vidqa.service.records import Claim, Job, Report, Submitted
from vidqa.service_settings import ServiceSettings


class JobStore(Accepting, Reading, Claiming, Ending, Redispatching, Staffing, Posting):
    """Everything that happens to jobs.

    Every method raises :class:`ServiceError` where the database does not do its part, and
    :class:`ServiceBusy` where the same call may succeed later.
    """

    def __init__(self, database: Database, rules: Rules, bell: Bell | None = None) -> None:
        super().__init__(database, rules)
        self._group: GroupCommit[Submission, Submitted] = GroupCommit(self._accept, "vidqa-accept")
        self._ringer = None if bell is None else Ringer(bell, self.to_ring, self.rung)

    @property
    def database(self) -> Database:
        """Where everything of the service is kept."""
        return self._db

    def submit(
        self,
        tenant: str,
        kind: str,
        request: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        body_digest: str | None = None,
        webhook_url: str | None = None,
    ) -> Submitted:
        """Take a job; once this returns it is on disk, and it will run.

        The same key with the same body (or ``body_digest``, where the caller has a better one)
        gives the job that was taken first. Raises :class:`JobError`: ``request_invalid``,
        ``video_missing``, ``idempotency_mismatch``, ``queue_full``.
        """
        return self.submit_soon(
            tenant,
            kind,
            request,
            idempotency_key=idempotency_key,
            body_digest=body_digest,
            webhook_url=webhook_url,
        ).result()

    def submit_soon(
        self,
        tenant: str,
        kind: str,
        request: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        body_digest: str | None = None,
        webhook_url: str | None = None,
    ) -> Future[Submitted]:
        """:meth:`submit` for an event loop (``asyncio.wrap_future``): what it gives is done when
        the job is on disk. A request that cannot be is refused at once."""
        wanted = submission(tenant, kind, request, idempotency_key, body_digest, webhook_url)
        taken = self._group.put(wanted)
        if self._ringer is not None:
            taken.add_done_callback(lambda _: self._wake())
        return taken

    def retry(self, tenant: str | None, job_id: str) -> Job:
        """As :meth:`Ending.retry`, and the bell is rung."""
        job = super().retry(tenant, job_id)
        self._wake()
        return job

    def release(self, claim: Claim, *, delay_s: float = 0.0, counted: bool = False) -> Job:
        """As :meth:`Claiming.release`, and the bell is rung."""
        job = super().release(claim, delay_s=delay_s, counted=counted)
        self._wake()
        return job

    def redispatch(self, holder: str) -> Report:
        """As :meth:`Redispatching.redispatch`; where this process is elected, bells are rung too,
        and the database is tidied."""
        report = super().redispatch(holder)
        if report.elected:
            self._wake()
            self._db.tidy()
        return report

    def announce(self) -> None:
        """Ring, in the background, what is to be rung: somebody is free, or heard nothing."""
        self._wake()

    def close(self) -> None:
        """Take what was handed over, then let go of every connection."""
        self._group.close()
        if self._ringer is not None:
            self._ringer.close()
        self._db.close()

    def __enter__(self) -> JobStore:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _wake(self) -> None:
        if self._ringer is not None:
            self._ringer.wake()


def open_jobs(settings: ServiceSettings, *, bell: Bell | None = None) -> JobStore:
    """The jobs of the service that these settings describe; ``bell`` announces them.

    Raises :class:`ServiceError` where its database cannot be opened.
    """
    return JobStore(open_database(settings.database_place), rules_of(settings), bell)


def rules_of(settings: ServiceSettings) -> Rules:
    """The numbers of the settings that jobs live by."""
    return Rules(
        lease_s=settings.lease_s,
        attempts=settings.attempts,
        queue_cap=settings.queue_cap,
        idempotency_keep_s=settings.idempotency_keep_s,
        jobs_keep_s=settings.jobs_keep_s,
    )
