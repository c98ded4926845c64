"""A search works alike on every kind of database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.vidqa.pipeline.retrieval.shelf import Sought, shelve
from vidqa.archive.records import Filter
from vidqa.archive.store import Store
from vidqa.pipeline.retrieval.archive import Archive
from vidqa.pipeline.retrieval.care import check
from vidqa.pipeline.retrieval.queries import Words
from vidqa.pipeline.retrieval.search_options import SearchOptions


def test_likeness_and_words_find_the_same_hits_in_each(
    store: Store, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    shelve(store, "a", [0.9], tags=("night",))
    shelve(store, "b", [0.5], lines={3.0: "Close the door!"})
    with Archive(place) as archive:
        found = archive.search(Words("door"), Sought())
        assert [(hit.video.name, hit.found_by) for hit in found.hits] == [
            ("b.mp4", ("vector", "text")),
            ("a.mp4", ("vector",)),
        ]
        night = SearchOptions(where=Filter(tags=("night",)))
        assert [h.video.name for h in archive.search(Words("door"), Sought(), night).hits] == [
            "a.mp4"
        ]
        store.delete_video(found.hits[0].video.id)
        assert archive.search(Words("door"), Sought()).total == 1
        assert check(archive).sound
