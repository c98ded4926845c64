"""A whole service without a model: real store, library and application; a worker that obeys."""

from __future__ import annotations

import hashlib
import io
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from vidqa.api.app import make_app
from vidqa.errors import VideoError
from vidqa.jobs.signing import new_secret
from vidqa.jobs.store import JobStore, open_jobs
from vidqa.service.library import Library, open_library
from vidqa.service.records import Claim, JsonDict, Progress, StoredVideo
from vidqa.service_settings import ServiceSettings

HOME = "http://127.0.0.1:8000"
QUEUES = ("cpu", "gpu")
SECRET = new_secret()


@dataclass
class Worker:
    """Claims jobs and ends them as a test says."""

    store: JobStore
    failing: bool = False

    def claim(self) -> Claim:
        deadline_s = time.monotonic() + 10
        while time.monotonic() < deadline_s:
            claim = self.store.claim("wrk_test", queues=QUEUES)
            if claim is not None:
                return claim
            time.sleep(0.005)
        raise AssertionError("nothing to claim within 10 s")

    def finish(self, result: JsonDict | None = None) -> str:
        """The next job, completed; its id."""
        claim = self.claim()
        self.store.heartbeat(claim, Progress(stage="look", done=1, total=2, eta_s=1.0))
        told = result_of(claim.job.kind, claim.job.request) if result is None else result
        self.store.finish(claim, told, told.get("outcome"))
        return claim.job.id

    def fail(self) -> str:
        claim = self.claim()
        error = VideoError("it breaks at 3 s", code="video_undecodable", next_step="Try --end 3.")
        self.store.fail(claim, error)
        return claim.job.id

    def later(self, delay_s: float = 0.1, result: JsonDict | None = None) -> threading.Thread:
        """:meth:`finish` on a thread of its own."""

        def work() -> None:
            time.sleep(delay_s)
            self.fail() if self.failing else self.finish(result)

        thread = threading.Thread(target=work)
        thread.start()
        return thread


@dataclass(frozen=True)
class Stand:
    """The parts of one service."""

    settings: ServiceSettings
    store: JobStore
    library: Library
    app: FastAPI
    http: TestClient
    worker: Worker

    def key(self, *scopes: str, tenant: str) -> dict[str, str]:
        """A key, as the header that a client sends."""
        known = scopes or ("read", "write")
        _, text = self.app.state.service.keys.create(name="t", tenant=tenant, scopes=known)
        return {"authorization": f"Bearer {text}"}

    def video(
        self, tenant: str = "local", data: bytes = b"film", name: str = "a.mp4"
    ) -> StoredVideo:
        """A video of the library, whatever its bytes."""
        file = self.library.incoming / f"upload-{tenant}"
        file.write_bytes(data)
        return self.library.adopt(tenant, file, hashlib.sha256(data).hexdigest(), name)

    def submit(self, kind: str = "ground", tenant: str = "local", **request: Any) -> str:
        """A job in the store; its id."""
        video = {"video_id": self.video(tenant).id}
        asked = request or {"video": video, "query": "door opens"}
        return self.store.submit(tenant, kind, asked).job.id


def make_film(seconds: int = 4) -> bytes:
    """At 10 pictures a second; the picture of second s has the grey value 40 + 40 s."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(10 * seconds):
            grey = np.full((48, 64, 3), 40 + 40 * (number // 10), np.uint8)
            for packet in stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return file.getvalue()


FILM = make_film()


@pytest.fixture
def film() -> bytes:
    return FILM


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServiceSettings:
    monkeypatch.setenv("VIDQA_ARCHIVE_DIR", str(tmp_path / "archive"))
    return ServiceSettings(
        data_dir=tmp_path / "data",
        allowed_media_domains=("media.example.org",),
        media_roots=(str(tmp_path / "films"),),
        webhook_secrets=(SECRET,),
        min_free_bytes=0,
    )


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of the newest schema, to be copied."""
    folder = tmp_path_factory.mktemp("service")
    open_jobs(ServiceSettings(data_dir=folder)).close()
    return folder / "service.db"


@pytest.fixture
def stand(settings: ServiceSettings, template: Path) -> Iterator[Stand]:
    settings.folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(template, settings.folder)
    with open_jobs(settings) as store:
        library = open_library(store.database, settings.folder)
        app = make_app(settings, store=store, library=library)
        client = TestClient(
            app, base_url=HOME, client=("127.0.0.1", 50_000), raise_server_exceptions=False
        )
        with client as http:
            yield Stand(settings, store, library, app, http, Worker(store))


@pytest.fixture
def served(stand: Stand) -> Iterator[str]:
    """The service on a port of its own; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    config = uvicorn.Config(
        stand.app, host="127.0.0.1", port=port, log_config=None, lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    deadline_s = time.monotonic() + 10
    while time.monotonic() < deadline_s:
        try:
            httpx.get(f"{url}/healthz")
            break
        except httpx.ConnectError:
            time.sleep(0.01)
    yield url
    server.should_exit = True
    thread.join(10)
    assert not thread.is_alive()


_HOW: JsonDict = {
    "video": {
        "id": "sha256:00",
        "kind": "video",
        "duration": 8.0,
        "start_time": 0.0,
        "vfr": False,
        "width": 64,
        "height": 48,
    },
    "coverage": {"start": 0.0, "end": 8.0, "fraction": 1.0},
    "passes": [
        {
            "stage": "look",
            "start": 0.0,
            "end": 8.0,
            "fps": 2.0,
            "frames": 16,
            "height": 28,
            "width": 28,
            "video_tokens": 8,
            "windows": 1,
            "count": 1,
        }
    ],
    "cache": {"features": "miss", "prefix": "miss"},
    "model": "nano@sha256:11",
    "reply": {"text": "2.0 - 3.5", "kind": "range", "tokens": 7, "cut_short": False},
    "timings": {"decode": 0.1},
    "familiar": True,
    "ended_early": None,
    "notes": [],
}
_SEGMENT: JsonDict = {
    "start": 2.0,
    "end": 3.5,
    "start_tc": "00:00:02.000",
    "end_tc": "00:00:03.500",
    "score": 0.9,
    "confidence": None,
    "precision_s": 0.5,
    "evidence": [{"pts": 2.5, "sha256": "aa"}],
}


def result_of(kind: str, request: JsonDict) -> JsonDict:
    """What a worker with a model might say."""
    if kind == "ground":
        found = {"query": request["query"], "segments": [_SEGMENT], "considered": []}
        return {"outcome": "found", **found, **_HOW}
    if kind == "ask":
        told = {"question": request["question"], "answer": "A door.", "evidence": [_SEGMENT]}
        return {"outcome": "found", **told, "marks": [], **_HOW}
    if kind == "describe":
        return {"outcome": "found", "chapters": [{**_SEGMENT, "text": "a door opens"}], **_HOW}
    return {"files": [], "counts": {}}
