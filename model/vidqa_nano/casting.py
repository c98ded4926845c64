"""Puts actors on a set: chooses the setting, who is there, where, how they look, who acts.

In: a random generator and a duration. Out: a :class:`vidqa_nano.world.Scene` with its events.
"""

from __future__ import annotations

from collections.abc import Mapping

from vidqa_nano.acting import perform
from vidqa_nano.phrases import BALL_COLOURS, CAR_COLOURS, PERSON_COLOURS
from vidqa_nano.world import Actor, Colour, Rng, Scene, Track

NAMED: Mapping[str, Colour] = {
    "red": (214, 48, 44),
    "blue": (40, 84, 210),
    "yellow": (242, 200, 40),
    "green": (44, 160, 70),
    "white": (236, 236, 238),
}
_TROUSERS = ((40, 44, 60), (70, 60, 50), (44, 62, 100), (90, 90, 96))
_SKIN = ((244, 206, 172), (214, 164, 122), (150, 104, 72), (104, 70, 48))
_HAIR = ((40, 28, 22), (90, 56, 30), (170, 130, 70), (60, 60, 66))
_DOORS = ((140, 84, 44), (110, 62, 36), (60, 110, 130), (150, 50, 46), (74, 100, 66))
_WALLS = ((228, 214, 190), (200, 216, 224), (214, 224, 200), (230, 206, 206), (206, 204, 222))
_FLOORS = ((168, 128, 92), (134, 104, 82), (150, 146, 140), (120, 132, 140))
_SKIES = ((150, 200, 236), (176, 214, 240), (190, 206, 222), (240, 214, 180))
_HOUSES = ((208, 180, 150), (190, 150, 130), (200, 200, 196), (176, 186, 160))
_DOGS = ((120, 78, 44), (60, 50, 46), (196, 160, 110), (226, 222, 214))
_BALLOONS = ((224, 70, 120), (250, 140, 40), (130, 80, 200))
_BIRDS = ((50, 54, 66), (90, 70, 60), (70, 80, 110))

_WALL_PROPS = {"room": ("screen", "curtain", "lamp", "fan"), "street": ("signal", "lamp")}
_FRONT = {"room": ("ball", "ball", "box", "dog"), "street": ("car", "car", "ball", "dog", "box")}


def scene_for(rng: Rng, duration_s: float, *, setting: str | None = None) -> Scene:
    """A scene with its events; everything is decided by ``rng``, ``duration_s`` and ``setting``."""
    setting = setting or ("room" if rng.random() < 0.55 else "street")
    actors = _cast(rng, setting)
    _direct(actors, duration_s, rng)
    paint = {
        "wall": _pick(rng, _WALLS),
        "floor": _pick(rng, _FLOORS),
        "sky": _pick(rng, _SKIES),
        "house": _pick(rng, _HOUSES),
    }
    look = {"cloud": float(rng.uniform(0.1, 0.9)), "frame": float(rng.random())}
    return Scene(setting=setting, duration_s=duration_s, actors=actors, paint=paint, look=look)


def _direct(actors: list[Actor], duration_s: float, rng: Rng) -> None:
    door = next((actor for actor in actors if actor.kind == "door"), None)
    able = [actor for actor in actors if actor.kind != "door"]
    busy = int(rng.integers(2, 6))
    person = [actor for actor in able if actor.kind == "person"]
    others = [actor for actor in able if actor.kind != "person"]
    order = [others[i] for i in rng.permutation(len(others))]
    rare = [actor for actor in order if actor.kind == "weather" and rng.random() < 0.5]
    cast = person + rare + [actor for actor in order if actor not in rare]
    for actor in cast[:busy]:
        perform(actor, duration_s, rng, door=door)


def _cast(rng: Rng, setting: str) -> list[Actor]:
    slots = [0.19, 0.5, 0.81]
    places = [slots[i] + float(rng.uniform(-0.03, 0.03)) for i in rng.permutation(3)]
    actors: list[Actor] = []
    if rng.random() < 0.35:
        actors.append(Actor("daylight", "daylight", {"bright": _still(1.0)}))
    if rng.random() < 0.88:
        actors.append(_door(rng, places.pop(), setting))
    props = _WALL_PROPS[setting]
    chosen = rng.permutation(len(props))[: int(rng.integers(1, 3))]
    actors += [_prop(rng, props[i], places.pop()) for i in chosen]
    actors += _airborne(rng, setting)
    if rng.random() < 0.92:
        actors.append(_person(rng))
    actors += _front(rng, setting)
    if setting == "street" and rng.random() < 0.5:
        snow = float(rng.random() < 0.5)
        actors.append(Actor("weather", "weather", {}, {"snow": snow}))
    return actors


