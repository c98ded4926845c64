"""The client against the service on a port: uploads, questions, events, webhooks, chat."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.vidqa.api.routes.conftest import SECRET, Stand
from tests.vidqa.jobs.receiver import Receiver, receiving
from vidqa.client import Client, JobCancelled, JobFailed, NotFound, Progress
from vidqa.jobs.signing import verify
from vidqa.service_settings import ServiceSettings


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("VIDQA_ARCHIVE_DIR", str(tmp_path / "archive"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("VIDQA_API_KEY", raising=False)
    return ServiceSettings(
        data_dir=tmp_path / "data",
        webhook_secrets=(SECRET,),
        webhook_networks=("127.0.0.0/8",),
        min_free_bytes=0,
    )


@pytest.fixture
def client(served: str) -> Iterator[Client]:
    with Client(served) as made:
        yield made


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def test_the_application_imports_no_torch() -> None:
    code = "import sys, vidqa.api.app; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_video_is_uploaded_and_asked_about_with_progress(
    stand: Stand, client: Client, tmp_path: Path, film: bytes
) -> None:
    path = tmp_path / "door.mp4"
    path.write_bytes(film)
    video = client.upload(path)
    assert client.upload(path) == video
    assert [each.id for each in client.videos()] == [video.id]
    seen: list[Progress] = []
    working = stand.worker.later(0.2)
    found = client.ground(video, "door opens", progress=seen.append)
    working.join()
    assert (found.segments[0].start, found.segments[0].end) == (2.0, 3.5)
    assert [each.stage for each in seen] == ["look"]
    frame = client.frame(found.segments[0].id or "")
    assert frame.startswith(b"\xff\xd8")
    assert client.jobs.export(found.job_id, "srt").startswith("1\n00:00:02,000")


def test_a_job_that_fails_or_is_cancelled_raises_what_the_service_tells(
    stand: Stand, client: Client
) -> None:
    stand.video()
    failing, ending = stand.submit(), stand.submit()
    stand.worker.fail()
    with pytest.raises(JobFailed) as told:
        client.wait(failing)
    assert told.value.code == "video_undecodable"
    client.jobs.cancel(ending)
    with pytest.raises(JobCancelled):
        client.wait(ending)
    again = client.jobs.retry(failing)
    stand.worker.finish()
    assert client.wait(again).found
    with pytest.raises(NotFound):
        client.jobs.get("job_00000000000000000000000000")


def test_a_job_that_is_cancelled_while_it_is_followed_ends_the_stream(
    stand: Stand, client: Client
) -> None:
    job_id = stand.submit()
    types = []
    for event in client.jobs.events(job_id):
        types.append(event.type)
        if event.type == "job.queued":
            client.jobs.cancel(job_id)
    assert types == ["job.queued", "job.cancelled"]


def test_a_silent_stream_is_kept_alive_by_comments(
    stand: Stand, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidqa.api.events.HEARTBEAT_S", 0.1)
    job_id = stand.submit()
    with httpx.stream("GET", f"{served}/v1/jobs/{job_id}/events", timeout=10) as response:
        for line in response.iter_lines():
            if line.startswith(":"):
                break
        else:
            raise AssertionError("the stream ended")
    stand.worker.finish()


def test_a_webhook_arrives_signed_when_the_job_ends(
    stand: Stand, client: Client, receiver: Receiver
) -> None:
    request = {"video": {"video_id": stand.video().id}, "query": "x"}
    job = client.jobs.submit("ground", request, webhook_url=receiver.url)
    stand.worker.finish()
    headers, body = receiver.next()
    told = json.loads(body)
    assert verify(body, headers, secrets=[SECRET], now_s=time.time()).startswith("evt_")
    assert (told["type"], told["data"]["id"]) == ("job.completed", job.id)
