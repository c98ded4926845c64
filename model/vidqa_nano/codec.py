"""Sends frames through H.264 and back, as every frame of a video file has been."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image


def through_codec(rgb_THWC: NDArray[np.uint8], crf: int, side: int) -> NDArray[np.uint8]:
    """Square frames after x264 at ``crf`` (larger is worse), shrunk to (T, side, side, 3)."""
    reader = av.CodecContext.create("h264", "r")
    shrunk: list[NDArray[np.uint8]] = []
    for packet in [*_packets(rgb_THWC, crf), None]:
        for frame in reader.decode(packet):
            image = Image.fromarray(frame.to_ndarray(format="rgb24"))
            image = image.resize((side, side), Image.Resampling.BICUBIC)
            shrunk.append(np.asarray(image))
    return np.stack(shrunk)


def _packets(rgb_THWC: NDArray[np.uint8], crf: int) -> Iterator[av.Packet[av.VideoStream]]:
    """Without macroblock trees, with which x264 does not give the same bits every time."""
    _, height, width, _ = rgb_THWC.shape
    writer = av.CodecContext.create("libx264", "w")
    writer.width, writer.height, writer.pix_fmt = width, height, "yuv420p"
    writer.time_base = Fraction(1, 2)
    steady = {"threads": "1", "x264-params": "mbtree=0"}
    writer.options = {"crf": str(crf), "preset": "veryfast", **steady}
    for rgb_HWC in rgb_THWC:
        yield from writer.encode(av.VideoFrame.from_ndarray(rgb_HWC, format="rgb24"))
    yield from writer.encode(None)
