"""A video is measured once it is in, by whichever door, and what is wrong with it is told."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from PIL import Image
from starlette.testclient import TestClient

from tests.vidqa.api.conftest import changed, client_of, video_bytes
from tests.vidqa.api.routes.conftest import FILM
from vidqa.api.app import make_app
from vidqa.api.chat.keeping import keep
from vidqa.api.service import Service
from vidqa.errors import VideoError
from vidqa.fetching import Fetched
from vidqa.service.measuring import measure
from vidqa.service_settings import ServiceSettings
from vidqa.video import Film, media

FACTS = {
    "kind": "video",
    "duration": 4.0,
    "start_time": 0.0,
    "fps": 10.0,
    "vfr": False,
    "width": 64,
    "height": 48,
    "rotation": 0,
    "frames": 40,
    "container": "mp4",
    "codec": "h264",
    "audio_codecs": [],
    "unreadable_from": None,
}
Seen = dict[str, Any]


def measured(http: TestClient, video: Seen) -> Seen:
    """The video's JSON, once it is no longer ``arrived``."""
    ends_at = time.monotonic() + 60
    while time.monotonic() < ends_at:
        seen: Seen = http.get(f"/v1/videos/{video['id']}").json()
        if seen["state"] != "arrived":
            return seen
        time.sleep(0.02)
    raise AssertionError("not measured within a minute")


@pytest.fixture
def running(settings: ServiceSettings, tmp_path: Path) -> Iterator[TestClient]:
    """A client of an application that has begun: it measures."""
    (tmp_path / "films").mkdir()
    more = {
        "media_roots": (str(tmp_path / "films"),),
        "allowed_media_domains": ("media.example.org",),
        "max_duration_s": 10.0,
    }
    with client_of(make_app(changed(settings, **more))) as http:
        yield http


def raw(http: TestClient, data: bytes) -> Seen:
    return http.post("/v1/videos", content=data, headers={"content-type": "video/mp4"}).json()  # type: ignore[no-any-return]


def form(http: TestClient, data: bytes) -> Seen:
    return http.post("/v1/videos", files={"file": ("a.mp4", data)}).json()  # type: ignore[no-any-return]


def in_parts(http: TestClient, data: bytes) -> Seen:
    tus = {"tus-resumable": "1.0.0"}
    begun = http.post("/v1/uploads", headers={**tus, "upload-length": str(len(data))})
    kind = {"content-type": "application/offset+octet-stream", "upload-offset": "0"}
    part = http.patch(begun.headers["location"], content=data, headers={**tus, **kind})
    return http.get(part.headers["content-location"]).json()  # type: ignore[no-any-return]


def by_path(http: TestClient, data: bytes) -> Seen:
    place = Path(http.app.state.service.settings.media_roots[0]) / "a.mp4"  # type: ignore[attr-defined]
    place.write_bytes(data)
    return http.post("/v1/videos", json={"path": str(place)}).json()  # type: ignore[no-any-return]


@pytest.mark.parametrize("door", [raw, form, in_parts, by_path])
def test_a_video_is_measured_whichever_door_it_came_by(
    door: Callable[[TestClient, bytes], Seen], running: TestClient
) -> None:
    made = door(running, FILM)
    assert (made["error"], made["name"]) == (None, made["name"])
    seen = measured(running, made)
    assert (seen["state"], seen["facts"], seen["error"]) == ("ready", FACTS, None)


