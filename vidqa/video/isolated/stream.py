"""Pictures of a film in order, from a confined child through a ring of places in shared memory.

The child writes a picture into a free place and says which; it is copied out here, and the place is
free again. A child whose places are all full waits: memory is bounded by the ring.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidqa.video.film import Film
from vidqa.video.isolated.cell import Cell
from vidqa.video.isolated.room import mapped, new_room
from vidqa.video.isolated.watch import Watch, wall_s
from vidqa.video.isolated.wire import Broken, number, whole
from vidqa.video.sizes import checked_size
from vidqa.video.stream import Picture, Wish

SLOTS = 16
"""Places in the ring: pictures that wait to be taken at most, beside those in the child."""


class IsolatedStream:
    """As :class:`vidqa.video.PictureStream`: iterate once, and close."""

    def __init__(self, film: Film, wish: Wish, *, threads: int = 1) -> None:
        self.unreadable_from_s: float | None = None
        film.clock.on_screen(film.path, wish.seconds_T)
        self._small = (*checked_size(wish.size), 3)
        self._large = (*checked_size(wish.large_size), 3)
        self._wish, self._cell = wish, Cell(film.path, film.limits, film)
        self._wall_s = wall_s(film.clock.duration_s)
        self._slot_bytes = math.prod(self._small) + math.prod(self._large)
        self._threads = max(1, threads)

    def __enter__(self) -> IsolatedStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the child."""
        self._cell.close()

    def __iter__(self) -> Iterator[Picture]:
        if not len(self._wish.seconds_T):
            return
        size = SLOTS * self._slot_bytes
        room = new_room(size)
        try:
            ring = np.frombuffer(mapped(room, size), dtype=np.uint8).reshape(SLOTS, -1)
            self._begin(room, size)
        finally:
            os.close(room)
        try:
            yield from self._pictures(ring)
        except Broken as broken:
            raise self._cell.broken(str(broken)) from broken

    def _begin(self, room: int, size: int) -> None:
        wish = self._wish
        order = {
            "do": "stream",
            "seconds": [float(t) for t in wish.seconds_T],
            "size": list(wish.size),
            "large": sorted(wish.large),
            "large_size": list(wish.large_size),
            "slots": SLOTS,
            "threads": self._threads,
        }
        self._cell.begin(order, within_s=self._wall_s, files=(room,), shared=size)

    def _pictures(self, ring: NDArray[np.uint8]) -> Iterator[Picture]:
        watch, wish, expected = Watch(self._wall_s), self._wish, 0
        while True:
            told = self._cell.hear(watch).head
            if told.get("end") is True:
                tail_s = told.get("unreadable_from_s")
                self.unreadable_from_s = None if tail_s is None else number(tail_s)
                if tail_s is None and expected < len(wish.seconds_T):
                    raise Broken("too few pictures")
                return
            slot, picture = self._picture(told, ring, expected)
            self._cell.tell({"free": slot})
            expected += 1
            yield picture

    def _picture(
        self, told: dict[str, Any], ring: NDArray[np.uint8], expected: int
    ) -> tuple[int, Picture]:
        if expected >= len(self._wish.seconds_T):
            raise Broken("too many pictures")
        whole(told.get("number"), expected, expected)
        place = ring[slot := whole(told.get("slot"), 0, SLOTS - 1)]
        small = math.prod(self._small)
        large = place[small:].reshape(self._large).copy() if told.get("large") is True else None
        picture = Picture(
            number=expected,
            pts_s=number(told.get("pts_s")),
            rgb_hwC=place[:small].reshape(self._small).copy(),
            large_hwC=large,
        )
        return slot, picture
