"""The drawn world: a scene is a few actors whose properties follow tracks on a continuous clock.

A :class:`Scene` knows every event to the tenth of a second and can be asked for the state of any
actor at any time; a :class:`Story` shows one scene or several after one another through a
:class:`Lens`. Units: seconds from the first frame, positions and lengths as fractions of the frame
(x to the right, y down). Nothing here knows pixels; :mod:`vidqa_nano.render` draws at any size.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

Rng = np.random.Generator
Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True, order=True)
class Event:
    """Something that happens during ``[start_s, end_s)``; ``colour`` is that of the actor."""

    start_s: float
    end_s: float
    kind: str
    actor: str
    colour: str | None = None

    def progress(self, t_s: float) -> float:
        """0 before the event, 1 after it, linear in between."""
        return min(max((t_s - self.start_s) / (self.end_s - self.start_s), 0.0), 1.0)


@dataclass(slots=True)
class Track:
    """A property over time, piecewise linear through its knots and constant outside them."""

    times: list[float]
    values: list[float]

    def at(self, t_s: float) -> float:
        """The value at ``t_s``."""
        return float(np.interp(t_s, self.times, self.values))

    @property
    def last(self) -> float:
        """The value after the last knot."""
        return self.values[-1]

    def move(self, start_s: float, end_s: float, value: float) -> None:
        """Hold the last value until ``start_s``, then go to ``value`` by ``end_s``."""
        self.times += [start_s, end_s]
        self.values += [self.values[-1], value]


@dataclass(slots=True)
class Actor:
    """Someone or something in the scene, with its tracks, its fixed looks and its events."""

    name: str
    """Unique in the scene: ``person``, ``ball1``."""
    kind: str
    """The drawing used: ``person``, ``ball``, ``door`` ..."""
    tracks: dict[str, Track]
    look: Mapping[str, float] = field(default_factory=dict)
    """Fixed numbers: places, sizes, speeds."""
    paint: Mapping[str, Colour] = field(default_factory=dict)
    colour: str | None = None
    """The colour's name when phrases may use it."""
    events: list[Event] = field(default_factory=list)

    def at(self, t_s: float) -> dict[str, float]:
        """Every tracked property at ``t_s``."""
        return {name: track.at(t_s) for name, track in self.tracks.items()}

    def acting(self, t_s: float) -> Event | None:
        """The event the actor is in at ``t_s``; an actor does one thing at a time."""
        return next((e for e in self.events if e.start_s <= t_s < e.end_s), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A drawn video before it is drawn: ``[0, duration_s)`` of actors on a set."""

    setting: str
    """``room`` or ``street``."""
    duration_s: float
    actors: Sequence[Actor]
    """In the order in which they are drawn, the farthest first."""
    paint: Mapping[str, Colour]
    look: Mapping[str, float]

    @property
    def events(self) -> list[Event]:
        """All events of all actors by start time."""
        return sorted(event for actor in self.actors for event in actor.events)

    def find(self, kind: str) -> Actor | None:
        """The first actor of a kind."""
        return next((actor for actor in self.actors if actor.kind == kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What the camera adds to a story; the default adds nothing."""

    pan: float = 0.0
    """How far the view drifts to either side, in frame widths."""
    pan_period_s: float = 40.0
    light: float = 0.0
    """By which share the light rises and falls."""
    light_period_s: float = 40.0
    noise: float = 0.0
    """Standard deviation of the sensor's noise, in grey levels of 255."""
    counter: bool = False
    """Whether a number stands in a corner, which changes and tells nothing."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Shot:
    """A scene that is shown from ``start_s`` on; its own clock starts there."""

    start_s: float
    scene: Scene


@dataclass(frozen=True)
class Story:
    """A video: shots after one another over ``[0, duration_s)``, seen through a lens."""

    shots: Sequence[Shot]
    """By start; the first starts at 0 and each lasts until the next one starts."""
    duration_s: float
    lens: Lens = field(default_factory=Lens)

    @cached_property
    def events(self) -> list[Event]:
        """All events on the story's clock by start time, each wholly inside its shot."""
        return sorted(
            replace(
                event,
                start_s=tenth(event.start_s + shot.start_s),
                end_s=tenth(event.end_s + shot.start_s),
            )
            for shot in self.shots
            for event in shot.scene.events
        )

    @property
    def actors(self) -> list[Actor]:
        """All actors of all shots."""
        return [actor for shot in self.shots for actor in shot.scene.actors]

    def shot_at(self, t_s: float) -> Shot:
        """The shot that is on at ``t_s``."""
        starts = [shot.start_s for shot in self.shots]
        return self.shots[max(0, bisect_right(starts, t_s + 1e-6) - 1)]

    def state(self, kind: str, prop: str, t_s: float) -> float:
        """A property of the first actor of a kind in the shot at ``t_s``; 0 when there is none."""
        shot = self.shot_at(t_s)
        actor = shot.scene.find(kind)
        return 0.0 if actor is None else actor.tracks[prop].at(t_s - shot.start_s)


SPLITS = {
    "train": 1,
    "held_out": 2,
    "example": 3,
    "tuning": 4,
    "novel": 5,
    "needle": 6,
}
"""``novel`` holds pairs of kind and colour that are in no other split."""


def rng_for(split: str, index: int) -> Rng:
    """The generator of clip ``index`` of a split: no two clips of any splits share one."""
    return np.random.default_rng([SPLITS[split], index])


def tenth(seconds: float) -> float:
    """Rounded to 0.1 s, the resolution of all events."""
    return round(seconds * 10) / 10
