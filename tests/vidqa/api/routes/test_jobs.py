"""Jobs over HTTP: taken once, waited for or not, followed, ended, exported, each tenant's own."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from tests.vidqa.api.routes.conftest import Stand
from vidqa.client.stream import ALIVE, ServerEvent, read_events
from vidqa.export import EXPORT_FORMATS

Body = dict[str, Any]


def asked(stand: Stand, **more: Any) -> Body:
    return {"video": {"video_id": stand.video().id}, "query": "door opens", **more}


def events_of(text: str) -> list[ServerEvent]:
    return [event for event in read_events(text.split("\n")) if event is not ALIVE]


def test_a_job_is_taken_and_not_waited_for(stand: Stand) -> None:
    told = stand.http.post("/v1/ground", json=asked(stand))
    job = told.json()
    assert told.status_code == 202
    assert told.headers["location"] == f"/v1/jobs/{job['id']}"
    assert int(told.headers["retry-after"]) >= 1
    assert (job["kind"], job["state"]) == ("ground", "queued")
    assert "preference-applied" not in told.headers


@pytest.mark.parametrize(
    ("route", "request_"),
    [
        ("ground", {"query": "door opens", "end": "0:07.5", "max_segments": 3}),
        ("ask", {"question": "what is it?", "max_tokens": 5}),
        ("describe", {"start": 1}),
    ],
)
def test_a_job_that_is_waited_for_answers_with_its_result(
    stand: Stand, route: str, request_: Body
) -> None:
    working = stand.worker.later()
    body = {"video_id": stand.video().id, **request_}
    told = stand.http.post(f"/v1/{route}", json=body, headers={"prefer": "respond-async, wait=20"})
    working.join()
    result = told.json()
    assert told.status_code == 200
    assert result["outcome"] == "found"
    assert told.headers["preference-applied"] == "respond-async, wait=20"
    job = stand.http.get(told.headers["location"]).json()
    assert job["state"] == "completed"
    assert job["result"] == result
    [stretch] = result.get("segments") or result.get("evidence") or result["chapters"]
    assert stretch["id"].startswith("seg_")


def test_a_job_that_takes_longer_than_the_wait_is_answered_with_202(stand: Stand) -> None:
    began_s = time.monotonic()
    told = stand.http.post("/v1/ground", json=asked(stand), headers={"prefer": "wait=1"})
    assert told.status_code == 202
    assert time.monotonic() - began_s >= 1
    assert told.headers["preference-applied"] == "wait=1"


def test_a_job_that_fails_while_it_is_waited_for_is_a_problem(stand: Stand) -> None:
    job_id = stand.submit()
    stand.worker.fail()
    body = asked(stand)
    stand.http.post("/v1/jobs", json={"kind": "ground", **body}, headers={"idempotency-key": "k"})
    failed = stand.worker.fail()
    told = stand.http.post(
        "/v1/ground", json=body, headers={"prefer": "wait=9", "idempotency-key": "k"}
    )
    assert told.status_code == 422
    assert told.headers["content-type"] == "application/problem+json"
    problem = told.json()
    assert (problem["code"], problem["stage"]) == ("video_undecodable", "video")
    assert problem["next_step"] == "Try --end 3."
    assert told.headers["location"] == f"/v1/jobs/{failed}"
    assert job_id != failed


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "ground", "query": "x"},
        {"kind": "ask", "question": "x", "archive_id": "yard"},
        {"kind": "describe"},
        {"kind": "index", "archive_id": "yard", "tags": ["a"]},
    ],
)
def test_jobs_of_every_kind_are_made_at_one_route(stand: Stand, body: Body) -> None:
    video = {"video_id": stand.video().id}
    if body["kind"] == "index":
        body = {**body, "videos": [video]}
    elif "archive_id" not in body:
        body = {**body, "video": video}
    told = stand.http.post("/v1/jobs", json=body)
    assert told.status_code == 202
    assert told.json()["kind"] == body["kind"]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"query": "x"}, "request_invalid", "/video"),
        ({"video_id": "vid_x", "query": "x"}, "request_invalid", "/video/video_id"),
        ({"query": "x", "url": "https://a", "video_id": "b"}, "request_invalid", "/video"),
        ({"url": "https://media.example.org/v.mp4", "query": ""}, "request_invalid", "/query"),
        ({"url": "https://media.example.org/v", "query": "x", "fps": 1}, "request_invalid", "/fps"),
        (
            {"url": "https://media.example.org/v", "query": "x", "start": 5, "end": "0:03"},
            "request_invalid",
            "",
        ),
    ],
)
def test_a_request_that_does_not_fit_says_where(
    stand: Stand, body: Body, code: str, pointer: str
) -> None:
    told = stand.http.post("/v1/ground", json=body)
    assert told.status_code == 422
    assert told.json()["code"] == code
    assert told.json()["errors"][0]["pointer"].startswith(pointer)


@pytest.mark.parametrize(
    ("video", "status", "code"),
    [
        ({"url": "https://evil.example/v.mp4"}, 422, "url_refused"),
        ({"url": "file:///etc/passwd"}, 422, "url_invalid"),
        ({"path": "/etc/passwd"}, 403, "path_refused"),
        ({"video_id": "vid_01jd9x4kq2r8w5y1n3b6d9f0sc"}, 404, "video_missing"),
    ],
)
def test_a_place_that_may_not_be_is_refused_before_a_job_is_made(
    stand: Stand, video: Body, status: int, code: str
) -> None:
    told = stand.http.post("/v1/ground", json={"video": video, "query": "x"})
    assert (told.json()["code"], told.status_code) == (code, status) or told.status_code == 403
    assert told.json()["code"] == code
    assert stand.http.get("/v1/jobs").json()["jobs"] == []


def test_the_same_idempotency_key_gives_the_same_job_and_another_body_422(stand: Stand) -> None:
    key, body = {"idempotency-key": "k-1"}, asked(stand)
    first = stand.http.post("/v1/ground", json=body, headers=key).json()
    again = stand.http.post("/v1/ground", json=body, headers=key)
    assert again.json()["id"] == first["id"]
    other = stand.http.post("/v1/ground", json={**body, "query": "y"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_mismatch")
    hooked = {**body, "webhook_url": "https://a.example/hook"}
    assert stand.http.post("/v1/ground", json=hooked, headers=key).status_code == 422


def test_a_webhook_goes_only_where_it_may(stand: Stand) -> None:
    url = "https://a.example/hook"
    told = stand.http.post("/v1/ground", json=asked(stand, webhook_url=url))
    assert told.json()["webhook_url"] == url
    refused = stand.http.post("/v1/ground", json=asked(stand, webhook_url="ftp://a.example/"))
    assert (refused.status_code, refused.json()["code"]) == (422, "url_invalid")


def test_jobs_are_listed_in_pages_newest_first(stand: Stand) -> None:
    made = [stand.submit() for _ in range(5)]
    stand.store.cancel("local", made[0])
    first = stand.http.get("/v1/jobs", params={"page_size": 3}).json()
    rest = stand.http.get(
        "/v1/jobs", params={"page_size": 3, "page_token": first["next_page_token"]}
    ).json()
    assert {job["id"] for job in first["jobs"] + rest["jobs"]} == set(made)
    assert rest["next_page_token"] is None
    ids = [job["id"] for job in first["jobs"]]
    assert ids == sorted(ids, reverse=True)
    cancelled = stand.http.get("/v1/jobs", params={"state": ["cancelled", "failed"]}).json()["jobs"]
    assert [job["id"] for job in cancelled] == [made[0]]
    assert stand.http.get("/v1/jobs", params={"kind": "ask"}).json()["jobs"] == []


@pytest.mark.parametrize(
    "query",
    [{"page_token": "x"}, {"page_size": 0}, {"page_size": 101}, {"state": "done"}, {"kind": "x"}],
)
def test_a_list_that_cannot_be_is_refused(stand: Stand, query: Body) -> None:
    told = stand.http.get("/v1/jobs", params=query)
    assert told.status_code in (400, 422)
    assert told.headers["content-type"] == "application/problem+json"


def test_events_come_in_order_with_numbers_and_end_with_the_job(stand: Stand) -> None:
    job_id = stand.submit()
    stand.worker.finish()
    told = stand.http.get(f"/v1/jobs/{job_id}/events")
    assert told.headers["content-type"].startswith("text/event-stream")
    events = events_of(told.text)
    assert [event.type for event in events] == [
        "job.queued",
        "job.started",
        "job.progress",
        "job.completed",
    ]
    assert [int(event.id) for event in events] == sorted(int(event.id) for event in events)
    progress = json.loads(events[2].data)
    assert progress["job_id"] == job_id
    assert {k: progress[k] for k in ("stage", "done", "total", "eta_s")} == {
        "stage": "look",
        "done": 1,
        "total": 2,
        "eta_s": 1.0,
    }


@pytest.mark.parametrize("how", ["header", "query"])
def test_events_go_on_behind_the_last_that_came(stand: Stand, how: str) -> None:
    job_id = stand.submit()
    stand.worker.finish()
    path = f"/v1/jobs/{job_id}/events"
    everything = events_of(stand.http.get(path).text)
    last = everything[1].id
    if how == "header":
        told = stand.http.get(path, headers={"last-event-id": last})
    else:
        told = stand.http.get(path, params={"after": last})
    assert events_of(told.text) == everything[2:]
    end = stand.http.get(path, headers={"last-event-id": everything[-1].id})
    assert (end.status_code, end.content) == (204, b"")


def test_a_stream_follows_a_job_that_is_still_running(stand: Stand) -> None:
    job_id = stand.submit()
    working = stand.worker.later(0.3)
    events = events_of(stand.http.get(f"/v1/jobs/{job_id}/events").text)
    working.join()
    assert events[-1].type == "job.completed"


@pytest.mark.parametrize("number", ["x", "-1", "1.5", "٣"])
def test_an_event_that_is_no_number_is_refused(stand: Stand, number: str) -> None:
    path = f"/v1/jobs/{stand.submit()}/events"
    told = stand.http.get(path, headers={"last-event-id": number.encode()})
    assert told.status_code == 400
    assert told.json()["code"] == "event_id_invalid"


def test_a_job_is_cancelled_and_tried_again(stand: Stand) -> None:
    job_id = stand.submit()
    assert stand.http.post(f"/v1/jobs/{job_id}/cancel").json()["state"] == "cancelled"
    again = stand.http.post(f"/v1/jobs/{job_id}/retry")
    assert again.json()["state"] == "queued"
    stand.worker.finish()
    refused = stand.http.post(f"/v1/jobs/{job_id}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "job_not_retryable")
    assert stand.http.post(f"/v1/jobs/{job_id}/cancel").json()["state"] == "completed"


@pytest.mark.parametrize("name", EXPORT_FORMATS)
def test_a_result_is_exported_in_every_format(stand: Stand, name: str) -> None:
    job_id = stand.submit()
    stand.worker.finish()
    told = stand.http.get(f"/v1/jobs/{job_id}/export", params={"format": name})
    assert told.status_code == 200
    assert told.headers["content-disposition"].startswith(f'attachment; filename="{job_id}.')
    if name == "json":
        assert told.json() == stand.http.get(f"/v1/jobs/{job_id}").json()["result"]
    if name == "srt":
        assert told.text == "1\n00:00:02,000 --> 00:00:03,500\ndoor opens\n"


def test_what_cannot_be_exported_is_told(stand: Stand) -> None:
    job_id = stand.submit()
    early = stand.http.get(f"/v1/jobs/{job_id}/export", params={"format": "srt"})
    assert (early.status_code, early.json()["code"]) == (409, "job_unfinished")
    assert stand.http.get(f"/v1/jobs/{job_id}/export", params={"format": "doc"}).status_code == 422


JOB_ROUTES = [
    ("GET", "/v1/jobs/{}"),
    ("GET", "/v1/jobs/{}/events"),
    ("POST", "/v1/jobs/{}/cancel"),
    ("POST", "/v1/jobs/{}/retry"),
    ("GET", "/v1/jobs/{}/export?format=srt"),
]


@pytest.mark.parametrize(("method", "path"), JOB_ROUTES)
def test_another_tenants_job_is_not_there(stand: Stand, method: str, path: str) -> None:
    job_id = stand.submit(tenant="one")
    other = stand.key(tenant="two")
    told = stand.http.request(method, path.format(job_id), headers=other)
    assert (told.status_code, told.json()["code"]) == (404, "job_missing")
    assert stand.http.request(method, path.format(job_id)).status_code == 401


def test_another_tenants_video_is_not_there(stand: Stand) -> None:
    video = stand.video("one")
    body = {"video_id": video.id, "query": "x"}
    told = stand.http.post("/v1/ground", json=body, headers=stand.key(tenant="two"))
    assert (told.status_code, told.json()["code"]) == (404, "video_missing")


def test_a_key_that_only_reads_makes_no_jobs(stand: Stand) -> None:
    reader = stand.key("read", tenant="local")
    told = stand.http.post("/v1/ground", json=asked(stand), headers=reader)
    assert (told.status_code, told.json()["code"]) == (403, "scope_missing")
    assert stand.http.get("/v1/jobs", headers=reader).status_code == 200


def test_a_key_has_as_many_jobs_as_it_may(stand: Stand) -> None:
    writer = stand.key(tenant="local")
    object.__setattr__(
        stand.app.state.service,
        "settings",
        stand.settings.model_copy(update={"concurrent_jobs": 1}),
    )
    stand.http.post("/v1/ground", json=asked(stand), headers=writer)
    told = stand.http.post("/v1/ground", json=asked(stand), headers=writer)
    assert (told.status_code, told.json()["code"]) == (429, "too_many_jobs")
    assert int(told.headers["retry-after"]) >= 1
