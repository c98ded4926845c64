"""SQLite's log: emptied by whoever tidies, not by a commit that somebody waits for."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from vidqa.database import Database, Owner, database_of
from vidqa.errors import ServiceBusy, ServiceError

OWNER = Owner(noun="ledger", code="ledger", error=ServiceError, busy=ServiceBusy, log_pages=16_384)


@pytest.fixture
def ledger(tmp_path: Path) -> Database:
    database = database_of(tmp_path / "ledger.db", OWNER)
    with database.writing() as db:
        db.execute(text("CREATE TABLE t (x TEXT)"))
    return database


def pages_in_file(path: Path) -> int:
    """What a reader of the file alone, without its log, would find."""
    return path.stat().st_size // 4096


def test_a_commit_leaves_the_log_and_tidying_empties_it(ledger: Database, tmp_path: Path) -> None:
    with ledger.writing() as db:
        db.execute(text("INSERT INTO t VALUES (:x)"), [{"x": "y" * 4000} for _ in range(1500)])
    assert pages_in_file(tmp_path / "ledger.db") < 1500
    ledger.tidy()
    assert pages_in_file(tmp_path / "ledger.db") >= 1500
    ledger.close()


def test_the_words_of_an_error_are_the_owners(ledger: Database, tmp_path: Path) -> None:
    ledger.close()
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        db.execute("DROP TABLE t")
    told = r"the ledger .* failed: no such table"
    with pytest.raises(ServiceError, match=told) as caught, ledger.reading() as db:
        db.execute(text("SELECT x FROM t"))
    assert caught.value.code == "ledger_failed"
    ledger.close()
