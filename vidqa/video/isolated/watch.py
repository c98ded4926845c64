"""How long a child of the isolated reader is waited for: while it makes progress, and no longer
than its order may take."""

from __future__ import annotations

import select
import socket
import struct
import time
from mmap import mmap

from vidqa import interrupts

STALL_S = 20.0
"""A child that makes no progress for so long while somebody waits for it is ended."""
LEAST_WALL_S = 20.0
"""Seconds that an order has at least; longer where the film is."""
_LOOK_S = 0.25
_MOST_STEP_S = 1.0
"""What one look counts at most: a parent that was stopped itself is not the child's fault."""


def wall_s(duration_s: float) -> float:
    """How long one order about a film of this length may take."""
    return max(LEAST_WALL_S, 4 * duration_s)


class Watch:
    """How long a child has been waited for; of its :class:`Late` the cell makes an error."""

    def __init__(self, within_s: float) -> None:
        self.within_s = within_s
        self._waited_s = self._still_s = 0.0
        self._beats = -1

    def wait_for(self, channel: socket.socket, pulse: mmap) -> None:
        """Return when there is something to read; raises :class:`Late`, and
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
                raise Late(f"was not over after {self.within_s:.0f} s")
            if there:
                return
            if self._still_s > STALL_S:
                raise Late(f"stood still for {STALL_S:.0f} s")


class Late(Exception):  # noqa: N818  (a signal, translated in the cell)
    """The child takes too long; says how."""
