"""Ends: one transaction, once, cancelled where that was asked for; webhooks in the outbox."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import select

from tests.vidqa.jobs.drawn import BOTH, FOUND, GROUND, a_job, claimed, kinds, set_row
from vidqa.errors import JobError, LeaseLost, VideoError
from vidqa.jobs.part import Rules
from vidqa.jobs.store import JobStore
from vidqa.service.ids import is_id
from vidqa.service.owner import open_database
from vidqa.service.tables import job_events


def code_of(caught: pytest.ExceptionInfo[JobError]) -> str:
    return caught.value.code


def test_a_finished_job_has_its_result_its_outcome_and_its_end(store: JobStore) -> None:
    job = a_job(store)
    done = store.finish(claimed(store), FOUND, "found")
    assert (done.state, done.outcome, done.owner) == ("completed", "found", None)
    assert store.get("ann", job.id) == done
    assert done.finished_at is not None
    assert kinds(store, job) == ["job.queued", "job.started", "job.completed"]
    assert store.result("ann", job.id)["outcome"] == "found"


def test_stretches_in_a_result_get_ids_under_which_they_are_found(store: JobStore) -> None:
    job = a_job(store)
    store.finish(claimed(store), FOUND, "found")
    [told] = store.result("ann", job.id)["segments"]
    assert is_id("seg", told["id"])
    segment = store.segment("ann", told["id"])
    assert (segment.start_s, segment.end_s) == (1.0, 2.5)
    assert (segment.job_id, segment.place) == (job.id, "/films/door.mp4")
    with pytest.raises(JobError) as caught:
        store.segment("bob", told["id"])
    assert code_of(caught) == "segment_missing"


def test_a_job_ends_once(store: JobStore) -> None:
    a_job(store)
    claim = claimed(store)
    store.finish(claim, FOUND, "found")
    with pytest.raises(LeaseLost):
        store.finish(claim, FOUND, "found")
    with pytest.raises(LeaseLost):
        store.heartbeat(claim)


def test_there_is_no_result_before_the_end(store: JobStore) -> None:
    job = a_job(store)
    with pytest.raises(JobError, match="it is queued") as caught:
        store.result("ann", job.id)
    assert code_of(caught) == "job_unfinished"


def test_a_failed_job_tells_why(store: JobStore) -> None:
    job = a_job(store)
    err = VideoError("no film", code="video_unreadable", next_step="Send one.")
    failed = store.fail(claimed(store), err)
    assert (failed.state, failed.error) == ("failed", err.to_dict())
    with pytest.raises(JobError) as caught:
        store.result("ann", job.id)
    assert code_of(caught) == "job_unfinished"


def test_a_waiting_job_is_cancelled_at_once(store: JobStore) -> None:
    job = a_job(store)
    assert store.cancel("ann", job.id).state == "cancelled"
    assert store.claim("w1", queues=BOTH) is None
    assert kinds(store, job) == ["job.queued", "job.cancelled"]


def test_a_running_job_is_cancelled_when_its_worker_notices(store: JobStore) -> None:
    job = a_job(store)
    claim = claimed(store)
    told = store.cancel("ann", job.id)
    assert (told.state, told.cancel_requested) == ("in_progress", True)
    assert store.heartbeat(claim).cancel_requested
    assert store.acknowledge_cancel(claim).state == "cancelled"


def test_nothing_is_completed_behind_a_cancel(store: JobStore) -> None:
    job = a_job(store, webhook_url="https://x/y")
    claim = claimed(store)
    store.cancel("ann", job.id)
    ended = store.finish(claim, FOUND, "found")
    assert (ended.state, ended.outcome) == ("cancelled", None)
    with pytest.raises(JobError):
        store.result("ann", job.id)
    assert [line.type for line in store.take_outbox()] == ["job.cancelled"]


def test_what_fails_behind_a_cancel_is_cancelled(store: JobStore) -> None:
    job = a_job(store)
    claim = claimed(store)
    store.cancel("ann", job.id)
    assert store.fail(claim, {"code": "x"}).state == "cancelled"
    assert store.get("ann", job.id).error is None


def test_cancelling_what_has_ended_changes_nothing(store: JobStore) -> None:
    job = a_job(store)
    done = store.finish(claimed(store), FOUND, "found")
    assert store.cancel("ann", job.id) == done


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_a_job_that_failed_or_was_cancelled_may_be_tried_again_as_new(
    store: JobStore, how: str
) -> None:
    job = a_job(store)
    if how == "failed":
        store.fail(claimed(store), {"code": "x"})
    else:
        store.cancel("ann", job.id)
    again = store.retry("ann", job.id)
    assert (again.state, again.attempts, again.error) == ("queued", 0, None)
    assert not again.cancel_requested
    assert store.finish(claimed(store), FOUND, "found").state == "completed"


def test_a_job_that_waits_or_was_completed_cannot_be_tried_again(store: JobStore) -> None:
    job = a_job(store)
    with pytest.raises(JobError, match="is queued") as caught:
        store.retry("ann", job.id)
    assert code_of(caught) == "job_not_retryable"
    store.finish(claimed(store), FOUND, "found")
    with pytest.raises(JobError, match="is completed"):
        store.retry("ann", job.id)


def test_another_tenants_job_is_not_there(store: JobStore) -> None:
    job = a_job(store)
    for call in (store.get, store.result, store.events, store.cancel, store.retry):
        with pytest.raises(JobError) as caught:
            call("bob", job.id)
        assert code_of(caught) == "job_missing"
    assert store.page("bob").jobs == ()
    assert store.get(None, job.id) == job


def test_pages_lead_through_all_jobs_newest_first(store: JobStore) -> None:
    ids = sorted((a_job(store).id for _ in range(5)), reverse=True)
    found, token = [], None
    for _ in range(3):
        page = store.page("ann", size=2, token=token)
        found += [job.id for job in page.jobs]
        token = page.next_token
    assert found == ids
    assert token is None


def test_a_page_may_be_of_some_states_and_kinds(store: JobStore) -> None:
    done, waiting = sorted(a_job(store).id for _ in range(2))
    store.finish(claimed(store), FOUND, "found")
    assert [job.id for job in store.page("ann", states=["completed"]).jobs] == [done]
    assert [job.id for job in store.page("ann", states=["queued"]).jobs] == [waiting]
    assert store.page("ann", kinds=["ask"]).jobs == ()


@pytest.mark.parametrize("size", [0, -1, 201])
def test_a_page_that_nobody_may_have_is_refused(store: JobStore, size: int) -> None:
    with pytest.raises(JobError) as caught:
        store.page("ann", size=size)
    assert code_of(caught) == "page_size_invalid"


def test_a_token_with_other_filters_is_refused(store: JobStore) -> None:
    for _ in range(3):
        a_job(store)
    token = store.page("ann", size=1).next_token
    with pytest.raises(JobError) as caught:
        store.page("ann", size=1, states=["queued"], token=token)
    assert code_of(caught) == "page_token_invalid"


def test_waiting_ends_with_the_job(store: JobStore) -> None:
    job = a_job(store)
    claim = claimed(store)
    assert store.wait("ann", job.id, 0).state == "in_progress"
    thread = threading.Timer(0.05, store.finish, (claim, FOUND, "found"))
    thread.start()
    assert store.wait("ann", job.id, 30).state == "completed"
    thread.join()


def test_an_end_puts_one_webhook_into_the_outbox(store: JobStore) -> None:
    job = a_job(store, webhook_url="https://x/y")
    store.finish(claimed(store), FOUND, "found")
    [line] = store.take_outbox()
    assert (line.job_id, line.url, line.type) == (job.id, "https://x/y", "job.completed")
    assert is_id("evt", line.id)
    assert store.take_outbox() == []  # another sender has it
    store.put_off(line.id, 0, "500")
    [again] = store.take_outbox()
    assert (again.id, again.tries) == (line.id, 1)
    store.delivered(line.id)
    store.put_off(line.id, 0, "too late")
    assert store.take_outbox() == []
    assert store.counts().webhooks_due == 0


def test_a_repeated_job_finds_its_product_and_another_tenants_is_none(store: JobStore) -> None:
    a_job(store)
    store.finish(claimed(store), FOUND, "found", product_key="made of this")
    product = store.product("ann", "made of this")
    assert product is not None
    assert product["outcome"] == "found"
    assert store.product("bob", "made of this") is None
    assert store.product("ann", "made of that") is None


def test_counts_tell_depth_and_age(store: JobStore) -> None:
    first = a_job(store)
    a_job(store)
    set_row(store, first.id, queued_at=1.0)
    store.submit("ann", "index", {"videos": [{"path": "/a"}]})
    counts = store.counts()
    assert counts.depth == {"cpu": 1, "gpu": 2}
    assert counts.oldest_s["gpu"] > 1e9
    assert counts.states["queued"] == 3
    assert store.unfinished("ann") == 3


def test_a_result_with_any_text_comes_back_as_it_was(store: JobStore) -> None:
    job = a_job(store)
    odd = {"outcome": "found", "answer": "\x00 \ud800 é 猫 \u2028", "n": 1e300}
    store.finish(claimed(store), odd, "found")
    assert store.result("ann", job.id) == odd
    assert store.get("ann", job.id).request == GROUND


def test_without_a_bound_ended_jobs_stay(store: JobStore) -> None:
    job = a_job(store)
    store.cancel(None, job.id)
    set_row(store, job.id, finished_at=1.0)
    assert store.redispatch("r").elected
    assert store.get(None, job.id).state == "cancelled"


def test_jobs_that_ended_long_ago_go_with_all_that_is_theirs(service_place: str) -> None:
    rules = Rules(jobs_keep_s=100_000.0)
    with JobStore(open_database(service_place), rules) as store:
        old, late, waiting, told = (
            a_job(store, webhook_url=url) for url in (None, None, None, "https://example.org/x")
        )
        for _ in (old, late):
            store.finish(claimed(store), FOUND, "found")
        store.cancel(None, told.id)
        [segment] = store.result(None, old.id)["segments"]
        for job in (old, waiting, told):
            set_row(store, job.id, created_at=1.0, finished_at=None if job is waiting else 1.0)
        assert store.redispatch("r").elected
        left = {job.id for job in store.page(None, size=10).jobs}
        assert left == {late.id, waiting.id, told.id}
        assert [line.job_id for line in store.take_outbox()] == [told.id]
        for gone in (
            lambda: store.result(None, old.id),
            lambda: store.segment(None, segment["id"]),
        ):
            with pytest.raises(JobError):
                gone()
        with store.database.reading() as db:
            rows = db.execute(select(job_events.c.job_id).distinct()).scalars()
            assert set(rows) == left
