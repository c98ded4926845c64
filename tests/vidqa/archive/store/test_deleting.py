from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import delete

from tests.vidqa.archive.store.drawn import a_clip, a_generation, a_line, claimed, entered, indexed
from vidqa.archive.records import Deleted
from vidqa.archive.store import Store, open_store
from vidqa.archive.tables import claims, thumbnails
from vidqa.errors import ArchiveError


def test_nothing_of_a_deleted_video_is_left_and_nothing_of_others_goes(store: Store) -> None:
    door, car = indexed(store, "door", clips=3), indexed(store, "car", clips=2)
    second = a_generation(store, "second")
    claim = claimed(store, door)
    store.add_clips(claim, second.id, [a_clip(0)])
    store.add_lines(claim, [a_line(0, "the door"), a_line(4, "is open")])
    store.add_tags(door.id, "x")
    keep = claimed(store, car)
    store.add_lines(keep, [a_line(0, "a car, a door")])
    traces = store.traces(door.id)
    assert store.leftovers(traces) == {
        "videos": 1,
        "locations": 1,
        "tags": 1,
        "claims": 1,
        "clips": 3,
        "lines": 2,
        "embedded": 1,
        "thumbnails": 3,
        "vectors": 4,
        **({"lines_words": 2} if store._db.is_sqlite else {}),
    }
    assert (store.copies(door.digest), store.copies("sha256:none")) == (1, 0)
    gone = store.delete_video(door.id)
    assert replace(gone, overwritten=True) == Deleted(
        digest=door.digest, clips=3, vectors=4, lines=2, overwritten=True
    )
    assert store.leftovers(traces) == {}
    assert store.copies(door.digest) == 0
    assert [found.video_id for found in store.find_lines("door")] == [car.id]
    assert store.stats().clips == 2
    assert store.check() == []
    with pytest.raises(ArchiveError, match=f"no video {door.id}"):
        store.delete_video(door.id)


def test_deleted_clips_are_in_the_log_of_every_generation(store: Store) -> None:
    video, first = indexed(store, clips=2), a_generation(store)
    second = a_generation(store, "second")
    store.add_clips(claimed(store, video), second.id, [a_clip(1)])
    ids = store.clip_ids().tolist()
    sources = store.source(first.id), store.source(second.id)
    store.delete_video(video.id)
    told = [[(c.seq, c.clip_id, c.vector_D) for c in s.changes_after(0, 9)] for s in sources]
    assert told[0] == [(n + 1, ids[n % 2], None) for n in range(4)]
    assert told[1] == [(1, ids[1], None), (2, ids[1], None)]
    assert [s.count() for s in sources] == [0, 0]


def test_ids_are_never_used_again(store: Store) -> None:
    old, old_clips = indexed(store, "a"), store.clip_ids()
    store.delete_video(old.id)
    new = indexed(store, "a")
    assert new.id > old.id
    assert store.clip_ids().min() > old_clips.max()


def test_the_bytes_of_a_deleted_video_are_overwritten(sqlite_path: Path) -> None:
    secrets = [b"S3cretPicture%03d" % n * 900 for n in range(20)]
    with open_store(sqlite_path) as store:
        video, generation = entered(store), a_generation(store)
        claim = claimed(store, video)
        clips = [replace(a_clip(n), thumbnail=secrets[n]) for n in range(20)]
        store.add_clips(claim, generation.id, clips)
        store.add_lines(claim, [a_line(n, f"secretword{n} spoken") for n in range(50)])
        indexed(store, "other")
        assert _on_disk(sqlite_path, b"S3cretPicture")
        assert _on_disk(sqlite_path, b"secretword")
        size = store.stats().size
        assert store.delete_video(video.id).overwritten is True
        assert not _on_disk(sqlite_path, b"S3cretPicture")
        assert not _on_disk(sqlite_path, b"ecretword")
        given_back = store.compact()
        assert given_back > 200_000
        assert store.stats().size == size - given_back
        assert store.check() == []


def test_a_reader_of_the_moment_before_keeps_the_bytes_alive_and_it_is_said(
    sqlite_path: Path,
) -> None:
    with open_store(sqlite_path) as store:
        video = indexed(store)
        blocks = store.source(a_generation(store).id).blocks()
        next(blocks)
        assert store.delete_video(video.id).overwritten is False
        blocks.close()
        store.compact()
        assert not _on_disk(sqlite_path, b"picture 0")


def test_what_must_not_be_is_found(store: Store) -> None:
    indexed(store)
    assert store.check() == []
    with store._db.writing() as db:
        db.execute(delete(thumbnails))
        db.execute(delete(claims))
        db.exec_driver_sql("UPDATE generations SET vectors = 7, last_seq = 9")
        db.exec_driver_sql("DELETE FROM changes WHERE seq = 2")
    found = {(finding.code, finding.text) for finding in store.check()}
    assert found == {
        ("orphans", "3 clips have no thumbnail"),
        ("orphans", "1 videos cannot be claimed"),
        ("miscounted", "generation 1 has 3 vectors and counts 7"),
        ("gap", "the log of generation 1 has 2 changes, 1 to 3, not 1 to 9"),
    }


def test_a_vector_cut_short_is_found(store: Store) -> None:
    indexed(store)
    with store._db.writing() as db:
        db.exec_driver_sql("UPDATE generations SET dimension = 16")
    assert [(f.code, f.text) for f in store.check()] == [
        ("vector", "3 vectors of generation 1 are not of 16 numbers")
    ]
    with pytest.raises(ArchiveError, match="has not the"):
        list(store.source(1).blocks())


def test_rows_that_belong_to_nothing_are_left_over(sqlite_path: Path) -> None:
    with open_store(sqlite_path) as store:
        traces = store.traces(indexed(store).id)
        with closing(sqlite3.connect(sqlite_path)) as db, db:
            db.execute("DELETE FROM videos")  # foreign keys are off unless asked for
        assert store.leftovers(traces) == {
            "locations": 1,
            "claims": 1,
            "clips": 3,
            "embedded": 1,
            "thumbnails": 3,
            "vectors": 3,
        }
        assert {finding.code for finding in store.check()} == {"orphans"}


def _on_disk(path: Path, words: bytes) -> bool:
    return any(words in file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
