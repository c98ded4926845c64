"""Pictures read by a confined child: Pillow's decoders are as much C as FFmpeg's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vidqa.video.isolated.cell import Cell
from vidqa.video.isolated.reader import in_room
from vidqa.video.isolated.watch import LEAST_WALL_S
from vidqa.video.isolated.wire import Broken, table, text, whole
from vidqa.video.limits import Limits
from vidqa.video.stills import Still, StillInfo, check_still


def probe(path: Path, limits: Limits) -> StillInfo:
    """As :func:`vidqa.video.probe_still`, by a child."""
    check_still(path)
    cell = Cell(path, limits)
    try:
        return _probed(cell)
    finally:
        cell.close()


def read(path: Path, limits: Limits) -> Still:
    """As :func:`vidqa.video.read_still`, by a child."""
    check_still(path)
    cell = Cell(path, limits)
    try:
        before = _probed(cell)
        shape = (before.height, before.width, 3)
        rgb_HWC, message = in_room(cell, {"do": "still"}, shape, LEAST_WALL_S)
        info = _info(cell, message.head.get("still"))
        if info != before:
            raise cell.broken("two pictures in one")
        return Still(info, rgb_HWC)
    finally:
        cell.close()


def _probed(cell: Cell) -> StillInfo:
    message = cell.ask({"do": "still"}, within_s=LEAST_WALL_S)
    return _info(cell, message.head.get("still"))


def _info(cell: Cell, told: Any) -> StillInfo:
    try:
        told = table(told)
        side = cell.limits.frame_side
        return StillInfo(
            path=cell.path,
            kind="image",
            format=text(told.get("format"), 20),
            mode=text(told.get("mode"), 20),
            width=whole(told.get("width"), 1, side),
            height=whole(told.get("height"), 1, side),
            exif_orientation=whole(told.get("exif_orientation"), 1, 8),
            pictures=whole(told.get("pictures"), 1, 1 << 31),
        )
    except Broken as broken:
        raise cell.broken(str(broken)) from broken
