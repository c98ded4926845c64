"""A worker that claims nothing while jobs wait is begun anew, and no other."""

from __future__ import annotations

from vidqa.service.records import Counts, Worker
from vidqa_workers.watch import ClaimWatch


def counts(waiting: int) -> Counts:
    return Counts(
        states={}, depth={"gpu": waiting, "cpu": 0}, oldest_s={"gpu": 0.0, "cpu": 0.0}, workers=1,
        leases_lost=0, duplicates_dropped=0, webhooks_due=0,
    )  # fmt: skip


def worker(*, job_id: str | None = None, claimed_at: float | None = None) -> Worker:
    return Worker(
        id="w.1", host="h", pid=1, queues=("gpu",), holds=frozenset(), job_id=job_id,
        started_at=0.0, seen_at=0.0, claimed_at=claimed_at,
    )  # fmt: skip


def hangs_at(watch: ClaimWatch, *looks: tuple[float, int, Worker]) -> list[float]:
    return [at for at, waiting, one in looks if watch.hangs(counts(waiting), [one], at)]


def test_a_free_worker_beside_waiting_jobs_hangs_when_the_time_is_over() -> None:
    free = worker()
    looks = [(float(at), 3, free) for at in range(0, 130, 10)]
    assert hangs_at(ClaimWatch("gpu", 60), *looks) == [70.0]


def test_a_worker_that_claims_now_and_then_does_not_hang() -> None:
    looks = [(float(at), 3, worker(claimed_at=float(at // 40))) for at in range(0, 400, 10)]
    assert hangs_at(ClaimWatch("gpu", 60), *looks) == []


def test_a_busy_worker_does_not_hang() -> None:
    looks = [(float(at), 3, worker(job_id="job_1")) for at in range(0, 200, 10)]
    assert hangs_at(ClaimWatch("gpu", 60), *looks) == []


def test_a_free_worker_hangs_on_no_other_queue_s_jobs() -> None:
    looks = [(float(at), 3, worker()) for at in range(0, 200, 10)]
    assert hangs_at(ClaimWatch("cpu", 60), *looks) == []
