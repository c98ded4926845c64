"""When the actors act: gives each its share of time and writes its events down.

In: actors at rest, a duration, a random generator. Out: the same actors with events whose tracks
make them visible. An actor waits, acts, waits; every action starts and ends on a tenth of a
second inside the video, and the property it changes moves evenly from its start to its end. What
an actor can do next is told by :mod:`vidqa_nano.minds`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vidqa_nano.phrases import BY_NAME
from vidqa_nano.world import Actor, Event, Rng, tenth

Pairs = frozenset[tuple[str, str | None]]
"""Kinds and colours of events that must not happen."""

HABIT = 0.3
"""How often an actor does again what it did last, when it can."""
_TYPICAL_S, _MARGIN_S = 3.2, 0.3


class Stage:
    """The clock of one actor: hands out the next slot of time and writes the event down."""

    def __init__(self, actor: Actor, duration_s: float, rng: Rng, times: int) -> None:
        self.actor, self.duration_s, self.rng = actor, duration_s, rng
        free_s = max(0.9 * (duration_s - _TYPICAL_S * times), 0.4 * times)
        shares = rng.uniform(0.15, 1.0, size=times + 1)
        self._waits = [max(float(w), 0.5) for w in free_s * shares / shares.sum()]
        self.now_s = tenth(max(_MARGIN_S, self._waits.pop()))

    def slot(self, kind: str, seconds: float | None = None) -> Event | None:
        """An event of ``kind`` from now on, or None when it does not fit any more."""
        low, high = BY_NAME[kind].seconds
        room_s = self.duration_s - _MARGIN_S - self.now_s
        if room_s < low:
            return None
        length_s = float(self.rng.uniform(low, high)) if seconds is None else seconds
        end_s = tenth(self.now_s + min(length_s, room_s) - 0.04)
        event = Event(self.now_s, end_s, kind, self.actor.name, self.actor.colour)
        self.actor.events.append(event)
        self.now_s = end_s
        return event

    def wait(self, low_s: float, high_s: float) -> None:
        """Rest for a short while."""
        self.now_s = tenth(self.now_s + self.rng.uniform(low_s, high_s))

    def rest(self) -> None:
        """Rest until the next action."""
        self.now_s = tenth(self.now_s + (self._waits.pop() if self._waits else 0.6))

    def change(self, kind: str, prop: str, value: float) -> Event | None:
        """An event that moves ``prop`` to ``value``."""
        event = self.slot(kind)
        if event:
            self.actor.tracks[prop].move(event.start_s, event.end_s, value)
        return event

    def travel(self, kind: str, x: float, speed: float) -> Event | None:
        """A move to ``x`` at about ``speed`` frame widths per second."""
        track = self.actor.tracks["x"]
        low, high = BY_NAME[kind].seconds
        event = self.slot(kind, min(max(abs(x - track.last) / speed, low), high))
        if event:
            track.move(event.start_s, event.end_s, x)
        return event


@dataclass(frozen=True, slots=True)
class Move:
    """Something an actor can do next."""

    kind: str
    do: Callable[[Stage], Event | None]
    """Returns None when there is no time left for it."""
    weight: float = 1.0


Mind = Callable[[Stage], Sequence[Move]]
"""What the actor of a stage can do next."""


def perform(actor: Actor, stage: Stage, mind: Mind, times: int, barred: Pairs) -> None:
    """Let ``actor`` act ``times`` times, or as often as there is time for."""
    last = ""
    for _ in range(times):
        moves = [move for move in mind(stage) if (move.kind, actor.colour) not in barred]
        if not moves:
            return
        move = _choose(moves, last, stage.rng)
        if move.do(stage) is None:
            return
        last = move.kind
        stage.rest()


def _choose(moves: Sequence[Move], last: str, rng: Rng) -> Move:
    again = [move for move in moves if move.kind == last]
    if again and rng.random() < HABIT:
        return again[0]
    weights = [move.weight for move in moves]
    total = sum(weights)
    return moves[int(rng.choice(len(moves), p=[weight / total for weight in weights]))]
