"""An application over a database of its own, clients with and without keys, tiny videos."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any, NamedTuple

import anyio
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from vidqa.api.app import make_app
from vidqa.api.service import Service
from vidqa.service.keys import ApiKeys
from vidqa.service_settings import ServiceSettings

HOME = "http://127.0.0.1:8000"


class Keys:
    """Keys of one service, as the headers that a client sends."""

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def add(self, *scopes: str, tenant: str = "one") -> dict[str, str]:
        """A new key that is good for these scopes."""
        _, text = self._keys.create(name="test", tenant=tenant, scopes=scopes)
        return {"authorization": f"Bearer {text}"}

    def text(self, *scopes: str) -> str:
        """The same, as its text."""
        return self.add(*scopes)["authorization"].removeprefix("Bearer ")


@pytest.fixture
def settings(tmp_path: Path, service_template: Path) -> ServiceSettings:
    """A folder of its own; no room is kept free, for a test's disk may be small."""
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copyfile(service_template, folder / "service.db")
    return ServiceSettings(data_dir=folder, min_free_bytes=0)


@pytest.fixture
def app(settings: ServiceSettings) -> Iterator[FastAPI]:
    made = make_app(settings)
    yield made
    made.state.service.close()


@pytest.fixture
def service(app: FastAPI) -> Service:
    """The application's parts: its store, its library, its settings."""
    found = app.state.service
    assert isinstance(found, Service)
    return found


@pytest.fixture
def keys(service: Service) -> Keys:
    """None yet: whoever is on this machine is let in until the first is added."""
    return Keys(service.keys)


@pytest.fixture
def http(app: FastAPI) -> TestClient:
    """A client on this machine, without a key."""
    return client_of(app)


def client_of(app: FastAPI, *, host: str = "127.0.0.1") -> TestClient:
    """A client whose address is ``host``; a failure that nobody foresaw is an answer, too."""
    return TestClient(app, base_url=HOME, client=(host, 50_000), raise_server_exceptions=False)


class Answer(NamedTuple):
    """What came of :func:`sent`."""

    status: int
    body: bytes
    taken: int
    """Chunks of the body that were asked for."""


def sent(
    app: FastAPI, method: str, path: str, chunks: Iterable[bytes], headers: Mapping[str, str]
) -> Answer:
    """A request whose body comes chunk by chunk; it is cut off behind the last one.

    The test client would hand the body over whole.
    """
    given, taken = iter(chunks), 0
    told: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        nonlocal taken
        chunk = next(given, None)
        if chunk is None:
            return {"type": "http.disconnect"}
        taken += 1
        return {"type": "http.request", "body": chunk, "more_body": True}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(dict(message))

    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1:8000"), *raw],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 8_000),
    }
    anyio.run(app, scope, receive, send)
    body = b"".join(message.get("body", b"") for message in told)
    return Answer(status=told[0]["status"], body=body, taken=taken)


def changed(settings: ServiceSettings, **values: object) -> ServiceSettings:
    """The same settings but for some."""
    return settings.model_copy(update=values)


def video_bytes(seed: int = 0, size: int = 4_000) -> bytes:
    """What looks like an MP4 by its first bytes, and differs by ``seed``."""
    head = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2"
    return head + bytes((seed + at * 7) % 256 for at in range(256)) * (size // 256 + 1)
