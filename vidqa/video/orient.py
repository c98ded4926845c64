"""Turn pictures the way they are displayed: the container's display matrix, applied once.

PyAV hands frames out as coded and leaves the matrix to its user; players apply it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

import numpy as np
from av.sidedata.sidedata import SideData, Type
from av.video.frame import VideoFrame
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Orientation:
    """Quarter turns clockwise, after a left-right mirroring where there is one."""

    quarter_turns: int = 0
    mirrored: bool = False

    @property
    def rotation_deg(self) -> int:
        """Clockwise degrees to apply: 0, 90, 180 or 270."""
        return self.quarter_turns * 90

    def displayed_size(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) on screen of a picture coded with these."""
        return (height, width) if self.quarter_turns % 2 else (width, height)

    def apply(self, rgb_HWC: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture as displayed, a view of the one given."""
        flipped = rgb_HWC[:, ::-1] if self.mirrored else rgb_HWC
        return np.rot90(flipped, -self.quarter_turns)


UPRIGHT = Orientation()


def orientation_of(frame: VideoFrame) -> Orientation:
    """What the frame's display matrix asks for; upright without one.

    The matrix maps picture to screen as ``[x y 1] @ [[a b u] [c d v] [x y w]]`` with y downwards
    (ISO/IEC 14496-12 s8.3.2). Angles between quarter turns count as the nearest one.
    """
    extras = cast("Iterable[SideData]", frame.side_data)  # typed as names, yields the data
    data = next((extra for extra in extras if extra.type is Type.DISPLAYMATRIX), None)
    if data is None:
        return UPRIGHT
    a, b, _, c, d = struct.unpack_from("<5i", bytes(data))
    mirrored = a * d - b * c < 0
    if mirrored:  # take the mirror out: it is applied to the picture first
        a, b = -a, -b
    if abs(a) >= abs(b):
        return Orientation(0 if a >= 0 else 2, mirrored)
    return Orientation(1 if b > 0 else 3, mirrored)
