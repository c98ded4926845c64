"""OpenAI's chat completions over HTTP: whole, streamed, refused, given up, in OpenAI's words."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.vidqa.api.routes.conftest import FILM, Stand
from vidqa.client.stream import ALIVE, read_events

Body = dict[str, Any]
URL = "/v1/chat/completions"


def chat(stand: Stand, part: Body | None = None, **more: Any) -> Body:
    shown = part or video_part(f"vidqa://{stand.video().id}")
    content = [{"type": "text", "text": "What is it?"}, shown]
    return {"model": "nano", "messages": [{"role": "user", "content": content}], **more}


def video_part(url: str) -> Body:
    return {"type": "video_url", "video_url": {"url": url}}


def data_url(data: bytes, media_type: str = "video/mp4") -> str:
    return f"data:{media_type};base64,{base64.b64encode(data).decode()}"


def test_models_are_listed(stand: Stand) -> None:
    listed = stand.http.get("/v1/models").json()
    assert listed["object"] == "list"
    assert [model["id"] for model in listed["data"]] == ["nano"]
    assert stand.http.get("/v1/models/nano").json() == listed["data"][0]
    missing = stand.http.get("/v1/models/gpt-9")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")


def test_a_completion_answers_with_usage_and_evidence(stand: Stand) -> None:
    working = stand.worker.later()
    told = stand.http.post(URL, json=chat(stand, max_tokens=9, temperature=0.7))
    working.join()
    body = told.json()
    assert told.status_code == 200
    assert body["object"] == "chat.completion"
    assert body["choices"][0]["message"]["content"] == "A door."
    assert body["usage"] == {"prompt_tokens": 8, "completion_tokens": 7, "total_tokens": 15}
    job = stand.http.get(f"/v1/jobs/{body['vidqa']['job_id']}").json()
    assert job["request"]["question"] == "What is it?"
    assert job["request"]["max_tokens"] == 9
    assert body["vidqa"]["evidence"] == job["result"]["evidence"]


def test_a_stream_ends_with_done(stand: Stand) -> None:
    working = stand.worker.later()
    told = stand.http.post(
        URL, json=chat(stand, stream=True, stream_options={"include_usage": True})
    )
    working.join()
    assert told.headers["content-type"].startswith("text/event-stream")
    events = [event.data for event in read_events(told.text.split("\n")) if event is not ALIVE]
    assert events[-1] == "[DONE]"
    chunks = [json.loads(event) for event in events[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert "".join(delta.get("content", "") for delta in deltas) == "A door."
    assert chunks[-1]["usage"]["total_tokens"] == 15


def test_a_video_in_the_request_becomes_one_of_the_library(stand: Stand) -> None:
    working = stand.worker.later()
    told = stand.http.post(URL, json=chat(stand, video_part(data_url(FILM))))
    working.join()
    assert told.status_code == 200
    [video] = stand.http.get("/v1/videos").json()["videos"]
    assert video["bytes"] == len(FILM)


@pytest.mark.parametrize(
    ("part", "status", "code"),
    [
        (video_part("data:video/mp4;base64,eHg="), 415, "not_a_video"),
        (video_part(data_url(b"#EXTM3U\nfile:///etc/passwd")), 415, "playlist_refused"),
        (video_part("https://evil.example/a.mp4"), 422, "url_refused"),
        (video_part("http://169.254.169.254/latest"), 422, "url_refused"),
        (video_part("file:///etc/passwd"), 400, "invalid_url"),
        (video_part("vidqa://vid_01jd9x4kq2r8w5y1n3b6d9f0sc"), 404, "video_missing"),
        (video_part("vidqa://../../etc/passwd"), 400, "request_invalid"),
    ],
)
def test_a_video_that_may_not_be_is_refused(
    stand: Stand, part: Body, status: int, code: str
) -> None:
    told = stand.http.post(URL, json=chat(stand, part))
    error = told.json()["error"]
    assert error["code"] == code
    assert set(error) == {"message", "type", "param", "code"}
    assert told.status_code in (status, 403)
    assert str(stand.settings.folder) not in error["message"]
    assert not list(stand.library.incoming.iterdir())


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{", 400, "body_not_json"),
        (b"\xff", 400, "body_not_json"),
        (b"[]", 400, "invalid_value"),
        (b"[" * 100_000, 400, "body_not_json"),
        (b'{"model": "nano"}', 400, "invalid_value"),
        (b'{"model": "nano", "messages": [], "wings": 2}', 400, None),
    ],
)
def test_a_body_that_does_not_fit_is_refused_in_openais_words(
    stand: Stand, content: bytes, status: int, code: str | None
) -> None:
    told = stand.http.post(URL, content=content, headers={"content-type": "application/json"})
    assert told.status_code == status
    assert code is None or told.json()["error"]["code"] == code


def test_another_model_does_not_exist(stand: Stand) -> None:
    told = stand.http.post(URL, json={**chat(stand), "model": "gpt-9"})
    assert (told.status_code, told.json()["error"]["code"]) == (404, "model_not_found")


@pytest.mark.parametrize("stream", [False, True])
def test_a_job_that_fails_is_told_in_the_envelope(stand: Stand, *, stream: bool) -> None:
    stand.worker.failing = True
    working = stand.worker.later()
    told = stand.http.post(URL, json=chat(stand, stream=stream))
    working.join()
    if stream:
        [error, done] = [e.data for e in read_events(told.text.split("\n")) if e is not ALIVE]
        assert done == "[DONE]"
        assert json.loads(error)["error"]["code"] == "video_undecodable"
    else:
        assert told.status_code == 422
        assert told.json()["error"]["code"] == "video_undecodable"


def test_an_answer_that_takes_too_long_is_given_up(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidqa.api.routes.chat.LONGEST_S", 0.2)
    told = stand.http.post(URL, json=chat(stand))
    assert (told.status_code, told.json()["error"]["code"]) == (504, "timeout")
    [job] = stand.http.get("/v1/jobs").json()["jobs"]
    assert job["state"] == "cancelled"


def test_another_tenants_video_is_not_there(stand: Stand) -> None:
    stand.video("one")
    shown = video_part(f"vidqa://{stand.video('one').id}")
    told = stand.http.post(URL, json=chat(stand, shown), headers=stand.key(tenant="two"))
    assert (told.status_code, told.json()["error"]["code"]) == (404, "video_missing")
