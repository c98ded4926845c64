"""Sends frames through H.264 and back, as every frame of a video file has been."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray


def through_codec(rgb_THWC: NDArray[np.uint8], crf: int) -> NDArray[np.uint8]:
    """The frames after x264 at ``crf`` (larger is worse); the sides must be even."""
    reader = av.CodecContext.create("h264", "r")
    decoded: list[NDArray[np.uint8]] = []
    for packet in [*_packets(rgb_THWC, crf), None]:
        decoded += [
            np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in reader.decode(packet)
        ]
    return np.stack(decoded)


def _packets(rgb_THWC: NDArray[np.uint8], crf: int) -> Iterator[av.Packet[av.VideoStream]]:
    _, height, width, _ = rgb_THWC.shape
    writer = av.CodecContext.create("libx264", "w")
    writer.width, writer.height, writer.pix_fmt = width, height, "yuv420p"
    writer.time_base = Fraction(1, 2)
    writer.options = {"crf": str(crf), "preset": "veryfast", "threads": "1"}
    for rgb_HWC in rgb_THWC:
        yield from writer.encode(av.VideoFrame.from_ndarray(rgb_HWC, format="rgb24"))
    yield from writer.encode(None)
