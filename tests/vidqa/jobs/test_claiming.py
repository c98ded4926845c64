"""Claims: one worker to a job, the first first, lost with the lease, refused behind the fence."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.vidqa.jobs.drawn import (
    BOTH,
    FOUND,
    GROUND,
    VIDEO,
    a_job,
    claimed,
    expire,
    kinds,
    set_row,
    unlock,
    unseen,
)
from vidqa.errors import LeaseLost
from vidqa.jobs.store import JobStore
from vidqa.service.records import Progress

FILM, OTHER = "ab" * 32, "cd" * 32


def register(store: JobStore, *names: str) -> None:
    for name in names:
        store.register(name, host="here", pid=1, queues=BOTH)


def test_a_claimed_job_is_the_workers_alone(store: JobStore) -> None:
    job = a_job(store)
    claim = claimed(store)
    assert (claim.job.id, claim.fence, claim.job.attempts) == (job.id, 1, 1)
    assert (claim.job.state, claim.job.owner) == ("in_progress", "w1")
    assert store.claim("w2", queues=BOTH) is None
    assert kinds(store, job) == ["job.queued", "job.started"]


def test_the_job_that_came_first_is_claimed_first(store: JobStore) -> None:
    jobs = sorted(a_job(store).id for _ in range(5))
    assert [claimed(store).job.id for _ in range(5)] == jobs


def test_jobs_of_other_queues_are_left_alone(store: JobStore) -> None:
    index = store.submit("ann", "index", {"videos": [VIDEO]}).job
    assert store.claim("w1", queues=("gpu",)) is None
    assert claimed(store, queues=("cpu",)).job.id == index.id


def test_of_many_who_claim_at_once_no_two_get_the_same(store: JobStore) -> None:
    for _ in range(30):
        a_job(store)

    def work(name: str) -> list[str]:
        got = []
        while (claim := store.claim(name, queues=BOTH)) is not None:
            got.append(claim.job.id)
        return got

    with ThreadPoolExecutor(6) as pool:
        got = [job for some in pool.map(work, "abcdef") for job in some]
    assert len(got) == len(set(got))
    # Who finds the next row locked by another may go away empty-handed; nobody else's job is lost.
    got += work("g")
    assert len(got) == 30


def test_a_named_job_is_claimed_once_and_its_duplicates_are_counted(store: JobStore) -> None:
    first, second = sorted(a_job(store).id for _ in range(2))
    assert claimed(store, job_id=second).job.id == second
    assert store.claim("w2", queues=BOTH, job_id=second) is None
    assert store.claim("w2", queues=BOTH, job_id="job_nowhere") is None
    assert store.counts().duplicates_dropped == 2
    assert claimed(store).job.id == first


def test_a_named_job_that_lost_its_worker_may_be_claimed_at_once(store: JobStore) -> None:
    job = a_job(store)
    old = claimed(store)
    expire(store, job.id)
    new = claimed(store, "w2", job_id=job.id)
    assert (new.fence, new.job.attempts) == (2, 2)
    with pytest.raises(LeaseLost):
        store.heartbeat(old)


def test_a_heartbeat_renews_the_lease_and_tells_progress(store: JobStore) -> None:
    job = a_job(store)
    claim = claimed(store)
    expire(store, job.id)
    beat = store.heartbeat(claim, Progress(stage="skim", done=3, total=9, eta_s=12.0))
    assert not beat.cancel_requested
    assert store.redispatch("r").requeued == ()
    assert store.get("ann", job.id).progress.to_dict() == {
        "stage": "skim",
        "done": 3,
        "total": 9,
        "eta_s": 12.0,
    }


def test_of_progress_only_the_latest_is_kept_and_numbers_rise(store: JobStore) -> None:
    job = a_job(store)
    claim = claimed(store)
    for n in range(3):
        store.heartbeat(claim, Progress(stage="skim", done=n, total=3))
    events = store.events("ann", job.id)
    assert [event.seq for event in events] == [1, 2, 5]
    assert events[-1].data["done"] == 2
    assert [event.seq for event in store.events("ann", job.id, after=2)] == [5]


def test_what_a_worker_writes_behind_a_newer_fence_is_refused(store: JobStore) -> None:
    job = a_job(store)
    frozen = claimed(store)
    expire(store, job.id)
    assert store.redispatch("r").requeued == (job.id,)
    awake = claimed(store, "w2")
    for write in (
        lambda: store.heartbeat(frozen),
        lambda: store.finish(frozen, FOUND, "found"),
        lambda: store.fail(frozen, {"code": "x"}),
        lambda: store.acknowledge_cancel(frozen),
        lambda: store.release(frozen),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert store.get("ann", job.id) == awake.job
    assert store.counts().leases_lost == 1


def test_a_released_job_is_the_next_and_the_attempt_does_not_count(store: JobStore) -> None:
    job = a_job(store)
    released = store.release(claimed(store))
    assert (released.state, released.attempts, released.owner) == ("queued", 0, None)
    assert claimed(store, "w2").job.id == job.id


def test_a_job_that_is_put_off_waits(store: JobStore) -> None:
    a_job(store)
    released = store.release(claimed(store), delay_s=60, counted=True)
    assert released.attempts == 1
    assert store.claim("w1", queues=BOTH) is None
    set_row(store, released.id, not_before=0.0)
    assert claimed(store).job.attempts == 2


def test_a_job_on_a_video_that_a_worker_holds_comes_before_older_ones(store: JobStore) -> None:
    first, second = sorted(a_job(store).id for _ in range(2))
    set_row(store, second, video_sha256=FILM)
    assert claimed(store, holds={FILM}).job.id == second
    assert claimed(store, holds={FILM}).job.id == first


def test_a_job_is_left_to_a_free_worker_that_holds_its_video(store: JobStore) -> None:
    job = a_job(store)
    set_row(store, job.id, video_sha256=FILM)
    register(store, "w1", "w2")
    store.beat("w2", holds={FILM, OTHER})
    assert store.claim("w1", queues=BOTH) is None
    assert claimed(store, "w2", holds={FILM}).job.id == job.id


@pytest.mark.parametrize("why", ["busy", "gone", "old", "silent"])
def test_a_job_is_not_left_to_a_worker_that_will_not_come(store: JobStore, why: str) -> None:
    register(store, "w1", "w2")
    store.beat("w2", holds={FILM})
    if why == "busy":
        a_job(store)
        claimed(store, "w2")
    job = a_job(store)
    set_row(store, job.id, video_sha256=FILM, **({"queued_at": 1.0} if why == "old" else {}))
    if why == "gone":
        store.leave("w2")
    if why == "silent":
        unseen(store, "w2")
    assert claimed(store, "w1").job.id == job.id


def test_a_job_that_waited_long_comes_first_whatever_a_worker_holds(store: JobStore) -> None:
    first, second = sorted(a_job(store).id for _ in range(2))
    set_row(store, second, video_sha256=FILM)
    set_row(store, first, queued_at=1.0)
    assert claimed(store, holds={FILM}).job.id == first


def test_workers_say_what_they_are_and_what_they_do(store: JobStore) -> None:
    register(store, "w1")
    store.beat("w1", holds={FILM})
    job = a_job(store)
    claim = claimed(store)
    [worker] = store.workers()
    assert (worker.id, worker.queues, worker.holds) == ("w1", BOTH, {FILM})
    assert worker.job_id == job.id
    store.finish(claim, FOUND, "found")
    assert store.workers()[0].job_id is None
    store.leave("w1")
    assert store.workers() == []


def test_a_lost_workers_job_goes_back_until_it_was_tried_three_times(store: JobStore) -> None:
    job = a_job(store)
    for _ in range(2):
        claimed(store)
        expire(store, job.id)
        assert store.redispatch("r").requeued == (job.id,)
    claimed(store)
    expire(store, job.id)
    assert store.redispatch("r").failed == (job.id,)
    told = store.get("ann", job.id)
    assert told.state == "failed"
    assert told.error is not None
    assert told.error["code"] == "worker_lost"
    assert store.claim("w1", queues=BOTH) is None


def test_a_lost_job_that_was_to_be_cancelled_is(store: JobStore) -> None:
    job = a_job(store)
    claimed(store)
    store.cancel("ann", job.id)
    expire(store, job.id)
    assert store.redispatch("r").cancelled == (job.id,)
    assert store.get("ann", job.id).state == "cancelled"


def test_one_process_is_elected_until_it_falls_silent(store: JobStore) -> None:
    assert store.redispatch("one").elected
    assert not store.redispatch("two").elected
    assert store.redispatch("one").elected
    unlock(store)
    assert store.redispatch("two").elected


def test_a_job_in_time_is_not_touched_by_the_redispatcher(store: JobStore) -> None:
    a_job(store)
    claim = claimed(store)
    assert store.redispatch("r").requeued == ()
    store.heartbeat(claim)


def test_requests_survive_a_claim_unchanged(store: JobStore) -> None:
    a_job(store)
    assert claimed(store).job.request == GROUND
