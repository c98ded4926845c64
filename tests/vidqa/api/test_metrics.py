"""What Prometheus reads: requests of this process, jobs of the database."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from vidqa.api.service import Service
from vidqa.service.endings import Endings
from vidqa.service.records import Claim

RESULT: dict[str, Any] = {
    "outcome": "found",
    "passes": [{"stage": "ground", "frames": 42, "video_tokens": 84}],
    "cache": {"features": "hit", "prefix": "miss"},
    "timings": {"decode_s": 1.5, "text_s": 0.25},
}


def figures(http: TestClient) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample of a scrape, by name and labels."""
    text = http.get("/metrics").text
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def submitted(service: Service) -> str:
    request = {"video": {"url": "https://media.example.org/a.mp4"}, "query": "a door opens"}
    return service.jobs.submit("local", "ground", request).job.id


def claimed(service: Service) -> Claim:
    service.jobs.register("wrk_1", host="here", pid=1, queues=["gpu"])
    claim = service.jobs.claim("wrk_1", queues=["gpu"])
    assert claim is not None
    return claim


def test_jobs_are_counted_as_they_wait_end_and_fail(http: TestClient, service: Service) -> None:
    for _ in range(3):
        submitted(service)
    waiting = figures(http)
    assert waiting["vidqa_queue_depth", (("queue", "gpu"),)] == 3
    assert waiting["vidqa_jobs", (("state", "queued"),)] == 3

    service.jobs.finish(claimed(service), RESULT, "found")
    failure = {"code": "undecodable", "stage": "video", "message": "", "next_step": ""}
    service.jobs.fail(claimed(service), {**failure, "retryable": False})
    for _ in range(2):  # a second scrape counts nothing twice
        told = figures(http)
    assert told["vidqa_queue_depth", (("queue", "gpu"),)] == 1
    assert told["vidqa_jobs_ended_total", (("kind", "ground"), ("state", "completed"))] == 1
    assert told["vidqa_jobs_ended_total", (("kind", "ground"), ("state", "failed"))] == 1
    assert told["vidqa_job_failures_total", (("code", "undecodable"),)] == 1
    assert told["vidqa_stage_seconds_total", (("stage", "decode"),)] == 1.5
    assert told["vidqa_video_tokens_total", (("stage", "ground"),)] == 84
    assert told["vidqa_frames_total", ()] == 42
    assert told["vidqa_cache_total", (("cache", "features"), ("state", "hit"))] == 1
    assert told["vidqa_job_run_seconds_count", (("kind", "ground"),)] == 2
    assert told["vidqa_workers", ()] == 1


def test_requests_and_problems_are_counted_by_route(http: TestClient) -> None:
    http.get("/v1/videos/vid_x")
    http.request("BREW", "/v1/videos")
    told = figures(http)
    labels = (("method", "GET"), ("route", "/v1/videos/{video_id}"), ("status", "404"))
    assert told["vidqa_http_request_seconds_count", labels] == 1
    assert told["vidqa_http_problems_total", (("code", "video_missing"),)] == 1
    assert {dict(key)["method"] for name, key in told if "request_seconds_count" in name} == {
        "GET",
        "other",
    }


def test_a_job_that_ends_again_is_told_again(service: Service) -> None:
    endings = Endings(service.jobs.database)
    job_id = submitted(service)
    service.jobs.cancel("local", job_id)
    assert [job.state for job in endings.new()] == ["cancelled"]
    assert list(endings.new()) == []
    service.jobs.retry("local", job_id)
    service.jobs.cancel("local", job_id)
    assert [job.state for job in endings.new()] == ["cancelled"]


def test_no_database_no_figures(http: TestClient, service: Service) -> None:
    service.jobs.database.close()
    place = service.settings.folder / "service.db"
    place.write_bytes(b"no database any more" * 500)
    for name in ("service.db-wal", "service.db-shm"):
        (service.settings.folder / name).unlink(missing_ok=True)
    for path in ("/metrics", "/readyz"):
        refused = http.get(path)
        assert refused.status_code in (500, 503)
        assert refused.headers["content-type"] == "application/problem+json"


def test_the_api_needs_no_torch() -> None:
    code = "import sys; import vidqa.api.serving.whole; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path)}
        ).returncode
        == 0
    )
