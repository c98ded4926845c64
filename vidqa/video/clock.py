"""Which frame is on screen when: the presentation times of all displayed frames of one film.

Zero is the first displayed frame. Times stay integer ticks of the container until they leave, so
that a time a caller got from here finds the same frame again. Axes: F frames shown, T times asked.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import VideoError
from vidqa.video.index import PacketIndex, Ticks

TOLERANCE_S = 1e-6
"""A time asked this little before a frame counts as that frame's: printed times are rounded."""


@dataclass(frozen=True, slots=True)
class FrameClock:
    """Displayed frames in presentation order."""

    time_base: Fraction
    pts_F: Ticks
    source_F: Ticks
    """Packet number of each frame, or its number in decoder output when ``decoded``."""
    end: int
    """Tick at which the last frame leaves the screen, after its pts."""
    decoded: bool
    """Whether the times were learnt by decoding: the packets' own do not tell frames apart."""

    @property
    def seconds_each(self) -> NDArray[np.float64]:
        """Every frame's presentation time in seconds since the first, float64, ascending."""
        return self.seconds(self.pts_F)

    @property
    def duration_s(self) -> float:
        """End of the last displayed frame minus the start of the first."""
        return float((self.end - int(self.pts_F[0])) * self.time_base)

    @property
    def start_time_s(self) -> float:
        """What the container's clock shows at the first displayed frame."""
        return float(int(self.pts_F[0]) * self.time_base)

    def seconds(self, ticks: Ticks) -> NDArray[np.float64]:
        """Container ticks to seconds since the first frame."""
        since = np.asarray(ticks - self.pts_F[0], dtype=np.float64)
        return since * self.time_base.numerator / self.time_base.denominator

    def on_screen(self, path: Path, seconds_T: Sequence[float]) -> NDArray[np.int64]:
        """The number in presentation order of the frame on screen at each time, (T,) int64.

        Raises :class:`VideoError` ``window_outside`` for a time outside ``[0, duration)``.
        """
        times = np.asarray(seconds_T, dtype=np.float64).reshape(-1)
        self._check(path, times)
        tick_s = float(self.time_base)
        slack_s = min(TOLERANCE_S, tick_s / 2)
        ticks = np.floor((times + slack_s) / tick_s).astype(np.int64) + self.pts_F[0]
        found = np.searchsorted(self.pts_F, ticks, side="right") - 1
        return np.asarray(np.maximum(found, 0), dtype=np.int64)

    def _check(self, path: Path, times: NDArray[np.float64]) -> None:
        for t_s in times:
            if not math.isfinite(t_s) or t_s < -TOLERANCE_S or t_s >= self.duration_s:
                raise VideoError(
                    f"{path}: {t_s:g} s is outside the video, [0, {self.duration_s:.3f}) s",
                    code="window_outside",
                    next_step=f"Ask for times from 0 to just before {self.duration_s:.3f} s.",
                )


def clock_from_packets(index: PacketIndex) -> FrameClock:
    """The clock of a sound index: one displayed frame for each shown packet."""
    shown = index.shown
    pts = index.pts_P[shown]
    last = int(index.duration_P[shown[-1]])
    return FrameClock(index.time_base, pts, shown, _end(pts, last, index.frame_ticks), False)


def clock_from_frames(index: PacketIndex, pts_in_output_order: Sequence[int | None]) -> FrameClock:
    """The clock of a film whose packets do not tell: times as the decoder put them out.

    A frame without a time is taken to follow its predecessor at the usual distance.
    """
    known: list[int] = []
    for pts in pts_in_output_order:
        after = known[-1] + index.frame_ticks if known else 0
        known.append(after if pts is None else pts)
    ticks = np.array(known, dtype=np.int64)
    order = np.argsort(ticks, kind="stable")
    pts_F = ticks[order]
    return FrameClock(index.time_base, pts_F, order, _end(pts_F, 0, index.frame_ticks), True)


def _end(pts_F: Ticks, last_ticks: int, usual_ticks: int) -> int:
    return int(pts_F[-1]) + (last_ticks if last_ticks > 0 else usual_ticks)
