"""Where readers differ: what decord gets wrong is refused by name, and shown to be wrong."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import clips
import pytest

from vidqa.errors import VideoError
from vidqa.video import open_reader, read_frames
from vidqa.video.film import study_film
from vidqa.video.pyav_reader import PyavReader

Clip = Callable[[str], Path]

REFUSED = {
    "b_frames.ts": "MP4 and MOV files only",
    "mpeg4.avi": "MP4 and MOV files only",
    "vfr.mkv": "MP4 and MOV files only",
    "vfr.mp4": "where the frame rate varies",
    "open_gop.mp4": "around open GOPs",
    "av1.mp4": "with this codec",
}
_COUNT_WRONG = """
import sys, decord
sys.path.insert(0, sys.argv[1])
import clips
film = decord.VideoReader(sys.argv[2], num_threads=1)
pictures = film.get_batch(range(len(film))).asnumpy()
print(sum(clips.number_on(rgb) != number for number, rgb in enumerate(pictures)))
"""


@pytest.mark.parametrize(("name", "why"), REFUSED.items())
def test_decord_is_refused_where_it_is_wrong(clip: Clip, name: str, why: str) -> None:
    with pytest.raises(VideoError, match=why) as caught:
        open_reader(clip(name), reader="decord")
    assert caught.value.code == "reader_unsupported"
    assert "pyav" in caught.value.next_step


def test_decord_itself_shows_wrong_pictures_or_hangs_on_a_transport_stream(clip: Clip) -> None:
    """The reason for the refusal; in a process of its own, because decord also hangs and aborts."""
    pytest.importorskip("decord", reason="decord exists for Linux on x86-64 only")
    command = [sys.executable, "-c", _COUNT_WRONG, str(Path(clips.__file__).parent)]
    try:
        done = subprocess.run(
            [*command, str(clip("b_frames.ts"))], capture_output=True, timeout=20, check=False
        )
    except subprocess.TimeoutExpired:
        return
    assert done.returncode != 0 or int(done.stdout) > 0


def test_decord_has_no_keyframe_mode(clip: Clip) -> None:
    with pytest.raises(VideoError, match="key frames alone") as caught:
        open_reader(clip("b_frames.mp4"), reader="decord").read_keyframes([0.0], (28, 28))
    assert caught.value.code == "reader_unsupported"


def test_an_unknown_reader_is_named_with_the_known_ones(clip: Clip) -> None:
    with pytest.raises(VideoError, match="'opencv'") as caught:
        read_frames(clip("b_frames.mp4"), [0.0], (28, 28), reader="opencv")
    assert "pyav, decord" in caught.value.next_step


def test_no_thread_cannot_read(clip: Clip) -> None:
    with pytest.raises(VideoError, match="0 threads") as caught:
        read_frames(clip("b_frames.mp4"), [0.0], (28, 28), threads=0)
    assert caught.value.code == "threads_impossible"


def test_a_measured_film_travels_to_another_process(clip: Clip) -> None:
    film = pickle.loads(pickle.dumps(study_film(clip("open_gop.ts"))))  # noqa: S301
    frames = PyavReader(film).read_frames([0.4], (64, 96))
    assert clips.number_on(frames.rgb_THWC[0]) == 10
