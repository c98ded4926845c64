"""Damaged and hostile films: what can be read is read, the rest is told, nothing hangs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import clips
import numpy as np
import pytest

from vidqa.errors import VideoError
from vidqa.video import Limits, frame_times, probe, read_frames

Clip = Callable[[str], Path]


def spoil(path: Path, target: Path, packets: range) -> Path:
    """A copy in which the bytes of these packets of the film are noise."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        found = [p for p in container.demux(video=0) if p.size]
    noise = np.random.default_rng(0)
    for number in packets:
        at, size = found[number].pos, found[number].size
        data[at : at + size] = noise.bytes(size)
    target.write_bytes(bytes(data))
    return target


def test_a_tail_that_does_not_decode_is_told_and_the_rest_is_read(
    clip: Clip, tmp_path: Path
) -> None:
    bad = spoil(clip("b_frames.mp4"), tmp_path / "bad.mp4", range(24, 40))
    times = frame_times(bad)

    frames = read_frames(bad, times[::4], (64, 96))

    assert frames.unreadable_from_s is not None
    assert 0.8 < frames.unreadable_from_s <= 1.0
    assert frames.asked_T.max() < frames.unreadable_from_s
    good = np.flatnonzero(times[::4] < frames.unreadable_from_s)
    np.testing.assert_array_equal(frames.asked_T, times[::4][good])
    numbers = [clips.number_on(rgb) for rgb in frames.rgb_THWC]
    assert numbers == (4 * good).tolist()


def test_only_bad_times_asked_is_an_error_that_names_the_good_ones(
    clip: Clip, tmp_path: Path
) -> None:
    bad = spoil(clip("b_frames.mp4"), tmp_path / "bad.mp4", range(24, 40))
    with pytest.raises(VideoError, match="no picture decodes from") as caught:
        read_frames(bad, [1.2, 1.4], (28, 28))
    assert caught.value.code == "undecodable"


def test_over_a_hole_the_last_picture_stays_on_screen(clip: Clip, tmp_path: Path) -> None:
    bad = spoil(clip("b_frames.mp4"), tmp_path / "bad.mp4", range(12, 24))
    frames = read_frames(bad, [0.2, 0.7, 1.2], (64, 96))
    assert frames.unreadable_from_s is None
    assert len(frames) == 3
    assert frames.pts_T[1] < 0.7
    assert [clips.number_on(rgb) for rgb in frames.rgb_THWC[[0, 2]]] == [5, 30]
    assert clips.number_on(frames.rgb_THWC[1]) == round(frames.pts_T[1] * 25)


def test_a_film_that_ends_before_its_header_says_is_read_up_to_there(
    clip: Clip, tmp_path: Path
) -> None:
    whole = clips.write_clip(
        tmp_path, clips.Recipe("f.mp4", "libx264", clips.steady(80), muxer=FAST)
    )
    short = tmp_path / "short.mp4"
    short.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    info = probe(short)
    assert info.frame_count < 80
    assert info.unreadable_from_s is not None
    assert info.unreadable_from_s <= info.duration_s
    assert clips.number_on(read_frames(short, [0.4], (64, 96)).rgb_THWC[0]) == 10


FAST = {"movflags": "faststart"}


@pytest.mark.parametrize("name", ["b_frames.mp4", "vfr.mkv", "b_frames.ts", "mpeg4.avi"])
@pytest.mark.parametrize("keep", [0.02, 0.3, 0.7, 0.99])
def test_a_truncated_film_is_read_in_part_or_refused(
    clip: Clip, tmp_path: Path, name: str, keep: float
) -> None:
    data = clip(name).read_bytes()
    short = tmp_path / name
    short.write_bytes(data[: int(len(data) * keep)])
    try:
        read = len(read_frames(short, frame_times(short), (28, 28)))
    except VideoError as err:
        read = 0
        problem = err
    refused = {"container_damaged", "no_video_stream", "undecodable"}
    assert read or (problem.code in refused and problem.next_step)


def test_pictures_beyond_the_limits_are_refused_before_decoding(clip: Clip) -> None:
    with pytest.raises(VideoError, match="96x64; at most 90 a side") as caught:
        probe(clip("b_frames.mp4"), limits=Limits(frame_side=90))
    assert caught.value.code == "frame_too_large"
    with pytest.raises(VideoError) as caught:
        probe(clip("b_frames.mp4"), limits=Limits(frame_pixels=96 * 63))
    assert caught.value.code == "frame_too_large"


def test_work_without_end_is_ended(clip: Clip) -> None:
    no_time = Limits(scan_s=0.0, scan_bytes_per_s=1e12)
    with pytest.raises(VideoError, match="was not over after 0 s") as caught:
        probe(clip("b_frames.mp4"), limits=no_time)
    assert caught.value.code == "decoder_timeout"


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="no video stream") as caught:
        probe(path)
    assert caught.value.code == "no_video_stream"


def test_a_codec_off_the_list_is_refused(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path, clips.Recipe("f.avi", "ffvhuff", [0.0, 0.04]))
    with pytest.raises(VideoError, match="'ffvhuff'") as caught:
        probe(path)
    assert caught.value.code == "codec_unsupported"


def test_ffmpeg_writes_nothing_to_stderr(
    clip: Clip, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = spoil(clip("b_frames.mp4"), tmp_path / "bad.mp4", range(12, 40))
    read_frames(bad, [0.2, 1.2], (28, 28))
    assert capfd.readouterr().err == ""
