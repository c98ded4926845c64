"""A message is a bell: what is to be done stands in the row, whatever was sent, twice or late."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.exceptions import Reject

from tests.redis_server import RedisServer, running_redis
from tests.vidqa.jobs.drawn import a_job, claimed, set_row
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service_settings import ServiceSettings
from vidqa_workers.process import Desk, Post

FILM = "ab" * 32
HERE = "wrk_here"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with running_redis() as server:
        yield server


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    with open_jobs(ServiceSettings(data_dir=tmp_path)) as opened:
        yield opened


@pytest.fixture
def desk(
    tmp_path: Path, redis: RedisServer, store: JobStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Desk]:
    """A process of a pool, in this one, whose handler ends at once."""
    monkeypatch.setenv("VIDQA_HANDLER", "tests.vidqa.jobs.stubs:run")
    before = signal.getsignal(signal.SIGUSR2)
    made = Desk(ServiceSettings(data_dir=tmp_path), Post(node=HERE, queue="gpu", broker=redis.url))
    yield made
    made.close()
    signal.signal(signal.SIGUSR2, before)


def state(store: JobStore, job_id: str) -> tuple[str, int]:
    job = store.get(None, job_id)
    return job.state, job.attempts


def waiting(redis: RedisServer, queue: str) -> bytes:
    return redis.call("LLEN", queue)


def test_a_job_is_run(desk: Desk, store: JobStore) -> None:
    job = a_job(store)
    desk.answer(job.id)
    assert state(store, job.id) == ("completed", 1)


def test_a_message_that_comes_twice_is_dropped(desk: Desk, store: JobStore) -> None:
    job = a_job(store)
    for _ in range(3):
        desk.answer(job.id)
    assert state(store, job.id) == ("completed", 1)
    assert store.counts().duplicates_dropped == 2


def test_a_job_that_another_worker_has_is_left_to_it(desk: Desk, store: JobStore) -> None:
    job = a_job(store)
    claim = claimed(store, "w2", job_id=job.id)
    desk.answer(job.id)
    assert (store.get(None, job.id).owner, claim.fence) == ("w2", 1)


def test_a_cancelled_job_is_not_run(desk: Desk, store: JobStore) -> None:
    job = a_job(store)
    store.cancel("ann", job.id)
    desk.answer(job.id)
    assert state(store, job.id) == ("cancelled", 0)


def test_a_message_about_no_job_is_dropped(desk: Desk) -> None:
    desk.answer("job_00000000000000000000000000")


def test_a_job_goes_to_the_free_worker_that_has_its_video(
    desk: Desk, store: JobStore, redis: RedisServer
) -> None:
    job = a_job(store)
    set_row(store, job.id, video_sha256=FILM)
    store.register("wrk_there.7", host="there", pid=7, queues=["gpu"])
    store.beat("wrk_there.7", holds={FILM})
    desk.answer(job.id)
    assert state(store, job.id) == ("queued", 0)
    assert waiting(redis, "vidqa.gpu.wrk_there") == b":1\r\n"
    desk.answer(job.id, sent_on=True)  # there it is not sent on again
    assert state(store, job.id) == ("completed", 1)


def test_a_job_stays_where_the_worker_that_has_its_video_is_busy(
    desk: Desk, store: JobStore
) -> None:
    first, job = a_job(store), a_job(store)
    set_row(store, job.id, video_sha256=FILM)
    store.register("wrk_there.7", host="there", pid=7, queues=["gpu"])
    store.beat("wrk_there.7", holds={FILM})
    claimed(store, "wrk_there.7", job_id=first.id)
    desk.answer(job.id)
    assert state(store, job.id) == ("completed", 1)


def test_a_worker_that_has_the_video_itself_sends_nothing_on(desk: Desk, store: JobStore) -> None:
    first, second = a_job(store), a_job(store)
    for job in (first, second):
        set_row(store, job.id, video_sha256=FILM)
    desk.answer(first.id)
    store.register("wrk_there.7", host="there", pid=7, queues=["gpu"])
    store.beat("wrk_there.7", holds={FILM})
    desk.answer(second.id)
    assert state(store, second.id) == ("completed", 1)


def test_a_worker_that_is_ending_gives_the_message_back(desk: Desk, store: JobStore) -> None:
    job = a_job(store)
    os.kill(os.getpid(), signal.SIGUSR2)
    with pytest.raises(Reject) as caught:
        desk.answer(job.id)
    assert caught.value.requeue
    assert state(store, job.id) == ("queued", 0)


def test_a_process_of_the_pool_is_a_worker_like_any_other(desk: Desk, store: JobStore) -> None:
    job = a_job(store)
    desk.answer(job.id)
    (seen,) = store.workers()
    assert (seen.id, seen.host, seen.pid, seen.queues, seen.job_id) == (
        f"{HERE}.{os.getpid()}",
        socket.gethostname(),
        os.getpid(),
        ("gpu",),
        None,
    )
