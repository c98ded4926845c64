"""Draws the empty set behind the actors: a room or a street, wider than the frame by a margin."""

from __future__ import annotations

from PIL import Image

from vidqa_nano.brush import Brush, mix, shade
from vidqa_nano.world import Scene

MARGIN = 0.08
"""How far the set goes on beyond each side of the frame: no pan goes farther."""
FLOOR_Y, ROAD_Y = 0.74, 0.85
_LEFT, _RIGHT = -MARGIN, 1 + MARGIN


def draw_set(scene: Scene, side: int) -> Image.Image:
    """The set of a scene for frames of ``side`` pixels: the frame lies in its middle."""
    image = Image.new("RGB", (side + 2 * round(MARGIN * side), side))
    brush = Brush(image, round(MARGIN * side) / side)
    if scene.setting == "room":
        _draw_room(brush, scene)
    else:
        _draw_street(brush, scene)
    return image


def _draw_room(brush: Brush, scene: Scene) -> None:
    wall, floor = scene.paint["wall"], scene.paint["floor"]
    brush.rect(_LEFT, 0, _RIGHT, FLOOR_Y, wall)
    for stripe in range(-1, 12, 2):
        brush.rect(stripe / 10, 0, stripe / 10 + 0.1, FLOOR_Y, shade(wall, 0.985))
    brush.rect(_LEFT, FLOOR_Y, _RIGHT, 1, floor)
    brush.rect(_LEFT, FLOOR_Y - 0.02, _RIGHT, FLOOR_Y + 0.006, shade(wall, 0.8))
    for plank in range(4):
        y = FLOOR_Y + 0.06 + plank * 0.07
        brush.rect(_LEFT, y, _RIGHT, y + 0.004, shade(floor, 0.88))


def _draw_street(brush: Brush, scene: Scene) -> None:
    sky, house = scene.paint["sky"], scene.paint["house"]
    for band in range(8):
        colour = mix(sky, (244, 246, 248), band / 14)
        brush.rect(_LEFT, band * 0.04, _RIGHT, band * 0.04 + 0.05, colour)
    cloud = scene.look["cloud"]
    for dx, r in ((-0.05, 0.03), (0.0, 0.042), (0.05, 0.03)):
        brush.disc(cloud + dx, 0.07, r, (250, 250, 252))
    brush.rect(_LEFT, 0.22, _RIGHT, FLOOR_Y + 0.02, house)
    brush.rect(_LEFT, 0.2, _RIGHT, 0.235, shade(house, 0.7))
    for row in range(5):
        y = 0.32 + row * 0.09
        brush.rect(_LEFT, y, _RIGHT, y + 0.005, shade(house, 0.93))
    brush.rect(_LEFT, FLOOR_Y + 0.01, _RIGHT, ROAD_Y, (176, 174, 170))
    brush.rect(_LEFT, ROAD_Y, _RIGHT, 1, (92, 94, 100))
    brush.rect(_LEFT, ROAD_Y, _RIGHT, ROAD_Y + 0.012, (210, 208, 204))
