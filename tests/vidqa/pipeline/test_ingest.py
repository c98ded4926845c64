"""Ingest: what becomes of each kind of file, the first time and the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path

import fsspec
import numpy as np
import pytest
from PIL import Image

from tests.vidqa.pipeline.some_videos import Recording, StubEmbedder, contents, write_video
from vidqa.archive.records import Filter, Video
from vidqa.archive.remote import Remote
from vidqa.archive.store import Store, open_store
from vidqa.effort import Halt
from vidqa.errors import ArchiveError, ModelError
from vidqa.pipeline.ingest import ingest
from vidqa.pipeline.ingest_options import IngestOptions
from vidqa.pipeline.ingest_report import FileReport, IngestProgress, IngestReport, Watcher
from vidqa.video import read_frames


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "archive.db") as opened:
        yield opened


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    folder = tmp_path / "videos"
    folder.mkdir()
    return folder


def outcomes(report: IngestReport) -> dict[str, str]:
    return {os.path.basename(each.url): each.outcome for each in report.files}  # noqa: PTH119


def all_videos(store: Store) -> list[Video]:
    return store.videos(limit=1000)


def test_a_folder_becomes_videos_with_clips_facts_and_pictures(store: Store, videos: Path) -> None:
    write_video(videos / "20261125_142233 東京.mp4", 13)
    (videos / "notes.txt").write_text("hello")
    (videos / ".hidden.mp4").write_text("hello")

    report = ingest([videos], store, StubEmbedder(), options=IngestOptions(tags=("cam", "a")))

    assert (report.counts(), report.not_videos, report.hidden) == ({"indexed": 1}, 1, 1)
    assert (report.complete, report.serving) == (True, True)
    (video,) = all_videos(store)
    assert (video.state, set(video.tags)) == ("ready", {"cam", "a"})
    assert video.facts is not None
    assert (video.facts.width, video.facts.height, video.facts.codec) == (64, 48, "h264")
    assert video.facts.duration_s == pytest.approx(13.0)
    assert video.facts.recorded_at == datetime(2026, 11, 25, 14, 22, 33)  # noqa: DTZ001
    assert video.facts.recorded_from == "name"
    generation = store.serving()
    assert generation is not None
    clips = store.clips_of(video.id, generation.id)
    assert [(c.span.start_s, c.span.end_s, c.key_s) for c in clips] == [
        (0.0, 8.0, 4.0),
        (4.0, 12.0, 8.0),
        (8.0, pytest.approx(13.0), 10.4),  # the frame on screen at 10.5 s
    ]
    picture = np.asarray(Image.open(BytesIO(store.thumbnail(clips[0].id))))
    frame = read_frames(videos / "20261125_142233 東京.mp4", [4.0], (48, 64)).rgb_THWC[0]
    assert picture.shape == (48, 64, 3)
    assert np.abs(picture.astype(int) - frame).mean() < 5


def test_what_is_decoded_in_confined_processes_is_the_same_archive(
    tmp_path: Path, videos: Path
) -> None:
    write_video(videos / "a.mp4", 21)
    (videos / "bad.mp4").write_bytes((videos / "a.mp4").read_bytes()[:500])
    told = []
    for reader in ("pyav", "isolated"):
        with open_store(tmp_path / f"{reader}.db") as store:
            report = ingest([videos], store, StubEmbedder(), options=IngestOptions(reader=reader))
            (video,) = (each for each in all_videos(store) if each.state == "ready")
            generation = store.serving()
            assert generation is not None
            clips = store.clips_of(video.id, generation.id)
            pictures = [store.thumbnail(clip.id) for clip in clips]
            spans = [(clip.span, clip.key_s) for clip in clips]
            told.append((report.counts(), video.facts, spans, pictures))
    assert told[0] == told[1]


def test_metadata_says_when_it_was_recorded(store: Store, videos: Path) -> None:
    write_video(videos / "a.mp4", 1, creation_time="2026-11-24T09:00:00Z")
    ingest([videos], store, StubEmbedder())
    facts = all_videos(store)[0].facts
    assert facts is not None
    assert facts.recorded_from == "metadata"
    assert facts.recorded_at == datetime(2026, 11, 24, 9, tzinfo=timezone.utc)


def test_a_second_run_reads_nothing(
    store: Store, videos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_video(videos / "a.mp4", 3)
    ingest([videos], store, StubEmbedder())
    before = contents(store)
    for name in ("sniff", "file_sha256", "media"):
        monkeypatch.setattr(f"vidqa.pipeline.opening.{name}", None)
    embedder = Recording()

    report = ingest([videos], store, embedder, options=IngestOptions(tags=("new",)))

    assert (report.counts(), embedder.given) == ({"unchanged": 1}, [])
    assert all_videos(store)[0].tags == ("new",)
    assert [{**each, "tags": ()} for each in contents(store)] == before


def test_a_file_with_new_times_and_old_bytes_is_unchanged(store: Store, videos: Path) -> None:
    path = write_video(videos / "a.mp4", 3)
    ingest([videos], store, StubEmbedder())
    os.utime(path, (1, 1))
    embedder = Recording()
    assert outcomes(ingest([videos], store, embedder)) == {"a.mp4": "unchanged"}
    assert embedder.given == []
    assert outcomes(ingest([videos], store, embedder)) == {"a.mp4": "unchanged"}


def test_a_moved_file_keeps_its_index_and_a_copy_shares_it(store: Store, videos: Path) -> None:
    path = write_video(videos / "a.mp4", 3)
    ingest([videos], store, StubEmbedder())
    path.rename(videos / "b.mp4")
    shutil.copy(videos / "b.mp4", videos / "c.mp4")
    embedder = Recording()

    report = ingest([videos], store, embedder)

    assert outcomes(report) == {"b.mp4": "moved", "c.mp4": "copied"}
    assert embedder.given == []
    (video,) = all_videos(store)
    assert sorted(Path(place.url).name for place in video.locations) == ["b.mp4", "c.mp4"]


def test_of_two_files_with_the_same_bytes_one_is_indexed(store: Store, videos: Path) -> None:
    shutil.copy(write_video(videos / "a.mp4", 3), videos / "b.mp4")
    report = ingest([videos], store, StubEmbedder())
    assert outcomes(report) == {"a.mp4": "indexed", "b.mp4": "copied"}
    assert len(all_videos(store)[0].locations) == 2


def test_two_files_that_swap_names_keep_their_indexes(store: Store, videos: Path) -> None:
    a, b = write_video(videos / "a.mp4", 3, seed=1), write_video(videos / "b.mp4", 5, seed=2)
    ingest([videos], store, StubEmbedder())
    a.rename(videos / "x")
    b.rename(a)
    (videos / "x").rename(b)
    report = ingest([videos], store, Recording())
    assert report.removed == []
    lengths = {
        Path(place.url).name: video.facts.duration_s
        for video in all_videos(store)
        if video.facts is not None
        for place in video.locations
    }
    assert lengths == {"a.mp4": pytest.approx(5), "b.mp4": pytest.approx(3)}


def test_a_file_with_new_bytes_replaces_what_it_was(store: Store, videos: Path) -> None:
    write_video(videos / "a.mp4", 3, seed=1)
    ingest([videos], store, StubEmbedder())
    old = all_videos(store)[0].digest
    write_video(videos / "a.mp4", 5, seed=2)

    report = ingest([videos], store, StubEmbedder())

    assert (outcomes(report), report.removed) == ({"a.mp4": "indexed"}, [old])
    assert (store.copies(old), store.check()) == (0, [])
    assert len(all_videos(store)) == 1


def test_a_deleted_file_is_told_and_goes_only_when_that_is_asked_for(
    store: Store, videos: Path
) -> None:
    path = write_video(videos / "a.mp4", 3)
    write_video(videos / "b.mp4", 3, seed=1)
    ingest([videos], store, StubEmbedder())
    path.unlink()

    report = ingest([videos], store, StubEmbedder())
    assert (report.gone, report.removed, len(all_videos(store))) == ([str(path)], [], 2)
    report = ingest([videos], store, StubEmbedder(), options=IngestOptions(prune=True))
    assert (report.gone, len(report.removed), len(all_videos(store))) == ([], 1, 1)
    assert (store.copies(report.removed[0]), store.check()) == (0, [])


def test_broken_and_empty_files_are_told_with_reasons_and_end_nothing(
    store: Store, videos: Path
) -> None:
    whole = write_video(videos / "b_good.mp4", 20).read_bytes()
    (videos / "a_cut.mp4").write_bytes(whole[: len(whole) // 2])
    (videos / "c_empty.mp4").touch()
    (videos / "d_text.mkv").write_text("#EXTM3U\nhttp://10.0.0.1/secret")
    (videos / "e_text.bin").write_text("nothing")

    report = ingest([videos], store, StubEmbedder())

    assert outcomes(report) == {
        "a_cut.mp4": "failed",
        "b_good.mp4": "indexed",
        "c_empty.mp4": "failed",
        "d_text.mkv": "failed",
    }
    assert [each.code for each in report.failed] == [
        "container_damaged",
        "file_empty",
        "playlist_refused",
    ]
    assert all(str(videos) in (each.reason or "") for each in report.failed)
    assert (report.not_videos, report.complete) == (1, False)


def test_a_tail_that_does_not_decode_has_no_clips_and_is_told(store: Store, videos: Path) -> None:
    path = write_video(videos / "a.mp4", 60)
    data = bytearray(path.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    cut = start + (end - start) * 6 // 10
    data[cut:end] = bytes(end - cut)
    path.write_bytes(data)

    report = ingest([videos], store, StubEmbedder())

    assert report.counts() == {"indexed": 1}
    (note,) = report.files[0].notes
    tail_s = float(note.removeprefix("does not decode from ").removesuffix(" s on"))
    generation = store.serving()
    assert generation is not None
    clips = store.clips_of(1, generation.id)
    assert 20 < tail_s < 50
    assert clips[-1].span.end_s == pytest.approx(tail_s, abs=1e-3)
    assert [clip.number for clip in clips] == list(range(len(clips)))
    embedder = Recording()
    assert ingest([videos], store, embedder).counts() == {"unchanged": 1}
    assert embedder.given == []


def test_what_failed_is_known_and_tried_again_only_when_asked(store: Store, videos: Path) -> None:
    path = write_video(videos / "a.mp4", 20)
    sound = path.read_bytes()
    path.write_bytes(sound[: len(sound) // 2])
    ingest([videos], store, StubEmbedder())
    known = ingest([videos], store, StubEmbedder()).failed[0]
    tried = ingest([videos], store, StubEmbedder(), options=IngestOptions(retry=True)).failed[0]
    if known.code is None and not known.known:
        pytest.fail("it was read again")
    assert known.reason == tried.reason
    path.write_bytes(sound)
    assert outcomes(ingest([videos], store, StubEmbedder())) == {"a.mp4": "indexed"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_and_forgotten(store: Store, videos: Path) -> None:
    path = write_video(videos / "a.mp4", 3)
    path.chmod(0)
    report = ingest([videos], store, StubEmbedder())
    assert report.failed[0].code == "file_unreadable"
    path.chmod(0o600)
    assert outcomes(ingest([videos], store, StubEmbedder())) == {"a.mp4": "indexed"}


def test_a_video_of_one_frame_and_one_longer_than_a_group_are_whole(
    store: Store, videos: Path
) -> None:
    write_video(videos / "one.mp4", 0.2)
    write_video(videos / "long.mp4", 150, seed=1)
    embedder = Recording()
    ingest([videos], store, embedder)
    assert embedder.given == [16, 16, 5, 1]
    generation = store.serving()
    assert generation is not None
    assert len(store.clip_ids(Filter(), generation.id)) == 38


def test_what_is_named_and_is_no_video_is_told(store: Store, videos: Path) -> None:
    (videos / "notes.txt").write_text("hello")
    report = ingest([videos / "notes.txt"], store, StubEmbedder())
    assert (report.failed[0].code, report.not_videos) == ("not_a_video", 0)


def test_subtitles_beside_a_video_are_kept_and_follow_their_file(
    store: Store, videos: Path
) -> None:
    write_video(videos / "a.mp4", 10)
    sidecar = videos / "a.en.srt"
    sidecar.write_text("1\n00:00:01,000 --> 00:00:02,000\nhello there\n")
    (videos / "a.vtt").write_bytes(b"\0\1\2")

    report = ingest([videos], store, StubEmbedder())
    assert [line.text for line in store.lines_of(1)] == ["hello there"]
    assert "a.vtt" in report.files[0].notes[0]
    (videos / "a.vtt").unlink()
    sidecar.write_text("1\n00:00:01,000 --> 00:00:02,000\ngood bye\n")
    assert ingest([videos], store, StubEmbedder()).counts() == {"unchanged": 1}
    assert [line.text for line in store.lines_of(1)] == ["good bye"]
    sidecar.unlink()
    ingest([videos], store, StubEmbedder())
    assert store.lines_of(1) == []


def test_a_remote_video_is_fetched_indexed_and_known_again(store: Store, videos: Path) -> None:
    system = fsspec.filesystem("memory")
    system.pipe("/cams/20261125_142233.mp4", write_video(videos / "a.mp4", 5).read_bytes())
    how = IngestOptions(remote=Remote(allowed=("memory://cams",)))
    try:
        with pytest.raises(ArchiveError, match="nothing is fetched"):
            ingest(["memory://cams"], store, StubEmbedder())
        report = ingest(["memory://cams"], store, StubEmbedder(), options=how)
        assert report.counts() == {"indexed": 1}
        (video,) = all_videos(store)
        assert video.locations[0].url == "memory://cams/20261125_142233.mp4"
        assert video.facts is not None
        assert video.facts.recorded_from == "name"
        again = ingest(["memory://cams"], store, Recording(), options=how)
        assert again.counts() == {"unchanged": 1}
    finally:
        system.rm("/cams", recursive=True)


def test_progress_rises_to_the_end_and_every_file_is_told_once(store: Store, videos: Path) -> None:
    for seed in range(3):
        write_video(videos / f"{seed}.mp4", 70, seed=seed)
    steps: list[IngestProgress] = []
    files: list[FileReport] = []
    watcher = Watcher(progress=lambda p: steps.append(replace(p)), file=files.append)
    report = ingest([videos], store, StubEmbedder(), watcher=watcher)
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert steps[-1].files_done == 3
    assert steps[-1].video_s == pytest.approx(210)
    assert steps[1].eta_s is not None
    assert files == list(report.files)


def test_a_halt_ends_after_the_group_in_hand_and_the_next_run_goes_on(
    store: Store, videos: Path
) -> None:
    write_video(videos / "a.mp4", 150)
    halt = Halt()

    def stop(progress: IngestProgress) -> None:
        halt.asked = True

    first = Recording()
    report = ingest([videos], store, first, watcher=Watcher(progress=stop), halt=halt)
    assert (report.interrupted, report.complete, first.given) == (True, False, [16])
    second = Recording()
    assert ingest([videos], store, second).counts() == {"indexed": 1}
    assert second.given == [16, 5]


def test_an_embedder_that_fails_ends_the_run_and_leaves_the_video_free(
    store: Store, videos: Path
) -> None:
    write_video(videos / "a.mp4", 3)

    class Wrong(StubEmbedder):
        def embed_clips(self, rgb_THWC: object, clips: object) -> np.ndarray:  # type: ignore[override]
            return np.zeros((1, 3), dtype=np.float32)

    with pytest.raises(ModelError, match=r"shape \(1, 3\)"):
        ingest([videos], store, Wrong())
    assert ingest([videos], store, StubEmbedder()).counts() == {"indexed": 1}


def test_a_file_that_changes_while_it_is_read_is_read_again_from_the_start(
    store: Store, videos: Path
) -> None:
    path = write_video(videos / "a.mp4", 150, seed=1)
    other = write_video(videos.parent / "other.mp4", 80, seed=2).read_bytes()

    class Meddling(Recording):
        def embed_clips(self, rgb_THWC, clips):  # type: ignore[no-untyped-def]
            if len(self.given) == 1:
                path.write_bytes(other)
            return super().embed_clips(rgb_THWC, clips)

    report = ingest([videos], store, Meddling())

    assert outcomes(report) == {"a.mp4": "indexed"}
    (video,) = all_videos(store)
    assert video.facts is not None
    assert video.facts.duration_s == pytest.approx(80)
    assert len(report.removed) == 1


def test_a_file_that_goes_on_changing_is_left_for_later(store: Store, videos: Path) -> None:
    path = write_video(videos / "a.mp4", 3)

    class Recorder(StubEmbedder):
        def embed_clips(self, rgb_THWC, clips):  # type: ignore[no-untyped-def]
            os.utime(path)
            return super().embed_clips(rgb_THWC, clips)

    report = ingest([videos], store, Recorder())
    assert report.failed[0].code == "file_changing"
    assert all_videos(store) == []
    assert outcomes(ingest([videos], store, StubEmbedder())) == {"a.mp4": "indexed"}
