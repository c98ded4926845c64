"""The client sends what the service takes, comes back when told, tells apart what went wrong."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from vidqa import client as vc
from vidqa.client.transport import retry_after_s
from vidqa.errors import VidqaError

JOB: dict[str, Any] = {
    "id": "job_01jd9x5t3vq7m0z8k2c4e6g8ha",
    "kind": "ground",
    "state": "queued",
    "outcome": None,
    "video_id": "vid_01jd9x4kq2r8w5y1n3b6d9f0sc",
    "progress": {"stage": "queued", "done": 0, "total": 0, "eta_s": None},
    "attempts": 0,
    "error": None,
    "created_at": 1.0,
    "started_at": None,
    "finished_at": None,
}
RESULT = {"outcome": "found", "segments": [{"start": 1.0, "end": 2.0, "score": 0.5, "id": "seg_x"}]}
DONE = {**JOB, "state": "completed", "outcome": "found", "result": RESULT}
Answer = httpx.Response | Exception
VIDEO = {"id": JOB["video_id"], "name": "a.mp4", "bytes": 3, "sha256": "00", "state": "ready"}


@dataclass
class Service:
    """Answers in order, by method and path; remembers what was asked and how long was slept."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[httpx.Request] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def on(self, what: str, *answers: Answer) -> Service:
        self.answers.setdefault(what, []).extend(answers)
        return self

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.asked.append(request)
        waiting = self.answers[f"{request.method} {request.url.path}"]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def client(self) -> vc.Client:
        patience = vc.Patience(retries=3, sleep=self.slept.append)
        return vc.Client(patience=patience, transport=httpx.MockTransport(self))

    def bodies(self) -> list[Any]:
        return [json.loads(each.content) for each in self.asked if each.content]


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture(autouse=True)
def _no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("VIDQA_API_KEY", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def ok(body: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=body, headers=headers)


def problem(status: int, code: str, **members: object) -> httpx.Response:
    return ok({"status": status, "code": code, "detail": f"it is {code}", **members}, status)


def events(*told: tuple[int, str, dict[str, Any]]) -> httpx.Response:
    text = ": ping\n\n" + "".join(
        f"id: {seq}\nevent: {kind}\ndata: {json.dumps(data)}\n\n" for seq, kind, data in told
    )
    return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})


PROGRESS = {"stage": "skim", "done": 3, "total": 12, "eta_s": 8.5}


def test_importing_the_client_imports_no_torch_and_no_archive() -> None:
    heavy = ("torch", "numpy", "sqlalchemy", "av")
    code = f"import sys, vidqa.client; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_short_job_is_one_request(service: Service) -> None:
    service.on("POST /v1/ground", ok(RESULT, location=f"/v1/jobs/{JOB['id']}"))
    with service.client as client:
        found = client.ground(JOB["video_id"], "door opens", end="1:30")
    assert found.found
    assert found.job_id == JOB["id"]
    assert (found.segments[0].start, found.segments[0].end, found.segments[0].id) == (1, 2, "seg_x")
    assert service.bodies() == [
        {"video": {"video_id": JOB["video_id"]}, "query": "door opens", "end": "1:30"}
    ]
    assert service.asked[0].headers["prefer"] == "respond-async, wait=25"


def test_a_long_job_is_followed_and_its_progress_told(service: Service) -> None:
    service.on("POST /v1/ask", ok(JOB, 202)).on(f"GET /v1/jobs/{JOB['id']}", ok(DONE))
    service.on(
        f"GET /v1/jobs/{JOB['id']}/events",
        events((1, "job.queued", {}), (2, "job.progress", PROGRESS), (3, "job.completed", {})),
    )
    seen: list[vc.Progress] = []
    found = service.client.ask(None, "how often?", archive="yard", progress=seen.append)
    assert found.raw == RESULT
    assert seen == [vc.Progress(stage="skim", done=3, total=12, eta_s=8.5)]
    assert seen[0].fraction == 0.25
    assert service.bodies() == [{"archive_id": "yard", "question": "how often?"}]
    assert service.asked[0].headers["prefer"] == "respond-async"


