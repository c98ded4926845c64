"""What probe says, against what the clip was made of."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path

import clips
import numpy as np
import pytest

from vidqa.video import frame_times, probe

Clip = Callable[[str], Path]


def test_a_plain_film_is_described_in_full(clip: Clip) -> None:
    info = probe(clip("b_frames.mp4"))
    assert (info.container, info.video_codec, info.pixel_format) == ("mp4", "h264", "yuv420p")
    assert info.audio_codecs == ()
    assert (info.width, info.height, info.rotation_deg) == (96, 64, 0)
    assert (info.frame_count, info.keyframe_count, info.vfr) == (40, 4, False)
    assert info.fps == pytest.approx(25)
    assert info.duration_s == pytest.approx(1.6)
    assert info.unreadable_from_s is None
    assert (info.span.start_s, info.span.end_s) == (0.0, info.duration_s)


@pytest.mark.parametrize("recipe", clips.RECIPES, ids=lambda recipe: recipe.name)
def test_every_displayed_frame_is_counted_at_its_time(clip: Clip, recipe: clips.Recipe) -> None:
    times = frame_times(clip(recipe.name))
    written = np.array(recipe.seconds)
    np.testing.assert_allclose(times, written - written[0], atol=1.1e-3)
    assert probe(clip(recipe.name)).frame_count == len(written)


@pytest.mark.parametrize(
    ("name", "varies"),
    [
        ("vfr.mp4", True),
        ("vfr.mkv", True),
        ("vfr.ts", True),
        ("ntsc.mp4", False),
        ("b_frames.mp4", False),
        ("offset.mkv", False),
        ("b_frames.ts", False),
    ],
)
def test_a_varying_frame_rate_is_seen_through_rounded_times(
    clip: Clip, name: str, varies: bool
) -> None:
    assert probe(clip(name)).vfr is varies


def test_the_container_clock_is_reported_and_never_added(clip: Clip) -> None:
    info = probe(clip("offset.mkv"))
    assert info.start_time_s == pytest.approx(10.0)
    assert info.duration_s == pytest.approx(1.6)


def test_one_frame_has_a_duration(clip: Clip) -> None:
    info = probe(clip("one_frame.mp4"))
    assert info.frame_count == 1
    assert info.duration_s > 0
    assert info.fps > 0


def test_facts_go_to_json_and_to_other_processes(clip: Clip) -> None:
    info = probe(clip("b_frames.mp4"))
    facts = json.loads(json.dumps(info.to_dict()))
    assert facts["path"] == str(info.path)
    assert facts["audio_codecs"] == []
    assert pickle.loads(pickle.dumps(info)) == info  # noqa: S301
