"""The drawn world: a scene is a few actors whose properties follow tracks on a continuous clock.

In: a random generator and a duration. Out: a :class:`Scene`, which knows every event to the tenth
of a second and can be asked for the state of any actor at any time. Units: seconds from the first
frame, positions and lengths as fractions of the frame (x to the right, y down). Nothing here
knows pixels; :mod:`vidqa_nano.render` draws a scene at any size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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


SPLITS = {"train": 1, "held_out": 2, "example": 3}


def rng_for(split: str, index: int) -> Rng:
    """The generator of clip ``index`` of a split: no two clips of any splits share one."""
    return np.random.default_rng([SPLITS[split], index])


def tenth(seconds: float) -> float:
    """Rounded to 0.1 s, the resolution of all events."""
    return round(seconds * 10) / 10
