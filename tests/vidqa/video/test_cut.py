"""Cut clips show the right first and last picture, whatever clock the original runs on."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from vidqa.errors import ExportError, VideoError
from vidqa.timeline import Span
from vidqa.video import cut, program, read_frames
from vidqa.video.cut import cut_clip
from vidqa.video.isolated import landlock
from vidqa.video.program import Run

BITS, BLOCK = 8, 16
pytestmark = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs the ffmpeg program")


def picture(number: int, height: int = 64) -> av.VideoFrame:
    """A grey picture whose top rows are ``number`` in black and white blocks, lowest bit first."""
    gray = np.full((height, BITS * BLOCK), 90, dtype=np.uint8)
    for bit in range(BITS):
        gray[:32, bit * BLOCK : (bit + 1) * BLOCK] = 255 if number >> bit & 1 else 0
    return av.VideoFrame.from_ndarray(np.stack([gray] * 3, axis=-1), format="rgb24")


def number_of(rgb_HWC: np.ndarray) -> int:
    bits = [rgb_HWC[16, bit * BLOCK + BLOCK // 2].mean() > 127 for bit in range(BITS)]
    return sum(1 << bit for bit, on in enumerate(bits) if on)


def write_video(path: Path, times: Sequence[Fraction], height: int = 64) -> Path:
    """Frame k, numbered k, at ``times[k]`` on the container's clock; H.264 with B-frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"g": "20", "bf": "2"})
        stream.width, stream.height, stream.pix_fmt = BITS * BLOCK, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 90_000)
        for k, time in enumerate(times):
            frame = picture(k, height)
            frame.pts, frame.time_base = int(time * 90_000), Fraction(1, 90_000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shown(path: Path) -> list[tuple[float, int]]:
    """Every picture of a file in order: its time from the container's 0, and its number."""
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [(float(f.time), number_of(f.to_ndarray(format="rgb24"))) for f in frames]


def every(step: Fraction, count: int, start: Fraction = Fraction(0)) -> list[Fraction]:
    return [start + k * step for k in range(count)]


CONSTANT = every(Fraction(1, 25), 100)
VARIABLE = [Fraction(k, 25) + Fraction(k * k, 5000) for k in range(100)]
OFFSET = every(Fraction(1, 25), 100, start=Fraction(10))


@pytest.mark.parametrize("times", [CONSTANT, VARIABLE, OFFSET], ids=["cfr", "vfr", "offset"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
@pytest.mark.parametrize(("first", "last"), [(0, 4), (17, 63), (41, 41), (90, 99)])
def test_the_first_and_last_pictures_are_those_on_screen_in_the_span(
    tmp_path: Path, times: list[Fraction], suffix: str, first: int, last: int
) -> None:
    video = write_video(tmp_path / f"numbers{suffix}", times)
    start_s = float(times[first] - times[0]) + 0.005
    end_s = float(times[last] - times[0]) + 0.035
    clip = shown(cut_clip(video, Span(start_s, end_s), tmp_path / "clip.mp4"))
    assert [number for _, number in clip] == list(range(first, last + 1))


def test_pictures_keep_their_distances_on_the_clip_s_own_clock(tmp_path: Path) -> None:
    video = write_video(tmp_path / "vfr.mkv", VARIABLE)
    clip = shown(cut_clip(video, Span(1.0, 2.0), tmp_path / "clip.mp4"))
    wanted = [max(float(VARIABLE[number]) - 1.0, 0.0) for _, number in clip]
    assert [time for time, _ in clip] == pytest.approx(wanted, abs=0.002)


def test_a_seek_far_into_a_long_file_lands_on_the_same_pictures(tmp_path: Path) -> None:
    times = every(Fraction(1, 5), 200, start=Fraction(7))
    video = write_video(tmp_path / "long.mp4", times)
    clip = shown(cut_clip(video, Span(30.0, 31.0), tmp_path / "clip.mp4"))
    assert [number for _, number in clip] == [150, 151, 152, 153, 154]


def test_a_still_picture_is_held_to_the_end_of_the_span(tmp_path: Path) -> None:
    slides = [Fraction(0), Fraction(4), Fraction(4) + Fraction(1, 25), Fraction(9)]
    video = write_video(tmp_path / "slides.mkv", slides)
    clip = shown(cut_clip(video, Span(1.0, 3.5), tmp_path / "clip.mp4"))
    assert {number for _, number in clip} == {0}
    assert clip[0][0] == 0.0
    assert 1.5 < clip[-1][0] < 2.5


def test_odd_sizes_are_made_even(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "odd.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 129, 65, "yuv444p"
        gray = av.VideoFrame.from_ndarray(np.full((65, 129, 3), 90, np.uint8), format="rgb24")
        container.mux([*stream.encode(gray), *stream.encode()])
    clip = cut_clip(tmp_path / "odd.mkv", Span(0, 1), tmp_path / "clip.mp4")
    with av.open(str(clip)) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (130, 66)


@pytest.fixture
def numbers(tmp_path: Path) -> Path:
    return write_video(tmp_path / "numbers.mp4", CONSTANT[:30])


def with_ffmpeg(*args: str | Path) -> None:
    line = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", *map(str, args)]
    subprocess.run(line, check=True)


def test_sound_is_cut_with_the_pictures(numbers: Path, tmp_path: Path) -> None:
    video = tmp_path / "sound.mp4"
    with_ffmpeg(
        "-i", numbers, "-f", "lavfi", "-i", "sine=d=1.2", "-c:v", "copy", "-c:a", "aac", video
    )
    clip = cut_clip(video, Span(0.2, 0.8), tmp_path / "clip.mp4")
    assert [number for _, number in shown(clip)] == list(range(5, 20))
    with av.open(str(clip)) as container:
        frames = list(container.decode(audio=0))
        assert container.streams.audio[0].codec_context.name == "aac"
    heard_s = sum(frame.samples / frame.sample_rate for frame in frames)
    assert heard_s == pytest.approx(0.6, abs=0.06)


def test_rotation_is_applied_once(numbers: Path, tmp_path: Path) -> None:
    rotated = tmp_path / "rotated.mp4"
    with_ffmpeg("-i", numbers, "-c", "copy", "-metadata:s:v:0", "rotate=90", rotated)
    if not _has_rotation(rotated):  # ffmpeg 6 and newer name it as an option of the input
        with_ffmpeg("-display_rotation:v:0", "90", "-i", numbers, "-c", "copy", rotated)
    clip = cut_clip(rotated, Span(0.2, 0.6), tmp_path / "clip.mp4")
    with av.open(str(clip)) as container:
        frame = next(container.decode(video=0))
        assert (frame.width, frame.height, frame.rotation) == (64, 128, 0)
        upright = frame.to_ndarray(format="rgb24").astype(int)
    as_read = read_frames(rotated, [0.2], (128, 64)).rgb_THWC[0]
    assert np.abs(upright - as_read).mean() < 5


def _has_rotation(path: Path) -> bool:
    with av.open(str(path)) as container:
        return next(container.decode(video=0)).rotation != 0


def test_a_confined_ffmpeg_cuts_the_same_clip(numbers: Path, tmp_path: Path) -> None:
    clips = [
        cut_clip(numbers, Span(0.5, 1.5), tmp_path / f"{reader}.mp4", reader=reader)
        for reader in ("pyav", "isolated")
    ]
    assert shown(clips[0]) == shown(clips[1])
    assert len({clip.stat().st_mode for clip in clips}) == 1


@pytest.mark.skipif(landlock.version() == 0, reason="needs a kernel with Landlock")
def test_a_confined_ffmpeg_reads_no_other_file(numbers: Path, tmp_path: Path) -> None:
    other, target = tmp_path / "other.mp4", tmp_path / "out.mp4"
    other.write_bytes(numbers.read_bytes())
    target.touch()
    run = Run(
        arguments=["-nostdin", "-i", f"file:{other}", "-f", "mp4", "-y", f"file:{target}"],
        source=numbers,
        target=target,
        within_s=60,
        confined=True,
    )
    with pytest.raises(ExportError, match="Permission denied"):
        program.run(run)


def test_an_ffmpeg_that_does_not_end_is_ended(numbers: Path, tmp_path: Path) -> None:
    run = Run(
        arguments=["-nostdin", "-re", "-stream_loop", "-1", "-i", str(numbers), "-f", "null", "-"],
        source=numbers,
        target=tmp_path,
        within_s=0.2,
        confined=False,
    )
    with pytest.raises(ExportError) as caught:
        program.run(run)
    assert caught.value.code == "ffmpeg_timeout"


# --- refusals -------------------------------------------------------------------------------


def test_an_existing_file_is_kept(numbers: Path, tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    out.write_text("mine")
    with pytest.raises(ExportError, match="already there"):
        cut_clip(numbers, Span(0, 1), out)
    assert out.read_text() == "mine"


def test_an_existing_file_is_replaced_when_allowed(numbers: Path, tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    out.write_text("mine")
    assert len(shown(cut_clip(numbers, Span(0, 1), out, overwrite=True))) == 25


def test_a_folder_of_that_name_is_never_replaced(numbers: Path, tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").mkdir()
    with pytest.raises(ExportError, match="is a folder"):
        cut_clip(numbers, Span(0.0, 1.0), tmp_path / "clip.mp4", overwrite=True)


def test_the_video_itself_is_never_replaced(numbers: Path) -> None:
    with pytest.raises(ExportError, match="the video itself"):
        cut_clip(numbers, Span(0, 1), numbers, overwrite=True)


@pytest.mark.parametrize("span", [Span(0.5, 0.5), Span(7.0, 9.0), Span(-3.0, -1.0)])
def test_nothing_cannot_be_cut(numbers: Path, tmp_path: Path, span: Span) -> None:
    with pytest.raises(ExportError, match="nothing of"):
        cut_clip(numbers, span, tmp_path / "clip.mp4")


@pytest.mark.parametrize(
    ("name", "message"), [("a.gif", "no container"), ("no/a.mp4", "no folder")]
)
def test_an_impossible_name_is_refused(
    numbers: Path, tmp_path: Path, name: str, message: str
) -> None:
    with pytest.raises(ExportError, match=message):
        cut_clip(numbers, Span(0, 1), tmp_path / name)


def test_a_missing_video_is_a_video_error(tmp_path: Path) -> None:
    with pytest.raises(VideoError):
        cut_clip(tmp_path / "none.mp4", Span(0, 1), tmp_path / "clip.mp4")


def test_without_ffmpeg_the_error_says_how_to_install_it(
    numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ExportError, match="not installed") as caught:
        cut_clip(numbers, Span(0, 1), tmp_path / "clip.mp4")
    assert "apt install ffmpeg" in caught.value.next_step


def test_a_failing_ffmpeg_is_quoted_and_leaves_nothing_behind(
    numbers: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cut, "_output_options", _with_no_such_encoder(cut._output_options))
    with pytest.raises(ExportError, match="Unknown encoder 'no_such'"):
        cut_clip(numbers, Span(0, 1), tmp_path / "clip.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["numbers.mp4"]


def _with_no_such_encoder(
    options: Callable[[str], dict[str, str | int]],
) -> Callable[[str], dict[str, str | int]]:
    return lambda kind: {**options(kind), "vcodec": "no_such"}


def test_names_that_look_like_options_or_shell_are_only_names(tmp_path: Path) -> None:
    video = write_video(tmp_path / "-i $(touch hacked); 100%d 'x'.mp4", CONSTANT[:30])
    out = tmp_path / "-y; touch hacked %03d.mp4"
    assert len(shown(cut_clip(video, Span(0, 1), out))) == 25
    assert sorted(tmp_path.iterdir()) == sorted([video, out])
