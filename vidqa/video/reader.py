"""The interface of every reader, and the way to choose one by name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import VideoError
from vidqa.video.film import Film, study_film
from vidqa.video.frames import Frames
from vidqa.video.limits import DEFAULT_LIMITS, Limits
from vidqa.video.probe import VideoInfo

Size = tuple[int, int]
"""(height, width) in pixels."""
READERS = ("pyav", "decord", "isolated")


class Reader(Protocol):
    """Frames of one film, which was measured once when the reader was made."""

    @property
    def info(self) -> VideoInfo:
        """What ``probe`` says of the film."""
        ...

    @property
    def frame_times_T(self) -> NDArray[np.float64]:
        """As :func:`vidqa.video.frame_times`."""
        ...

    @property
    def decoder(self) -> str:
        """This reader and the version of what it decodes with: another may give other pixels."""
        ...

    def shown_times(self, seconds: Sequence[float]) -> NDArray[np.float64]:
        """The presentation time of the frame on screen at each time, (T,), without decoding.

        These are the frames that :meth:`read_frames` reads; raises ``window_outside`` as it does.
        """
        ...

    @property
    def key_times_T(self) -> NDArray[np.float64]:
        """Presentation times of the displayed key frames, ascending; all frames where the file had
        to be decoded to learn its times, for then none is cheaper than another."""
        ...

    def read_frames(self, seconds: Sequence[float], size: Size) -> Frames:
        """As :func:`read_frames`."""
        ...

    def read_keyframes(self, seconds: Sequence[float], size: Size) -> Frames:
        """As :func:`read_keyframes`."""
        ...


def open_reader(
    path: str | Path,
    *,
    reader: str = "pyav",
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Reader:
    """Measure a film once, to read from it often. Arguments as for :func:`read_frames`."""
    if checked_name(reader) == "isolated":
        from vidqa.video.isolated import IsolatedReader  # not on every system

        return IsolatedReader(Path(path), threads, limits=limits)
    return _reader(study_film(path, limits), reader, threads)


def checked_name(reader: str) -> str:
    """The name of a reader that there is; raises :class:`VideoError` ``reader_unknown``."""
    if reader not in READERS:
        raise VideoError(
            f"there is no reader {reader!r}",
            code="reader_unknown",
            next_step=f"Choose one of {', '.join(READERS)}.",
        )
    return reader


def read_frames(
    path: str | Path,
    seconds: Sequence[float],
    size: Size,
    *,
    reader: str = "pyav",
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Frames:
    """The frames on screen at ``seconds`` (in any order, doubles allowed), resized to ``size``.

    The frame on screen at t is the one with the greatest presentation time <= t; times count from
    the first displayed frame. ``threads`` decode stretches of the film in parallel (by default 2,
    or 1 on a single core). Memory is the output plus a few frames for each thread.
    Raises :class:`VideoError`: ``window_outside`` for a time outside the film, others when the
    file cannot be read. A tail that does not decode is told in ``unreadable_from_s`` and its times
    are left out; nothing readable at all raises ``undecodable``, with
    ``unreadable_from_s`` where that is because of the tail.
    """
    return open_reader(path, reader=reader, threads=threads, limits=limits).read_frames(
        seconds, size
    )


def read_keyframes(
    path: str | Path,
    seconds: Sequence[float],
    size: Size,
    *,
    threads: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Frames:
    """The key frame nearest to each time, with its own presentation time; errors as above.

    Only key frames are decoded: ten times cheaper and more where they are far apart.
    """
    return open_reader(path, threads=threads, limits=limits).read_keyframes(seconds, size)


def _reader(film: Film, reader: str, threads: int | None) -> Reader:
    if reader == "decord":
        from vidqa.video.decord_reader import DecordReader  # optional, and slow to import

        return DecordReader(film)
    from vidqa.video.pyav_reader import PyavReader

    return PyavReader(film, threads)
