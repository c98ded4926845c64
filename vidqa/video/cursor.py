"""Step through a film's packets in file order, and over gaps that are too long to read through.

Where a seek landed is looked up in the index: after the packet asked for, the cursor backs off, and
in the end it reads from the start.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType

import av
from av.packet import Packet
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from vidqa.video.container import open_video
from vidqa.video.film import Film, packets_until_error
from vidqa.video.index import NO_TIME

SEEK_BYTES = 4_000_000
"""A gap is read through below this many bytes of pictures: a seek costs as much."""
_SEEKABLE = frozenset({"mp4", "matroska"})
_BACK_OFF_S = (0.0, 1.0, 4.0, 16.0)


class PacketCursor:
    """Packets of one film by number, forwards; going back reopens the file."""

    def __init__(self, film: Film) -> None:
        self._film = film
        self._stack = ExitStack()
        self._open()

    def __enter__(self) -> PacketCursor:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        err: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    @property
    def decoder(self) -> VideoCodecContext:
        """The decoder of the stream, as the file now stands open."""
        return self._stream.codec_context

    def packets(self, first: int, last: int) -> Iterator[tuple[int, Packet[VideoStream]]]:
        """(number, packet) for ``first`` to ``last``, both included; fewer if the file ends."""
        self._go_to(first)
        while self._next <= last:
            taken = self._take()
            if taken is None:
                return
            number, packet = taken
            if number >= first:
                yield number, packet

    def _go_to(self, first: int) -> None:
        if first < self._next:
            self._open()
        gap = int(self._film.index.bytes_P[self._next : first].sum())
        if gap > SEEK_BYTES and self._film.container in _SEEKABLE and not self._seek(first):
            self._open()

    def _open(self) -> None:
        self._stack.close()
        opened = self._stack.enter_context(open_video(self._film.path, self._film.limits))
        self._container, self._stream = opened
        self._packets = packets_until_error(self._container, self._stream)
        self._next = 0
        self._held: Packet[VideoStream] | None = None

    def _take(self) -> tuple[int, Packet[VideoStream]] | None:
        packet = self._held or next(self._packets, None)
        self._held = None
        if packet is None:
            return None
        number = self._next
        self._next += 1
        return number, packet

    def _seek(self, first: int) -> bool:
        """Land at or before packet ``first``; False when no back-off gets there."""
        index = self._film.index
        target = int(index.dts_P[first] if index.dts_P[first] > NO_TIME else index.pts_P[first])
        for back_s in _BACK_OFF_S:
            tick = target - round(back_s / index.time_base)
            try:
                self._container.seek(tick, stream=self._stream, backward=True)
            except av.FFmpegError:
                return False
            self._packets = packets_until_error(self._container, self._stream)
            landed = next(self._packets, None)
            number = self._number_of(landed)
            if landed is not None and number is not None and number <= first:
                self._next, self._held = number, landed
                return True
        return False

    def _number_of(self, packet: Packet[VideoStream] | None) -> int | None:
        """The packet's number by its time and size; None unless exactly one packet has them."""
        if packet is None or packet.pts is None:  # dts is not compared: some seeks lose it
            return None
        index = self._film.index
        numbers = ((index.pts_P == packet.pts) & (index.bytes_P == packet.size)).nonzero()[0]
        return int(numbers[0]) if numbers.size == 1 else None
