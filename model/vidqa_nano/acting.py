"""What the actors do and when: fills the events and tracks of a scene's actors.

In: actors at rest, a duration, a random generator. Out: the same actors with events whose tracks
make them visible. An actor waits, acts, waits; every action starts and ends on a tenth of a
second inside the video, and the property it changes moves evenly from its start to its end.
"""

from __future__ import annotations

from collections.abc import Callable

from vidqa_nano.phrases import BY_NAME
from vidqa_nano.world import Actor, Event, Rng, tenth

SPOT = 0.012
"""How near, in frame widths, a person must be to the door to reach its handle."""


class Stage:
    """The clock of one actor: hands out the next slot of time and writes the event down."""

    def __init__(self, actor: Actor, duration_s: float, rng: Rng) -> None:
        self.actor, self.duration_s, self.rng = actor, duration_s, rng
        self.now_s = tenth(rng.uniform(0.3, min(6.0, 0.3 * duration_s)))

    def slot(self, kind: str, seconds: float | None = None) -> Event | None:
        """An event of ``kind`` from now on, or None when it does not fit any more."""
        low, high = BY_NAME[kind].seconds
        length_s = tenth(self.rng.uniform(low, high) if seconds is None else seconds)
        end_s = tenth(self.now_s + length_s)
        if end_s > self.duration_s - 0.3:
            return None
        event = Event(self.now_s, end_s, kind, self.actor.name, self.actor.colour)
        self.actor.events.append(event)
        self.now_s = end_s
        return event

    def wait(self, low_s: float, high_s: float) -> None:
        """Rest for a while."""
        self.now_s = tenth(self.now_s + self.rng.uniform(low_s, high_s))

    def change(self, kind: str, prop: str, value: float) -> Event | None:
        """An event that moves ``prop`` to ``value``."""
        event = self.slot(kind)
        if event:
            self.actor.tracks[prop].move(event.start_s, event.end_s, value)
        return event

    def travel(self, left: str, right: str, x: float, speed: float) -> Event | None:
        """A move to ``x`` at about ``speed`` frame widths per second, named by its direction."""
        track = self.actor.tracks["x"]
        kind = right if x > track.last else left
        low, high = BY_NAME[kind].seconds
        event = self.slot(kind, min(max(abs(x - track.last) / speed, low), high))
        if event:
            track.move(event.start_s, event.end_s, x)
        return event


def far_x(rng: Rng, x: float, low: float, high: float, least: float) -> float:
    """A place in ``[low, high]`` at least ``least`` from ``x``."""
    while True:
        there = float(rng.uniform(low, high))
        if abs(there - x) >= least:
            return there


def perform(actor: Actor, duration_s: float, rng: Rng, *, door: Actor | None = None) -> None:
    """Let ``actor`` act until the video ends."""
    stage = Stage(actor, duration_s, rng)
    if actor.kind == "person":
        step: Callable[[Stage], Event | None] = PersonMind(door)
    else:
        step = STEPS[actor.kind]
    while stage.now_s < duration_s - 2.0:
        if step(stage) is None:
            break
        stage.wait(0.8, 6.0)


class PersonMind:
    """Chooses what the person does next from the pose, the place and the door."""

    def __init__(self, door: Actor | None) -> None:
        self.door = door

    def __call__(self, stage: Stage) -> Event | None:
        tracks = stage.actor.tracks
        if tracks["lie"].last > 0:
            return stage.change("person_gets_up", "lie", 0.0)
        if tracks["sit"].last > 0:
            return self._seated(stage)
        return self._standing(stage)

    def _seated(self, stage: Stage) -> Event | None:
        if stage.rng.random() < 0.25:
            return stage.slot("person_waves")
        return stage.change("person_stands_up", "sit", 0.0)

    def _standing(self, stage: Stage) -> Event | None:
        draw = stage.rng.random()
        if self.door is not None and draw < 0.45:
            return self._use_door(stage, self.door)
        action = stage.rng.choice(["walk", "walk", "jump", "wave", "sit", "fall"])
        if action == "walk":
            x = far_x(stage.rng, stage.actor.tracks["x"].last, 0.12, 0.88, 0.22)
            return _walk(stage, x)
        if action == "sit":
            return stage.change("person_sits_down", "sit", 1.0)
        if action == "fall":
            return stage.change("person_falls_down", "lie", 1.0)
        return stage.slot("person_jumps" if action == "jump" else "person_waves")

    def _use_door(self, stage: Stage, door: Actor) -> Event | None:
        spot = door.look["spot"]
        if abs(stage.actor.tracks["x"].last - spot) > SPOT:
            if _walk(stage, spot) is None:
                return None
            stage.wait(0.2, 0.9)
        ajar = door.tracks["open"]
        closing = ajar.last > 0
        event = stage.slot("person_closes_door" if closing else "person_opens_door")
        if event:
            reach_s = min(0.15 * (event.end_s - event.start_s), 0.4)
            ajar.move(event.start_s + reach_s, event.end_s, 0.0 if closing else 1.0)
        return event


