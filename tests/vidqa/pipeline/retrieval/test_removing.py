"""An archive rid of videos, and of vectors that no search needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psycopg
import pytest

from tests.vidqa.archive.vectors.postgres import NoServerError, postgres_with_pgvector
from tests.vidqa.pipeline.retrieval.shelf import MODEL, Sought, shelve
from vidqa.archive.store import open_store
from vidqa.errors import ArchiveError
from vidqa.pipeline.retrieval.archive import Archive
from vidqa.pipeline.retrieval.care import check
from vidqa.pipeline.retrieval.queries import Words
from vidqa.pipeline.retrieval.removing import compact, remove
from vidqa.pipeline.retrieval.serving import Serving

NEW = "new@sha256:1"


def filled(place: str) -> Archive:
    with open_store(place) as store:
        shelve(store, "a", [0.9, 0.3])
        shelve(store, "b", [0.5], lines={3.0: "door"})
    return Archive(place)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    with filled(str(tmp_path / "archive.db")) as opened:
        yield opened


@pytest.fixture(scope="module")
def networked() -> Iterator[Archive]:
    try:
        with postgres_with_pgvector() as url, filled(url) as opened:
            yield opened
    except NoServerError as err:
        pytest.skip(f"no PostgreSQL with pgvector: {err}")


def test_nothing_is_left_of_a_removed_video(archive: Archive, tmp_path: Path) -> None:
    assert archive.search(Words("door"), Sought()).total == 2
    vector = archive.store.source(1).uncentred([3]).vectors_ND[0].astype(np.float16).tobytes()
    assert vector in _bytes_below(tmp_path / "archive.db.index")
    (gone,) = remove(archive, [archive.video("b.mp4")], None)
    assert (gone.deleted.clips, gone.deleted.vectors, gone.deleted.lines) == (1, 1, 1)
    assert gone.left == {}
    assert [hit.video.name for hit in archive.search(Words("door"), Sought()).hits] == ["a.mp4"]
    assert vector not in _bytes_below(tmp_path / "archive.db.index")
    assert check(archive).sound


def _bytes_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_an_index_that_stays_is_told(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Serving, "forget", lambda _: False)
    with pytest.raises(ArchiveError) as refused:
        list(remove(archive, [archive.video("b.mp4")], None))
    assert refused.value.code == "index_busy"
    assert archive.search(Words("door"), Sought()).total == 1


def reindexed(archive: Archive) -> int:
    """The same videos once more by another model, which serves from then on; its generation."""
    archive.search(Words("door"), Sought())
    shelve(archive.store, "a", [0.8, 0.2], model=NEW)
    shelve(archive.store, "b", [0.4], model=NEW)
    new = next(each for each in archive.store.generations() if each.model == NEW)
    archive.store.serve(new.id)
    archive.search(Words("door"), Sought(name=NEW))
    return new.id


def test_compacting_removes_vectors_that_others_serve_in_the_place_of(
    archive: Archive, tmp_path: Path
) -> None:
    new = str(reindexed(archive))
    folder = tmp_path / "archive.db.index"
    assert sorted(path.name for path in folder.iterdir()) == ["1", new]
    told = compact(archive)
    assert (told.generations, told.vectors) == ((1,), 3)
    assert [path.name for path in folder.iterdir()] == [new]
    assert [each.model for each in archive.store.generations()] == [NEW]
    assert archive.search(Words("door"), Sought(name=NEW)).total == 2
    assert check(archive).sound
    again = compact(archive)
    assert (again.generations, again.vectors, again.size) == ((), 0, 0)


def test_a_retirement_that_was_cut_short_is_finished(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    reindexed(archive)
    with monkeypatch.context() as cut:
        cut.setattr("vidqa.archive.generating.Generations._remove_some", lambda *_: 0)
        assert archive.store.retire(1) == 0
    assert archive.store.spent() == [1]
    assert compact(archive).vectors == 3
    assert archive.store.spent() == []


def sources(archive: Archive) -> list[str]:
    with psycopg.connect(archive.place) as db:
        found = db.execute("SELECT source FROM vidqa_indexes ORDER BY source").fetchall()
    return [source for (source,) in found]


def test_in_postgresql_no_table_of_any_generation_keeps_a_removed_video(
    networked: Archive,
) -> None:
    new, uid = reindexed(networked), networked.store.uid
    assert sources(networked) == [f"{uid}-1", f"{uid}-{new}"]
    (gone,) = remove(networked, [networked.video("b.mp4")], None)
    assert gone.deleted.vectors == 2
    assert sources(networked) == [f"{uid}-{new}"]
    assert networked.search(Words("door"), Sought(name=NEW)).total == 1


def test_in_postgresql_indexes_about_earlier_means_go_when_the_index_settles(
    networked: Archive,
) -> None:
    store = networked.store
    about = store.generation(MODEL, "about", 32, centred=True)
    store.serve(about.id)
    networked.serving.settle()
    for value in (0.1, 0.2):
        store.set_mean(about.id, np.full(32, value, dtype=np.float32))
        networked.serving.settle()
    mine = [name for name in sources(networked) if name.startswith(f"{store.uid}-{about.id}")]
    assert mine == [f"{store.uid}-{about.id}-mean2"]
