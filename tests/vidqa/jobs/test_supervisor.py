"""What a supervisor holds against its child, and what it lets pass."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from tests.vidqa.jobs.drawn import BOTH, FOUND, a_job, claimed, set_row, unseen
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.jobs.worker import Supervisor
from vidqa.service.tables import workers
from vidqa.service_settings import ServiceSettings

LONG_S = 1e6
"""A supervisor's clock, after its child has lived for long."""


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(data_dir=tmp_path)


@pytest.fixture
def embedded(settings: ServiceSettings) -> Iterator[JobStore]:
    with open_jobs(settings) as store:
        yield store


@pytest.fixture
def supervisor(embedded: JobStore, settings: ServiceSettings) -> Supervisor:
    made = Supervisor(embedded, settings)
    made._worker = "w1"
    embedded.register("w1", host="here", pid=1, queues=BOTH)
    return made


def claimed_long_ago(store: JobStore) -> None:
    with store.database.writing() as db:
        db.execute(update(workers).values(claimed_at=1.0))


def test_a_free_worker_without_jobs_may_wait_for_ever(supervisor: Supervisor) -> None:
    assert supervisor._wrong(LONG_S) is None


def test_a_worker_that_claims_nothing_while_jobs_wait_is_started_anew(
    supervisor: Supervisor, embedded: JobStore
) -> None:
    job = a_job(embedded)
    assert supervisor._wrong(LONG_S) is None  # it has not waited long
    set_row(embedded, job.id, queued_at=1.0)
    assert supervisor._wrong(30.0) is None  # it has not lived long
    assert supervisor._wrong(LONG_S) == "jobs wait, and it claims none"


def test_a_worker_that_claimed_lately_is_let_be_however_long_jobs_wait(
    supervisor: Supervisor, embedded: JobStore
) -> None:
    a_job(embedded)
    embedded.finish(claimed(embedded), FOUND, "found")
    set_row(embedded, a_job(embedded).id, queued_at=1.0)
    assert supervisor._wrong(LONG_S) is None
    claimed_long_ago(embedded)
    assert supervisor._wrong(LONG_S) == "jobs wait, and it claims none"


def test_a_worker_that_says_nothing_is_started_anew(
    supervisor: Supervisor, embedded: JobStore
) -> None:
    unseen(embedded, "w1")
    assert supervisor._wrong(50.0) is None  # it may still be starting
    assert supervisor._wrong(LONG_S) == "it says nothing"


def test_a_job_that_goes_on_when_it_was_cancelled_costs_its_process(
    supervisor: Supervisor, embedded: JobStore
) -> None:
    job = a_job(embedded)
    claimed(embedded)
    assert supervisor._wrong(LONG_S) is None
    embedded.cancel("ann", job.id)
    assert supervisor._wrong(LONG_S) is None
    assert supervisor._wrong(LONG_S + 5) is None
    assert supervisor._wrong(LONG_S + 31) == f"{job.id} does not end"


def test_jobs_of_a_dead_worker_go_back_without_waiting_for_the_lease(embedded: JobStore) -> None:
    job = a_job(embedded)
    claimed(embedded)
    assert embedded.give_up("w1").requeued == (job.id,)
    assert embedded.give_up("w1").requeued == ()
    assert embedded.workers() == []
