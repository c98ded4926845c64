"""Who works on a job: a lease that runs out, and a fence that outlives it.

A worker that was killed stops renewing, and its job goes to another; one that was only slow wakes
up with an old fence, and what it writes is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, and_, exists, or_, select, update
from sqlalchemy.sql import ColumnElement

from vidqa.database import now_s
from vidqa.jobs.part import (
    WORKER_SEEN_S,
    Part,
    add_event,
    add_progress,
    change_claimed,
    count,
    end_job,
    free_worker,
    job_row,
    lease_lost,
    now_of,
    waiting_from,
)
from vidqa.service.records import Beat, Claim, Job, Progress, Queue
from vidqa.service.rows import job_of, progress_text
from vidqa.service.tables import jobs, worker_holds, workers


class Claiming(Part):
    """Claims of jobs, and how they are kept and given back."""

    def claim(
        self,
        worker: str,
        *,
        queues: Sequence[Queue],
        job_id: str | None = None,
        holds: Collection[str] = (),
    ) -> Claim | None:
        """The job that this worker is to do next, now its own; None where there is nothing to do.

        With ``job_id`` that very job, where nobody has it. Else a job on one of the videos that the
        worker ``holds``, then the one that came first; a job whose video another free worker has at
        hand is left to that one for a moment.
        """
        if job_id is None and not self._has_work(queues):
            return None
        with self._db.writing() as db:
            found = (
                _if_free(db, job_id, self._rules.attempts)
                if job_id is not None
                else self._next(db, worker, queues, holds)
            )
            if found is None:
                if job_id is not None:
                    count(db, self._db, "duplicates_dropped")
                return None
            return self._take(db, worker, found)

    def heartbeat(self, claim: Claim, progress: Progress | None = None) -> Beat:
        """Renew the lease, and say how far the job is; raises :class:`LeaseLost`."""
        with self._db.writing() as db:
            now = now_of(db)
            values: dict[str, Any] = {"lease_until": now + claim.lease_s}
            if progress is not None:
                values |= {"progress": progress_text(progress), "progress_at": now}
            job = change_claimed(db, claim, values)
            if progress is not None:
                add_progress(db, job.id, now, progress)
            db.execute(update(workers).where(workers.c.id == claim.worker).values(seen_at=now))
        return Beat(cancel_requested=job.cancel_requested)

    def is_cancelled(self, claim: Claim) -> bool:
        """Whether the job is to be cancelled, looked at without a lock; raises
        :class:`LeaseLost`."""
        asked = select(jobs.c.cancel_requested, jobs.c.fence, jobs.c.state)
        with self._db.reading() as db:
            row = db.execute(asked.where(jobs.c.id == claim.job.id)).one_or_none()
        if row is None or row.fence != claim.fence or row.state != "in_progress":
            raise lease_lost(claim)
        return bool(row.cancel_requested)

    def release(self, claim: Claim, *, delay_s: float = 0.0, counted: bool = False) -> Job:
        """Put the job back, to be claimed again after ``delay_s``; ``counted``: as one more failed
        attempt. One that is to be cancelled is. Raises :class:`LeaseLost`."""
        with self._db.writing() as db:
            now = now_of(db)
            job = change_claimed(db, claim, {"progress_at": now})
            if job.cancel_requested:
                return end_job(db, claim.worker, job.id, now, "cancelled")
            values = waiting_from(now, not_before=now + delay_s)
            if not counted:
                values["attempts"] = jobs.c.attempts - 1
            db.execute(update(jobs).where(jobs.c.id == job.id).values(**values))
            free_worker(db, claim.worker)
            add_event(db, job.id, now, "job.queued", {"again": True})
            return job_row(db, None, job.id)

    def _has_work(self, queues: Sequence[Queue]) -> bool:
        """Looked at without a lock: workers look often, and mostly in vain."""
        with self._db.reading() as db:
            asked = select(jobs.c.id).where(_waiting(queues)).limit(1)
            return db.execute(asked).scalar_one_or_none() is not None

    def _next(
        self, db: Connection, worker: str, queues: Sequence[Queue], holds: Collection[str]
    ) -> str | None:
        asked = _pick(db, and_(_waiting(queues), jobs.c.kind == "search"))
        if asked is not None:  # somebody waits for it within a request
            return str(asked.id)
        oldest = _pick(db, _waiting(queues))
        if oldest is None:
            return None
        if oldest.queued_at < now_of(db) - self._rules.patience_s:
            return str(oldest.id)
        if holds:
            mine = _pick(db, and_(_waiting(queues), jobs.c.video_sha256.in_(sorted(holds))))
            if mine is not None:
                return str(mine.id)
        others = self._left_to_others(worker)
        free = _pick(db, and_(_waiting(queues), ~others))
        return None if free is None else str(free.id)

    def _left_to_others(self, worker: str) -> ColumnElement[bool]:
        """Whether a free worker of the same queue has the job's video at hand, and it is new."""
        held = exists().where(
            worker_holds.c.video_sha256 == jobs.c.video_sha256,
            worker_holds.c.worker_id == workers.c.id,
            workers.c.id != worker,
            workers.c.job_id.is_(None),
            workers.c.seen_at > now_s() - WORKER_SEEN_S,
            workers.c.queues.contains(jobs.c.queue),
        )
        recent = jobs.c.queued_at > now_s() - self._rules.courtesy_s
        return and_(jobs.c.video_sha256.is_not(None), recent, held)

    def _take(self, db: Connection, worker: str, job_id: str) -> Claim:
        now, lease_s = now_of(db), self._rules.lease_s
        row = db.execute(
            update(jobs)
            .where(jobs.c.id == job_id)
            .values(
                state="in_progress",
                owner=worker,
                fence=jobs.c.fence + 1,
                attempts=jobs.c.attempts + 1,
                lease_until=now + lease_s,
                started_at=now,
                progress=progress_text(Progress(stage="started")),
                progress_at=now,
            )
            .returning(*jobs.c)
        ).one()
        job = job_of(row)
        add_event(db, job.id, now, "job.started", {"attempt": job.attempts, "worker": worker})
        busy = {"job_id": job.id, "claimed_at": now, "seen_at": now}
        db.execute(update(workers).where(workers.c.id == worker).values(**busy))
        return Claim(job=job, worker=worker, fence=job.fence, lease_s=lease_s)


def _waiting(queues: Sequence[Queue]) -> ColumnElement[bool]:
    return and_(
        jobs.c.state == "queued", jobs.c.queue.in_(list(queues)), jobs.c.not_before <= now_s()
    )


def _pick(db: Connection, which: ColumnElement[bool]) -> Any:
    """The first of them that nobody else is claiming just now, locked."""
    asked = select(jobs.c.id, jobs.c.queued_at).where(which).order_by(jobs.c.id).limit(1)
    return db.execute(asked.with_for_update(skip_locked=True)).one_or_none()


def _if_free(db: Connection, job_id: str, attempts: int) -> str | None:
    """That job, where it waits, or lost its worker and may be tried again."""
    lost = and_(
        jobs.c.state == "in_progress",
        jobs.c.lease_until < now_s(),
        jobs.c.attempts < attempts,
        ~jobs.c.cancel_requested,
    )
    queued = and_(jobs.c.state == "queued", jobs.c.not_before <= now_s())
    asked = select(jobs.c.id).where(jobs.c.id == job_id, or_(queued, lost))
    return db.execute(asked.with_for_update(skip_locked=True)).scalar_one_or_none()
