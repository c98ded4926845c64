"""An empty store of each kind, migrated once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vidqa.postgres_server import create_database, execute
from vidqa.archive.store import Store, open_store
from vidqa.archive.tables import metadata


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be copied, never opened."""
    path = tmp_path_factory.mktemp("template") / "archive.db"
    open_store(path).close()
    return path


@pytest.fixture(scope="session")
def postgres_archive(postgres_server: str) -> str:
    """One for all tests, emptied before each."""
    create_database(postgres_server, "vidqa")
    open_store(f"{postgres_server}/vidqa").close()
    return f"{postgres_server}/vidqa"


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an empty archive of the newest schema lies."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        return str(shutil.copy(template, tmp_path / "archive.db"))
    url: str = request.getfixturevalue("postgres_archive")
    _empty(url)
    return url


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    with open_store(place) as opened:
        yield opened


@pytest.fixture
def sqlite_path(sqlite_template: Path, tmp_path: Path) -> Path:
    """An empty archive's file."""
    return Path(shutil.copy(sqlite_template, tmp_path / "archive.db"))


def _empty(url: str) -> None:
    """Quicker than a database to every test, and easier on the disk."""
    names = ", ".join(name for name in metadata.tables if name != "archive")
    execute(url, f"TRUNCATE {names} RESTART IDENTITY CASCADE")
