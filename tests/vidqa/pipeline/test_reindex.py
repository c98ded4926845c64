"""Vectors of a new model take the place of the old ones once they are whole."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.vidqa.pipeline.some_videos import Recording, StubEmbedder, write_video
from vidqa.archive.records import Filter
from vidqa.archive.store import Store, open_store
from vidqa.effort import Halt
from vidqa.pipeline.ingest import ingest
from vidqa.pipeline.ingest_options import IngestOptions
from vidqa.pipeline.ingest_report import Watcher
from vidqa.pipeline.reindex import reindex

NEW = StubEmbedder(name="new@sha256:1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    for name, seed in (("a", 1), ("b", 2)):
        write_video(tmp_path / f"{name}.mp4", 13, seed=seed)
    with open_store(tmp_path / "archive.db") as opened:
        ingest([tmp_path / "a.mp4"], opened, StubEmbedder())
        how = IngestOptions(archive="other")
        ingest([tmp_path / "b.mp4"], opened, StubEmbedder(), options=how)
        yield opened


def serving(store: Store) -> str:
    generation = store.serving()
    assert generation is not None
    return generation.model


def test_every_archive_is_embedded_anew_and_then_serves(store: Store) -> None:
    seen = []
    watcher = Watcher(file=lambda _: seen.append(serving(store)))
    report = reindex(store, NEW, watcher=watcher)
    assert (report.switched, report.missing, report.complete) == (True, (), True)
    assert seen == ["stub@sha256:0"] * 2
    assert serving(store) == "new@sha256:1"
    generation = store.serving()
    assert generation is not None
    assert len(store.clip_ids(Filter(), generation.id)) == 6


def test_doing_it_again_changes_nothing(store: Store) -> None:
    reindex(store, NEW)
    embedder = Recording(name="new@sha256:1")
    assert reindex(store, embedder).complete
    assert embedder.given == []


def test_the_old_vectors_go_on_serving_while_a_video_cannot_be_read(
    store: Store, tmp_path: Path
) -> None:
    (tmp_path / "b.mp4").unlink()
    report = reindex(store, NEW)
    assert (report.switched, len(report.missing)) == (False, 1)
    assert serving(store) == "stub@sha256:0"
    assert reindex(store, NEW, force=True).switched
    assert serving(store) == "new@sha256:1"


def test_cut_short_it_goes_on_where_it_was(store: Store) -> None:
    halt = Halt()

    def stop(_: object) -> None:
        halt.asked = True

    first = reindex(store, NEW, watcher=Watcher(file=stop), halt=halt)
    assert (first.interrupted, first.switched) == (True, False)
    embedder = Recording(name="new@sha256:1")
    assert reindex(store, embedder).switched
    assert embedder.given == [3]


def test_videos_indexed_by_another_model_than_serves_are_said_to_be_unseen(
    store: Store, tmp_path: Path
) -> None:
    report = ingest([tmp_path / "a.mp4"], store, NEW)
    assert (report.counts(), report.serving) == ({"indexed": 1}, False)


@pytest.mark.parametrize("about", [True, False])
def test_what_the_vectors_have_in_common_is_measured(
    store: Store, tmp_path: Path, about: bool
) -> None:
    embedder = StubEmbedder(name="raw@sha256:2", centred=about)
    reindex(store, embedder)
    generation = store.serving()
    assert generation is not None
    mean_D = store.mean(generation.id)
    assert mean_D is not None
    assert np.array_equal(mean_D, store.measure_mean(generation.id))
