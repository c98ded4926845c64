"""Taking jobs: durable, once for a key, many at a time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.vidqa.jobs.drawn import GROUND, VIDEO, a_job, kinds
from vidqa.errors import JobError
from vidqa.jobs.part import Rules
from vidqa.jobs.store import JobStore
from vidqa.service.ids import new_id
from vidqa.service.library import open_library
from vidqa.service.owner import open_database


def refused(store: JobStore, **given: Any) -> JobError:
    asked = {"tenant": "ann", "kind": "ground", "request": GROUND, **given}
    with pytest.raises(JobError) as caught:
        store.submit(**asked)
    return caught.value


def test_a_job_that_was_taken_waits(store: JobStore) -> None:
    submitted = store.submit(
        "ann", "ground", {**GROUND, "start": "1:00"}, webhook_url="https://x/y"
    )
    job = submitted.job
    assert submitted.created
    assert store.get("ann", job.id) == job
    assert (job.state, job.queue, job.attempts, job.fence) == ("queued", "gpu", 0, 0)
    assert job.request == {**GROUND, "start": 60.0}
    assert kinds(store, job) == ["job.queued"]
    assert store.events("ann", job.id)[0].seq == 1


def test_a_job_outlives_the_process_that_took_it(service_place: str) -> None:
    with JobStore(open_database(service_place), Rules()) as store:
        job = a_job(store)
    with JobStore(open_database(service_place), Rules()) as store:
        assert store.get("ann", job.id) == job


def test_the_same_key_and_body_give_the_same_job(store: JobStore) -> None:
    first = store.submit("ann", "ground", GROUND, idempotency_key="k")
    again = store.submit("ann", "ground", GROUND, idempotency_key="k")
    assert (first.created, again.created) == (True, False)
    assert again.job == first.job
    assert store.counts().states["queued"] == 1


def test_a_key_of_another_tenant_is_another_key(store: JobStore) -> None:
    first = store.submit("ann", "ground", GROUND, idempotency_key="k")
    other = store.submit("bob", "ground", GROUND, idempotency_key="k")
    assert other.created
    assert other.job.id != first.job.id


def test_a_key_that_was_used_for_another_body_is_refused(store: JobStore) -> None:
    a_job(store, idempotency_key="k")
    err = refused(store, request={**GROUND, "query": "other"}, idempotency_key="k")
    assert err.code == "idempotency_mismatch"
    assert store.counts().states["queued"] == 1


def test_a_callers_own_digest_of_the_body_counts(store: JobStore) -> None:
    a_job(store, idempotency_key="k", body_digest="one")
    assert refused(store, idempotency_key="k", body_digest="two").code == "idempotency_mismatch"


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "é"])
def test_what_cannot_be_a_key_is_refused(store: JobStore, key: str) -> None:
    assert refused(store, idempotency_key=key).code == "idempotency_key_invalid"


def test_a_request_that_cannot_be_takes_nothing(store: JobStore) -> None:
    assert refused(store, request={"video": VIDEO}).code == "request_invalid"
    assert store.page("ann").jobs == ()


def test_a_hundred_that_come_at_once_are_all_taken_and_keys_count_once(store: JobStore) -> None:
    def submit(n: int) -> tuple[str, bool]:
        done = store.submit("ann", "ground", GROUND, idempotency_key=f"k{n % 10}")
        return done.job.id, done.created

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(submit, range(100)))
    assert len({job_id for job_id, _ in told}) == 10
    assert sum(created for _, created in told) == 10
    assert store.counts().states["queued"] == 10


def test_a_bad_one_among_many_harms_no_other(store: JobStore) -> None:
    missing = {"video": {"video_id": new_id("vid")}, "query": "x"}
    futures = [store.submit_soon("ann", "ground", missing if n % 2 else GROUND) for n in range(20)]
    errors = [future.exception() for future in futures]
    assert [getattr(err, "code", None) for err in errors] == [None, "video_missing"] * 10
    assert store.counts().states["queued"] == 10


def test_a_librarys_video_is_known_by_its_bytes_and_only_to_its_tenant(
    store: JobStore, tmp_path: Path
) -> None:
    library = open_library(store.database, tmp_path)
    file = library.incoming / "f"
    file.write_bytes(b"film")
    video = library.adopt("ann", file, "ab" * 32, "film.mp4")
    asked = {"video": {"video_id": video.id}, "query": "x"}
    job = store.submit("ann", "ground", asked).job
    assert (job.video_id, job.video_sha256) == (video.id, "ab" * 32)
    assert refused(store, tenant="bob", request=asked).code == "video_missing"


def test_a_refused_job_leaves_its_key_free(store: JobStore) -> None:
    missing = {"video": {"video_id": new_id("vid")}, "query": "x"}
    assert refused(store, request=missing, idempotency_key="k").code == "video_missing"
    assert store.submit("ann", "ground", GROUND, idempotency_key="k").created


def test_no_more_jobs_wait_than_may(service_place: str) -> None:
    with JobStore(open_database(service_place), Rules(queue_cap=2)) as store:
        a_job(store, idempotency_key="k")
        a_job(store)
        err = refused(store)
        assert (err.code, err.retryable) == ("queue_full", True)
        assert not store.submit("ann", "ground", GROUND, idempotency_key="k").created


def test_what_is_handed_over_before_the_end_is_taken(service_place: str) -> None:
    store = JobStore(open_database(service_place), Rules())
    futures = [store.submit_soon("ann", "ground", GROUND) for _ in range(50)]
    store.close()
    assert len({future.result(0).job.id for future in futures}) == 50
