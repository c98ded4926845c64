"""Databases of the service for tests: made once, copied or emptied for each."""

from __future__ import annotations

from pathlib import Path

from tests.vidqa.postgres_server import create_database, execute
from vidqa.service.owner import open_database
from vidqa.service.tables import metadata


def made_sqlite(path: Path) -> Path:
    """A file of the newest schema."""
    open_database(str(path)).close()
    return path


def made_postgres(server: str, name: str = "vidqa_service") -> str:
    """URL of a new database of the newest schema."""
    create_database(server, name)
    open_database(f"{server}/{name}").close()
    return f"{server}/{name}"


def empty_postgres(url: str) -> None:
    """Quicker than a database to every test, and easier on the disk."""
    execute(url, f"TRUNCATE {', '.join(metadata.tables)} CASCADE")
