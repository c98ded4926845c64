"""All pictures of a film that a clock asks for, in order, decoded once and never held together.

``times -> segments of runs -> decoding threads, a bounded channel each -> pictures in order``

The film is cut into segments where decoding may start. Threads take segments in turn, each through
one opening of the file that only moves forwards; a segment's pictures wait in its channel until
their turn comes; a thread whose channel is full waits with them, and one that is some segments
ahead waits for its turn. So memory is bounded, whatever the length of the film. Pictures are those
of :func:`vidqa.video.read_frames`, bit for bit. Axes: T times asked; h rows, w columns, C colours.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock, Semaphore, Thread
from typing import NamedTuple

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from vidqa.video.canvas import rgb_of
from vidqa.video.cursor import PacketCursor
from vidqa.video.deadline import Deadline
from vidqa.video.decode import paint_run
from vidqa.video.film import Film, decoded_frames
from vidqa.video.recover import recover, unreadable_tail
from vidqa.video.resize import Resizer
from vidqa.video.runs import Run, plan_runs
from vidqa.video.sizes import checked_size

SEGMENT_PICTURES = 32
"""Wanted pictures of a segment at least, where the film can be cut so: 16 s at 2 a second."""
AHEAD = 2
"""Segments that are decoded beyond the one that is being read, for each thread."""
CHANNEL_PICTURES = 64
"""Pictures that wait in a segment's channel at most."""
_WAKE_S = 0.1
"""How often a waiting thread looks whether anybody still wants what it has."""
Rgb = NDArray[np.uint8]


class Picture(NamedTuple):
    """The frame on screen at one of the times asked."""

    number: int
    """Of the time, in the order asked."""
    pts_s: float
    """The frame's own presentation time; an earlier one's where the file is damaged there."""
    rgb_hwC: Rgb
    """At the size asked; several times that fall on one frame share it."""
    large_hwC: Rgb | None
    """The same frame at the second size, where that was asked for this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is wanted of a film: which moments, how large."""

    seconds_T: Sequence[float]
    """Ascending, on the presentation timeline."""
    size: tuple[int, int]
    """(height, width) of every picture."""
    large: Collection[int] = ()
    """Numbers of the times whose pictures are wanted in a second size as well."""
    large_size: tuple[int, int] = (1, 1)


class PictureStream:
    """Pictures of a film in the order of time: iterate once, and close.

    A tail that does not decode ends them, be it all of them, and ``unreadable_from_s`` says where
    it starts. Making one raises :class:`VideoError` on times outside the film, and iterating when
    the file cannot be read.
    """

    def __init__(self, film: Film, wish: Wish, *, threads: int = 1) -> None:
        self.unreadable_from_s: float | None = None
        self._film, self._wish = film, wish
        numbers_T = film.clock.on_screen(film.path, wish.seconds_T)
        self._sources = [int(source) for source in film.clock.source_F[numbers_T]]
        self._easel = _Easel(film, wish, self._sources)
        self._team = _Team(self._segments(), max(1, threads))

    def __enter__(self) -> PictureStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the threads; what they hold is let go."""
        self._team.stop()

    def __iter__(self) -> Iterator[Picture]:
        ready: dict[int, _Shot] = {}
        last_use = {source: number for number, source in enumerate(self._sources)}
        arriving = self._team.shots()
        for number, source in enumerate(self._sources):
            while source not in ready and (shot := next(arriving, None)) is not None:
                ready[shot.source] = shot
            if source not in ready:
                self.unreadable_from_s = self._tail_s(number)
                return
            shot = ready[source] if last_use[source] > number else ready.pop(source)
            large = shot.large_hwC if number in self._wish.large else None
            yield Picture(number, self._seconds(shot.pts), shot.rgb_hwC, large)

    def _tail_s(self, number: int) -> float:
        """Where the tail starts whose first time is this one."""
        tail = self._team.tail
        return self._wish.seconds_T[number] if tail is None else self._seconds(tail)

    def _seconds(self, tick: int) -> float:
        return float(self._film.clock.seconds(np.array([tick]))[0])

    def _segments(self) -> list[_Segment]:
        if self._film.clock.decoded:
            return [_Segment(_Counting(self._easel))] if self._sources else []
        runs = plan_runs(self._film.index, self._sources)
        return [_Segment(_Decoding(self._easel, some)) for some in _gathered(runs)]


@dataclass(frozen=True, slots=True)
class _Shot:
    """One decoded frame in its sizes, and the source it stands for."""

    source: int
    pts: int
    rgb_hwC: Rgb
    large_hwC: Rgb | None


Emit = Callable[[_Shot], float]
"""Hand a shot on; gives the seconds for which it had to wait."""


@dataclass(frozen=True, slots=True)
class _Easel:
    """What every thread needs to make shots."""

    film: Film
    wish: Wish
    sources_T: Sequence[int]
    large: frozenset[int] = field(init=False)
    """Sources that are wanted in the second size too."""

    def __post_init__(self) -> None:
        checked_size(self.wish.size)
        checked_size(self.wish.large_size)
        large = frozenset(self.sources_T[number] for number in self.wish.large)
        object.__setattr__(self, "large", large)


@dataclass(slots=True)
class _Painter:
    """Turns decoded frames into shots and hands them on; a ``Painter`` for one thread."""

    easel: _Easel
    emit: Emit
    deadline: Deadline
    painted: dict[int, int] = field(default_factory=dict)
    """Presentation tick of what was handed on for each source."""
    _small: Resizer = field(init=False)
    _large: Resizer = field(init=False)

    def __post_init__(self) -> None:
        self._small = Resizer(*self.easel.wish.size)
        self._large = Resizer(*self.easel.wish.large_size)

    def paint(self, frame: VideoFrame, source: int, pts: int) -> None:
        """Hand ``frame`` on for ``source``; waiting for room is nobody's fault."""
        rgb_HWC = self.easel.film.orientation.apply(rgb_of(frame))
        large = _resized(self._large, rgb_HWC) if source in self.easel.large else None
        shot = _Shot(source, pts, _resized(self._small, rgb_HWC), large)
        self.painted[source] = pts
        self.deadline.extend(self.emit(shot))


