"""One file's child process as its parent sees it: asked, watched, ended, replaced.

A child that crashes, stands still or takes too long costs the order in hand, never the parent: the
order raises, and the next one gets a new child.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import time
import weakref
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from mmap import mmap
from pathlib import Path
from threading import RLock
from typing import Any

from vidqa import interrupts
from vidqa.errors import VideoError
from vidqa.video.codes import FILE_CODES
from vidqa.video.film import Film
from vidqa.video.isolated.confine import grant
from vidqa.video.isolated.filmwire import film_message
from vidqa.video.isolated.forking import SERVERS, ForkServer
from vidqa.video.isolated.room import new_room
from vidqa.video.isolated.wire import (
    Broken,
    Json,
    Message,
    Wait,
    number,
    receive,
    send,
    table,
    text,
)
from vidqa.video.limits import Limits

STALL_S = 20.0
"""A child that makes no progress for so long while somebody waits for it is ended."""
LEAST_WALL_S = 20.0
"""Seconds that an order has at least; longer where the film is."""
_LOOK_S = 0.25
_MOST_STEP_S = 1.0
"""What one look counts at most: a parent that was stopped itself is not the child's fault."""
_CODES = frozenset(FILE_CODES) | {
    *("not_a_picture", "window_outside", "size_impossible"),
    *("file_missing", "file_unreadable", "file_is_directory", "file_not_regular"),
}
"""All that a child may say; the last line only of a file that changes while it is read."""
_REFUSED = 72
"""Exit status of a child whose walls could not be put up."""


def wall_s(duration_s: float) -> float:
    """How long one order about a film of this length may take."""
    return max(LEAST_WALL_S, 4 * duration_s)


class Watch:
    """How long a child has been waited for; raises ``decoder_timeout`` through its cell."""

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        self._waited_s = self._still_s = 0.0
        self._beats = -1

    def wait_for(self, channel: socket.socket, pulse: mmap) -> None:
        """Return when there is something to read; raises :class:`_Late`, and
        :class:`vidqa.interrupts.Interrupted` where somebody wants an end."""
        poll = select.poll()
        poll.register(channel, select.POLLIN)
        while True:
            began_s = time.monotonic()
            there = poll.poll(_LOOK_S * 1000)
            step_s = min(time.monotonic() - began_s, _MOST_STEP_S)
            self._waited_s += step_s
            (beats,) = struct.unpack_from("Q", pulse)
            interrupts.check(moved=beats != self._beats)  # the child's steps are ours
            self._still_s = 0.0 if beats != self._beats or there else self._still_s + step_s
            self._beats = beats
            if self._waited_s > self.within_s:
                raise _Late(f"was not over after {self.within_s:.0f} s")
            if there:
                return
            if self._still_s > STALL_S:
                raise _Late(f"stood still for {STALL_S:.0f} s")


class _Late(Exception):  # noqa: N818  (a signal, translated in the cell)
    """The child takes too long; says how."""


class _Idled(VideoError):  # noqa: N818  (a signal: ask again)
    """The child had ended in good order when it was asked."""


@dataclass(slots=True)
class _Seat:
    """A living child."""

    server: ForkServer
    pid: int
    channel: socket.socket
    pulse: mmap
    owner: int = field(default_factory=os.getpid)
    cpu_s: float = 0.0
    """Processor seconds granted to all orders so far."""

    def end(self) -> int:
        """Kill it and give the status it ended with, its own where it had ended before."""
        self.channel.close()
        self.pulse.close()
        if self.owner != os.getpid():  # we are a fork: it is not our child
            return 0
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        try:
            return self.server.reap(self.pid)
        except VideoError:  # the server ended, and its children with it
            return int(signal.SIGKILL)


