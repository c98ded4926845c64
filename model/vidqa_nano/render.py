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

from vidqa_nano.brush import Brush
from vidqa_nano.lens import Grain, draw_counter, light, pan
from vidqa_nano.person import draw_person
from vidqa_nano.props import DRAWINGS
from vidqa_nano.sets import MARGIN, draw_set
from vidqa_nano.world import Actor, Scene, Story

_DARKEST = 0.42


def draw_frames(
    story: Story, seconds: Sequence[float], side: int, *, oversample: int = 2
) -> NDArray[np.uint8]:
    """Frames of ``story`` at ``seconds``: uint8 (T, side, side, 3)."""
    easel = Easel(story, side * oversample)
    grain = Grain(story.lens, side) if story.lens.noise else None
    frames = np.empty((len(seconds), side, side, 3), np.uint8)
    for i, t_s in enumerate(seconds):
        image = easel.draw(t_s)
        if oversample > 1:
            image = image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=2)
        lit = _lit(np.asarray(image), story, t_s)
        frames[i] = grain.on(lit, t_s) if grain else lit
    return frames


class Easel:
    """Draws a story's frames at one size, every set once."""

    def __init__(self, story: Story, side: int) -> None:
        self.story, self.side = story, side
        self._sets: dict[float, Image.Image] = {}

    def draw(self, t_s: float) -> Image.Image:
        """The frame at ``t_s`` before the light and the sensor."""
        shot, lens = self.story.shot_at(t_s), self.story.lens
        if shot.start_s not in self._sets:
            self._sets[shot.start_s] = draw_set(shot.scene, self.side)
        moved = round(pan(lens, t_s) * self.side)
        left = round(MARGIN * self.side) - moved
        image = self._sets[shot.start_s].crop((left, 0, left + self.side, self.side))
        draw_actors(Brush(image, moved / self.side), shot.scene, t_s - shot.start_s)
        if lens.counter:
            draw_counter(Brush(image), lens, t_s)
        return image


def draw_actors(brush: Brush, scene: Scene, t_s: float) -> None:
    """Everyone and everything in a scene at ``t_s`` on the scene's clock."""
    door = scene.find("door")
    for actor in scene.actors:
        if actor.kind == "person":
            draw_person(brush, actor, t_s, door)
        elif actor.kind in DRAWINGS:
            DRAWINGS[actor.kind](brush, actor, t_s)
        elif actor.kind == "weather" and actor.acting(t_s):
            _draw_weather(brush, actor, t_s)


def _lit(rgb_HWC: NDArray[np.uint8], story: Story, t_s: float) -> NDArray[np.uint8]:
    shot = story.shot_at(t_s)
    daylight, level = shot.scene.find("daylight"), light(story.lens, t_s)
    if daylight is not None:
        bright = daylight.tracks["bright"].at(t_s - shot.start_s)
        level *= _DARKEST + (1 - _DARKEST) * bright
    if level == 1:
        return rgb_HWC
    lit = np.minimum(rgb_HWC * np.float32(level) + 0.5, 255).astype(np.uint8)
    return np.asarray(lit, np.uint8)


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
