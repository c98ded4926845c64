"""An empty store of jobs over each database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vidqa.jobs.services import MODES, with_stubs
from vidqa.jobs.part import Rules
from vidqa.jobs.store import JobStore
from vidqa.service.owner import open_database

RULES = Rules(courtesy_s=5.0, patience_s=60.0)


@pytest.fixture
def store(service_place: str) -> Iterator[JobStore]:
    with JobStore(open_database(service_place), RULES) as opened:
        yield opened


@pytest.fixture(scope="module", params=sorted(MODES))
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A running service of each mode, with the handlers of :mod:`.stubs`; shared by a module."""
    folder = tmp_path_factory.mktemp("service")
    with pytest.MonkeyPatch.context() as patch:
        with_stubs(patch, folder / "log")
        made = MODES[request.param](folder, None)
        made.start()
        yield made
        made.stop()
        made.store.close()


@pytest.fixture(params=sorted(MODES))
def make_service(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Makes services of each mode, not started, for tests that end or upset them."""
    made: list[Any] = []

    def make(*, fault: str = "", **settings: Any) -> Any:
        with_stubs(monkeypatch, tmp_path / "log", fault)
        made.append(MODES[request.param](tmp_path / "data", settings))
        return made[-1]

    yield make
    for each in made:
        each.stop()
        each.store.close()
