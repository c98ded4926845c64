"""Tells a scene's actors to act: who does something, and how often.

In: a random generator, a duration, a number of events. Out: a :class:`vidqa_nano.world.Scene`.
"""

from __future__ import annotations

from collections.abc import Sequence

from vidqa_nano.acting import Mind, Pairs, Stage, perform
from vidqa_nano.casting import cast, paint_set
from vidqa_nano.minds import MINDS
from vidqa_nano.person_mind import PersonMind
from vidqa_nano.world import Actor, Rng, Scene

_PEOPLE = 0.45
"""Share of the events that people do, when there are people."""
_REPERTOIRE = {
    "ball": 4.0,
    "car": 9.0,
    "dog": 8.0,
    "bird": 8.0,
    "cat": 4.0,
    "lamp": 3.0,
    "number": 4.0,
    "signal": 5.0,
    "flag": 6.0,
    "weather": 5.0,
    "curtain": 3.0,
    "box": 1.0,
    "fan": 1.2,
}
"""How much the others can do; two things each where it is not said."""
_OF_ITSELF = 0.25
"""How often the door moves by itself, so that nobody may use it."""


def scene_for(
    rng: Rng,
    duration_s: float,
    events: int,
    *,
    setting: str | None = None,
    twins: bool = False,
    barred: Pairs = frozenset(),
) -> Scene:
    """A scene of about ``events`` events, none of a barred kind and colour."""
    setting = setting or ("room" if rng.random() < 0.5 else "street")
    actors = cast(rng, setting, twins=twins)
    door = next((actor for actor in actors if actor.kind == "door"), None)
    alone = rng.random() < _OF_ITSELF
    user = None if door is None or alone else _user(actors, rng)
    able = [a for a in actors if a is not door or user is None]
    for actor, times in _shares(able, events, rng):
        mind: Mind = MINDS[actor.kind] if actor.kind in MINDS else PersonMind(None)
        if actor is user:
            mind = PersonMind(door)
        perform(actor, Stage(actor, duration_s, rng, times), mind, times, barred)
    look = {"cloud": float(rng.uniform(0.1, 0.9))}
    paint = paint_set(rng)
    return Scene(setting=setting, duration_s=duration_s, actors=actors, paint=paint, look=look)


def _user(actors: Sequence[Actor], rng: Rng) -> Actor | None:
    """The person who may use the door."""
    people = [actor for actor in actors if actor.kind == "person"]
    return people[int(rng.integers(len(people)))] if people else None


def _shares(actors: Sequence[Actor], events: int, rng: Rng) -> list[tuple[Actor, int]]:
    """How often each of a few actors acts, ``events`` in all; people take a good part of it."""
    people = [actor for actor in actors if actor.kind == "person"]
    others = [actor for actor in actors if actor.kind != "person"]
    few = _some(others, int(rng.integers(1, 4)), rng)
    few += [a for a in others if a.kind in ("ball", "car") and a not in few and _twin(a, few)]
    counts: dict[str, int] = {}
    for _ in range(events):
        pool = people if people and (not few or rng.random() < _PEOPLE) else few
        if pool:
            name = pool[int(rng.integers(len(pool)))].name
            counts[name] = counts.get(name, 0) + 1
    return [(actor, counts[actor.name]) for actor in actors if actor.name in counts]


def _some(actors: Sequence[Actor], count: int, rng: Rng) -> list[Actor]:
    """A few of the actors: the more an actor can do, the likelier it is among them."""
    keys = [rng.random() ** (1 / _REPERTOIRE.get(actor.kind, 2)) for actor in actors]
    order = sorted(range(len(actors)), key=lambda i: -keys[i])
    return [actors[i] for i in order[:count]]


def _twin(actor: Actor, few: Sequence[Actor]) -> bool:
    return any(other.kind == actor.kind for other in few)
