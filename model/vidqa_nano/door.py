"""The shape of a door while it opens: its leaf turns about the hinge towards the viewer."""

from __future__ import annotations

import math

from vidqa_nano.brush import Point
from vidqa_nano.world import Actor

DOOR_HALF, DOOR_TOP, DOOR_BOTTOM = 0.11, 0.26, 0.76
"""Half the width, and the upper and lower end, of the opening."""


def door_leaf(door: Actor, t_s: float) -> list[Point]:
    """The leaf's corners: hinge top, free top, free bottom, hinge bottom."""
    angle = math.radians(82 * door.tracks["open"].at(t_s))
    handle = door.look["handle"]
    hinge = door.look["x"] - handle * DOOR_HALF
    free = hinge + handle * 2 * DOOR_HALF * math.cos(angle)
    grow = 0.055 * math.sin(angle)
    return [
        (hinge, DOOR_TOP),
        (free, DOOR_TOP - grow),
        (free, DOOR_BOTTOM + grow),
        (hinge, DOOR_BOTTOM),
    ]


def handle_of(door: Actor, t_s: float) -> Point:
    """Where the handle of the door is."""

    near = door_leaf(door, t_s)
    (x, top), (_, bottom) = near[1], near[2]
    return x, top + 0.55 * (bottom - top)
