"""Puts actors on a set: who is there, where, how they look.

In: a random generator and a setting. Out: actors at rest, which :mod:`vidqa_nano.directing` tells
to act, and the colours of the set.
"""

from __future__ import annotations

from collections.abc import Mapping

from vidqa_nano.person_mind import BAG, UMBRELLA
from vidqa_nano.phrases import BALL_COLOURS, CAR_COLOURS, NUMBERS, PERSON_COLOURS
from vidqa_nano.world import Actor, Colour, Rng, Track

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
_CATS = ((244, 146, 40), (250, 170, 80))
_BALLOONS = ((224, 70, 120), (250, 140, 40), (130, 80, 200))
_BIRDS = ((50, 54, 66), (90, 70, 60), (70, 80, 110))

_WALL_PROPS = {
    "room": ("screen", "curtain", "lamp", "fan", "number", "fire"),
    "street": ("signal", "lamp", "flag", "fountain", "smoke", "number"),
}
_FRONT = {
    "room": ("ball", "ball", "box", "dog", "cat"),
    "street": ("car", "car", "ball", "dog", "cat", "box"),
}
_STATES = {
    "screen": "lit",
    "lamp": "lit",
    "signal": "green",
    "curtain": "open",
    "number": "shown",
    "flag": "up",
}


def cast(rng: Rng, setting: str, *, twins: bool = False) -> list[Actor]:
    """The actors of a scene at rest, farthest first; ``twins`` asks for two of a colourful kind."""
    slots = [0.19, 0.5, 0.81]
    places = [slots[i] + float(rng.uniform(-0.03, 0.03)) for i in rng.permutation(3)]
    actors: list[Actor] = []
    if rng.random() < 0.3:
        actors.append(Actor("daylight", "daylight", {"bright": _still(rng.random() < 0.8)}))
    if rng.random() < 0.7:
        actors.append(_door(rng, places.pop(), setting))
    props = _WALL_PROPS[setting]
    chosen = rng.permutation(len(props))[: int(rng.integers(1, len(places) + 1))]
    actors += [_prop(rng, props[i], places.pop()) for i in chosen]
    actors += _airborne(rng, setting)
    pair = rng.choice(["person", "ball", "car" if setting == "street" else "ball"])
    actors += _people(rng, two=rng.random() < 0.35 or (twins and pair == "person"))
    actors += _front(rng, setting, str(pair) if twins else "")
    if setting == "street" and rng.random() < 0.4:
        snow = float(rng.random() < 0.5)
        actors.append(Actor("weather", "weather", {}, {"snow": snow}))
    return actors


def paint_set(rng: Rng) -> dict[str, Colour]:
    """The colours of a set."""
    return {
        "wall": _pick(rng, _WALLS),
        "floor": _pick(rng, _FLOORS),
        "sky": _pick(rng, _SKIES),
        "house": _pick(rng, _HOUSES),
    }


def _airborne(rng: Rng, setting: str) -> list[Actor]:
    found: list[Actor] = []
    if rng.random() < 0.25:
        x = float(rng.uniform(0.12, 0.88))
        height = float(rng.random() < 0.5)
        paint = {"skin": _pick(rng, _BALLOONS)}
        found.append(Actor("balloon", "balloon", {"height": _still(height)}, {"x": x}, paint))
    if setting == "street" and rng.random() < 0.6:
        x, y = float(rng.uniform(0.12, 0.88)), float(rng.uniform(0.08, 0.2))
        paint = {"skin": _pick(rng, _BIRDS)}
        tracks = {"x": _still(x), "down": _still(rng.random() < 0.35)}
        look = {"y": y, "heading": 1.0 if rng.random() < 0.5 else -1.0}
        found.append(Actor("bird", "bird", tracks, look, paint))
    return found


def _people(rng: Rng, *, two: bool) -> list[Actor]:
    if not two and rng.random() < 0.12:
        return []
    taken: set[str] = set()
    if not two:
        return [_person(rng, "person0", float(rng.uniform(0.15, 0.85)), taken)]
    left, right = float(rng.uniform(0.14, 0.4)), float(rng.uniform(0.6, 0.86))
    spots = (left, right) if rng.random() < 0.5 else (right, left)
    return [_person(rng, f"person{n}", x, taken) for n, x in enumerate(spots)]


