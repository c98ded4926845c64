"""Every packet of a film before anything is decoded: when each picture is shown and from where it
can be decoded. Demuxing costs about 1 % of decoding.

Axes: P packets in decoding order, F displayed frames in presentation order. Times are integer ticks
of ``time_base``; :data:`NO_TIME` where the container gives none.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.stream import VideoStream
from numpy.typing import NDArray

from vidqa.video.deadline import Deadline
from vidqa.video.limits import Limits

NO_TIME = -(1 << 62)
_FALLBACK_FRAME_S = 0.04
_COLUMNS = 6

Ticks = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PacketIndex:
    """What demuxing alone tells of one video stream."""

    time_base: Fraction
    pts_P: Ticks
    dts_P: Ticks
    duration_P: Ticks
    bytes_P: Ticks
    key_P: Flags
    shown_P: Flags
    """False for packets cut away by an edit list and for VP8's hidden reference pictures."""
    frame_ticks: int
    """Usual distance of two frames, at least 1; the length of a last frame that states none."""
    ended_early: bool
    """Whether the container stopped with an error rather than with its end."""

    @property
    def shown(self) -> Ticks:
        """Packet numbers of the displayed frames in presentation order, (F,)."""
        packets = np.flatnonzero(self.shown_P)
        return packets[np.argsort(self.pts_P[packets], kind="stable")]

    @property
    def sound(self) -> bool:
        """Whether presentation times tell frames apart: all present and no two alike."""
        pts = self.pts_P[self.shown_P]
        return bool(pts.size and pts.min() > NO_TIME and np.unique(pts).size == pts.size)

    @property
    def keys(self) -> Ticks:
        """Packet numbers at which decoding may start; the first packet always counts as one."""
        keys = np.flatnonzero(self.key_P)
        return keys if keys.size and keys[0] == 0 else np.concatenate(([0], keys))

    @property
    def extent_s(self) -> float:
        """Seconds from the first to the last presentation time, hidden pictures included."""
        known = self.pts_P[self.pts_P > NO_TIME]
        ticks = int(known.max() - known.min()) + self.frame_ticks if known.size else 0
        return float(ticks * self.time_base)

    def without_leaders(self, first_pts: int) -> PacketIndex:
        """The index with pictures hidden that were to be shown before the first that decodes.

        A recording that starts in mid-stream (TS, or cut at an open GOP) begins with pictures that
        refer to what was cut off; no decoder shows them. They follow the first key packet.
        """
        keys = self.keys
        start = int(keys[1]) if keys.size > 1 else self.pts_P.size
        hidden = (self.pts_P < first_pts) & (np.arange(self.pts_P.size) < start)
        return replace(self, shown_P=self.shown_P & ~hidden)


def scan_packets(
    path: Path, container: InputContainer, stream: VideoStream, limits: Limits
) -> PacketIndex:
    """Demux the whole file once; damaged parts end the scan, they do not raise."""
    deadline = Deadline.after(limits.scan_seconds(container.size), path, "reading the packets")
    rows = array("q")  # six numbers a packet: hours of film stay within megabytes
    hides = stream.codec_context.name == "vp8"
    packets = container.demux(stream)
    ended_early = False
    try:
        for packet in packets:
            deadline.check()
            if packet.size:  # the last, empty packet only says that the file is over
                rows.extend(_row(packet, hides))
    except (av.FFmpegError, MemoryError):
        ended_early = True
    return _index(stream, rows, ended_early)


def _row(packet: Packet[VideoStream], hides: bool) -> tuple[int, int, int, int, bool, bool]:
    pts = NO_TIME if packet.pts is None else packet.pts
    dts = NO_TIME if packet.dts is None else packet.dts
    shown = not packet.is_discard and not (hides and _vp8_hidden(packet))
    return pts, dts, packet.duration or 0, packet.size, packet.is_keyframe, shown


def _vp8_hidden(packet: Packet[VideoStream]) -> bool:
    """RFC 6386 s9.1: bit 4 of the first byte is ``show_frame``."""
    return not memoryview(packet)[0] & 0x10


def _index(stream: VideoStream, rows: array[int], ended_early: bool) -> PacketIndex:
    table_P6 = np.array(rows, dtype=np.int64).reshape(-1, _COLUMNS)
    pts, dts, duration, size = (np.ascontiguousarray(table_P6[:, i]) for i in range(4))
    key, shown = table_P6[:, 4] != 0, table_P6[:, 5] != 0
    time_base = stream.time_base or Fraction(1, 90_000)
    ticks = _frame_ticks(pts[shown], time_base, stream)
    return PacketIndex(time_base, pts, dts, duration, size, key, shown, ticks, ended_early)


def _frame_ticks(pts: Ticks, time_base: Fraction, stream: VideoStream) -> int:
    known = np.sort(pts[pts > NO_TIME])
    steps = np.diff(known)
    if steps.size and np.median(steps) >= 1:
        return int(np.median(steps))
    rate = stream.average_rate
    frame_s = float(1 / rate) if rate else _FALLBACK_FRAME_S
    return max(1, round(frame_s / time_base))
