"""What runs inside the walls: one file, orders in, numbers and pixels out.

``order -> study | film | frames | tags | still | stream -> head, blobs, pixels in a room``

Pixels go into shared memory that the parent made for them. An error of ours goes out as its code
and words; any other ends in ``decoder_crashed`` or, for want of memory, ``decoder_limit``.
"""

from __future__ import annotations

import math
import mmap
import os
import resource
import select
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vidqa.errors import VideoError
from vidqa.video.film import Film, study_film
from vidqa.video.isolated.confine import confine
from vidqa.video.isolated.filmwire import film_message, film_of
from vidqa.video.isolated.wire import Broken, Json, Message, close_all, receive, send
from vidqa.video.limits import Limits
from vidqa.video.pulse import PULSE
from vidqa.video.pyav_reader import PyavReader
from vidqa.video.stills import probe_still, read_still
from vidqa.video.stream import PictureStream, Wish
from vidqa.video.tags import read_tags

IDLE_S = 60.0
"""A child that is asked nothing for so long ends; the next order gets another."""
_TAGS, _TAG_CHARACTERS = 200, 10_000
_NEAR_BYTES = 256 << 20
Rgb = NDArray[np.uint8]


class Reply(NamedTuple):
    """What an order gives."""

    head: Json
    blobs: Sequence[Any] = ()


def serve(order: Json, files: Sequence[int], server: int) -> int:
    """Obey orders about one file until there are no more; the exit status."""
    channel, pulse = socket.socket(fileno=files[0]), files[1]
    status = os.open("/proc/self/status", os.O_RDONLY) if os.path.exists("/proc/self") else -1  # noqa: PTH110
    if order["folder"] is not None:
        os.chdir(order["folder"])
    PULSE.beats = memoryview(mmap.mmap(pulse, 8)).cast("Q")
    try:
        walls = confine(order["path"], parent=server)
    except OSError as err:
        send(channel, {"failed": str(err)})
        return 72
    send(channel, {"walls": walls})
    limits = Limits(**order["limits"])
    return _Desk(channel, Path(order["path"]), limits, status).work()


@dataclass(slots=True)
class _Desk:
    """Orders about one file."""

    channel: socket.socket
    path: Path
    limits: Limits
    status: int
    """Descriptor of this process's ``status`` in /proc, or -1."""
    film: Film | None = None

    def work(self) -> int:
        while True:
            if not select.select([self.channel], [], [], IDLE_S)[0]:
                return 0
            try:
                message = receive(self.channel, files=True)
            except Broken:
                return 0
            try:
                reply = self._answer(message)
            finally:
                close_all(message.files)
            try:
                send(self.channel, reply.head, reply.blobs)
            except Broken:
                return 0

    def _answer(self, message: Message) -> Reply:
        PULSE.shortages = 0
        try:
            reply = _ORDERS[message.head["do"]](self, message)
        except VideoError as err:
            if err.code == "undecodable" and self._ran_short():
                return _failed(_short(self.path))
            return _failed(err)
        except MemoryError:
            return _failed(_short(self.path))
        except Broken:
            os._exit(0)
        except Exception as err:  # noqa: BLE001  (PyAV and Pillow raise of many kinds)
            return _failed(_crashed(self.path, err))
        if reply.head.get("unreadable_from_s") is not None and self._ran_short():
            return _failed(_short(self.path))
        return reply

    def _ran_short(self) -> bool:
        """Whether memory was refused because it was used up, not because a size was absurd."""
        if not PULSE.shortages or self.status < 0:
            return False
        text = os.pread(self.status, 8192, 0).decode()
        peak = next(line for line in text.splitlines() if line.startswith("VmPeak:"))
        return int(peak.split()[1]) * 1024 > _address_bytes() - _NEAR_BYTES

    def study(self, _: Message) -> Reply:
        self.film = study_film(self.path, self.limits)
        return Reply(*film_message(self.film))

    def know(self, message: Message) -> Reply:
        self.film = film_of(message, self.path, self.limits)
        return Reply({})

    def frames(self, message: Message) -> Reply:
        order = message.head
        height, width = order["size"]
        shape = (len(order["seconds"]), height, width, 3)
        room = _pixels(message.files[0], shape)
        reader = PyavReader(self._known(), order["threads"], blank=lambda _: room)
        read = reader.read_keyframes if order["keys"] else reader.read_frames
        frames = read(order["seconds"], (height, width))
        if frames.rgb_THWC is not room:  # without those of a bad tail
            room[: len(frames)] = frames.rgb_THWC
        return Reply(
            {"unreadable_from_s": frames.unreadable_from_s},
            [np.asarray(frames.asked_T), np.asarray(frames.pts_T)],
        )

    def tags(self, _: Message) -> Reply:
        tags = read_tags(self.path, limits=self.limits)
        kept = list(tags.items())[:_TAGS]
        cut = {key[:_TAG_CHARACTERS]: value[:_TAG_CHARACTERS] for key, value in kept}
        return Reply({"tags": cut})

    def still(self, message: Message) -> Reply:
        if not message.files:
            info = probe_still(self.path, limits=self.limits)
        else:
            read = read_still(self.path, limits=self.limits)
            info = read.info
            _pixels(message.files[0], (info.height, info.width, 3))[:] = read.rgb_HWC
        facts = info.to_dict()
        del facts["path"]
        return Reply({"still": facts})

    def stream(self, message: Message) -> Reply:
        order = message.head
        wish = Wish(
            seconds_T=order["seconds"],
            size=tuple(order["size"]),
            large=frozenset(order["large"]),
            large_size=tuple(order["large_size"]),
        )
        ring = _Ring(self.channel, message.files[0], wish, order["slots"])
        with PictureStream(self._known(), wish, threads=order["threads"]) as stream:
            for picture in stream:
                slot = ring.free_slot()
                ring.small[slot][:] = picture.rgb_hwC
                if picture.large_hwC is not None:
                    ring.large[slot][:] = picture.large_hwC
                PULSE.beat()
                told = {
                    "number": picture.number,
                    "pts_s": picture.pts_s,
                    "slot": slot,
                    "large": picture.large_hwC is not None,
                }
                send(self.channel, told)
            return Reply({"end": True, "unreadable_from_s": stream.unreadable_from_s})

    def _known(self) -> Film:
        if self.film is None:
            raise Broken("no film was studied")
        return self.film