def _airborne(rng: Rng, setting: str) -> list[Actor]:
    found: list[Actor] = []
    if rng.random() < 0.3:
        x = float(rng.uniform(0.12, 0.88))
        height = float(rng.random() < 0.5)
        paint = {"skin": _pick(rng, _BALLOONS)}
        found.append(Actor("balloon", "balloon", {"height": _still(height)}, {"x": x}, paint))
    if setting == "street" and rng.random() < 0.55:
        x, y = float(rng.uniform(0.12, 0.88)), float(rng.uniform(0.08, 0.2))
        paint = {"skin": _pick(rng, _BIRDS)}
        found.append(Actor("bird", "bird", {"x": _still(x)}, {"y": y}, paint))
    return found


def _front(rng: Rng, setting: str) -> list[Actor]:
    pool = _FRONT[setting]
    kinds = [pool[i] for i in rng.permutation(len(pool))[: int(rng.integers(1, 3))]]
    taken: set[str] = set()
    found: list[Actor] = []
    for n, kind in enumerate(kinds):
        if kind != "ball" and any(actor.kind == kind for actor in found):
            continue
        found.append(_front_actor(rng, kind, f"{kind}{n}", taken))
    return found


def _front_actor(rng: Rng, kind: str, name: str, taken: set[str]) -> Actor:
    x = float(rng.uniform(0.15, 0.85))
    if kind == "ball":
        return _ball(rng, name, x, taken)
    if kind == "car":
        colour = _free(rng, CAR_COLOURS, taken)
        paint = {"skin": NAMED[colour]}
        look = {"heading": 1.0 if rng.random() < 0.5 else -1.0, "rate": _rate(rng)}
        return Actor(name, "car", {"x": _still(x)}, look, paint, colour)
    if kind == "dog":
        look = {"heading": 1.0 if rng.random() < 0.5 else -1.0, "rate": _rate(rng)}
        return Actor(name, "dog", {"x": _still(x)}, look, {"skin": _pick(rng, _DOGS)})
    speed = float(rng.uniform(70, 130)) * (1 if rng.random() < 0.5 else -1)
    return Actor(name, "box", {}, {"x": x, "degrees_per_s": speed})


def _ball(rng: Rng, name: str, x: float, taken: set[str]) -> Actor:
    colour = _free(rng, BALL_COLOURS, taken)
    size = 0.0 if rng.random() < 0.25 else 1.0
    look = {"radius": float(rng.uniform(0.06, 0.075)), "rate": _rate(rng)}
    tracks = {"x": _still(x), "size": _still(size)}
    return Actor(name, "ball", tracks, look, {"skin": NAMED[colour]}, colour)


def _door(rng: Rng, x: float, setting: str) -> Actor:
    handle = 1.0 if x < 0.4 else -1.0 if x > 0.6 else (1.0 if rng.random() < 0.5 else -1.0)
    spot = x + handle * (0.11 + 0.085)
    ajar = 1.0 if rng.random() < 0.3 else 0.0
    look = {"x": x, "handle": handle, "spot": spot, "street": float(setting == "street")}
    return Actor("door", "door", {"open": _still(ajar)}, look, {"skin": _pick(rng, _DOORS)})


def _prop(rng: Rng, kind: str, x: float) -> Actor:
    on = 1.0 if rng.random() < 0.4 else 0.0
    speed = float(rng.uniform(80, 150)) * (1 if rng.random() < 0.5 else -1)
    look = {"x": x, "rate": float(rng.uniform(0.75, 1.15)), "degrees_per_s": speed}
    prop = {"screen": "lit", "lamp": "lit", "signal": "green", "curtain": "open"}.get(kind)
    return Actor(kind, kind, {prop: _still(on)} if prop else {}, look)


def _person(rng: Rng) -> Actor:
    colour = _free(rng, PERSON_COLOURS, set())
    tracks = {"x": _still(float(rng.uniform(0.15, 0.85))), "sit": _still(0.0), "lie": _still(0.0)}
    look = {
        "heading": 1.0 if rng.random() < 0.5 else -1.0,
        "height": float(rng.uniform(0.42, 0.48)),
        "rate": _rate(rng),
    }
    paint = {
        "shirt": NAMED[colour],
        "trousers": _pick(rng, _TROUSERS),
        "skin": _pick(rng, _SKIN),
        "hair": _pick(rng, _HAIR),
    }
    return Actor("person", "person", tracks, look, paint, colour)


def _still(value: float) -> Track:
    return Track([0.0], [value])


def _rate(rng: Rng) -> float:
    """Swings per second of a repeated gesture: off the sampling clock, so two frames differ."""
    return float(rng.uniform(0.65, 0.95))


def _pick(rng: Rng, colours: tuple[Colour, ...]) -> Colour:
    base = colours[int(rng.integers(len(colours)))]
    shift = rng.integers(-12, 13, size=3)
    red, green, blue = (int(min(max(c + s, 0), 255)) for c, s in zip(base, shift, strict=True))
    return red, green, blue


def _free(rng: Rng, colours: tuple[str, ...], taken: set[str]) -> str:
    free = [colour for colour in colours if colour not in taken]
    colour = free[int(rng.integers(len(free)))]
    taken.add(colour)
    return colour
