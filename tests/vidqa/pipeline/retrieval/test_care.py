"""An archive checked, written out, and searched while it is written."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.vidqa.pipeline.retrieval.shelf import Sought, shelve
from vidqa.archive.store import open_store
from vidqa.pipeline.retrieval.archive import Archive
from vidqa.pipeline.retrieval.care import check, export, export_vectors
from vidqa.pipeline.retrieval.queries import Words


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    path = tmp_path / "archive.db"
    with open_store(path) as store:
        shelve(store, "a", [0.9, 0.3])
        shelve(store, "b", [0.5], lines={3.0: "door"})
    with Archive(path) as opened:
        yield opened


def test_a_sound_archive_has_only_files_that_are_gone(archive: Archive) -> None:
    told = check(archive)
    assert told.sound
    assert (told.videos, told.clips) == (2, 3)
    assert told.gone == ["/films/a.mp4", "/films/b.mp4"]


def test_an_index_that_lacks_a_clip_is_told(archive: Archive) -> None:
    with archive.serving.use() as served:
        served.index._body.remove(np.array([1]))  # type: ignore[attr-defined]
    told = check(archive)
    assert not told.sound
    assert "does not find 1 clips" in told.index[-1]


def test_an_export_has_a_line_for_every_video_and_clip(archive: Archive, tmp_path: Path) -> None:
    out = io.StringIO()
    assert export(archive, archive.videos(), out) == (2, 3)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [line["type"] for line in lines] == ["video", "clip", "clip", "video", "clip"]
    assert export_vectors(archive, archive.videos(), tmp_path / "v.npy") == 3
    vectors_ND = np.load(tmp_path / "v.npy")
    assert vectors_ND[:, 0].tolist() == pytest.approx([0.9, 0.3, 0.5], abs=1e-3)


_WRITER = """
import sys
from tests.vidqa.pipeline.retrieval.shelf import shelve
from vidqa.archive.store import open_store
with open_store(sys.argv[1]) as store:
    for k in range(20):
        shelve(store, f"new{k}", [0.1, 0.2], other=k)
        print(k, flush=True)
"""


def test_searches_go_on_while_another_process_writes(archive: Archive) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER, archive.place], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    failed: list[BaseException] = []
    over = threading.Event()

    def read() -> None:
        try:
            while not over.is_set():
                assert archive.search(Words("window"), Sought()).hits[0].video.name == "a.mp4"
        except BaseException as err:  # noqa: BLE001  (told by the test)
            failed.append(err)

    threads = [threading.Thread(target=read) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        with writer:
            for _ in writer.stdout:
                pass
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert writer.returncode == 0
    assert failed == []
    assert archive.search(Words("window"), Sought()).scope.clips == 43
