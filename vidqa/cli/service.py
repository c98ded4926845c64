"""What commands about the service share: its settings, its jobs and its keys, opened for once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:  # they import pydantic and the database's library
    from vidqa.jobs.store import JobStore
    from vidqa.service.keys import ApiKeys
    from vidqa.service_settings import ServiceSettings

FolderOption = Annotated[
    str | None,
    typer.Option("--data-dir", metavar="DIR", help="The service's folder (VIDQA_DATA_DIR)."),
]
DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database", metavar="FILE|URL", help="The service's database (VIDQA_SERVICE_URL)."
    ),
]


def settings_of(data_dir: str | None, database: str | None, **given: Any) -> ServiceSettings:
    """The service's settings; raises :class:`SettingsError`."""
    from vidqa.service_settings import load_service_settings  # late: pydantic

    return load_service_settings(data_dir=data_dir, service_url=database, **given)


@contextmanager
def opened_jobs(data_dir: str | None, database: str | None) -> Iterator[JobStore]:
    """The jobs; raises :class:`ServiceError`."""
    from vidqa.jobs.store import open_jobs  # late: the database's library

    with open_jobs(settings_of(data_dir, database)) as store:
        yield store


@contextmanager
def opened_keys(data_dir: str | None, database: str | None) -> Iterator[ApiKeys]:
    """The API keys; raises :class:`ServiceError`."""
    from vidqa.service.keys import ApiKeys  # late: the database's library
    from vidqa.service.owner import open_database

    opened = open_database(settings_of(data_dir, database).database_place)
    try:
        yield ApiKeys(opened)
    finally:
        opened.close()


def moment(at: float | None) -> str:
    """Seconds since 1970 as a date and time in UTC."""
    if at is None:
        return "-"
    return datetime.fromtimestamp(at, tz=timezone.utc).strftime("%Y-%m-%d %H:%M:%SZ")
