"""What a person can do next, by pose, by what is in the hand, by the place and the door."""

from __future__ import annotations

from collections.abc import Sequence

from vidqa_nano.acting import Move, Stage
from vidqa_nano.minds import SPOT, does, roam, turns
from vidqa_nano.world import Actor, Event

BAG, UMBRELLA = 1.0, 2.0
"""What ``look["holds"]`` says a person has; 0 is nothing."""
_GESTURES = (
    "person_waves",
    "person_bows",
    "person_jumps",
    "person_raises_arms",
    "person_points_left",
    "person_points_right",
)


class PersonMind:
    """The mind of a person; ``door`` is the one that this person may use."""

    def __init__(self, door: Actor | None) -> None:
        self.door = door

    def __call__(self, stage: Stage) -> Sequence[Move]:
        state = {name: track.last for name, track in stage.actor.tracks.items()}
        if state["lie"]:
            return [turns("person_gets_up", "lie", 0.0)]
        if state["sit"]:
            up = turns("person_stands_up", "sit", 0.0, 3.0)
            return [up, does("person_waves", 0.7), does("person_raises_arms", 0.7)]
        if state["umbrella"]:
            return [*self._walks(stage), turns("person_closes_umbrella", "umbrella", 0.0, 3.0)]
        return self._standing(stage, stage.actor.look["holds"], state["bag"])

    def _standing(self, stage: Stage, holds: float, bag: float) -> Sequence[Move]:
        if holds == BAG and not bag:
            return [turns("person_picks_up_bag", "bag", 1.0), does("person_waves", 0.4)]
        moves = [*self._walks(stage), *self._door(stage), *map(does, _GESTURES)]
        if holds == BAG:
            return [*moves, turns("person_puts_down_bag", "bag", 0.0, 3.0)]
        if holds == UMBRELLA:
            return [*moves, turns("person_opens_umbrella", "umbrella", 1.0, 4.0)]
        return [
            *moves,
            turns("person_sits_down", "sit", 1.0, 1.3),
            turns("person_falls_down", "lie", 1.0, 1.3),
        ]

    def _walks(self, stage: Stage) -> list[Move]:
        return roam(stage, "person_walks", 0.12, 0.88, 0.22, (0.11, 0.22))

    def _door(self, stage: Stage) -> list[Move]:
        if self.door is None:
            return []
        closing = self.door.tracks["open"].last > 0
        kind = "person_closes_door" if closing else "person_opens_door"
        return [Move(kind, self._use_door, 5.0)]

    def _use_door(self, stage: Stage) -> Event | None:
        if self.door is None or not self._reach(stage, self.door.look["spot"]):
            return None
        ajar = self.door.tracks["open"]
        closing = ajar.last > 0
        event = stage.slot("person_closes_door" if closing else "person_opens_door")
        if event:
            reach_s = min(0.15 * (event.end_s - event.start_s), 0.4)
            ajar.move(event.start_s + reach_s, event.end_s, 0.0 if closing else 1.0)
        return event

    def _reach(self, stage: Stage, spot: float) -> bool:
        """Whether the person stands at the handle, if need be after walking there."""
        x = stage.actor.tracks["x"].last
        if abs(x - spot) <= SPOT:
            return True
        kind = "person_walks_left" if spot < x else "person_walks_right"
        walk = stage.travel(kind, spot, float(stage.rng.uniform(0.11, 0.22)))
        stage.wait(0.2, 0.9)
        return walk is not None
