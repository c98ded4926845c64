"""Clips are drawn once, in pieces, some through a codec, and come back the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vidqa_nano import clips as module
from vidqa_nano.clips import Clips, draw_clip, frame_times, load_clips, story_of
from vidqa_nano.codec import through_codec
from vidqa_nano.render import draw_frames
from vidqa_nano.world import Story

CLEAN = Story(story_of("train", 0).shots, 120.0)


def test_a_clip_has_the_frames_of_its_number(clips: Clips) -> None:
    assert clips.stories[3] == story_of("train", 3)
    assert clips.frames(3).shape == (len(frame_times(clips.stories[3].duration_s)), 56, 56, 3)
    assert np.array_equal(clips.frames(3), draw_clip("train", 3))


def test_pieces_drawn_in_processes_are_what_one_process_draws(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CHUNK", 2)
    drawn = load_clips(tmp_path, "tuning", 3, "short")
    assert [story.duration_s <= 32 for story in drawn.stories] == [True] * 3
    assert np.array_equal(drawn.frames(2), draw_clip("tuning", 2, "short"))


def test_a_drawn_file_is_used_again_until_the_world_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_clips(tmp_path, "train", 1, "short")
    (file,) = tmp_path.iterdir()
    before = file.stat().st_mtime_ns
    load_clips(tmp_path, "train", 1, "short")
    assert file.stat().st_mtime_ns == before
    monkeypatch.setattr(module, "drawing_digest", lambda: "changed")
    load_clips(tmp_path, "train", 1, "short")
    assert len(list(tmp_path.iterdir())) == 2


def test_the_digest_covers_every_module_that_drawing_imports() -> None:
    ask = "import sys, vidqa_nano.clips; print(*(m for m in sys.modules if 'vidqa_nano.' in m))"
    told = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True)
    assert {name.split(".")[1] for name in told.stdout.split()} == set(module.DRAWING)


def test_the_codec_keeps_count_and_order_and_loses_detail() -> None:
    times = [1.0, 2.0, 3.0, 4.0, 5.0]
    large = draw_frames(CLEAN, times, 224, oversample=1)
    small = draw_frames(CLEAN, times, 56, oversample=4).astype(int)
    fine, coarse = (through_codec(large, crf, 56).astype(int) for crf in (12, 40))
    assert fine.shape == small.shape
    errors = [np.abs(small - after).mean() for after in (fine, coarse)]
    assert errors[0] < 2
    assert errors[0] < errors[1] < 12


def test_frames_lie_on_half_seconds_inside_the_video() -> None:
    assert frame_times(1.6) == [0.0, 0.5, 1.0, 1.5]
    assert frame_times(2.0) == [0.0, 0.5, 1.0, 1.5]
