"""A living child of the isolated reader: forked for one file, granted time, ended and reaped."""

from __future__ import annotations

import os
import select
import signal
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from mmap import mmap
from pathlib import Path

from vidqa.errors import VideoError
from vidqa.video.isolated.forking import SERVERS, ForkServer
from vidqa.video.isolated.room import new_room
from vidqa.video.limits import Limits


@dataclass(slots=True)
class Seat:
    """A living child."""

    server: ForkServer
    pid: int
    channel: socket.socket
    pulse: mmap
    owner: int = field(default_factory=os.getpid)
    cpu_s: float = 0.0
    """Processor seconds granted to all orders so far."""

    def hung_up(self) -> bool:
        """Whether a child with no order in hand has closed its side."""
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        return bool(poll.poll(0))

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


def new_seat(path: Path, limits: Limits) -> Seat:
    """Fork a child for the file at ``path``."""
    server = SERVERS.get()
    ours, theirs = socket.socketpair()
    room = new_room(8)
    try:
        pulse = mmap(room, 8)
        order = {
            "path": str(path),
            "folder": _folder(),
            "limits": asdict(limits),
        }
        pid = server.fork(order, (theirs.fileno(), room))
    except BaseException:
        ours.close()
        raise
    finally:
        theirs.close()
        os.close(room)
    return Seat(server, pid, ours, pulse)


def _folder() -> str | None:
    """Where relative paths are looked for; ``None`` in a folder that was deleted."""
    try:
        return os.getcwd()  # noqa: PTH109
    except OSError:
        return None
