"""Wanted pictures that did not come out: decode around them without shortcuts, and decide what a
player would have on screen.

Either the shortcut was wrong (a key packet that is none, a picture dropped although referred to):
decoding from further back finds the picture. Or the picture is damaged: the last one before it that
decodes stays on screen. When nothing after it decodes either, it belongs to an unreadable tail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from av.video.frame import VideoFrame

from vidqa.video.canvas import Painter
from vidqa.video.cursor import PacketCursor
from vidqa.video.deadline import Deadline
from vidqa.video.film import Film, feed

_KEYS_BACK = (0, 2)
_KEYS_ONWARD = 2


def recover(film: Film, missing: Sequence[int], brush: Painter) -> list[int]:
    """Paint the missing packets as well as the file allows; returns those with nothing after them.

    A packet is painted with its own picture, or the last one shown before it, or where there is
    none the first after it; when not even that decodes it stays unpainted.
    """
    deadline = film.decode_deadline("decoding damaged parts")
    last: list[int] = []
    for group in _groups(film, missing):
        last += _recover_group(film, group, brush, deadline)
    return last


def unreadable_tail(
    film: Film, painted: Mapping[int, int], open_ended: Sequence[int]
) -> int | None:
    """Tick at which an unreadable tail starts; None where pictures decode again later.

    ``painted`` has the tick painted for each packet, ``open_ended`` what :func:`recover` returned.
    """
    if not open_ended:
        return None
    pts = film.index.pts_P
    first = min(open_ended, key=lambda packet: int(pts[packet]))
    own = [tick for packet, tick in painted.items() if tick == pts[packet]]
    if any(tick > pts[first] for tick in own) or _decodes_after(film, first):
        return None
    shown = painted.get(first)
    if shown is None:
        return int(film.clock.pts_F[0])
    after = int(np.searchsorted(film.clock.pts_F, shown, side="right"))
    return int(film.clock.pts_F[after])


def _decodes_after(film: Film, packet: int) -> bool:
    """Whether any picture shown after this packet's comes out of the rest of the file."""
    deadline = film.decode_deadline("looking for the end of the damage")
    pts = int(film.index.pts_P[packet])
    onward = film.index.pts_P.size - 1
    with PacketCursor(film) as cursor:
        frames = _frames(film, cursor, packet, onward, deadline)
        return any(frame.pts is not None and frame.pts > pts for frame in frames)


def _recover_group(film: Film, group: list[int], brush: Painter, deadline: Deadline) -> list[int]:
    """Paint one group from ever further back; returns its packets with nothing after them."""
    after_all: list[int] = []
    for first in _starts(film, group[0]):
        # Once more than one segment was tried, the picture is damaged rather than out of reach.
        settle = first == 0 or first != _starts(film, group[0])[0]
        group, after_all = _attempt(film, first, group, brush, deadline, settle=settle)
        if not group:
            break
    return sorted({*after_all, *group})


def _groups(film: Film, missing: Sequence[int]) -> list[list[int]]:
    """Missing packets of the same or neighbouring segments together, in file order."""
    keys = film.index.keys
    groups: list[list[int]] = []
    for packet in sorted(missing):
        segment = np.searchsorted(keys, packet, side="right")
        if groups and segment - np.searchsorted(keys, groups[-1][-1], side="right") <= 1:
            groups[-1].append(packet)
        else:
            groups.append([packet])
    return groups


def _starts(film: Film, packet: int) -> list[int]:
    keys = film.index.keys
    at = int(np.searchsorted(keys, packet, side="right")) - 1
    return list(dict.fromkeys([*(int(keys[max(0, at - back)]) for back in _KEYS_BACK), 0]))


def _attempt(
    film: Film,
    first: int,
    missing: list[int],
    brush: Painter,
    deadline: Deadline,
    *,
    settle: bool,
) -> tuple[list[int], list[int]]:
    """Decode everything from ``first``: (still unpainted, nothing came out after them).

    With ``settle`` a picture that does not come out is replaced by the one before it.
    """
    pts_of = {packet: int(film.index.pts_P[packet]) for packet in missing}
    left = sorted(missing, key=lambda packet: pts_of[packet])
    before: VideoFrame | None = None
    unpainted: list[int] = []
    with PacketCursor(film) as cursor:
        for frame in _frames(film, cursor, first, _end_after(film, max(missing)), deadline):
            if frame.pts is None:
                continue
            while left and pts_of[left[0]] < frame.pts:
                # at the very start of a film nothing is before: its first picture must do
                stand_in = before or (None if first else frame)
                unpainted += _settle(left.pop(0), stand_in if settle else None, brush)
            if left and pts_of[left[0]] == frame.pts:
                brush.paint(frame, left.pop(0), frame.pts)
            before = frame
    for packet in left:
        unpainted += _settle(packet, before if settle else None, brush)
    return unpainted, left


def _settle(packet: int, before: VideoFrame | None, brush: Painter) -> list[int]:
    """Let the frame before stand for a damaged one; the packet itself when there is none."""
    if before is None or before.pts is None:
        return [packet]
    brush.paint(before, packet, before.pts)
    return []


def _frames(
    film: Film, cursor: PacketCursor, first: int, last: int, deadline: Deadline
) -> Iterator[VideoFrame]:
    for _, packet in cursor.packets(first, last):
        deadline.check()
        yield from feed(film.path, cursor.decoder, packet, film.limits)
    yield from feed(film.path, cursor.decoder, None, film.limits)


def _end_after(film: Film, packet: int) -> int:
    """The last packet of the segment after the one this packet is in."""
    keys = film.index.keys
    at = int(np.searchsorted(keys, packet, side="right")) - 1 + _KEYS_ONWARD
    return int(keys[at]) - 1 if at < keys.size else int(film.index.pts_P.size) - 1
