"""Rotation, edit lists, recordings cut in mid-stream: films that show other than they hold."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import clips
import numpy as np
import pytest

from vidqa.video import frame_times, probe, read_frames
from vidqa.video.orient import Orientation

Clip = Callable[[str], Path]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_pictures_are_turned_as_ffmpeg_turns_them(
    clip: Clip, ffmpeg: str, tmp_path: Path, degrees: int
) -> None:
    turned = tmp_path / "turned.mp4"
    tag = ["-metadata:s:v:0", f"rotate={degrees}"]
    _run(ffmpeg, "-i", str(clip("b_frames.mp4")), "-c", "copy", *tag, str(turned))
    info = probe(turned)
    if not info.rotation_deg:
        pytest.skip("this ffmpeg does not write the tag")
    size = (96, 64) if degrees % 180 else (64, 96)
    assert (info.height, info.width) == size

    rgb_HWC = read_frames(turned, [0.4], size).rgb_THWC[0]

    raw = subprocess.run(
        f"{ffmpeg} -v error -i {turned} -vf select=eq(n\\,10) -frames:v 1 -f rawvideo"
        " -pix_fmt rgb24 -".split(),
        check=True,
        capture_output=True,
    ).stdout
    theirs_HWC = np.frombuffer(raw, np.uint8).reshape(*size, 3)
    assert np.abs(rgb_HWC.astype(int) - theirs_HWC).mean() < 4


@pytest.mark.parametrize(
    ("matrix", "quarter_turns", "mirrored"),
    [
        ((1, 0, 0, 1), 0, False),
        ((0, 1, -1, 0), 1, False),
        ((-1, 0, 0, -1), 2, False),
        ((0, -1, 1, 0), 3, False),
        ((-1, 0, 0, 1), 0, True),
        ((1, 0, 0, -1), 2, True),
    ],
)
def test_a_corner_goes_where_the_matrix_sends_it(
    matrix: tuple[int, int, int, int], quarter_turns: int, mirrored: bool
) -> None:
    """(x, y) from the centre, y downwards, goes to (a x + c y, b x + d y)."""
    a, b, c, d = matrix
    picture = np.zeros((5, 5, 3), dtype=np.uint8)
    x, y = 2, -1
    picture[2 + y, 2 + x] = 255
    shown = Orientation(quarter_turns, mirrored).apply(picture)
    assert shown[2 + b * x + d * y, 2 + a * x + c * y, 0] == 255


def test_frames_that_an_edit_list_cuts_away_are_not_shown(
    clip: Clip, ffmpeg: str, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.mp4"
    _run(ffmpeg, "-ss", "0.7", "-i", str(clip("b_frames.mp4")), "-c", "copy", str(cut))
    shown = _sequential(cut)
    times = frame_times(cut)
    np.testing.assert_allclose(times, shown - shown[0], atol=1e-6)
    frames = read_frames(cut, times, (64, 96))
    numbers = [clips.number_on(rgb) for rgb in frames.rgb_THWC]
    assert numbers == list(range(numbers[0], 40))
    assert numbers[0] >= 17


def test_what_an_edit_list_cuts_away_is_no_missing_tail(
    clip: Clip, ffmpeg: str, tmp_path: Path
) -> None:
    cut = tmp_path / "cut.mp4"
    _run(ffmpeg, "-ss", "1.6", "-i", str(clip("one_key.mp4")), "-c", "copy", str(cut))
    info = probe(cut)
    assert info.duration_s < 1.0
    assert info.unreadable_from_s is None


@pytest.mark.parametrize("name", ["open_gop.ts", "hevc.ts", "mpeg2.ts", "open_gop.mkv"])
def test_a_recording_that_starts_in_mid_stream_starts_with_what_decodes(
    clip: Clip, tmp_path: Path, name: str
) -> None:
    late = clips.copy_packets(clip(name), tmp_path / name, skip=12)
    shown = _sequential(late)
    times = frame_times(late)
    np.testing.assert_allclose(times, shown - shown[0], atol=1e-6)
    frames = read_frames(late, times, (64, 96))
    numbers = [clips.number_on(rgb) for rgb in frames.rgb_THWC]
    assert numbers == list(range(numbers[0], len(clips.BY_NAME[name].seconds)))


def _sequential(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.array([frame.time for frame in container.decode(video=0)])


def _run(ffmpeg: str, *args: str) -> None:
    subprocess.run([ffmpeg, "-v", "error", "-y", *args], check=True)


def test_small_pictures_that_share_a_time_in_a_program_stream_are_told_apart(
    tmp_path: Path,
) -> None:
    """MPEG-PS gives several small pictures one time; FFmpeg's guesses for the others repeat."""
    recipe = clips.Recipe(
        "small.mpg", "mpeg2video", clips.steady(60), {"g": "6", "bf": "3"}, tick=Fraction(1, 25)
    )
    path = clips.write_clip(tmp_path, recipe)
    times = frame_times(path)
    np.testing.assert_allclose(times, recipe.seconds, atol=1e-3)
    frames = read_frames(path, times[::7], (64, 96))
    assert [clips.number_on(rgb) for rgb in frames.rgb_THWC] == list(range(0, 60, 7))
