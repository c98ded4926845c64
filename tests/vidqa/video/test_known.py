"""A file is measured once for as long as it certainly is the same file."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest

from vidqa.errors import VideoError
from vidqa.video import KnownFiles, file_sha256


def later() -> float:
    """Whatever was written by now has settled by then."""
    return time.time() + 10


@pytest.fixture
def film(clip: Callable[[str], Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(clip("b_frames.mp4"), tmp_path / "film.mp4"))


def test_a_file_asked_about_again_is_not_measured_again(film: Path) -> None:
    known = KnownFiles(clock=later)
    first = known.open(film)
    assert first.sha256 == file_sha256(film)
    with mock.patch("vidqa.video.known.open_reader", side_effect=AssertionError):
        assert known.open(film) is first
    assert first.unchanged()


def test_another_reader_of_the_same_file_is_another_measurement(film: Path) -> None:
    known = KnownFiles(clock=later)
    assert known.open(film, threads=1) is not known.open(film, threads=2)


@pytest.mark.parametrize("change", ["content", "size", "another file", "times"])
def test_a_file_that_changed_is_measured_anew(film: Path, change: str) -> None:
    known = KnownFiles(clock=later)
    first, status = known.open(film), film.stat()
    data = film.read_bytes()
    if change == "another file":
        film.rename(film.with_name("old.mp4"))
    time.sleep(0.02)  # a step of the file system's clock
    film.write_bytes(data + b"more" if change == "size" else data)
    if change != "times":
        os.utime(film, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert not first.unchanged()
    assert known.open(film) is not first


def test_a_file_changed_a_moment_ago_is_measured_every_time_and_never_relied_on(
    film: Path,
) -> None:
    known = KnownFiles(clock=lambda: film.stat().st_ctime + 0.01)
    first = known.open(film)
    assert not first.unchanged()
    assert known.open(film) is not first


def test_only_the_files_measured_last_are_remembered(film: Path, tmp_path: Path) -> None:
    known = KnownFiles(clock=later)
    first = known.open(film)
    for k in range(4):
        known.open(Path(shutil.copy(film, tmp_path / f"{k}.mp4")))
    assert known.open(film) is not first


def test_a_file_that_is_gone_is_a_video_error(film: Path) -> None:
    known = KnownFiles(clock=later)
    known.open(film)
    film.unlink()
    with pytest.raises(VideoError) as caught:
        known.open(film)
    assert caught.value.code == "file_unreadable"


@pytest.mark.parametrize(
    ("name", "reader"),
    [
        ("b_frames.mp4", "pyav"),
        ("b_frames.mp4", "decord"),
        ("vfr.mp4", "pyav"),
        ("ntsc.mp4", "pyav"),
        ("offset.mp4", "pyav"),
        ("open_gop.mp4", "pyav"),
        ("open_gop.mp4", "isolated"),
    ],
)
def test_times_are_told_without_decoding_as_they_are_read(
    clip: Callable[[str], Path], name: str, reader: str
) -> None:
    if reader == "decord":
        pytest.importorskip("decord")
    source = KnownFiles(clock=later).open(clip(name), reader=reader).reader
    asked = [source.info.duration_s * k / 17 for k in (3, 0, 16, 5, 5)]
    assert source.shown_times(asked).tolist() == source.read_frames(asked, (28, 28)).pts_T.tolist()
    assert source.decoder.startswith(reader.replace("isolated", "pyav"))  # the same pixels
