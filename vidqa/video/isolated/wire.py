"""How the two sides of the wall talk: JSON and bytes over a socket, never pickles.

A message is a length, a JSON object, and the blobs whose sizes the object's ``blobs`` lists.
Whoever decodes a hostile file may have been taken over by it: what it sends is read as numbers and
texts within stated sizes, and files may be handed to it but are never taken from it.
"""

from __future__ import annotations

import array
import json
import math
import os
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

Json = dict[str, Any]
HEAD_BYTES = 8_000_000
"""Longest JSON object: 36,000 times asked and their answers fit many times over."""
BLOB_BYTES = 2_000_000_000
"""Most bytes in the blobs of one message: an hour of packets is 10 MB."""
_LENGTH = struct.Struct("<I")
_MOST_FILES = 4


class Broken(Exception):  # noqa: N818  (a signal, translated where it is understood)
    """The other side is gone, or speaks otherwise than agreed."""


class Message(NamedTuple):
    """What was received."""

    head: Json
    blobs: Sequence[bytearray] = ()
    files: Sequence[int] = ()
    """Descriptors; the receiver's to close."""


Wait = Callable[[], None]
"""Called before each receiving: returns when there is something, or raises."""


def send(
    to: socket.socket, head: Json, blobs: Sequence[Any] = (), files: Sequence[int] = ()
) -> None:
    """Send one message; raises :class:`Broken` when nobody receives it."""
    sizes = [memoryview(blob).nbytes for blob in blobs]
    text = json.dumps({**head, "blobs": sizes} if sizes else head).encode()
    start = _LENGTH.pack(len(text)) + text
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
    try:
        sent = to.sendmsg([start], rights)
        to.sendall(start[sent:])
        for blob in blobs:
            to.sendall(memoryview(blob).cast("B"))
    except OSError as err:
        raise Broken(str(err)) from err


def receive(source: socket.socket, *, files: bool = False, wait: Wait = lambda: None) -> Message:
    """The next message; with ``files`` also the descriptors sent along.

    Raises :class:`Broken` at the end, and on what is no message.
    """
    start, handed = bytearray(), list[int]()
    while len(start) < _LENGTH.size:
        wait()
        start += _some(source, _LENGTH.size - len(start), handed if files else None)
    (length,) = _LENGTH.unpack(start)
    if length > HEAD_BYTES:
        raise Broken("a head too long")
    head = _head(_exactly(source, length, wait))
    sizes = head.pop("blobs", [])
    if not isinstance(sizes, list) or not all(type(n) is int and n >= 0 for n in sizes):
        raise Broken("blobs of no size")
    if sum(sizes) > BLOB_BYTES:
        raise Broken("blobs too large")
    return Message(head, [_exactly(source, size, wait) for size in sizes], handed)


def _head(text: bytearray) -> Json:
    try:
        head = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as err:
        raise Broken("no JSON") from err
    if not isinstance(head, dict):
        raise Broken("no object")
    return head


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _exactly(source: socket.socket, size: int, wait: Wait) -> bytearray:
    taken = bytearray(size)
    view, at = memoryview(taken), 0
    while at < size:
        wait()
        try:
            got = source.recv_into(view[at:])
        except OSError as err:
            raise Broken(str(err)) from err
        if not got:
            raise Broken("the end")
        at += got
    return taken


def _some(source: socket.socket, size: int, handed: list[int] | None) -> bytes:
    try:
        if handed is None:
            data = source.recv(size)
        else:
            room = socket.CMSG_LEN(_MOST_FILES * array.array("i").itemsize)
            data, extras, _, _ = source.recvmsg(size, room)
            for level, kind, content in extras:
                if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                    handles = array.array("i")
                    handles.frombytes(content[: len(content) // 4 * 4])
                    handed.extend(handles)
    except OSError as err:
        raise Broken(str(err)) from err
    if not data:
        raise Broken("the end")
    return data


def close_all(handles: Sequence[int]) -> None:
    """Close descriptors."""
    for handle in handles:
        os.close(handle)


def number(value: Any, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number from the other side; raises :class:`Broken`."""
    if type(value) not in (int, float) or not math.isfinite(value) or not low <= value <= high:
        raise Broken(f"no number from {low} to {high}")
    return float(value)


def table(value: Any) -> Json:
    """An object from the other side; raises :class:`Broken`."""
    if not isinstance(value, dict):
        raise Broken("no object")
    return value


def whole(value: Any, low: int, high: int) -> int:
    """A whole number from the other side, both bounds included; raises :class:`Broken`."""
    if type(value) is not int or not low <= value <= high:
        raise Broken(f"no whole number from {low} to {high}")
    return int(value)


def text(value: Any, longest: int) -> str:
    """A text from the other side; raises :class:`Broken`."""
    if not isinstance(value, str) or len(value) > longest:
        raise Broken(f"no text of at most {longest} characters")
    return value
