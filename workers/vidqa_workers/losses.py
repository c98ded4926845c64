"""What a process that died had claimed goes back at once: its lease need not run out.

Only whoever started that process may say that it is dead; everybody else waits for the lease. A
process that lives all the same is refused by the fence.
"""

from __future__ import annotations

from vidqa.errors import JobError, LeaseLost
from vidqa.jobs.store import JobStore
from vidqa.service.records import Claim, Job, Worker


class _WorkerLost(JobError):
    retryable = True


def hand_back(store: JobStore, worker: Worker, *, attempts: int, lease_s: float) -> None:
    """Free the job of a worker that is no more, and forget the worker.

    A job that has lost its worker ``attempts`` times has failed: it may be what kills them.
    """
    if worker.job_id is not None:
        job = store.get(None, worker.job_id)
        if job.state == "in_progress" and job.owner == worker.id:
            claim = Claim(job=job, worker=worker.id, fence=job.fence, lease_s=lease_s)
            try:
                _free(store, claim, attempts)
            except LeaseLost:  # somebody was quicker
                pass
    store.leave(worker.id)


def _free(store: JobStore, claim: Claim, attempts: int) -> None:
    if claim.job.cancel_requested:
        store.acknowledge_cancel(claim)
    elif claim.job.attempts >= attempts:
        store.fail(claim, _lost(claim.job))
    else:
        store.release(claim, counted=True)


def _lost(job: Job) -> JobError:
    return _WorkerLost(
        f"its worker died {job.attempts} times",
        code="worker_lost",
        next_step="Try a shorter window, or see the workers' log for what ends them.",
    )
