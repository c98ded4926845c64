"""Ingests that are killed, and several at once: the archive is what one undisturbed run makes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.ingest_kills import killed, make_videos
from tests.vidqa.pipeline.some_videos import Recording, StubEmbedder, contents, write_video
from vidqa.archive.records import Claim
from vidqa.archive.store import open_store
from vidqa.pipeline.ingest import generation_of, ingest
from vidqa.pipeline.ingest_options import IngestOptions

ROOT = Path(__file__).resolve().parents[3]


def test_an_ingest_that_is_killed_and_begun_anew_makes_the_same_archive() -> None:
    found = killed(3, seed=1, slow_s=0.1)
    assert (found["kills"], found["different"]) == (3, 0)


def test_two_processes_at_once_make_the_same_archive(tmp_path: Path) -> None:
    videos, place = tmp_path / "videos", tmp_path / "both.db"
    make_videos(videos)
    command = [sys.executable, "-m", "benchmarks.ingest_kills", str(videos), str(place)]
    both = [subprocess.Popen([*command, "--slow", "0.1"], cwd=ROOT) for _ in range(2)]
    codes = [process.wait(120) for process in both]
    with open_store(tmp_path / "alone.db") as alone:
        ingest([videos], alone, StubEmbedder())
        wanted = contents(alone)
    with open_store(place) as store:
        ingest([videos], store, StubEmbedder())  # where one left a video to the other and ended
        assert contents(store) == wanted
    assert set(codes) <= {0, 1}


def test_a_video_that_somebody_holds_is_left_to_them_while_they_renew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_video(tmp_path / "a.mp4", 3)
    with open_store(tmp_path / "archive.db") as store:
        other = _claimed(store, path, lease_s=2.0)
        real, asked = type(store).claim, []

        def claim(self, video_id, holder, lease_s):  # type: ignore[no-untyped-def]
            if len(asked) == 2:
                store.renew(other, 60)
            asked.append(holder)
            return real(self, video_id, holder, lease_s)

        monkeypatch.setattr(type(store), "claim", claim)
        embedder = Recording()
        report = ingest([path], store, embedder)
    assert (report.counts(), report.complete, embedder.given) == ({"held": 1}, False, [])


def test_a_video_whose_holder_died_is_taken_over(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 3)
    with open_store(tmp_path / "archive.db") as store:
        _claimed(store, path, lease_s=0.5)
        report = ingest([path], store, StubEmbedder())
    assert report.counts() == {"indexed": 1}


def test_a_slow_embedder_keeps_its_claim(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", 3)
    with open_store(tmp_path / "archive.db") as store:
        taken = []

        class Slow(StubEmbedder):
            def embed_clips(self, rgb_THWC, clips):  # type: ignore[no-untyped-def]
                vectors_ND = super().embed_clips(rgb_THWC, clips)
                taken.append(store.claim(1, "somebody else", 1))
                return vectors_ND

        how = IngestOptions(lease_s=0.3)
        report = ingest([path], store, Slow(slow_s=1.0), options=how)
    assert report.counts() == {"indexed": 1}
    assert not isinstance(taken[0], Claim)


def _claimed(store, path: Path, lease_s: float) -> Claim:  # type: ignore[no-untyped-def]
    """A claim of a video that somebody else began to index and did not finish."""
    generation_of(store, StubEmbedder())
    with pytest.raises(KeyboardInterrupt):
        ingest([path], store, _Interrupted())
    claim = store.claim(1, "somebody else", lease_s)
    assert isinstance(claim, Claim)
    return claim


class _Interrupted(StubEmbedder):
    def embed_clips(self, rgb_THWC, clips):  # type: ignore[no-untyped-def]
        raise KeyboardInterrupt