class _Decoding(NamedTuple):
    """A segment's work: some runs of packets."""

    easel: _Easel
    runs: Sequence[Run]

    def __call__(self, cursor: PacketCursor, emit: Emit) -> int | None:
        """Decode them, damaged parts too; the tick at which an unreadable tail starts, if any."""
        film = self.easel.film
        painter = _Painter(self.easel, emit, film.decode_deadline())
        for run in self.runs:
            paint_run(film, cursor, run, painter, painter.deadline)
        wanted = [packet for run in self.runs for packet in run.wanted]
        missing = [packet for packet in wanted if packet not in painter.painted]
        if not missing:
            return None
        return self._recover(missing, painter)

    def _recover(self, missing: Sequence[int], painter: _Painter) -> int | None:
        """Hand on what stands in for damaged pictures, up to where nothing decodes any more."""
        film, held = self.easel.film, list[_Shot]()

        def hold(shot: _Shot) -> float:
            held.append(shot)
            return 0.0

        stand_in = _Painter(self.easel, hold, painter.deadline)
        open_ended = recover(film, missing, stand_in)
        tail = unreadable_tail(film, {**painter.painted, **stand_in.painted}, open_ended)
        for shot in held:
            if tail is None or film.index.pts_P[shot.source] < tail:
                painter.emit(shot)
        return tail


class _Counting(NamedTuple):
    """The work of a film whose frames are told by their number in decoder output."""

    easel: _Easel

    def __call__(self, cursor: PacketCursor, emit: Emit) -> int | None:
        """Decode from the start to the last frame wanted."""
        film = self.easel.film
        ticks = dict(zip(film.clock.source_F.tolist(), film.clock.pts_F.tolist(), strict=True))
        wanted = set(self.easel.sources_T)
        painter = _Painter(self.easel, emit, film.decode_deadline())
        for number, frame in enumerate(decoded_frames(film.path, film.limits, painter.deadline)):
            if number in wanted:
                painter.paint(frame, number, ticks[number])
                wanted.discard(number)
            if not wanted:
                break
        return None


class _End(NamedTuple):
    """The last thing in a channel."""

    tail: int | None = None
    failed: BaseException | None = None


@dataclass(slots=True)
class _Segment:
    """A stretch of the film: the work it takes, and where its shots wait."""

    work: _Decoding | _Counting
    channel: queue.Queue[_Shot | _End] = field(
        default_factory=lambda: queue.Queue(CHANNEL_PICTURES)
    )


class _Stopped(Exception):  # noqa: N818  (a signal between threads, no error)
    """Nobody wants the pictures any more."""


class _Team:
    """Threads that take segments in order."""

    def __init__(self, segments: Sequence[_Segment], threads: int) -> None:
        self.tail: int | None = None
        """Tick at which an unreadable tail starts, once its segment's shots have been taken."""
        self._segments, self._given = segments, 0
        self._stop, self._lock = Event(), Lock()
        self._room = Semaphore(1 + AHEAD * threads)
        count = min(threads, len(segments))
        self._threads = [
            Thread(target=self._run, name=f"vidqa-stream-{k}", daemon=True) for k in range(count)
        ]
        for thread in self._threads:
            thread.start()

    def shots(self) -> Iterator[_Shot]:
        """What the threads make, segment after segment; raises what ended one of them."""
        for segment in self._segments:
            while not isinstance(taken := segment.channel.get(), _End):
                yield taken
            if taken.failed is not None:
                raise taken.failed
            if taken.tail is not None:
                self.tail = taken.tail
                return
            self._room.release()

    def stop(self) -> None:
        """End all threads and wait for them."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with suppress(_Stopped), ExitStack() as stack:
            cursor: PacketCursor | None = None
            while (segment := self._next()) is not None:
                try:
                    cursor = cursor or stack.enter_context(PacketCursor(segment.work.easel.film))
                    end = _End(segment.work(cursor, partial(self._put, segment)))
                except _Stopped:
                    raise
                except BaseException as err:  # noqa: BLE001  (raised where it is waited for)
                    end = _End(failed=err)
                self._put(segment, end)

    def _next(self) -> _Segment | None:
        while not self._room.acquire(timeout=_WAKE_S):
            if self._stop.is_set():
                return None
        with self._lock:
            if self._stop.is_set() or self._given == len(self._segments):
                return None
            self._given += 1
            return self._segments[self._given - 1]

    def _put(self, segment: _Segment, shot: _Shot | _End) -> float:
        began_s = time.monotonic()
        while not self._stop.is_set():
            with suppress(queue.Full):
                segment.channel.put(shot, timeout=_WAKE_S)
                return time.monotonic() - began_s
        raise _Stopped


def _gathered(runs: Sequence[Run]) -> Iterator[list[Run]]:
    """Neighbouring runs together until they hold enough wanted pictures."""
    some: list[Run] = []
    for run in runs:
        some.append(run)
        if sum(len(each.wanted) for each in some) >= SEGMENT_PICTURES:
            yield some
            some = []
    if some:
        yield some


def _resized(resize: Resizer, rgb_HWC: Rgb) -> Rgb:
    out_hwC = np.empty((resize.height, resize.width, 3), dtype=np.uint8)
    resize(rgb_HWC, out_hwC)
    return out_hwC
