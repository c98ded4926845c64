"""The door bell: rung for what waits, again where nobody heard, and never needed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import pytest

from tests.vidqa.jobs.drawn import BOTH, a_job, claimed, set_row
from vidqa.errors import ServiceBusy
from vidqa.jobs.part import Rules
from vidqa.jobs.store import JobStore
from vidqa.service.owner import open_database
from vidqa.service.records import Rung


class Heard:
    """A bell that remembers; broken, it raises as a broker that is away."""

    def __init__(self) -> None:
        self.jobs: list[str] = []
        self.broken = False
        self.tried = threading.Semaphore(0)

    def ring(self, jobs: Sequence[Rung]) -> None:
        try:
            if self.broken:
                raise ServiceBusy("away", code="broker_away", next_step="Wait.")
            self.jobs += [each.job_id for each in jobs]
        finally:
            self.tried.release()


@pytest.fixture
def bell() -> Heard:
    return Heard()


@pytest.fixture
def ringing(service_place: str, bell: Heard) -> Iterator[JobStore]:
    with JobStore(open_database(service_place), Rules(), bell) as store:
        yield store


def test_a_job_that_was_taken_is_announced_once(ringing: JobStore, bell: Heard) -> None:
    job = a_job(ringing)
    bell.tried.acquire(timeout=30)
    ringing.close()
    assert bell.jobs == [job.id]


def test_a_broken_bell_fails_no_request_and_rings_later(ringing: JobStore, bell: Heard) -> None:
    bell.broken = True
    job = a_job(ringing)
    bell.tried.acquire(timeout=30)
    assert bell.jobs == []
    bell.broken = False
    assert ringing.redispatch("r").elected
    bell.tried.acquire(timeout=30)
    assert bell.jobs == [job.id]


def test_no_more_wait_to_be_heard_than_workers_can_do(store: JobStore) -> None:
    ids = sorted(a_job(store).id for _ in range(10))
    assert [each.job_id for each in store.to_ring()] == ids[:4]
    store.rung(ids[:4])
    assert store.to_ring() == []
    for name in ("w1", "w2"):
        store.register(name, host="here", pid=1, queues=BOTH)
    assert [each.job_id for each in store.to_ring()] == ids[4:8]


def test_a_bell_that_nobody_heard_rings_again(store: JobStore) -> None:
    job = a_job(store)
    store.rung([job.id])
    assert store.to_ring() == []
    set_row(store, job.id, rung_at=1.0)
    assert [each.job_id for each in store.to_ring()] == [job.id]


def test_a_claimed_job_is_not_announced(store: JobStore) -> None:
    a_job(store)
    claim = claimed(store)
    assert store.to_ring() == []
    store.release(claim)
    assert len(store.to_ring()) == 1
