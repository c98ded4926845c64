"""The isolated reader: frames of one film, decoded by a confined child, to the bit those of pyav.

``path -> child studies -> checked Film -> times asked -> child paints shared memory -> Frames``
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import VideoError
from vidqa.video.film import Film
from vidqa.video.film_reader import FilmReader
from vidqa.video.frames import Frames
from vidqa.video.isolated.cell import Cell
from vidqa.video.isolated.filmwire import film_of
from vidqa.video.isolated.room import mapped, new_room
from vidqa.video.isolated.watch import STALL_S, wall_s
from vidqa.video.isolated.wire import Broken, Message, number, table, text
from vidqa.video.limits import Limits
from vidqa.video.pyav_reader import checked_threads, pyav_decoder
from vidqa.video.sizes import checked_size
from vidqa.video.sniff import sniff

_LEAST_PACKET_BYTES = 64
"""Packets are rarely smaller: what a file of some size may hold at most, for its time limit."""


class IsolatedReader(FilmReader):
    """Frames of one film; its child lives while orders come, and is made anew when they do again.

    Raises what :class:`vidqa.video.pyav_reader.PyavReader` raises, and ``decoder_crashed``,
    ``decoder_timeout``, ``decoder_limit``, ``isolation_unavailable``.
    """

    def __init__(
        self,
        path: Path,
        threads: int | None = None,
        *,
        limits: Limits,
        most_s: float = math.inf,
    ) -> None:
        """``most_s`` bounds the wall seconds of one order, which else grow with the film."""
        self._threads, self._most_s = checked_threads(threads), most_s
        self._cell = opened_cell(path, limits)
        super().__init__(studied(self._cell))

    @property
    def decoder(self) -> str:
        """See :attr:`vidqa.video.Reader.decoder`; the same pixels, so the same words as pyav."""
        return pyav_decoder()

    @property
    def walls(self) -> tuple[str, ...]:
        """What confines the child: ``limits``, ``landlock``, ``seccomp``."""
        return self._cell.walls

    @property
    def child(self) -> int | None:
        """Process id of the child, where there is one."""
        return self._cell.pid

    def read_frames(self, seconds: Sequence[float], size: tuple[int, int]) -> Frames:
        """See :func:`vidqa.video.read_frames`."""
        return self._read(seconds, size, keys=False)

    def read_keyframes(self, seconds: Sequence[float], size: tuple[int, int]) -> Frames:
        """See :func:`vidqa.video.read_keyframes`."""
        return self._read(seconds, size, keys=True)

    def close(self) -> None:
        """End the child now rather than when this reader is let go."""
        self._cell.close()

    def _read(self, seconds: Sequence[float], size: tuple[int, int], *, keys: bool) -> Frames:
        asked_T = np.asarray(seconds, dtype=np.float64).reshape(-1)
        self._film.clock.on_screen(self._film.path, seconds)
        height, width = checked_size(size)
        if not asked_T.size:
            return Frames(np.empty((0, height, width, 3), np.uint8), asked_T, asked_T.copy())
        order = {
            "do": "frames",
            "keys": keys,
            "seconds": asked_T.tolist(),
            "size": [height, width],
            "threads": self._threads,
        }
        shape = (asked_T.size, height, width, 3)
        within_s = min(wall_s(self.info.duration_s), self._most_s)
        rgb_THWC, message = in_room(self._cell, order, shape, within_s)
        try:
            return _frames(message, rgb_THWC, asked_T)
        except Broken as broken:
            raise self._cell.broken(str(broken)) from broken


def opened_cell(path: Path, limits: Limits) -> Cell:
    """A cell for a file whose first bytes are a film's; raises as :func:`vidqa.video.sniff`."""
    sniff(path)
    return Cell(path, limits)


def studied(cell: Cell) -> Film:
    """The film of a cell, measured by its child and checked here."""
    try:
        message = cell.ask({"do": "study"}, within_s=_study_s(cell.path, cell.limits))
        cell.film = film_of(message, cell.path, cell.limits)
    except Broken as broken:
        raise cell.broken(str(broken)) from broken
    return cell.film


def study(path: Path, limits: Limits) -> Film:
    """As :func:`vidqa.video.study_film`, by a child."""
    cell = opened_cell(path, limits)
    try:
        return studied(cell)
    finally:
        cell.close()


def tags(path: Path, limits: Limits) -> Mapping[str, str]:
    """As :func:`vidqa.video.read_tags`, by a child; long ones are cut."""
    cell = opened_cell(path, limits)
    try:
        message = cell.ask({"do": "tags"}, within_s=limits.open_s + STALL_S)
        told = table(message.head.get("tags"))
        return {text(key, 10_000): text(value, 10_000) for key, value in told.items()}
    except Broken as broken:
        raise cell.broken(str(broken)) from broken
    finally:
        cell.close()


def in_room(
    cell: Cell, order: dict[str, object], shape: tuple[int, ...], within_s: float
) -> tuple[NDArray[np.uint8], Message]:
    """Ask for pixels: the array of this shape that the child painted, and what it said."""
    size = math.prod(shape)
    room = new_room(size)
    try:
        message = cell.ask(order, within_s=within_s, files=(room,), shared=size)
        return np.frombuffer(mapped(room, size), dtype=np.uint8).reshape(shape), message
    finally:
        os.close(room)


def _frames(message: Message, rgb_THWC: NDArray[np.uint8], asked_T: NDArray[np.float64]) -> Frames:
    if len(message.blobs) != 2:
        raise Broken("no times")
    kept_T, pts_T = (np.frombuffer(blob, dtype=np.float64) for blob in message.blobs)
    count = kept_T.size
    if pts_T.size != count or not 0 < count <= asked_T.size or not np.isfinite(pts_T).all():
        raise Broken("other times than asked for")
    if not np.isin(kept_T, asked_T).all():
        raise Broken("other times than asked for")
    tail_s = message.head.get("unreadable_from_s")
    return Frames(
        rgb_THWC=rgb_THWC[:count],
        asked_T=kept_T,
        pts_T=pts_T,
        unreadable_from_s=None if tail_s is None else number(tail_s),
    )


def _study_s(path: Path, limits: Limits) -> float:
    """Wall seconds for measuring a file: what the child's own limits allow, and a moment more."""
    try:
        size = path.stat().st_size
    except OSError as err:
        raise VideoError(
            f"{path}: cannot be read ({err.strerror})",
            code="file_unreadable",
            next_step="Check the path and its permissions.",
        ) from err
    most = limits.decode_seconds(size // _LEAST_PACKET_BYTES)
    return limits.open_s + limits.scan_seconds(size) + most + STALL_S
