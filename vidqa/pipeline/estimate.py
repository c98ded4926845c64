"""How long a course would take on this processor, roughly, from a few tenths of a second of trying.

Decoding is timed on the first frames of the course itself; the model's part is its arithmetic at
the rate that a matrix product of this machine reaches, plus what reading all weights for every new
token costs. No torch, no weights: nothing here knows a graphics card.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from vidqa.pipeline.course import Course
from vidqa.video import Reader

_TRIED_FRAMES = 64
_SIDE = 512
_PROMPT_TOKENS = 60
"""Words around a video."""
_REPLY_TOKENS = 24
_CALL_S = 0.004
"""Of one step through a network, however small."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds, a rough guess; the first question also pays for what is shared."""

    first_s: float
    later_s: float


def estimate_course(
    course: Course, source: Reader, *, parameters: int, weight_bytes: int
) -> Estimate:
    """What the first and every later question of ``course`` would take on this processor."""
    frame_s = _decode_seconds(course, source)
    rate, bandwidth = _flops_per_s(), _bytes_per_s()

    def seconds(*, per_video: bool) -> float:
        passes = course.total("passes", per_video=per_video)
        tokens = course.total("video_tokens", per_video=per_video) + passes * _PROMPT_TOKENS
        decode_s = course.total("frames", per_video=per_video) * frame_s
        kept = [s for s in course.stages if s.per_video is per_video and s.speaks]
        spoken = _REPLY_TOKENS * sum(stage.passes for stage in kept)
        step_s = weight_bytes / bandwidth + _CALL_S
        return decode_s + 2 * parameters * tokens / rate + spoken * step_s + passes * _CALL_S

    later_s = seconds(per_video=False)
    return Estimate(first_s=seconds(per_video=True) + later_s, later_s=later_s)


def _decode_seconds(course: Course, source: Reader) -> float:
    """Of one frame of the course, as its first ones take."""
    some = course.plan.seconds[:_TRIED_FRAMES]
    began_s = time.perf_counter()
    source.read_frames(some, (course.plan.height, course.plan.width))
    return (time.perf_counter() - began_s) / len(some)


def _flops_per_s() -> float:
    a = np.ones((_SIDE, _SIDE), dtype=np.float32)
    out = a @ a  # the library's threads start
    began_s = time.perf_counter()
    for _ in range(4):
        np.matmul(a, a, out=out)
    return 4 * 2 * _SIDE**3 / max(time.perf_counter() - began_s, 1e-6)


def _bytes_per_s() -> float:
    a = np.ones(8 << 20, dtype=np.uint8)
    a.copy()
    began_s = time.perf_counter()
    a.copy()
    return a.nbytes / max(time.perf_counter() - began_s, 1e-6)
