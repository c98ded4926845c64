"""The default reader: exact on every container and codec we open, by packets' presentation times.

``asked seconds -> frames of the clock -> runs of packets -> decoder -> canvas -> Frames``
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import av
import numpy as np
from numpy.typing import NDArray

from vidqa.errors import VideoError
from vidqa.video.canvas import Blank, Canvas, blank, blank_canvas
from vidqa.video.decode import paint_runs
from vidqa.video.film import Film, decoded_frames
from vidqa.video.film_reader import FilmReader
from vidqa.video.frames import Frames
from vidqa.video.recover import recover, unreadable_tail
from vidqa.video.runs import plan_runs, share_runs
from vidqa.video.sizes import checked_size

DEFAULT_THREADS = 2
"""Two halves of a film at once cost two decoders' memory and pay on any machine with two cores."""


class PyavReader(FilmReader):
    """Frames of one film through PyAV (FFmpeg).

    ``blank`` makes the array, of a given shape (T, H, W, 3), that frames are painted into.
    """

    def __init__(self, film: Film, threads: int | None = None, *, blank: Blank = blank) -> None:
        super().__init__(film)
        self._threads = checked_threads(threads)
        self._blank = blank

    @property
    def decoder(self) -> str:
        """See :attr:`vidqa.video.Reader.decoder`."""
        return pyav_decoder()

    def read_frames(self, seconds: Sequence[float], size: tuple[int, int]) -> Frames:
        """See :func:`vidqa.video.read_frames`."""
        asked_T = np.asarray(seconds, dtype=np.float64).reshape(-1)
        numbers_T = self._film.clock.on_screen(self._film.path, seconds)
        return self._read(asked_T, numbers_T, size)

    def read_keyframes(self, seconds: Sequence[float], size: tuple[int, int]) -> Frames:
        """See :func:`vidqa.video.read_keyframes`."""
        asked_T = np.asarray(seconds, dtype=np.float64).reshape(-1)
        numbers_T = self._nearest_keys(
            self._film.clock.on_screen(self._film.path, seconds), asked_T
        )
        return self._read(asked_T, numbers_T, size)

    def _nearest_keys(
        self, numbers_T: NDArray[np.int64], asked_T: NDArray[np.float64]
    ) -> NDArray[np.int64]:
        clock, index = self._film.clock, self._film.index
        if clock.decoded:  # the file was decoded whole to find its times: any frame is as cheap
            return numbers_T
        keys = np.flatnonzero(index.key_P[clock.source_F])
        if not keys.size:
            return numbers_T
        key_s = clock.seconds_each[keys]
        after = np.clip(np.searchsorted(key_s, asked_T), 1 if keys.size > 1 else 0, keys.size - 1)
        before = np.maximum(after - 1, 0)
        nearer = np.abs(key_s[before] - asked_T) <= np.abs(key_s[after] - asked_T)
        return keys[np.where(nearer, before, after)]

    def _read(
        self, asked_T: NDArray[np.float64], numbers_T: NDArray[np.int64], size: tuple[int, int]
    ) -> Frames:
        height, width = checked_size(size)
        sources = [int(source) for source in self._film.clock.source_F[numbers_T]]
        canvas = blank_canvas(sources, height, width, self._blank)
        if self._film.clock.decoded:
            self._paint_by_counting(canvas)
            return _framed(self._film, canvas, asked_T, sources, None)
        self._paint_by_packets(canvas)
        return self._settled(canvas, asked_T, sources)

    def _paint_by_counting(self, canvas: Canvas) -> None:
        """Paint frames by their number in decoder output, as the clock was made."""
        film, brush = self._film, canvas.brush(self._film.orientation)
        tick_of = dict(zip(film.clock.source_F.tolist(), film.clock.pts_F.tolist(), strict=True))
        left = len(canvas.places)
        frames = decoded_frames(film.path, film.limits, film.decode_deadline())
        for number, frame in enumerate(frames):
            if number in canvas.places:
                brush.paint(frame, number, tick_of[number])
                left -= 1
            if not left:
                return

    def _paint_by_packets(self, canvas: Canvas) -> None:
        runs = plan_runs(self._film.index, list(canvas.places))
        shares = share_runs(runs, self._threads)
        if len(shares) <= 1:
            paint_runs(self._film, runs, canvas.brush(self._film.orientation))
            return
        with ThreadPoolExecutor(len(shares)) as pool:
            work = [
                pool.submit(paint_runs, self._film, share, canvas.brush(self._film.orientation))
                for share in shares
            ]
        for share in work:
            share.result()

    def _settled(
        self, canvas: Canvas, asked_T: NDArray[np.float64], sources: Sequence[int]
    ) -> Frames:
        """The frames, once every wanted packet is painted or known to lie in a bad tail."""
        film = self._film
        missing = canvas.missing(list(canvas.places))
        if not missing:
            return _framed(film, canvas, asked_T, sources, None)
        open_ended = recover(film, missing, canvas.brush(film.orientation))
        tail = unreadable_tail(film, canvas.painted, open_ended)
        return _framed(film, canvas, asked_T, sources, tail)


def pyav_decoder() -> str:
    """What pictures depend on: PyAV's version and that of the decoders in it."""
    codec = ".".join(map(str, av.library_versions["libavcodec"]))
    return f"pyav {av.__version__} libavcodec {codec}"


def checked_threads(threads: int | None) -> int:
    """The number of threads to use; raises on less than one."""
    if threads is None:
        return min(DEFAULT_THREADS, _cores())
    if threads < 1:
        raise VideoError(
            f"{threads} threads cannot decode",
            code="threads_impossible",
            next_step="Give 1 or more, or leave the number out.",
        )
    return threads


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _framed(
    film: Film,
    canvas: Canvas,
    asked_T: NDArray[np.float64],
    sources: Sequence[int],
    tail: int | None,
) -> Frames:
    clock = film.clock
    tail_s = None if tail is None else float(clock.seconds(np.array([tail]))[0])
    kept = [
        place
        for place, source in enumerate(sources)
        if source in canvas.painted and (tail_s is None or asked_T[place] < tail_s)
    ]
    if sources and not kept:
        raise _nothing_readable(film, asked_T, tail_s)
    whole = len(kept) == len(sources)
    ticks = np.array([canvas.painted[sources[place]] for place in kept], dtype=np.int64)
    return Frames(
        rgb_THWC=canvas.rgb_ThwC if whole else canvas.rgb_ThwC[kept],
        asked_T=asked_T[kept],
        pts_T=clock.seconds(ticks),
        unreadable_from_s=tail_s,
    )


def _nothing_readable(film: Film, asked_T: NDArray[np.float64], tail_s: float | None) -> VideoError:
    start_s = 0.0 if tail_s is None else tail_s
    return VideoError(
        f"{film.path}: no picture decodes from {start_s:.3f} s on, asked for {asked_T.min():.3f} s"
        f" to {asked_T.max():.3f} s",
        code="undecodable",
        next_step=f"Ask for times before {start_s:.3f} s, or re-encode the file.",
        unreadable_from_s=tail_s,
    )