def _walk(stage: Stage, x: float) -> Event | None:
    speed = float(stage.rng.uniform(0.11, 0.22))
    return stage.travel("person_walks_left", "person_walks_right", x, speed)


def _ball(stage: Stage) -> Event | None:
    tracks = stage.actor.tracks
    size = tracks["size"].last
    if size == 0:
        return stage.change("ball_appears", "size", 1.0)
    draw = stage.rng.random()
    if draw < 0.35:
        x = far_x(stage.rng, tracks["x"].last, 0.1, 0.9, 0.28)
        speed = float(stage.rng.uniform(0.13, 0.28))
        return stage.travel("ball_rolls_left", "ball_rolls_right", x, speed)
    if draw < 0.52:
        return stage.slot("ball_bounces")
    if size > 1:
        return stage.change("ball_shrinks", "size", 1.0)
    if draw < 0.78:
        return stage.change("ball_disappears", "size", 0.0)
    return stage.change("ball_grows", "size", 1.9)


def _car(stage: Stage) -> Event | None:
    if stage.rng.random() < 0.3:
        return stage.slot("car_flashes_lights")
    x = far_x(stage.rng, stage.actor.tracks["x"].last, 0.18, 0.82, 0.28)
    speed = float(stage.rng.uniform(0.13, 0.3))
    return stage.travel("car_drives_left", "car_drives_right", x, speed)


def _bird(stage: Stage) -> Event | None:
    x = far_x(stage.rng, stage.actor.tracks["x"].last, 0.1, 0.9, 0.3)
    return stage.travel(
        "bird_flies_left", "bird_flies_right", x, float(stage.rng.uniform(0.13, 0.3))
    )


def _dog(stage: Stage) -> Event | None:
    if stage.rng.random() < 0.3:
        return stage.slot("dog_jumps")
    x = far_x(stage.rng, stage.actor.tracks["x"].last, 0.12, 0.88, 0.28)
    return stage.travel("dog_runs_left", "dog_runs_right", x, float(stage.rng.uniform(0.15, 0.32)))


def _toggle(prop: str, up: str, down: str) -> Callable[[Stage], Event | None]:
    def step(stage: Stage) -> Event | None:
        high = stage.actor.tracks[prop].last > 0.5
        return stage.change(down if high else up, prop, 0.0 if high else 1.0)

    return step


def _lamp(stage: Stage) -> Event | None:
    if stage.rng.random() < 0.3:
        return stage.slot("lamp_blinks")
    return _toggle("lit", "lamp_turns_on", "lamp_turns_off")(stage)


def _one(kind: str) -> Callable[[Stage], Event | None]:
    def step(stage: Stage) -> Event | None:
        return stage.slot(kind)

    return step


def _weather(stage: Stage) -> Event | None:
    return stage.slot("weather_snow" if stage.actor.look["snow"] else "weather_rain")


STEPS: dict[str, Callable[[Stage], Event | None]] = {
    "ball": _ball,
    "car": _car,
    "bird": _bird,
    "dog": _dog,
    "lamp": _lamp,
    "box": _one("box_spins"),
    "fan": _one("fan_spins"),
    "weather": _weather,
    "balloon": _toggle("height", "balloon_rises", "balloon_sinks"),
    "screen": _toggle("lit", "screen_turns_on", "screen_turns_off"),
    "signal": _toggle("green", "signal_turns_green", "signal_turns_red"),
    "curtain": _toggle("open", "curtain_opens", "curtain_closes"),
    "daylight": _toggle("bright", "daylight_returns", "daylight_fades"),
}
