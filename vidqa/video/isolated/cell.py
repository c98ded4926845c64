"""One file's child process as its parent sees it: asked, watched, ended, replaced.

A child that crashes, stands still or takes too long costs the order in hand, never the parent: the
order raises, and the next one gets a new child.
"""

from __future__ import annotations

import os
import signal
import weakref
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any

from vidqa.errors import VideoError
from vidqa.video.codes import FILE_CODES
from vidqa.video.film import Film
from vidqa.video.isolated.confine import grant
from vidqa.video.isolated.filmwire import film_message
from vidqa.video.isolated.seat import Seat, new_seat
from vidqa.video.isolated.watch import LEAST_WALL_S, Late, Watch
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

_CODES = frozenset(FILE_CODES) | {
    *("not_a_picture", "window_outside", "size_impossible"),
    *("file_missing", "file_unreadable", "file_is_directory", "file_not_regular"),
}
"""All that a child may say; the last line only of a file that changes while it is read."""
_REFUSED = 72
"""Exit status of a child whose walls could not be put up."""


class _Idled(VideoError):  # noqa: N818  (a signal: ask again)
    """The child had ended in good order when it was asked."""


class Cell:
    """Orders about one file. Threads may share it; one order at a time."""

    def __init__(self, path: Path, limits: Limits, film: Film | None = None) -> None:
        self.path, self.limits, self.film = path, limits, film
        self.walls: tuple[str, ...] = ()
        """What confines the child, once there was one."""
        self.lock = RLock()
        self._seat: Seat | None = None
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
        except Late as late:
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

    def _received(self, seat: Seat, watch: Watch) -> Message:
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

    def _seated(self) -> Seat:
        """The child, a new one where there is none or it ended for want of orders."""
        if self._seat is not None and (self._seat.owner != os.getpid() or self._seat.hung_up()):
            self.close()
        if self._seat is None:
            self._seat = seat = new_seat(self.path, self.limits)
            self._end = weakref.finalize(self, seat.end)
            self._greet(seat)
        return self._seat

    def _greet(self, seat: Seat) -> None:
        """See its walls, and tell it of the film where that is known."""
        hello = self.hear(Watch(LEAST_WALL_S)).head
        self.walls = tuple(text(wall, 20) for wall in hello.get("walls", ()))
        if self.film is not None:
            head, blobs = film_message(self.film)
            self._send(seat, {**head, "do": "know"}, blobs)
            self.hear(Watch(LEAST_WALL_S))

    def _send(
        self, seat: Seat, order: Json, blobs: Sequence[Any] = (), files: Sequence[int] = ()
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


def _waiting(watch: Watch, seat: Seat) -> Wait:
    return lambda: watch.wait_for(seat.channel, seat.pulse)
