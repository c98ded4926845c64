"""An application over a database of its own, and clients that hold keys to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from vidqa.api.app import make_app
from vidqa.api.callers import Caller
from vidqa.service_settings import ServiceSettings

HOME = "http://127.0.0.1:8000"


@dataclass
class FakeKeys:
    """A book of keys in memory."""

    callers: dict[str, Caller] = field(default_factory=dict)
    asked: int = 0

    def add(self, secret: str, *scopes: str, tenant: str = "one") -> dict[str, str]:
        """A key, as the header that a client sends."""
        key_id = f"key_{secret}"
        self.callers[secret] = Caller(tenant=tenant, scopes=frozenset(scopes), key_id=key_id)
        return {"authorization": f"Bearer {secret}"}

    def caller(self, secret: str) -> Caller | None:
        self.asked += 1
        return self.callers.get(secret)

    def any(self) -> bool:
        return bool(self.callers)


class FakeJobs:
    def workers_seen(self, within_s: float) -> int:
        return 1


@pytest.fixture
def keys() -> FakeKeys:
    """No keys yet: whoever is on this machine is let in."""
    return FakeKeys()


@pytest.fixture
def settings(tmp_path: Path) -> ServiceSettings:
    return ServiceSettings(data_dir=tmp_path / "data")


@pytest.fixture
def app(settings: ServiceSettings, keys: FakeKeys) -> FastAPI:
    return make_app(settings, store=FakeJobs(), library=object(), keys=keys)


@pytest.fixture
def http(app: FastAPI) -> Iterator[TestClient]:
    """A client on this machine, without a key."""
    with client_of(app) as client:
        yield client


def client_of(app: FastAPI, *, host: str = "127.0.0.1") -> TestClient:
    """A client whose address is ``host``; a failure that nobody foresaw is an answer, too."""
    return TestClient(app, base_url=HOME, client=(host, 50_000), raise_server_exceptions=False)