def test_a_broken_stream_of_events_goes_on_where_it_broke(service: Service) -> None:
    path = f"GET /v1/jobs/{JOB['id']}/events"
    service.on(path, events((1, "job.queued", {})), httpx.ReadError("gone"))
    service.on(path, events((2, "job.started", {}), (3, "job.completed", {})))
    told = list(service.client.jobs.events(JOB["id"]))
    assert [event.seq for event in told] == [1, 2, 3]
    assert [each.headers["last-event-id"] for each in service.asked] == ["0", "1", "1"]
    assert len(service.slept) == 2


def test_an_end_before_a_retry_is_not_the_end(service: Service) -> None:
    path = f"GET /v1/jobs/{JOB['id']}/events"
    service.on(path, events((1, "job.failed", {}), (2, "job.queued", {}), (3, "job.completed", {})))
    told = list(service.client.jobs.events(JOB["id"]))
    assert [event.type for event in told] == ["job.failed", "job.queued", "job.completed"]


def test_events_of_a_job_that_had_ended_before_are_none(service: Service) -> None:
    service.on(f"GET /v1/jobs/{JOB['id']}/events", httpx.Response(204))
    service.on(f"GET /v1/jobs/{JOB['id']}", ok(DONE))
    assert list(service.client.jobs.events(JOB["id"], after=9)) == []


def test_a_stream_that_never_holds_is_given_up(service: Service) -> None:
    service.on(f"GET /v1/jobs/{JOB['id']}/events", httpx.ConnectError("away"))
    with pytest.raises(vc.Unreachable):
        list(service.client.jobs.events(JOB["id"]))
    assert len(service.slept) == 3


def test_waiting_ends_in_time_and_the_job_goes_on(service: Service) -> None:
    service.on(f"GET /v1/jobs/{JOB['id']}/events", events((1, "job.queued", {})))
    with pytest.raises(vc.JobUnfinished) as told:
        service.client.wait(JOB["id"], timeout_s=0.0)
    assert told.value.code == "job_unfinished"
    assert told.value.problem.retryable


@pytest.mark.parametrize(
    ("state", "kind"), [("failed", vc.JobFailed), ("cancelled", vc.JobCancelled)]
)
def test_a_job_that_ended_badly_raises_its_own_error(
    service: Service, state: str, kind: type[vc.ServiceError]
) -> None:
    error = {
        "code": "video_undecodable",
        "stage": "video",
        "message": "it breaks at 3 s",
        "next_step": "Try --end 3.",
        "retryable": False,
    }
    service.on(f"GET /v1/jobs/{JOB['id']}", ok({**JOB, "state": state, "error": error}))
    with pytest.raises(kind) as told:
        service.client.jobs.result(JOB["id"])
    assert told.value.to_dict() == error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, vc.RequestRefused),
        (401, vc.Unauthorized),
        (403, vc.Forbidden),
        (404, vc.NotFound),
        (409, vc.Conflict),
        (410, vc.NotFound),
        (413, vc.RequestRefused),
        (422, vc.RequestRefused),
        (500, vc.Unavailable),
    ],
)
def test_a_problem_is_an_error_of_its_own_class(
    service: Service, status: int, kind: type[vc.ServiceError]
) -> None:
    members = {"stage": "job", "next_step": "Do that.", "retryable": True}
    service.on("GET /v1/jobs/x", problem(status, "some_code", **members))
    with pytest.raises(kind) as told:
        service.client.jobs.get("x")
    assert isinstance(told.value, VidqaError)
    assert told.value.status == status
    assert told.value.to_dict() == {
        "code": "some_code",
        "stage": "job",
        "message": "it is some_code",
        "next_step": "Do that.",
        "retryable": True,
    }
    assert service.slept == []


def test_an_error_that_is_no_problem_document_is_told_by_its_status(service: Service) -> None:
    service.on("GET /v1/jobs/x", httpx.Response(502, text="<html>bad gateway"))
    with pytest.raises(vc.Unavailable) as told:
        service.client.jobs.get("x")
    assert told.value.code == "http_502"


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service_is_asked_again_when_it_says(service: Service, status: int) -> None:
    busy = ok({}, status, **{"retry-after": "7"})
    service.on("GET /v1/jobs/x", busy, busy, ok({**JOB, "id": "x"}))
    assert service.client.jobs.get("x").id == "x"
    assert service.slept == [7.0, 7.0]


