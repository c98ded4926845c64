"""Jobs are run, once each in effect, whatever ends the processes that run them; in every mode."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vidqa.jobs.services import is_alive, until
from vidqa.jobs.faults import POINTS


def runs_of(log: Path, job_id: str) -> int:
    return sum(line.startswith(job_id) for line in log.read_text().splitlines())


def test_a_job_is_run_and_its_result_kept(service: Any) -> None:
    done = service.wait(service.submit("anything"))
    assert (done.state, done.outcome, done.attempts) == ("completed", "found", 1)
    assert service.store.result("ann", done.id)["asked"] == "anything"


def test_each_of_many_jobs_is_run_once(service: Any) -> None:
    jobs = [service.submit(f"job {n}") for n in range(30)]
    ended = [service.wait(job) for job in jobs]
    assert {job.state for job in ended} == {"completed"}
    log = service.settings.folder / "log"
    assert [runs_of(log, job.id) for job in jobs] == [1] * 30


def test_a_job_that_fails_tells_why_and_the_next_is_run(service: Any) -> None:
    failed = service.wait(service.submit("fail"))
    assert failed.state == "failed"
    assert failed.error["code"] == "video_unreadable"
    assert failed.error["next_step"] == "Send a film."
    assert service.wait(service.submit("next")).state == "completed"


def test_a_bug_fails_its_job_alone_and_shows_nothing_of_itself(service: Any) -> None:
    failed = service.wait(service.submit("crash"))
    assert failed.error["code"] == "job_crashed"
    assert "bug" not in failed.error["message"]
    assert service.wait(service.submit("next")).state == "completed"


def test_progress_is_told_while_a_job_runs(service: Any) -> None:
    job = service.submit("sleep 60")
    until(lambda: service.store.get("ann", job.id).progress.stage == "sleep")
    until(lambda: service.store.get("ann", job.id).progress.done > 0)
    progress = service.store.get("ann", job.id).progress
    assert progress.total == 3000
    assert progress.eta_s is not None
    service.store.cancel("ann", job.id)
    service.wait(job)


@pytest.mark.parametrize("word", ["sleep 600", "spin 600"])
def test_a_running_job_is_cancelled_and_its_process_goes_on(service: Any, word: str) -> None:
    before = service.store.result("ann", service.wait(service.submit("before")).id)["pid"]
    job = service.submit(word)
    service.await_running(job)
    service.store.cancel("ann", job.id)
    assert service.wait(job).state == "cancelled"
    after = service.store.result("ann", service.wait(service.submit("after")).id)["pid"]
    assert after == before


def test_a_waiting_job_is_cancelled_before_it_is_run(service: Any) -> None:
    running = service.submit("sleep 600")
    service.await_running(running)
    waiting = service.submit("waiting")
    assert service.store.cancel("ann", waiting.id).state == "cancelled"
    service.store.cancel("ann", running.id)
    service.wait(running)
    assert runs_of(service.settings.folder / "log", waiting.id) == 0


def test_a_cancelled_job_can_be_tried_again(service: Any) -> None:
    job = service.submit("sleep 0.5")
    service.await_running(job)
    service.store.cancel("ann", job.id)
    service.wait(job)
    service.store.retry("ann", job.id)
    assert service.wait(job).state == "completed"


def test_a_job_that_heeds_nothing_is_cancelled_with_its_process(service: Any) -> None:
    job = service.submit("hang")
    pid = service.await_running(job)
    service.store.cancel("ann", job.id)
    assert service.wait(job).state == "cancelled"
    until(lambda: not is_alive(pid))
    assert service.wait(service.submit("next")).state == "completed"


def test_a_job_whose_process_is_killed_is_run_again(service: Any) -> None:
    job = service.submit("sleep 1")
    service.await_running(job)
    service.kill_worker()
    done = service.wait(job)
    assert (done.state, done.attempts) == ("completed", 2)


def test_a_job_that_kills_its_process_is_given_up_and_others_flow(service: Any) -> None:
    poison, other = service.submit("die"), service.submit("other")
    given_up = service.wait(poison)
    assert (given_up.state, given_up.attempts) == ("failed", 3)
    assert given_up.error["code"] == "worker_lost"
    assert service.wait(other).state == "completed"


def test_a_job_that_hangs_is_tried_again_and_then_given_up(
    make_service: Callable[..., Any],
) -> None:
    service = make_service(attempts=2, progress_limit_s=0.5, load_limit_s=0.5, cancel_grace_s=0.5)
    service.start()
    given_up = service.wait(service.submit("hang"))
    assert given_up.state == "failed"
    assert given_up.error["code"] in ("job_stuck", "worker_lost")
    assert given_up.attempts == 2


def test_a_job_that_runs_too_long_fails_as_such(make_service: Callable[..., Any]) -> None:
    service = make_service(max_job_seconds=1.0)
    service.start()
    assert service.wait(service.submit("sleep 600")).error["code"] == "job_timeout"


def test_a_stop_lets_a_short_job_end(make_service: Callable[..., Any]) -> None:
    service = make_service(stop_grace_s=30.0)
    service.start()
    job = service.submit("sleep 1")
    service.await_running(job)
    service.stop()
    done = service.store.get("ann", job.id)
    assert (done.state, done.attempts) == ("completed", 1)
    assert service.store.workers() == []


def test_a_stop_puts_a_long_job_back_and_another_worker_goes_on(
    make_service: Callable[..., Any],
) -> None:
    service = make_service()
    service.start()
    job = service.submit("sleep 3")
    service.await_running(job)
    service.stop()
    waiting = service.store.get("ann", job.id)
    assert (waiting.state, waiting.attempts) == ("queued", 0)
    service.start()
    assert service.wait(job).state == "completed"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_nothing_is_left_when_the_process_that_looks_after_a_worker_is_killed(
    make_service: Callable[..., Any],
) -> None:
    service = make_service()
    service.start()
    job = service.submit("sleep 3")
    pid = service.await_running(job)
    service.kill_all()
    until(lambda: not is_alive(pid))
    service.start()
    done = service.wait(job)
    assert (done.state, done.attempts) == ("completed", 2)


def test_a_worker_frozen_past_its_lease_changes_nothing_any_more(
    make_service: Callable[..., Any], tmp_path: Path
) -> None:
    service = make_service()
    service.start()
    job = service.submit("sleep 1.5")
    pid = service.await_running(job)
    os.kill(pid, signal.SIGSTOP)
    until(lambda: service.store.get("ann", job.id).state == "queued")
    taken = service.store.claim("other", queues=("gpu",), job_id=job.id)
    os.kill(pid, signal.SIGCONT)
    until(lambda: service.wait(service.submit("another")).state == "completed")
    service.store.finish(taken, {"outcome": "found", "by": "other"}, "found")
    assert service.store.result("ann", job.id)["by"] == "other"
    assert service.store.get("ann", job.id).attempts == 2


@pytest.mark.parametrize("point", [p for p in POINTS if p != "while_loading"])
def test_a_worker_that_dies_at_any_point_loses_no_job(
    make_service: Callable[..., Any], tmp_path: Path, point: str
) -> None:
    once = tmp_path / "once"
    service = make_service(fault=f"{point}:kill@{once}")
    service.start()
    done = service.wait(service.submit("sleep 0.8", webhook_url="https://x/y"))
    assert done.state == "completed"
    until(once.exists)
    # What comes after the end changes nothing; what comes before it costs one more attempt.
    assert done.attempts == (1 if point == "after_finish" else 2)
    assert service.wait(service.submit("next")).state == "completed"
    assert len(service.store.take_outbox()) == 1


@pytest.mark.parametrize("action", ["exit", "hang", "raise"])
def test_a_worker_that_ends_otherwise_loses_no_job(
    make_service: Callable[..., Any], tmp_path: Path, action: str
) -> None:
    service = make_service(fault=f"while_working:{action}@{tmp_path / 'once'}", load_limit_s=1.0)
    service.start()
    done = service.wait(service.submit("job"))
    assert done.state == ("failed" if action == "raise" else "completed")
    assert service.wait(service.submit("next")).state == "completed"