class Cell:
    """Orders about one file. Threads may share it; one order at a time."""

    def __init__(self, path: Path, limits: Limits, film: Film | None = None) -> None:
        self.path, self.limits, self.film = path, limits, film
        self.walls: tuple[str, ...] = ()
        """What confines the child, once there was one."""
        self.lock = RLock()
        self._seat: _Seat | None = None
        self._end = weakref.finalize(self, int)

    @property
    def pid(self) -> int | None:
        """Of the child that sits there now."""
        return None if self._seat is None else self._seat.pid

    def ask(
        self,
        order: Json,
        *,
        within_s: float,
        files: Sequence[int] = (),
        shared: int = 0,
    ) -> Message:
        """What the child answers, within so many wall seconds; what it raised, raised here.

        ``files`` are descriptors of shared memory, ``shared`` its bytes. Raises
        :class:`VideoError` with the child's code, or ``decoder_crashed``, ``decoder_timeout``,
        ``decoder_limit``.
        """
        with self.lock:
            for _ in range(2):
                with suppress(_Idled):
                    self.begin(order, within_s=within_s, files=files, shared=shared)
                    return self.hear(Watch(within_s))
            raise self.broken("nothing")

    def begin(
        self, order: Json, *, within_s: float, files: Sequence[int] = (), shared: int = 0
    ) -> None:
        """Give an order whose answers :meth:`hear` takes; raises as :meth:`ask`."""
        seat = self._seated()
        seat.cpu_s += 1 + within_s * int(order.get("threads") or 1)
        grant(seat.pid, shared_bytes=shared, cpu_s=int(seat.cpu_s))
        self._send(seat, order, files=files)

    def hear(self, watch: Watch) -> Message:
        """The child's next message; raises as :meth:`ask`."""
        seat = self._seat
        if seat is None:
            raise self.broken("nothing")
        try:
            message = self._received(seat, watch)
        except Broken as broken:
            raise self._ended() from broken
        except _Late as late:
            self.close()
            raise self._error(
                f"decoding {late}",
                "decoder_timeout",
                "Re-encode it (ffmpeg -i IN -c:v libx264 OUT.mp4) or look at a shorter window.",
            ) from late
        except BaseException as err:  # Ctrl-C: what the child says later would answer nothing
            if not isinstance(err, VideoError):
                self.close()
            raise
        return message

    def _received(self, seat: _Seat, watch: Watch) -> Message:
        message = receive(seat.channel, wait=_waiting(watch, seat))
        if (told := message.head.get("error")) is not None:
            raise self._told(told)
        return message

    def tell(self, word: Json) -> None:
        """A word on the order in hand."""
        if self._seat is not None:
            with suppress(Broken):  # its end is seen where its next message is waited for
                send(self._seat.channel, word)

    def close(self) -> int:
        """End the child, if there is one; the status it ended with."""
        with self.lock:
            seat, self._seat = self._seat, None
            if seat is None:
                return 0
            self._end.detach()
            return seat.end()

    def broken(self, why: str) -> VideoError:
        """The error for what the child said and cannot be true; it is ended."""
        self.close()
        return self._error(f"the decoder reported what cannot be true ({why})", "decoder_crashed")

    def _seated(self) -> _Seat:
        """The child, a new one where there is none or it ended for want of orders."""
        if self._seat is not None and (
            self._seat.owner != os.getpid() or _hung_up(self._seat.channel)
        ):
            self.close()
        if self._seat is None:
            self._seat = seat = self._new_seat()
            self._end = weakref.finalize(self, seat.end)
            self._greet(seat)
        return self._seat

    def _new_seat(self) -> _Seat:
        server = SERVERS.get()
        ours, theirs = socket.socketpair()
        room = new_room(8)
        try:
            pulse = mmap(room, 8)
            order = {
                "path": str(self.path),
                "folder": _folder(),
                "limits": asdict(self.limits),
            }
            pid = server.fork(order, (theirs.fileno(), room))
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(room)
        return _Seat(server, pid, ours, pulse)

    def _greet(self, seat: _Seat) -> None:
        """See its walls, and tell it of the film where that is known."""
        hello = self.hear(Watch(LEAST_WALL_S)).head
        self.walls = tuple(text(wall, 20) for wall in hello.get("walls", ()))
        if self.film is not None:
            head, blobs = film_message(self.film)
            self._send(seat, {**head, "do": "know"}, blobs)
            self.hear(Watch(LEAST_WALL_S))

    def _send(
        self, seat: _Seat, order: Json, blobs: Sequence[Any] = (), files: Sequence[int] = ()
    ) -> None:
        try:
            send(seat.channel, order, blobs, files)
        except Broken as broken:
            raise self._ended() from broken

    def _ended(self) -> VideoError:
        """What the end of the child means."""
        status = self.close()
        if status == 0:
            return _Idled(
                f"{self.path}: the decoder ended without a word",
                code="decoder_crashed",
                next_step="Re-encode it: ffmpeg -i IN -c:v libx264 OUT.mp4",
            )
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            if os.WTERMSIG(status) == signal.SIGXCPU:
                return self._error("decoding it takes too much processor time", "decoder_limit")
            return self._error(f"the decoder crashed ({name})", "decoder_crashed")
        if os.WEXITSTATUS(status) == _REFUSED:
            return self._error(
                "the system refused to confine the decoder",
                "isolation_unavailable",
                "See docs/security.md for what the isolated reader needs.",
            )
        return self._error(f"the decoder ended ({os.WEXITSTATUS(status)})", "decoder_crashed")

    def _told(self, told: Any) -> VideoError:
        """The child's own error, of a code that there is."""
        code = text(table(told).get("code"), 40)
        if code not in _CODES:
            raise Broken("no error of ours")
        tail_s = told.get("unreadable_from_s")
        return VideoError(
            text(told.get("message"), 4000),
            code=code,
            next_step=text(told.get("next_step"), 1000),
            unreadable_from_s=None if tail_s is None else number(tail_s),
        )

    def _error(self, what: str, code: str, next_step: str | None = None) -> VideoError:
        step = next_step or "Re-encode it: ffmpeg -i IN -c:v libx264 OUT.mp4"
        return VideoError(f"{self.path}: {what}", code=code, next_step=step)


def _waiting(watch: Watch, seat: _Seat) -> Wait:
    return lambda: watch.wait_for(seat.channel, seat.pulse)


def _folder() -> str | None:
    """Where relative paths are looked for; ``None`` in a folder that was deleted."""
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return None


def _hung_up(channel: socket.socket) -> bool:
    """Whether the other side of a channel with no order in hand is closed."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(0))
