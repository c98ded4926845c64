"""Story and time to pixels: any size, the same picture.

In: a :class:`vidqa_nano.world.Story`, seconds, a side in pixels. Out: uint8 frames (T, side, side,
3). A frame is drawn larger than asked and shrunk with an antialiased bicubic filter, which is what
happens to the frames of a video file on their way to the model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vidqa_nano.brush import Brush, mix, shade
from vidqa_nano.figures import draw_bird, draw_dog, draw_person
from vidqa_nano.props import PROPS
from vidqa_nano.world import Actor, Scene, Story

FLOOR_Y, ROAD_Y = 0.74, 0.85
_DARKEST = 0.35


def draw_frames(
    story: Story, seconds: Sequence[float], side: int, *, oversample: int = 2
) -> NDArray[np.uint8]:
    """Frames of ``story`` at ``seconds``: uint8 (T, side, side, 3)."""
    backdrops: dict[float, Image.Image] = {}
    frames = np.empty((len(seconds), side, side, 3), np.uint8)
    for i, story_s in enumerate(seconds):
        shot = story.shot_at(story_s)
        scene, t_s = shot.scene, story_s - shot.start_s
        if shot.start_s not in backdrops:
            backdrops[shot.start_s] = _backdrop(scene, side * oversample)
        image = backdrops[shot.start_s].copy()
        _draw_actors(Brush(image), scene, t_s)
        if oversample > 1:
            image = image.resize((side, side), Image.Resampling.BICUBIC)
        frames[i] = _daylight(np.asarray(image), scene, t_s)
    return frames


def _draw_actors(brush: Brush, scene: Scene, t_s: float) -> None:
    door = scene.find("door")
    for actor in scene.actors:
        if actor.kind == "person":
            draw_person(brush, actor, t_s, door)
        elif actor.kind == "dog":
            draw_dog(brush, actor, t_s)
        elif actor.kind == "bird":
            draw_bird(brush, actor, t_s)
        elif actor.kind in PROPS:
            PROPS[actor.kind](brush, actor, t_s)
        elif actor.kind == "weather" and actor.acting(t_s):
            _draw_weather(brush, actor, t_s)


def _daylight(rgb_HWC: NDArray[np.uint8], scene: Scene, t_s: float) -> NDArray[np.uint8]:
    daylight = scene.find("daylight")
    if daylight is None:
        return rgb_HWC
    level = _DARKEST + (1 - _DARKEST) * daylight.tracks["bright"].at(t_s)
    lit: NDArray[np.uint8] = (rgb_HWC * np.float32(level) + 0.5).astype(np.uint8)
    return lit


def _backdrop(scene: Scene, side: int) -> Image.Image:
    image = Image.new("RGB", (side, side))
    brush = Brush(image)
    if scene.setting == "room":
        _draw_room(brush, scene)
    else:
        _draw_street(brush, scene)
    return image


def _draw_room(brush: Brush, scene: Scene) -> None:
    wall, floor = scene.paint["wall"], scene.paint["floor"]
    brush.rect(0, 0, 1, FLOOR_Y, wall)
    for stripe in range(1, 10, 2):
        brush.rect(stripe / 10, 0, stripe / 10 + 0.1, FLOOR_Y, shade(wall, 0.985))
    brush.rect(0, FLOOR_Y, 1, 1, floor)
    brush.rect(0, FLOOR_Y - 0.02, 1, FLOOR_Y + 0.006, shade(wall, 0.8))
    for plank in range(4):
        y = FLOOR_Y + 0.06 + plank * 0.07
        brush.rect(0, y, 1, y + 0.004, shade(floor, 0.88))


def _draw_street(brush: Brush, scene: Scene) -> None:
    sky, house = scene.paint["sky"], scene.paint["house"]
    for band in range(8):
        colour = mix(sky, (244, 246, 248), band / 14)
        brush.rect(0, band * 0.04, 1, band * 0.04 + 0.05, colour)
    cloud = scene.look["cloud"]
    for dx, r in ((-0.05, 0.03), (0.0, 0.042), (0.05, 0.03)):
        brush.disc(cloud + dx, 0.07, r, (250, 250, 252))
    brush.rect(0, 0.22, 1, FLOOR_Y + 0.02, house)
    brush.rect(0, 0.2, 1, 0.235, shade(house, 0.7))
    for row in range(5):
        y = 0.32 + row * 0.09
        brush.rect(0, y, 1, y + 0.005, shade(house, 0.93))
    brush.rect(0, FLOOR_Y + 0.01, 1, ROAD_Y, (176, 174, 170))
    brush.rect(0, ROAD_Y, 1, 1, (92, 94, 100))
    brush.rect(0, ROAD_Y, 1, ROAD_Y + 0.012, (210, 208, 204))


def _draw_weather(brush: Brush, actor: Actor, t_s: float) -> None:
    snow = bool(actor.look["snow"])
    for n in range(34 if snow else 26):
        x0, y0 = math.modf(n * 0.618034)[0], math.modf(n * 0.754878)[0]
        speed = 0.35 if snow else 1.7
        y = math.modf(y0 + speed * t_s)[0] * 1.15 - 0.08
        if snow:
            brush.disc(x0 + 0.02 * math.sin(3 * t_s + n), y, 0.018, (255, 255, 255))
        else:
            brush.limb([(x0, y), (x0 - 0.025, y + 0.12)], 0.012, (120, 160, 220))