_ORDERS: dict[str, Callable[[_Desk, Message], Reply]] = {
    "study": _Desk.study,
    "know": _Desk.know,
    "frames": _Desk.frames,
    "tags": _Desk.tags,
    "still": _Desk.still,
    "stream": _Desk.stream,
}


class _Ring:
    """Places for pictures on their way out; each is free again when the parent says so."""

    def __init__(self, channel: socket.socket, room: int, wish: Wish, slots: int) -> None:
        small, large = ((*size, 3) for size in (wish.size, wish.large_size))
        self._channel, self._free = channel, list(range(slots))
        pixels = _pixels(room, (slots, math.prod(small) + math.prod(large)))
        self.small = [each[: math.prod(small)].reshape(small) for each in pixels]
        self.large = [each[math.prod(small) :].reshape(large) for each in pixels]

    def free_slot(self) -> int:
        """A place to write to, once there is one; raises :class:`Broken` when nobody reads."""
        while not self._free:
            self._free.append(receive(self._channel).head["free"])
        return self._free.pop()


def _pixels(handle: int, shape: tuple[int, ...]) -> Rgb:
    size = math.prod(shape)
    flat = np.frombuffer(mmap.mmap(handle, size), dtype=np.uint8, count=size)
    return flat.reshape(shape)


def _failed(err: VideoError) -> Reply:
    told: Json = {"code": err.code, "message": str(err), "next_step": err.next_step}
    return Reply({"error": {**told, "unreadable_from_s": err.unreadable_from_s}})


def _address_bytes() -> int:
    return resource.getrlimit(resource.RLIMIT_AS)[0]


def _short(path: Path) -> VideoError:
    return VideoError(
        f"{path}: decoding it takes more than {_address_bytes() >> 20} MB of memory",
        code="decoder_limit",
        next_step="Re-encode it smaller: ffmpeg -i IN -vf scale=1920:-2 OUT.mp4",
    )


def _crashed(path: Path, err: Exception) -> VideoError:
    return VideoError(
        f"{path}: the decoder gave up ({type(err).__name__})",
        code="decoder_crashed",
        next_step="Re-encode it: ffmpeg -i IN -c:v libx264 OUT.mp4",
    )
