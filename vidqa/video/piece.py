"""A clip or a frame of a video as a file, while somebody waits.

``video, seconds -> reader of a film that may be open still -> pixels -> .jpg`` and
``video, [start, end) -> ffmpeg -> .mp4``. With the reader ``isolated`` whatever touches the video
is a confined process: this one gets pixels and encodes them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidqa.errors import ExportError, VideoError
from vidqa.timeline import Span
from vidqa.video.cut import cut_clip
from vidqa.video.known import Stamp, stamp_of
from vidqa.video.limits import DEFAULT_LIMITS
from vidqa.video.media import media
from vidqa.video.reader import Reader, open_reader
from vidqa.video.stills import is_still

FRAME_SIDE = 1280
"""Longest side of a frame, in pixels; larger videos are drawn smaller."""
FRAME_S = 60.0
"""How long reading one frame may take: decoding from far ahead."""
KEPT = 4
"""Films that stay open: each weighs 50 bytes a frame, 40 MB for 8 hours, and has a child that ends
by itself after a minute without orders."""
KEPT_S = 60.0
_JPEG_QUALITY = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is wanted of a video; seconds on its timeline, ``[start_s, end_s)``."""

    start_s: float
    end_s: float | None
    """None: the one frame on screen at ``start_s``."""

    @property
    def suffix(self) -> str:
        """Of the file."""
        return ".jpg" if self.end_s is None else ".mp4"


class PieceMaker:
    """Makes pieces by the reader of this name. Threads may share it."""

    def __init__(self, reader: str) -> None:
        self._reader, self._media = reader, media(reader)
        self._films = _Films(reader)

    def make(self, path: Path, piece: Piece, out: Path) -> None:
        """Write the piece to ``out``, which has its suffix and is not there yet.

        Raises :class:`VideoError` as reading does, and ``frame_unreadable``; :class:`ExportError`
        as :func:`vidqa.video.cut_clip` does, and ``clip_of_picture``.
        """
        if is_still(path):
            rgb_HWC = self._still(path, piece)
        elif piece.end_s is not None:
            span, within_s = Span(piece.start_s, piece.end_s), _clip_s(piece.start_s, piece.end_s)
            cut_clip(path, span, out, reader=self._reader, within_s=within_s)
            return
        else:
            rgb_HWC = self._frame(path, piece.start_s)
        Image.fromarray(rgb_HWC).save(out, "JPEG", quality=_JPEG_QUALITY)

    def close(self) -> None:
        """End the children that wait for orders."""
        self._films.close()

    def _frame(self, path: Path, at_s: float) -> NDArray[np.uint8]:
        reader = self._films.open(path)
        last_s = float(reader.frame_times_T[-1])
        size = _fitting(reader.info.height, reader.info.width)
        frames = reader.read_frames([min(max(at_s, 0.0), last_s)], size)
        if not len(frames):
            raise VideoError(
                f"{path} does not decode at {at_s:.3f} s",
                code="frame_unreadable",
                next_step="Ask for an earlier frame.",
            )
        rgb_HWC: NDArray[np.uint8] = frames.rgb_THWC[0]
        return rgb_HWC

    def _still(self, path: Path, piece: Piece) -> NDArray[np.uint8]:
        if piece.end_s is not None:
            raise ExportError(
                "a picture has no clips", code="clip_of_picture", next_step="Ask for its frame.jpg."
            )
        still = self._media.read_still(path)
        return still.resized(*_fitting(still.info.height, still.info.width))


class _Opened(NamedTuple):
    """A film that was asked for lately."""

    reader: Reader
    asked_s: float


class _Films:
    """Films that are open, the one asked for last at the end."""

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._opened: OrderedDict[tuple[str, Stamp], _Opened] = OrderedDict()
        self._lock = Lock()

    def open(self, path: Path) -> Reader:
        """Its reader; two threads that want the same new film at once measure it both."""
        key = (str(path), stamp_of(path))
        with self._lock:
            known = self._opened.get(key)
        reader = self._new(path) if known is None else known.reader
        with self._lock:
            self._opened[key] = _Opened(reader, time.monotonic())
            self._opened.move_to_end(key)
            old_s = time.monotonic() - KEPT_S
            spare = len(self._opened) - KEPT
            for number, (each, opened) in enumerate(list(self._opened.items())):
                if number < spare or opened.asked_s < old_s:
                    # Whoever reads from it yet goes on: its child ends with the reader.
                    del self._opened[each]
        return reader

    def close(self) -> None:
        """Forget them all."""
        with self._lock:
            self._opened.clear()

    def _new(self, path: Path) -> Reader:
        if self._reader == "isolated":
            from vidqa.video.isolated import IsolatedReader  # not on every system

            return IsolatedReader(path, 1, limits=DEFAULT_LIMITS, most_s=FRAME_S)
        return open_reader(path, reader=self._reader, threads=1)


def _clip_s(start_s: float, end_s: float) -> float:
    """How long cutting may take: decoding from far ahead, then encoding."""
    return 60.0 + 10.0 * (end_s - start_s)


def _fitting(height: int, width: int) -> tuple[int, int]:
    """The same shape with no side above :data:`FRAME_SIDE`."""
    shrink = min(1.0, FRAME_SIDE / max(height, width))
    return max(1, round(height * shrink)), max(1, round(width * shrink))