def test_a_service_that_stays_busy_is_told_of(service: Service) -> None:
    service.on("GET /v1/jobs/x", ok({"code": "rate_limited"}, 429, **{"retry-after": "1"}))
    with pytest.raises(vc.RateLimited):
        service.client.jobs.get("x")
    assert len(service.asked) == 4


def test_a_service_that_asks_for_an_hour_is_not_waited_for(service: Service) -> None:
    service.on("GET /v1/jobs/x", ok({}, 503, **{"retry-after": "3600"}))
    with pytest.raises(vc.Unavailable):
        service.client.jobs.get("x")
    assert service.slept == []


@pytest.mark.parametrize(
    ("told", "wanted"),
    [("7", 7.0), ("", None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("-3", None)],
)
def test_retry_after_is_a_number_or_a_date(told: str, wanted: float | None) -> None:
    assert retry_after_s(httpx.Response(503, headers={"retry-after": told})) == wanted


def test_a_retried_submission_carries_one_idempotency_key(service: Service) -> None:
    service.on("POST /v1/jobs", httpx.ReadError("gone"), ok(JOB, 202))
    service.client.jobs.submit("ground", {"video": {"video_id": "v"}, "query": "x"})
    keys = {each.headers["idempotency-key"] for each in service.asked}
    assert len(service.asked) == 2
    assert len(keys) == 1


def test_an_unreachable_service_says_how_to_start_it(service: Service) -> None:
    service.on("GET /v1/jobs/x", httpx.ConnectError("refused"))
    with pytest.raises(vc.Unreachable) as told:
        service.client.jobs.get("x")
    assert "vidqa serve" in told.value.next_step


def test_a_key_goes_with_every_request(service: Service) -> None:
    service.on("GET /v1/jobs/x", ok({**JOB, "id": "x"}))
    client = vc.Client(key="vk_secret", transport=httpx.MockTransport(service))
    client.jobs.get("x")
    assert service.asked[0].headers["authorization"] == "Bearer vk_secret"


@pytest.mark.parametrize("body", [[], {}, {"id": 3}, "text"])
def test_an_answer_of_another_kind_is_told(service: Service, body: object) -> None:
    service.on("GET /v1/jobs/x", ok(body))
    with pytest.raises(vc.ReplyUnreadable):
        service.client.jobs.get("x")


def test_pages_are_asked_for_as_they_are_needed(service: Service) -> None:
    pages = [
        ok({"jobs": [{**JOB, "id": "a"}], "next_page_token": "t"}),
        ok({"jobs": [{**JOB, "id": "b"}], "next_page_token": None}),
    ]
    service.on("GET /v1/jobs", *pages)
    assert [job.id for job in service.client.jobs.list(states=("failed",))] == ["a", "b"]
    assert dict(service.asked[1].url.params) == {
        "state": "failed",
        "page_size": "100",
        "page_token": "t",
    }


def test_a_search_that_takes_longer_is_waited_for(service: Service) -> None:
    found = {
        "outcome": "found",
        "hits": [
            {
                "rank": 1,
                "video": {"video_id": "vid_1"},
                "start": 1,
                "end": 9,
                "score": 0.3,
                "id": "seg_1",
            }
        ],
        "total": 1,
        "next_page_token": None,
    }
    service.on("POST /v1/search", ok({**JOB, "kind": "search"}, 202))
    service.on(f"GET /v1/jobs/{JOB['id']}/events", events((1, "job.completed", {})))
    service.on(f"GET /v1/jobs/{JOB['id']}", ok({**DONE, "result": found}))
    page = service.client.search("yard", "a door", group_by="video")
    assert [(hit.video_id, hit.segment_id) for hit in page.hits] == [("vid_1", "seg_1")]


class Tus:
    """A service that takes uploads in parts, and fails where it is told to."""

    def __init__(self, failures: list[Callable[[bytes], Answer]]) -> None:
        self.bytes, self.length, self.failures, self.made = b"", -1, failures, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        body = request.read()
        match request.method, request.url.path:
            case "GET", "/v1/videos":
                return ok({"videos": []})
            case "POST", "/v1/uploads":
                self.made += 1
                self.length = int(request.headers["upload-length"])
                names = dict(
                    pair.split(" ") for pair in request.headers["upload-metadata"].split(",")
                )
                assert base64.b64decode(names["filename"]) == "Tür.mp4".encode()
                return httpx.Response(201, headers={"location": "/v1/uploads/upl_1"})
            case "HEAD", "/v1/uploads/upl_1":
                return httpx.Response(200, headers={"upload-offset": str(len(self.bytes))})
            case "PATCH", "/v1/uploads/upl_1":
                if int(request.headers["upload-offset"]) != len(self.bytes):
                    return problem(409, "offset_mismatch")
                if self.failures:
                    answer = self.failures.pop(0)(body)
                    if isinstance(answer, Exception):
                        raise answer
                    return answer
                self.bytes += body
                return httpx.Response(204, headers={"upload-offset": str(len(self.bytes))})
            case "GET", "/v1/uploads/upl_1":
                return ok({"id": "upl_1", "video_id": VIDEO["id"]})
            case _:
                assert request.url.path == f"/v1/videos/{VIDEO['id']}"
                return ok(VIDEO)


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr("vidqa.client.upload.PART_BYTES", 4)
    path = tmp_path / "Tür.mp4"
    path.write_bytes(b"0123456789")
    return path


def tus_client(tus: Tus, retries: int = 3) -> vc.Client:
    patience = vc.Patience(retries=retries, sleep=lambda _: None)
    return vc.Client(patience=patience, transport=httpx.MockTransport(tus))


def test_an_upload_goes_on_where_it_was_cut_off(film: Path) -> None:
    tus = Tus([])

    def half(body: bytes) -> Answer:
        tus.bytes += body[:2]
        return httpx.ReadError("gone")

    tus.failures = [half, half]
    told: list[tuple[int, int]] = []
    video = tus_client(tus).upload(film, progress=lambda done, size: told.append((done, size)))
    assert video.id == VIDEO["id"]
    assert tus.bytes == b"0123456789"
    assert told[0] == (0, 10)
    assert told[-1] == (10, 10)


def test_a_later_process_goes_on_with_an_upload(film: Path) -> None:
    tus = Tus([])

    def part(body: bytes) -> Answer:
        tus.bytes += body
        return httpx.ConnectError("away")

    def away(_: bytes) -> Answer:
        return httpx.ConnectError("away")

    tus.failures = [part, *[away] * 9]
    with pytest.raises(vc.Unreachable):
        tus_client(tus, retries=1).upload(film)
    assert 0 < len(tus.bytes) < 10
    tus.failures = []
    tus_client(tus).upload(film)
    assert tus.bytes == b"0123456789"
    assert tus.made == 1


def test_bytes_that_the_library_has_are_not_sent(film: Path, service: Service) -> None:
    service.on("GET /v1/videos", ok({"videos": [VIDEO]}))
    assert service.client.upload(film).id == VIDEO["id"]
    digest = hashlib.sha256(b"0123456789").hexdigest()
    assert dict(service.asked[0].url.params) == {"sha256": digest}


def test_a_file_that_cannot_be_read_is_told_before_anything_is_sent(
    tmp_path: Path, service: Service
) -> None:
    with pytest.raises(VidqaError) as told:
        service.client.upload(tmp_path / "none.mp4")
    assert told.value.code == "file_unreadable"
    assert service.asked == []


def test_what_names_a_video_is_read_as_such(service: Service) -> None:
    service.on("POST /v1/index", ok({"files": []}, location="/v1/jobs/job_x"))
    video = vc.Video(id="vid_a", name="", bytes=0, sha256="", state="", raw={})
    service.client.index([video, "vid_b", "https://a.example/c.mp4"], "yard", tags=["x"])
    assert service.bodies() == [
        {
            "videos": [
                {"video_id": "vid_a"},
                {"video_id": "vid_b"},
                {"url": "https://a.example/c.mp4"},
            ],
            "archive_id": "yard",
            "tags": ["x"],
        }
    ]
