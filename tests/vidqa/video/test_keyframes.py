"""The key frame mode: nearest key frames, their own times, and next to no decoding."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import clips
import numpy as np
import pytest

from vidqa.video import open_reader, probe, read_keyframes
from vidqa.video.film import study_film

Clip = Callable[[str], Path]
NAMES = ("b_frames.mp4", "vfr.mkv", "hevc.mp4", "av1.mp4", "vp9.webm", "open_gop.ts", "mpeg2.mpg")


@pytest.mark.parametrize("name", NAMES)
def test_each_time_gets_the_nearest_key_frame(clip: Clip, name: str) -> None:
    path = clip(name)
    film = study_film(path)
    keys_s = film.clock.seconds_each[film.index.key_P[film.clock.source_F]]
    asked = np.linspace(0, probe(path).duration_s * 0.99, 9)

    frames = read_keyframes(path, asked, (clips.HEIGHT, clips.WIDTH))

    nearest = np.abs(asked[:, None] - keys_s).min(axis=1)
    np.testing.assert_allclose(np.abs(frames.pts_T - asked), nearest)
    assert set(frames.pts_T) <= set(keys_s)
    shown = [clips.number_on(rgb) for rgb in frames.rgb_THWC]
    starts = np.array(clips.BY_NAME[name].seconds)
    assert shown == [int(np.abs(starts - starts[0] - s).argmin()) for s in frames.pts_T]


@pytest.mark.parametrize("name", NAMES)
def test_a_reader_tells_its_key_frames_and_reads_exactly_those(clip: Clip, name: str) -> None:
    reader = open_reader(clip(name))
    keys_s = reader.key_times_T
    assert keys_s.size == reader.info.keyframe_count
    frames = reader.read_frames(keys_s.tolist(), (28, 28))
    np.testing.assert_allclose(frames.pts_T, keys_s)


def test_a_film_with_one_key_frame_gives_it_for_every_time(clip: Clip) -> None:
    frames = read_keyframes(clip("one_key.mp4"), [0.0, 1.0, 2.0], (28, 28))
    assert frames.pts_T.tolist() == [0.0, 0.0, 0.0]