def _front(rng: Rng, setting: str, pair: str) -> list[Actor]:
    pool = _FRONT[setting]
    kinds = [pool[i] for i in rng.permutation(len(pool))[: int(rng.integers(1, 4))]]
    if pair in ("ball", "car"):
        kinds = [pair, pair, *kinds[:1]]
    xs = [0.2, 0.5, 0.8]
    places = [xs[i] + float(rng.uniform(-0.06, 0.06)) for i in rng.permutation(3)]
    taken: dict[str, set[str]] = {}
    return [
        _front_actor(rng, kind, f"{kind}{n}", places[n], taken.setdefault(kind, set()))
        for n, kind in enumerate(kinds)
    ]


def _front_actor(rng: Rng, kind: str, name: str, x: float, taken: set[str]) -> Actor:
    look = {"x": x, "heading": 1.0 if rng.random() < 0.5 else -1.0, "rate": _rate(rng)}
    if kind == "ball":
        return _ball(rng, name, x, taken)
    if kind == "car":
        colour = _free(rng, CAR_COLOURS, taken)
        tracks = {"x": _still(x), "hood": _still(rng.random() < 0.2)}
        return Actor(name, "car", tracks, look, {"skin": NAMED[colour]}, colour)
    if kind == "dog":
        tracks = {"x": _still(x), "sit": _still(rng.random() < 0.25)}
        return Actor(name, "dog", tracks, look, {"skin": _pick(rng, _DOGS)})
    if kind == "cat":
        return Actor(name, "cat", {"x": _still(x)}, look, {"skin": _pick(rng, _CATS)})
    speed = float(rng.uniform(70, 130)) * look["heading"]
    return Actor(name, "box", {}, look | {"degrees_per_s": speed})


def _ball(rng: Rng, name: str, x: float, taken: set[str]) -> Actor:
    colour = _free(rng, BALL_COLOURS, taken)
    size = float(rng.choice([0.0, 1.0, 1.9], p=[0.25, 0.6, 0.15]))
    look = {"radius": float(rng.uniform(0.06, 0.075)), "rate": _rate(rng)}
    tracks = {"x": _still(x), "size": _still(size)}
    return Actor(name, "ball", tracks, look, {"skin": NAMED[colour]}, colour)


def _door(rng: Rng, x: float, setting: str) -> Actor:
    handle = 1.0 if x < 0.4 else -1.0 if x > 0.6 else (1.0 if rng.random() < 0.5 else -1.0)
    spot = x + handle * (0.11 + 0.085)
    look = {"x": x, "handle": handle, "spot": spot, "street": float(setting == "street")}
    tracks = {"open": _still(rng.random() < 0.45)}
    return Actor("door", "door", tracks, look, {"skin": _pick(rng, _DOORS)})


def _prop(rng: Rng, kind: str, x: float) -> Actor:
    on = rng.random() < 0.4
    speed = float(rng.uniform(80, 150)) * (1 if rng.random() < 0.5 else -1)
    look = {"x": x, "rate": float(rng.uniform(0.75, 1.15)), "degrees_per_s": speed}
    tracks = {_STATES[kind]: _still(on)} if kind in _STATES else {}
    number = _free(rng, NUMBERS, set()) if kind == "number" else None
    return Actor(kind, kind, tracks, look, colour=number)


def _person(rng: Rng, name: str, x: float, taken: set[str]) -> Actor:
    colour = _free(rng, PERSON_COLOURS, taken)
    holds = float(rng.choice([0.0, BAG, UMBRELLA], p=[0.52, 0.26, 0.22]))
    tracks = {prop: _still(False) for prop in ("sit", "lie", "umbrella", "bag")}
    tracks["x"] = _still(x)
    if holds == 0.0 and rng.random() < 0.15:
        tracks["sit" if rng.random() < 0.5 else "lie"] = _still(True)
    if holds == BAG:
        tracks["bag"] = _still(rng.random() < 0.7)
    if holds == UMBRELLA:
        tracks["umbrella"] = _still(rng.random() < 0.3)
    look = {
        "heading": 1.0 if rng.random() < 0.5 else -1.0,
        "height": float(rng.uniform(0.42, 0.48)),
        "rate": _rate(rng),
        "holds": holds,
        "hand": 1.0 if rng.random() < 0.5 else -1.0,
    }
    paint = {
        "shirt": NAMED[colour],
        "trousers": _pick(rng, _TROUSERS),
        "skin": _pick(rng, _SKIN),
        "hair": _pick(rng, _HAIR),
    }
    return Actor(name, "person", tracks, look, paint, colour)


def _still(value: float | bool) -> Track:
    return Track([0.0], [float(value)])


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
