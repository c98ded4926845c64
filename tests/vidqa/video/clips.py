"""Small films for tests: every picture carries its own number, every time is known.

Drawn and encoded through PyAV, so no ``ffmpeg`` program is needed. The top quarter of picture n
shows n in binary: twelve black or white blocks, bit 0 at the left.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

BITS, BLOCK = 12, 8
WIDTH, HEIGHT = 96, 64


@dataclass(frozen=True)
class Recipe:
    """How to encode one clip; ``seconds`` are the presentation times of pictures 0, 1, 2 ..."""

    name: str
    codec: str
    seconds: Sequence[float]
    options: dict[str, str] = field(default_factory=dict)
    pixels: str = "yuv420p"
    size: tuple[int, int] = (WIDTH, HEIGHT)
    muxer: dict[str, str] = field(default_factory=dict)
    tick: Fraction = Fraction(1, 1000)


def draw(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Picture ``number``, RGB (height, width, 3)."""
    rows, columns = np.mgrid[0:height, 0:width]
    grey = ((rows * 2 + columns + 7 * number) % 160 + 40).astype(np.uint8)
    for bit in range(BITS):
        grey[: height // 4, bit * BLOCK : (bit + 1) * BLOCK] = 235 if number >> bit & 1 else 16
    return np.repeat(grey[:, :, None], 3, axis=2)


def number_on(rgb_HWC: NDArray[np.uint8]) -> int:
    """The number that a picture of :func:`draw` shows, at its own size."""
    row = rgb_HWC[rgb_HWC.shape[0] // 8].astype(float).mean(axis=1)
    return sum(1 << bit for bit in range(BITS) if row[bit * BLOCK + BLOCK // 2] > 127)


@contextmanager
def _as_urgent_as_before() -> Iterator[None]:
    """SVT-AV1, run by root, leaves the thread that encodes in the real-time class, and with it all
    that is started later: databases and browsers of other tests would starve each other."""
    if not hasattr(os, "sched_getscheduler"):
        yield
        return
    policy, urgency = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        if os.sched_getscheduler(0) != policy:
            os.sched_setscheduler(0, policy, urgency)


def write_clip(folder: Path, recipe: Recipe) -> Path:
    """Encode a recipe into ``folder``."""
    path = folder / recipe.name
    width, height = recipe.size
    with _as_urgent_as_before(), av.open(str(path), "w", options=recipe.muxer) as container:
        stream = container.add_stream(recipe.codec, rate=25, options=recipe.options)
        stream.width, stream.height, stream.pix_fmt = width, height, recipe.pixels
        stream.codec_context.time_base = recipe.tick
        stream.codec_context.thread_count = 1
        for number, second in enumerate(recipe.seconds):
            frame = av.VideoFrame.from_ndarray(draw(number, width, height), format="rgb24")
            frame = frame.reformat(format=recipe.pixels)
            frame.time_base, frame.pts = recipe.tick, round(second / recipe.tick)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def copy_packets(source: Path, target: Path, *, skip: int) -> Path:
    """Remux without the first ``skip`` packets, as a recording that starts in mid-stream."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        stream = new.add_stream_from_template(old.streams.video[0])
        for number, packet in enumerate(old.demux(old.streams.video[0])):
            if packet.dts is not None and number >= skip:
                packet.stream = stream
                new.mux(packet)
    return target


def steady(count: int, fps: float = 25.0, start_s: float = 0.0) -> list[float]:
    """``count`` times at a constant rate."""
    return [start_s + i / fps for i in range(count)]


def uneven(count: int) -> list[float]:
    """Times with gaps from 40 ms to 1.2 s."""
    gaps = [0.04, 0.04, 0.2, 0.08, 1.2, 0.04, 0.12]
    return [round(sum(gaps[j % len(gaps)] for j in range(i)), 3) for i in range(count)]


_B = {"g": "12", "bf": "3", "preset": "veryfast"}
_OPEN = {
    "preset": "veryfast",
    "x264-params": "keyint=12:min-keyint=12:bframes=3:open-gop=1:b-adapt=0",
}
_REFRESH = {"preset": "veryfast", "x264-params": "keyint=15:bframes=0:intra-refresh=1:ref=2"}
_X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=1:keyint=12:bframes=3"}
_VPX = {"deadline": "realtime", "cpu-used": "8", "g": "12", "b": "300k"}
_ALT_REF = {"deadline": "good", "cpu-used": "5", "g": "12", "b": "200k", "auto-alt-ref": "1"} | {
    "lag-in-frames": "8"
}
_TS = Fraction(1, 90_000)

RECIPES = (
    Recipe("b_frames.mp4", "libx264", steady(40), _B),
    Recipe("one_key.mp4", "libx264", steady(60), {"g": "999", "preset": "veryfast"}),
    Recipe("vfr.mp4", "libx264", uneven(40), _B),
    Recipe("vfr.mkv", "libx264", uneven(40), _B),
    Recipe("vfr.ts", "libx264", uneven(40), _B, tick=_TS),
    Recipe("ntsc.mp4", "libx264", steady(40, 30000 / 1001), _B, tick=Fraction(1, 30_000)),
    Recipe("offset.mkv", "libx264", steady(40, start_s=10), _B),
    Recipe("offset.mp4", "libx264", steady(40, start_s=10), _B),
    Recipe("b_frames.ts", "libx264", steady(40), _B, tick=_TS),
    Recipe("open_gop.mp4", "libx264", steady(48), _OPEN),
    Recipe("open_gop.mkv", "libx264", steady(48), _OPEN),
    Recipe("open_gop.ts", "libx264", steady(48), _OPEN, tick=_TS),
    Recipe("refresh.ts", "libx264", steady(48), _REFRESH, tick=_TS),
    Recipe(
        "fragments.mp4", "libx264", steady(40), _B, muxer={"movflags": "frag_keyframe+empty_moov"}
    ),
    Recipe("b_frames.avi", "libx264", steady(40), _B, tick=Fraction(1, 25)),
    Recipe("mpeg4.avi", "mpeg4", steady(40), {"g": "12", "qscale": "3"}, tick=Fraction(1, 25)),
    Recipe("mpeg4_b.mkv", "mpeg4", steady(40), {"g": "12", "bf": "2"}, tick=Fraction(1, 25)),
    Recipe("mpeg2.ts", "mpeg2video", steady(40), {"g": "12", "bf": "2"}, tick=Fraction(1, 25)),
    Recipe("mpeg2.mpg", "mpeg2video", steady(40), {"g": "12", "bf": "2"}, tick=Fraction(1, 25)),
    Recipe("hevc.mp4", "libx265", steady(40), _X265),
    Recipe("hevc.ts", "libx265", steady(40), _X265, tick=_TS),
    Recipe("vp8.webm", "libvpx", steady(40), _VPX),
    Recipe("vp8_hidden.webm", "libvpx", steady(60), _ALT_REF),
    Recipe("vp9.webm", "libvpx-vp9", steady(40), _VPX),
    Recipe("vp9_hidden.webm", "libvpx-vp9", steady(60), _ALT_REF),
    Recipe(
        "av1.mp4", "libsvtav1", steady(40), {"preset": "12", "g": "12", "svtav1-params": "lp=1"}
    ),
    Recipe("ten_bit.mp4", "libx264", steady(20), _B, pixels="yuv420p10le"),
    Recipe("odd.mp4", "libx264", steady(20), _B, pixels="yuv444p", size=(97, 65)),
    Recipe("one_frame.mp4", "libx264", [0.0], _B),
    Recipe("two_frames.mkv", "libx264", steady(2), _B),
    Recipe("motion_jpeg.avi", "mjpeg", steady(20), pixels="yuvj420p", tick=Fraction(1, 25)),
)
BY_NAME = {recipe.name: recipe for recipe in RECIPES}