def test_a_video_that_was_fetched_is_measured(
    running: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(url: str, folder: Path, _rules: object) -> Fetched:
        path = folder / "fetched"
        path.write_bytes(FILM)
        return Fetched(path, "ab" * 32, len(FILM), "video/mp4")

    monkeypatch.setattr("vidqa.api.intake.taking.fetch", fetch)
    made = running.post("/v1/videos", json={"url": "https://media.example.org/a.mp4"}).json()
    assert measured(running, made)["facts"] == FACTS


def test_a_picture_that_came_in_a_chat_is_measured(running: TestClient, tmp_path: Path) -> None:
    Image.fromarray(np.zeros((24, 40, 3), np.uint8)).save(tmp_path / "a.png")
    data = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
    content = [{"type": "text", "text": "what is it?"}, part]
    asked = {"model": "nano", "messages": [{"role": "user", "content": content}]}
    with running.stream("POST", "/v1/chat/completions", json={**asked, "stream": True}) as _:
        pass
    [video] = running.get("/v1/videos").json()["videos"]
    wanted = {"kind": "image", "duration": 0.0, "width": 40, "height": 24, "format": "PNG"}
    assert measured(running, video)["facts"] == wanted


def test_what_is_wrong_with_a_file_is_told_and_not_where_it_lies(running: TestClient) -> None:
    seen = measured(running, raw(running, video_bytes(3)))
    assert (seen["state"], seen["facts"]) == ("unreadable", None)
    assert seen["error"]["code"] == "container_damaged"
    assert seen["error"]["message"].startswith("the video: ")
    assert seen["error"]["next_step"]
    told = running.get("/metrics").text
    assert 'vidqa_videos_measured_total{outcome="container_damaged"} 1.0' in told


def test_a_video_that_is_too_long_is_refused_with_its_facts(settings: ServiceSettings) -> None:
    with client_of(make_app(changed(settings, max_duration_s=3.0))) as http:
        seen = measured(http, raw(http, FILM))
    assert (seen["state"], seen["facts"]) == ("refused", FACTS)
    assert seen["error"]["code"] == "video_too_long"
    assert seen["error"]["message"] == "the video is 4 s long; 3 s are taken at most"


def test_what_was_left_unmeasured_is_measured_at_the_next_start(
    app: FastAPI, settings: ServiceSettings
) -> None:
    left = raw(client_of(app), FILM)  # this application has not begun, as one that was killed
    assert left["state"] == "arrived"
    with client_of(make_app(settings)) as http:
        assert measured(http, left)["facts"] == FACTS


class _Unwell:
    """A system that cannot decode just now, then can; or one that takes its time."""

    def __init__(self, code: str) -> None:
        self.code, self.tried, self.go = code, threading.Event(), threading.Event()

    def study(self, path: Path) -> Film:
        self.tried.set()
        if self.code == "slow":
            self.go.wait(60)
        raise VideoError("no", code=self.code, next_step="Wait.")


def test_a_fault_of_the_system_is_not_the_videos(
    app: FastAPI, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    unwell = _Unwell("isolation_unavailable")
    well = service.studies._media
    monkeypatch.setattr(service.studies, "_media", unwell)
    with client_of(app) as http:
        made = raw(http, FILM)
        assert unwell.tried.wait(60)
        assert http.get(f"/v1/videos/{made['id']}").json()["state"] == "arrived"
        monkeypatch.setattr(service.studies, "_media", well)
        ends_at = time.monotonic() + 60
        while service.studies._waiting and time.monotonic() < ends_at:
            time.sleep(0.01)
        service.studies.resume()
        assert measured(http, made)["state"] == "ready"


def test_a_slow_study_holds_up_neither_the_upload_nor_the_end(
    app: FastAPI, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = _Unwell("slow")
    monkeypatch.setattr(service.studies, "_media", slow)
    monkeypatch.setattr("vidqa.api.intake.studying._END_S", 0.1)
    with client_of(app) as http:
        made = raw(http, FILM)
        assert slow.tried.wait(60)
        assert made["state"] == "arrived"
    slow.go.set()


def test_a_service_does_not_load_a_model_to_measure(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(FILM)
    assert measure(path, media("isolated")) == measure(path, media("pyav")) == FACTS


def test_kept_pictures_are_not_measured_before_anybody_asks(service: Service) -> None:
    assert keep(service.library, "one", FILM).state == "arrived"
