from __future__ import annotations

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tests.vidqa.archive.store.drawn import a_clip, a_generation, claimed, entered, indexed
from tests.vidqa.postgres_server import create_database
from vidqa.archive.schema import ARCHIVE
from vidqa.archive.store import Store, open_store
from vidqa.archive.tables import metadata
from vidqa.database import database_of
from vidqa.errors import ArchiveBusy, ArchiveError

ROOT = Path(__file__).resolve().parents[2]
_OPEN = "import sys; from vidqa.archive.store import open_store; print(open_store(sys.argv[1]).uid)"
_PAGE = 16_384


@pytest.fixture(params=["sqlite", "postgres"])
def new_place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where an archive may be made that does not exist yet."""
    if request.param == "sqlite":
        return str(tmp_path / "new.db")
    server: str = request.getfixturevalue("postgres_server")
    create_database(server, "opened_at_once")
    return f"{server}/opened_at_once"


def test_what_was_kept_is_there_when_it_is_opened_again(place: str) -> None:
    with open_store(place) as store:
        video, uid = indexed(store), store.uid
        name = store.source(a_generation(store).id).name
    with open_store(place) as store:
        assert store.video(video.id) == video
        assert store.uid == uid
        assert store.source(a_generation(store).id).name == name


def test_migrations_make_the_tables_that_the_code_reads(store: Store) -> None:
    ours = set(metadata.tables)
    with store._db.reading() as db:
        context = MigrationContext.configure(
            db,
            opts={
                "include_name": lambda name, kind, _: (
                    name in ours if kind == "table" else name != "ix_lines_words"
                )
            },
        )
        assert compare_metadata(context, metadata) == []


def test_an_archive_is_made_with_its_folder_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "archive.db"
    with open_store(path) as store:
        assert store.address == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(Path(f"{path}-wal").stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_sqlite_waits_syncs_overwrites_and_keeps_foreign_keys(sqlite_path: Path) -> None:
    pragmas = {
        "journal_mode": "wal",
        "synchronous": 2,
        "secure_delete": 1,
        "foreign_keys": 1,
        "busy_timeout": 30_000,
        "auto_vacuum": 2,
        "page_size": 16_384,
    }
    with open_store(sqlite_path) as store, store._db.reading() as db:
        assert {p: db.exec_driver_sql(f"PRAGMA {p}").scalar() for p in pragmas} == pragmas


def test_an_url_names_the_same_file_as_a_path(sqlite_path: Path) -> None:
    with open_store(sqlite_path) as one, open_store(f"sqlite:///{sqlite_path}") as other:
        assert one.address == other.address
        assert one.uid == other.uid


def test_an_archive_of_a_newer_schema_is_refused_and_left_alone(place: str) -> None:
    with open_store(place) as store, store._db.writing() as db:
        db.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    try:
        with pytest.raises(ArchiveError, match="has schema 9999; this vidqa knows up to") as caught:
            open_store(place)
        assert caught.value.code == "archive_newer"
    finally:
        database = database_of(place, ARCHIVE)
        with database.writing() as db:
            db.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
        database.close()


def test_several_who_open_a_new_archive_at_once_all_get_it(new_place: str) -> None:
    started = [
        subprocess.Popen(
            [sys.executable, "-c", _OPEN, new_place], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        for _ in range(3)
    ]
    uids = [process.communicate(timeout=300)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0]
    assert len(set(uids)) == 1
    assert len(uids[0].strip()) == 16


@pytest.mark.parametrize(
    "place", ["mysql://h/d", "sqlite://", "sqlite:///:memory:", "://", "s3://b/x"]
)
def test_an_url_that_names_no_archive_is_refused(place: str) -> None:
    with pytest.raises(ArchiveError, match="no archive can lie at") as caught:
        open_store(place)
    assert caught.value.code == "archive_url"


def test_a_password_is_not_shown() -> None:
    with pytest.raises(ArchiveError) as caught:
        open_store("mysql://me:hunter2@host/db")
    assert "hunter2" not in str(caught.value)


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"no database at all " * 1000)
    with pytest.raises(ArchiveError, match=f"{path} is no database") as caught:
        open_store(path)
    assert caught.value.code == "archive_unreadable"
    assert path.read_bytes() == b"no database at all " * 1000


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ArchiveError, match="cannot be opened: ") as caught:
        open_store(tmp_path / "file" / "archive.db")
    assert caught.value.code == "archive_unopened"
    with pytest.raises(ArchiveError, match="cannot be opened: Is a directory"):
        open_store(tmp_path)


@pytest.mark.skipif(os.getuid() == 0, reason="root may write everywhere")
def test_a_read_only_file_is_named(sqlite_path: Path) -> None:
    sqlite_path.chmod(0o400)
    with pytest.raises(ArchiveError, match="cannot be opened: Permission denied"):
        open_store(sqlite_path)


def test_a_database_that_turns_read_only_says_so(sqlite_path: Path) -> None:
    with open_store(sqlite_path) as store:
        with store._db.alone() as db:
            db.exec_driver_sql("PRAGMA query_only=ON")
        with pytest.raises(ArchiveError, match="cannot be written") as caught:
            entered(store)
        assert caught.value.code == "archive_read_only"
        with store._db.alone() as db:
            db.exec_driver_sql("PRAGMA query_only=OFF")


def test_a_full_disk_changes_nothing(sqlite_path: Path) -> None:
    with open_store(sqlite_path) as store:
        video, generation = entered(store), a_generation(store)
        claim = claimed(store, video)
        with store._db.alone() as db:
            pages = db.exec_driver_sql("PRAGMA page_count").scalar()
            db.exec_driver_sql(f"PRAGMA max_page_count={pages}")
        with pytest.raises(ArchiveError, match="has no room to grow") as caught:
            store.add_clips(claim, generation.id, [a_clip(n) for n in range(5_000)])
        assert caught.value.code == "archive_full"
        assert store.clips_done(video.id, generation.id) == set()
        assert store.check() == []


def test_a_locked_archive_is_busy_and_may_be_tried_again(
    sqlite_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidqa.database.transactions.BUSY_S", 0.05)
    with open_store(sqlite_path) as store, closing(sqlite3.connect(sqlite_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.videos() == []  # reading goes on
        with pytest.raises(ArchiveBusy, match="is in use by another process") as caught:
            entered(store)
        assert caught.value.retryable
        other.rollback()
        entered(store)


def test_damage_is_found_and_never_an_empty_answer(sqlite_path: Path) -> None:
    with open_store(sqlite_path) as store:
        video = indexed(store, clips=400)
    with sqlite_path.open("r+b") as file:
        for page in range(_first_page_of(sqlite_path, "clips"), _pages(sqlite_path)):
            file.seek((page - 1) * _PAGE)
            file.write(b"\xff" * 64)
    with open_store(sqlite_path) as store:
        assert store.video(video.id) == video
        with pytest.raises(ArchiveError, match="is damaged") as caught:
            store.clip_ids()
        assert caught.value.code == "archive_damaged"
        assert {finding.code for finding in store.check()} == {"damaged"}


def test_a_server_that_does_not_answer_is_away_for_now() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(ArchiveBusy, match="does not answer") as caught:
            open_store(f"postgresql://me:hunter2@127.0.0.1:{port}/archive")
    assert caught.value.code == "archive_away"
    assert "hunter2" not in str(caught.value)


def test_a_server_that_knows_no_such_database_refuses(postgres_server: str) -> None:
    with pytest.raises(ArchiveError, match="refused the user") as caught:
        open_store(f"{postgres_server}/nowhere")
    assert caught.value.code == "archive_refused"
    assert not caught.value.retryable


def test_a_missing_driver_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ArchiveError, match="needs psycopg, which is not installed") as caught:
        open_store("postgresql://host/archive")
    assert caught.value.next_step == "pip install 'vidqa[postgres]'"


def test_stats_are_the_archive_in_numbers(store: Store) -> None:
    assert store.stats().videos == {}
    indexed(store, clips=3)
    entered(store, "second", duration_s=2.5)
    stats = store.stats()
    assert stats.videos == {"ready": 1, "indexing": 1}
    assert stats.duration_s == 42.5
    assert (stats.clips, stats.lines, stats.vectors) == (3, 0, {a_generation(store).id: 3})
    assert stats.size > 100_000


def _pages(path: Path) -> int:
    return path.stat().st_size // _PAGE + 1


def _first_page_of(path: Path, table: str) -> int:
    with closing(sqlite3.connect(path)) as db:
        asked = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        page: int = db.execute(asked, (table,)).fetchone()[0]
        return page
