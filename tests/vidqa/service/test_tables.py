"""The service's database: its schema, beside an archive's, and what it refuses."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from tests.vidqa.postgres_server import create_database
from vidqa.archive.store import open_store
from vidqa.database import Database
from vidqa.errors import ServiceBusy, ServiceError
from vidqa.service.owner import open_database
from vidqa.service.tables import SCHEMA, metadata


def test_migrations_make_the_tables_that_the_code_reads(database: Database) -> None:
    with database.reading() as db:
        context = MigrationContext.configure(db, opts={"version_table": "service_version"})
        assert compare_metadata(context, metadata) == []


def test_one_postgres_database_may_hold_an_archive_and_a_service(postgres_server: str) -> None:
    create_database(postgres_server, "one_for_two")
    place = f"{postgres_server}/one_for_two"
    open_store(place).close()
    open_database(place).close()
    open_store(place).close()


def test_a_database_of_a_newer_schema_is_refused_in_the_services_words(service_place: str) -> None:
    database = open_database(service_place)
    with database.writing() as db:
        db.exec_driver_sql("UPDATE service_version SET version_num = '9999'")
    try:
        with pytest.raises(ServiceError, match=r"the service's database .* has schema 9999") as err:
            open_database(service_place)
        assert (err.value.code, err.value.stage) == ("service_newer", "service")
    finally:
        with database.writing() as db:
            db.execute(text("UPDATE service_version SET version_num = :at"), {"at": SCHEMA})
        database.close()


def test_a_server_that_does_not_answer_may_be_tried_again() -> None:
    with pytest.raises(ServiceBusy, match="does not answer") as err:
        open_database("postgresql://me@127.0.0.1:1/nowhere")
    assert (err.value.code, err.value.retryable) == ("service_away", True)


def test_commits_are_forced_to_the_disk(database: Database) -> None:
    if not database.is_sqlite:
        pytest.skip("PostgreSQL's own default")
    with database.reading() as db:
        assert db.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
