"""A film as a message and back: its numbers checked, for whoever measured it may be hostile by now.

Axes: P packets in decoding order, F displayed frames.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vidqa.video.clock import FrameClock
from vidqa.video.film import CONTAINERS, Film
from vidqa.video.index import NO_TIME, PacketIndex
from vidqa.video.isolated.wire import Broken, Json, Message, number, text, whole
from vidqa.video.limits import Limits
from vidqa.video.orient import Orientation

_LARGEST = 1 << 62
_NAME = re.compile(r"[a-z0-9_.-]{1,64}")


def film_message(film: Film) -> tuple[Json, Sequence[Any]]:
    """Everything of a film but its path and limits: (head, blobs)."""
    index, clock = film.index, film.clock
    head = {
        "container": film.container,
        "video_codec": film.video_codec,
        "audio_codecs": list(film.audio_codecs),
        "pixel_format": film.pixel_format,
        "coded": [film.coded_width, film.coded_height],
        "stream_number": film.stream_number,
        "orientation": [film.orientation.quarter_turns, film.orientation.mirrored],
        "unreadable_from_s": film.unreadable_from_s,
        "index": [*index.time_base.as_integer_ratio(), index.frame_ticks, index.ended_early],
        "clock": [*clock.time_base.as_integer_ratio(), clock.end, clock.decoded],
    }
    numbers = (index.pts_P, index.dts_P, index.duration_P, index.bytes_P)
    flags = (index.key_P, index.shown_P)
    frames = (clock.pts_F, clock.source_F)
    blobs = [np.ascontiguousarray(each, dtype="<i8") for each in (*numbers, *frames)]
    blobs += [np.ascontiguousarray(each, dtype=np.uint8) for each in flags]
    return head, blobs


def film_of(message: Message, path: Path, limits: Limits) -> Film:
    """The film of a message; raises :class:`Broken` on what no film is like."""
    head, blobs = message.head, message.blobs
    if len(blobs) != 8:
        raise Broken("not the arrays of a film")
    pts_P, dts_P, duration_P, bytes_P, pts_F, source_F = (_ticks(blob) for blob in blobs[:6])
    key_P, shown_P = (np.frombuffer(blob, dtype=np.uint8) != 0 for blob in blobs[6:])
    packets = pts_P.size
    if {each.size for each in (dts_P, duration_P, bytes_P, key_P, shown_P)} != {packets}:
        raise Broken("arrays of unlike length")
    index_head, clock_head = _four(head.get("index")), _four(head.get("clock"))
    index = PacketIndex(
        time_base=_time_base(index_head),
        pts_P=pts_P,
        dts_P=dts_P,
        duration_P=duration_P,
        bytes_P=bytes_P,
        key_P=key_P,
        shown_P=shown_P,
        frame_ticks=whole(index_head[2], 1, _LARGEST),
        ended_early=index_head[3] is True,
    )
    clock = FrameClock(
        time_base=_time_base(clock_head),
        pts_F=pts_F,
        source_F=source_F,
        end=whole(clock_head[2], -_LARGEST, _LARGEST),
        decoded=clock_head[3] is True,
    )
    _check_clock(clock, packets)
    return _film(head, path, limits, index, clock)


def _film(head: Json, path: Path, limits: Limits, index: PacketIndex, clock: FrameClock) -> Film:
    width, height = _pair(head.get("coded"))
    turns, mirrored = _pair(head.get("orientation"))
    sounds = head.get("audio_codecs")
    container = text(head.get("container"), 20)
    if container not in CONTAINERS or not isinstance(sounds, list):
        raise Broken("no container that is read")
    tail_s = head.get("unreadable_from_s")
    film = Film(
        path=path,
        limits=limits,
        container=container,
        video_codec=_name(head.get("video_codec")),
        audio_codecs=tuple(_name(sound) for sound in sounds[: limits.streams]),
        pixel_format=_name(head.get("pixel_format")),
        coded_width=whole(width, 1, limits.frame_side),
        coded_height=whole(height, 1, limits.frame_side),
        stream_number=whole(head.get("stream_number"), 0, limits.streams),
        orientation=Orientation(whole(turns, 0, 3), mirrored is True),
        index=index,
        clock=clock,
        unreadable_from_s=None if tail_s is None else number(tail_s, 0.0),
    )
    if film.coded_width * film.coded_height > limits.frame_pixels:
        raise Broken("pictures larger than allowed")
    return film


def _check_clock(clock: FrameClock, packets: int) -> None:
    pts, sources = clock.pts_F, clock.source_F
    if not pts.size or sources.size != pts.size or pts.min() <= NO_TIME:
        raise Broken("no clock")
    if (np.diff(pts) < 0).any() or clock.end <= pts[-1]:
        raise Broken("a clock that goes back")
    most = max(packets, pts.size) if clock.decoded else packets
    if sources.min() < 0 or sources.max() >= most:
        raise Broken("frames of no packet")


def _ticks(blob: bytearray) -> NDArray[np.int64]:
    if len(blob) % 8:
        raise Broken("half a number")
    ticks = np.frombuffer(blob, dtype="<i8").astype(np.int64, copy=False)
    if ticks.size and (ticks.min() < -_LARGEST or ticks.max() > _LARGEST):
        raise Broken("times beyond all time")
    return ticks


def _time_base(head: Sequence[Any]) -> Fraction:
    return Fraction(whole(head[0], 1, _LARGEST), whole(head[1], 1, _LARGEST))


def _four(value: Any) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) != 4:
        raise Broken("not four values")
    return value


def _pair(value: Any) -> Sequence[Any]:
    if not isinstance(value, list) or len(value) != 2:
        raise Broken("no pair")
    return value


def _name(value: Any) -> str:
    name = text(value, 64)
    if not _NAME.fullmatch(name):
        raise Broken("no name of a codec")
    return name
